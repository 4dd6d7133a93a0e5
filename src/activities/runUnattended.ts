import type { ScriptRun, UnattendedScript } from '../appliance/port';
import type { Azure, RunCommandShown } from '../azure/ports';
import type { Later, Outcome, Refused } from '../domain/outcome';
import type { Unattended } from '../domain/profile';
import type { activities, HandlerOf, ScriptResult, UnattendedJob, UnattendedResult } from './contracts';
import { orOutcome } from './orOutcome';
import { KEPT_BYTES, runCommandStep, TIMEOUT_SECONDS, wasCutShort } from './runCommandStep';
import { readAnswers, stopped, toScriptResult } from './script';

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

/** One step of the set-up script as a run command, up to the reading of its end. */
export const makeRunUnattended =
  (azure: Azure, script: UnattendedScript): HandlerOf<typeof activities.runUnattended> =>
  (job) =>
    orOutcome(() => step(azure, script, job));

async function step(azure: Azure, script: UnattendedScript, job: UnattendedJob): Promise<UnattendedResult> {
  const { unattended } = job.script;
  if (!unattended) return notUnattended;
  // Every answer goes as a protected parameter.
  const answer = await runCommandStep(azure, job, notDoneRemedy, async () => {
    const { text, environment } = script.begin(unattended, await readAnswers(azure, job), job.again);
    return { script: text, secrets: environment };
  });
  return answer.kind === 'over' ? ended(azure, script, job, unattended, answer.shown) : answer;
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
  if (!wasCutShort(shown)) {
    const isUnknown = unattended.again !== undefined && again === undefined;
    return { kind: 'ended', result: isUnknown && run.kind === 'failed' ? beginningLost(run) : toScriptResult(run) };
  }
  const reason = `Azure ended the set-up script (${shown.state}) after at most ${TIMEOUT_SECONDS / 60} minutes`;
  return { kind: 'ended', result: stopped('ScriptNotDone', reason, notDoneRemedy, run.transcript) };
}
const beginningLost = ({ reason, transcript }: Extract<ScriptRun, { kind: 'failed' }>): ScriptResult =>
  stopped(
    'ScriptFailed',
    reason,
    `Azure kept only the last ${KEPT_BYTES} bytes of what it said, so it is not known whether it asked about an earlier set-up first. If the appliance was set up before, ask for configuration ssh or manual; if not, see there what the script objects to, and mend it. Then send the same request again.`,
    transcript,
  );
const notDoneRemedy =
  'The script may have asked what the profile has no answer for: see the transcript, mend script.unattended, or ask for configuration ssh. Then send the same request again.';

const notUnattended: Refused = {
  kind: 'refused',
  code: 'NotUnattended',
  reason: 'The profile does not say how its script is answered without a terminal',
  remedy:
    'Add script.unattended to the profile (docs/profiles.md, Unattended), or ask for configuration ssh or manual.',
};
