import { Conversation, constants, runOf } from '../appliance/conversation';
import type { Answers } from '../appliance/port';
import { AzureError, type Azure, type RunCommandShown } from '../azure/ports';
import type { Later, Outcome, Refused } from '../domain/outcome';
import type { Unattended } from '../domain/profile';
import { OWNER_TAG } from '../domain/resources';
import type { activities, HandlerOf, ScriptResult, UnattendedJob, UnattendedResult } from './contracts';
import { readAnswers, stopped, toScriptResult } from './script';

/** Which attempt a run command is of. */
const ATTEMPT_TAG = 'sentry-attempt';
const POLL_SECONDS = 10;
/** The script takes a minute or two; Azure would let it hang for 90. */
const TIMEOUT_SECONDS = 900;
/** Azure keeps the end of each stream. */
const KEPT_BYTES = 4_096;

const orOutcome = async <T>(work: () => Promise<T>): Promise<T | Later | Refused> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AzureError) return error.outcome;
    throw error;
  }
};
const DONE: Outcome = { kind: 'done', change: 'kept', ours: true, outputs: {} };

/** Whether the VM's agent can be given a script. One that has just booted takes a few minutes to report. */
export const makeCheckAgent =
  ({ runCommands }: Azure): HandlerOf<typeof activities.checkAgent> =>
  ({ vmId }) =>
    orOutcome(async () => {
      const { ready, says } = await runCommands.agent(vmId);
      return ready ? DONE : noAgent(says);
    });

const noAgent = (says: string): Later => ({
  kind: 'later',
  code: 'NoAgent',
  reason: `The VM's agent is not ready, so no run command can reach it: Azure hears '${says}'`,
  remedy:
    'See that the VM runs and may go out to Azure on 443. If its image has no agent, ask for configuration ssh or manual.',
  seconds: 30,
  patienceSeconds: 900,
});

/**
 * One step of the set-up script as a run command: begins it where it was not begun, looks at it where it was, and reads
 * its end. Safe to run twice: a run command bears its attempt, and one of another attempt is taken away first.
 */
export const makeRunUnattended =
  (azure: Azure): HandlerOf<typeof activities.runUnattended> =>
  (job) =>
    orOutcome(() => step(azure, job));

async function step(azure: Azure, job: UnattendedJob): Promise<UnattendedResult> {
  const { unattended } = job.script;
  if (!unattended) return notUnattended;
  if (job.operation !== undefined) {
    const state = await azure.operations.poll(job.operation);
    if (state.status === 'running') return running(job.operation, state.seconds);
    if (state.status === 'failed') return state.outcome;
  }
  const shown = await azure.runCommands.get(job.id);
  if (!shown) return job.operation === undefined ? begin(azure, job, unattended) : notShownYet;
  if (shown.tags[ATTEMPT_TAG] !== job.attempt) {
    await azure.runCommands.delete(job.id);
    return leftOver;
  }
  if (['Pending', 'Running', 'Unknown'].includes(shown.state)) return stillRuns(shown.state);
  return ended(shown, job, unattended, await readAnswers(azure, job));
}

/** Each answer is an environment variable out of a protected parameter, and stands ready on the script's input. */
async function begin(azure: Azure, job: UnattendedJob, unattended: Unattended): Promise<UnattendedResult> {
  const answers: Answers = { ...constants, ...(await readAnswers(azure, job)) };
  const keys = [...(job.again ? (unattended.again?.answers ?? []) : []), ...unattended.answers];
  const given = keys.flatMap((key) => {
    const answer = answers[key];
    return answer === undefined ? [] : [[`ANSWER_${key.toUpperCase()}`, answer] as const];
  });
  const words = given.map(([name]) => `"$${name}"`).join(' ');
  const { operation, seconds } = await azure.runCommands.put(job.id, {
    location: job.location,
    tags: { [OWNER_TAG]: job.deployment, [ATTEMPT_TAG]: job.attempt },
    script: `printf '%s\\n' ${words} | ${unattended.command}`,
    secrets: Object.fromEntries(given),
    timeoutSeconds: TIMEOUT_SECONDS,
  });
  return operation === undefined ? stillRuns('Pending') : running(operation, seconds);
}

function ended(shown: RunCommandShown, job: UnattendedJob, unattended: Unattended, answers: Answers): UnattendedResult {
  const conversation = new Conversation(job.script, answers, []);
  for (const text of [shown.output, shown.error]) conversation.hear(wholeLines(text));
  const again = unattended.again && new RegExp(unattended.again.match, 'i').test(shown.output);
  if (again !== undefined && again !== job.again && !isCut(shown.output)) return { kind: 'otherwise', again };
  return { kind: 'ended', result: resultOf(shown, conversation) };
}

function resultOf({ state, exitCode }: RunCommandShown, conversation: Conversation): ScriptResult {
  if (state === 'TimedOut' || state === 'Canceled') {
    const reason = `Azure ended the set-up script (${state}) after at most ${TIMEOUT_SECONDS / 60} minutes`;
    return stopped('ScriptNotDone', reason, notDoneRemedy, conversation.transcript());
  }
  const verdict = conversation.over(exitCode);
  if (verdict.kind === 'cut') throw new Error('A run command that has ended has an exit code.');
  if (verdict.kind !== 'configured' || exitCode === 0) return toScriptResult(runOf(verdict, conversation));
  const reason = `the script said that it was done and ended with ${exitCode}`;
  return toScriptResult(runOf({ kind: 'failed', reason }, conversation));
}
const notDoneRemedy =
  'The script may have asked what the profile has no answer for: see the transcript, mend script.unattended, or ask for configuration ssh. Then send the same request again.';

const isCut = (text: string): boolean => Buffer.byteLength(text) >= KEPT_BYTES;
/** Where the beginning was cut off, so was perhaps half of a secret: its line goes too. */
const wholeLines = (text: string): string => (isCut(text) ? text.slice(text.indexOf('\n') + 1) : text);

/** Takes the run command away; done once Azure has taken that on. */
export const makeRemoveRunCommand =
  ({ runCommands }: Azure): HandlerOf<typeof activities.removeRunCommand> =>
  ({ id }) =>
    orOutcome(async () => {
      if (await runCommands.get(id)) await runCommands.delete(id);
      return DONE;
    });

const running = (operation: string, seconds = POLL_SECONDS): UnattendedResult => ({
  kind: 'running',
  operation,
  seconds,
  change: 'created',
});
const later = (code: string, reason: string, remedy: string, patienceSeconds: number): Later => ({
  kind: 'later',
  code,
  reason,
  remedy,
  seconds: POLL_SECONDS,
  patienceSeconds,
});
const stillRuns = (state: string): Later =>
  later(
    'ScriptNotDone',
    `Azure says of the run command: ${state}`,
    notDoneRemedy,
    // Azure ends it before; this is for an Azure that does not say so.
    TIMEOUT_SECONDS * 2,
  );
const notShownYet = later(
  'NotShownYet',
  'Azure took the run command and does not show it yet',
  'Send the same request again in a few minutes.',
  900,
);
const leftOver = later(
  'RunCommandLeftOver',
  'A run command of an earlier attempt does not go away',
  'Remove the run command sentry-setup of the VM by hand, then send the same request again.',
  900,
);
const notUnattended: Refused = {
  kind: 'refused',
  code: 'NotUnattended',
  reason: 'The profile does not say how its script is answered without a terminal',
  remedy: 'Add script.unattended to the profile, or ask for configuration ssh or manual.',
};
