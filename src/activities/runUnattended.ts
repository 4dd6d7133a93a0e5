import type { UnattendedScript } from '../appliance/port';
import { AzureError, type Azure, type RunCommandShown } from '../azure/ports';
import type { Later, Outcome, Refused } from '../domain/outcome';
import type { Unattended } from '../domain/profile';
import { OWNER_TAG } from '../domain/resources';
import type { activities, HandlerOf, UnattendedJob, UnattendedResult } from './contracts';
import { readAnswers, stopped, toScriptResult } from './script';

/** Which attempt a run command is of. */
const ATTEMPT_TAG = 'sentry-attempt';
const POLL_SECONDS = 10;
/** The script takes a minute or two; Azure would let it hang for 90. */
const TIMEOUT_SECONDS = 900;

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
  (azure: Azure, script: UnattendedScript): HandlerOf<typeof activities.runUnattended> =>
  (job) =>
    orOutcome(() => step(azure, script, job));

async function step(azure: Azure, script: UnattendedScript, job: UnattendedJob): Promise<UnattendedResult> {
  const { unattended } = job.script;
  if (!unattended) return notUnattended;
  if (job.operation !== undefined) {
    const state = await azure.operations.poll(job.operation);
    if (state.status === 'running') return running(job.operation, state.seconds);
    if (state.status === 'failed') return state.outcome;
  }
  const shown = await azure.runCommands.get(job.id);
  if (!shown) {
    // What Azure has taken and does not show yet is waited for: to put it again would be to run it again.
    return job.operation === undefined ? begin(azure, script, job, unattended) : running(job.operation);
  }
  if (shown.tags[ATTEMPT_TAG] !== job.attempt) {
    await azure.runCommands.delete(job.id);
    return leftOver;
  }
  if (['Pending', 'Running', 'Unknown'].includes(shown.state)) return stillRuns(shown.state);
  return ended(azure, script, job, unattended, shown);
}

/** Every answer goes as a protected parameter, which is a variable of the script's environment, and shown to nobody. */
async function begin(
  azure: Azure,
  script: UnattendedScript,
  job: UnattendedJob,
  unattended: Unattended,
): Promise<UnattendedResult> {
  const { text, environment } = script.begin(unattended, await readAnswers(azure, job), job.again);
  const { operation, seconds } = await azure.runCommands.put(job.id, {
    location: job.location,
    tags: { [OWNER_TAG]: job.deployment, [ATTEMPT_TAG]: job.attempt },
    script: text,
    secrets: environment,
    timeoutSeconds: TIMEOUT_SECONDS,
  });
  return operation === undefined ? stillRuns('Pending') : running(operation, seconds);
}

async function ended(
  azure: Azure,
  script: UnattendedScript,
  job: UnattendedJob,
  unattended: Unattended,
  shown: RunCommandShown,
): Promise<UnattendedResult> {
  const again = script.askedAgain(unattended, shown);
  if (again !== undefined && again !== job.again) return { kind: 'otherwise', again };
  const run = script.end(job.script, await readAnswers(azure, job), shown);
  if (shown.state !== 'TimedOut' && shown.state !== 'Canceled') return { kind: 'ended', result: toScriptResult(run) };
  const reason = `Azure ended the set-up script (${shown.state}) after at most ${TIMEOUT_SECONDS / 60} minutes`;
  return { kind: 'ended', result: stopped('ScriptNotDone', reason, notDoneRemedy, run.transcript) };
}
const notDoneRemedy =
  'The script may have asked what the profile has no answer for: see the transcript, mend script.unattended, or ask for configuration ssh. Then send the same request again.';

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
const stillRuns = (state: string): Later => ({
  kind: 'later',
  code: 'ScriptNotDone',
  reason: `Azure says of the run command: ${state}`,
  remedy: notDoneRemedy,
  seconds: POLL_SECONDS,
  // Azure ends it before; this is for an Azure that does not say so.
  patienceSeconds: TIMEOUT_SECONDS * 2,
});
const leftOver: Later = {
  kind: 'later',
  code: 'RunCommandLeftOver',
  reason: 'A run command of an earlier attempt does not go away',
  remedy: 'Remove the run command sentry-setup of the VM by hand, then send the same request again.',
  seconds: POLL_SECONDS,
  patienceSeconds: 900,
};
const notUnattended: Refused = {
  kind: 'refused',
  code: 'NotUnattended',
  reason: 'The profile does not say how its script is answered without a terminal',
  remedy: 'Add script.unattended to the profile, or ask for configuration ssh or manual.',
};
