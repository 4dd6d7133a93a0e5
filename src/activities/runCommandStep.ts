/** One step of any run command: begun where it was not begun, looked at where it was. */
import type { Azure, RunCommandShown } from '../azure/ports';
import type { Later, Outcome } from '../domain/outcome';
import { OWNER_TAG } from '../domain/resources';
import type { activities, CommandJob, HandlerOf, NotEnded } from './contracts';
import { orOutcome } from './orOutcome';

/** Which attempt a run command is of. */
const ATTEMPT_TAG = 'sentry-attempt';
const POLL_SECONDS = 10;
/** A script takes a minute or two; Azure would let it hang for 90. */
export const TIMEOUT_SECONDS = 900;
/** Azure keeps the end of each stream. */
export const KEPT_BYTES = 4_096;

/** `secrets` are variables of the script's environment, sent as protected parameters and shown to nobody. */
interface Command {
  readonly script: string;
  readonly secrets: Readonly<Record<string, string>>;
}

/**
 * Safe to run twice: a run command bears its attempt, and one of another attempt is taken away first. `remedy` is for a
 * script that does not end. Throws `AzureError`.
 */
export async function runCommandStep(
  { operations, runCommands }: Azure,
  job: CommandJob,
  remedy: string,
  command: () => Promise<Command>,
): Promise<NotEnded | { readonly kind: 'over'; readonly shown: RunCommandShown }> {
  if (job.operation !== undefined) {
    const state = await operations.poll(job.operation);
    if (state.status === 'running') return running(job.operation, state.seconds);
    if (state.status === 'failed') return state.outcome;
  }
  const shown = await runCommands.get(job.id);
  // What Azure has taken and does not show yet is waited for: to put it again would be to run it again.
  if (!shown && job.operation !== undefined) return running(job.operation);
  if (!shown) {
    const { operation, seconds } = await runCommands.put(job.id, {
      location: job.location,
      tags: { [OWNER_TAG]: job.deployment, [ATTEMPT_TAG]: job.attempt },
      ...(await command()),
      timeoutSeconds: TIMEOUT_SECONDS,
    });
    return operation === undefined ? stillRuns('Pending', remedy) : running(operation, seconds);
  }
  if (shown.tags[ATTEMPT_TAG] !== job.attempt) {
    await runCommands.delete(job.id);
    return leftOver(job.id);
  }
  if (['Pending', 'Running', 'Unknown'].includes(shown.state)) return stillRuns(shown.state, remedy);
  return { kind: 'over', shown };
}

/** Whether Azure ended it, and not the script itself. */
export const wasCutShort = ({ state }: RunCommandShown): boolean => state === 'TimedOut' || state === 'Canceled';

const DONE: Outcome = { kind: 'done', change: 'kept', ours: true, outputs: {} };

/** Takes the run command away; done once Azure has taken that on. */
export const makeRemoveRunCommand =
  ({ runCommands }: Azure): HandlerOf<typeof activities.removeRunCommand> =>
  ({ id }) =>
    orOutcome(async () => {
      if (await runCommands.get(id)) await runCommands.delete(id);
      return DONE;
    });

const running = (operation: string, seconds = POLL_SECONDS): NotEnded => ({
  kind: 'running',
  operation,
  seconds,
  change: 'created',
});
const stillRuns = (state: string, remedy: string): Later => ({
  kind: 'later',
  code: 'ScriptNotDone',
  reason: `Azure says of the run command: ${state}`,
  remedy,
  seconds: POLL_SECONDS,
  // Azure ends it before; this is for an Azure that does not say so.
  patienceSeconds: TIMEOUT_SECONDS * 2,
});
const leftOver = (id: string): Later => ({
  kind: 'later',
  code: 'RunCommandLeftOver',
  reason: 'A run command of an earlier attempt does not go away',
  remedy: `Remove the run command ${id.split('/').at(-1)} of the VM by hand, then send the same request again.`,
  seconds: POLL_SECONDS,
  patienceSeconds: 900,
});
