import { z } from 'zod';
import type { Azure } from '../azure/ports';
import { collects, type Sample } from '../domain/collecting';
import type { Later, Outcome } from '../domain/outcome';
import type { activities, HandlerOf } from './contracts';
import { orOutcome } from './orOutcome';

/** Azure Monitor shows a minute a few minutes after it is over, and a collector begins at its next round. */
const PATIENCE_SECONDS = 1_200;
const LOOK_SECONDS = 60;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** How long Azure Monitor keeps what it has measured. */
const KEPT_MS = 93 * DAY_MS;

/** Whether the appliance sends more than it did before a person said that it is set up. */
export const makeCheckCollecting =
  (azure: Azure): HandlerOf<typeof activities.checkCollecting> =>
  ({ vmId, since }) =>
    orOutcome(async (): Promise<Outcome> => {
      const confirmed = Date.parse(since);
      const now = Date.now();
      const seen = collects(await traffic(azure, vmId, confirmed - DAY_MS, now), confirmed, now);
      if (seen) return { kind: 'done', change: 'kept', ours: true, outputs: {} };
      return seen === undefined ? nothingToCompare : notCollecting;
    });

const machine = z.looseObject({ timeCreated: z.date() });

/**
 * Since `from`, and in the VM's first hour, when nobody can have set it up yet: one that has collected all day shows no
 * quiet minute otherwise. Nothing of an earlier VM of that name.
 */
async function traffic({ arm, metrics }: Azure, vmId: string, from: number, now: number): Promise<readonly Sample[]> {
  const made = machine.safeParse(await arm.virtualMachine.get(vmId)).data?.timeCreated.getTime() ?? from;
  const end = Math.floor(Math.min(made + HOUR_MS, from) / MINUTE_MS) * MINUTE_MS;
  const first = made < end && made > now - KEPT_MS ? await metrics.networkOut(vmId, made, end) : [];
  return [...first, ...(await metrics.networkOut(vmId, Math.max(made, from), now))];
}

const notCollecting: Later = {
  kind: 'later',
  code: 'NotSeenCollecting',
  reason: 'You said that the appliance is set up, and its traffic has not risen since: it does not seem to collect',
  remedy:
    'See whether the script ended with “Configuration complete”, and what the console shows. Then send the same request again, and run the script once more. The collector of a VM older than 93 days that has collected all day has to stand still for five minutes first: Azure Monitor forgets how quiet it was.',
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
