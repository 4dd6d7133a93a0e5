import type { Azure } from '../azure/ports';
import { collects } from '../domain/collecting';
import type { Later, Outcome } from '../domain/outcome';
import type { activities, HandlerOf } from './contracts';
import { orOutcome } from './orOutcome';

/** Azure Monitor shows a minute a few minutes after it is over, and a collector begins at its next round. */
const PATIENCE_SECONDS = 1_200;
const LOOK_SECONDS = 60;
const DAY_MS = 86_400_000;

/** Whether the appliance sends more than it did before a person said that it is set up. */
export const makeCheckCollecting =
  ({ metrics }: Azure): HandlerOf<typeof activities.checkCollecting> =>
  ({ vmId, since }) =>
    orOutcome(async (): Promise<Outcome> => {
      const confirmed = Date.parse(since);
      const now = Date.now();
      const seen = collects(await metrics.networkOut(vmId, confirmed - DAY_MS, now), confirmed, now);
      if (seen) return { kind: 'done', change: 'kept', ours: true, outputs: {} };
      return seen === undefined ? nothingToCompare : notCollecting;
    });

const notCollecting: Later = {
  kind: 'later',
  code: 'NotSeenCollecting',
  reason: 'You said that the appliance is set up, and its traffic has not risen since: it does not seem to collect',
  remedy:
    'See whether the script ended with “Configuration complete”, and what the console shows. Then send the same request again, and run the script once more.',
  seconds: LOOK_SECONDS,
  patienceSeconds: PATIENCE_SECONDS,
};

const nothingToCompare: Later = {
  kind: 'later',
  code: 'TrafficUnknown',
  reason: 'Azure Monitor shows no traffic of the VM from before it was set up, so nothing can be read off a rise',
  remedy: 'Send the same request again, and confirm a few minutes after the VM has come up.',
  seconds: LOOK_SECONDS,
  patienceSeconds: 600,
};
