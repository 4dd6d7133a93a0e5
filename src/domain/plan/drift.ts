/** Drift: what the stored request would change now, though nobody changed the request. Pure. */
import type { Refusal } from '../outcome';
import { toRefusal } from '../preflight/finding';
import { endsAt, nextChange, type Scheduled, scheduleOver } from '../schedule';
import { type Deed, deedsOf } from './approval';
import type { Plan } from './plan';

const DAY_MS = 86_400_000;
/** The state is small: of a tenant where thousands of grants are gone the first say enough. */
const MOST_SHOWN = 50;

export interface Drift {
  /** ISO 8601. */
  readonly checkedAt: string;
  readonly count: number;
  /** The first of them, each by what it is about. */
  readonly differences: readonly ({ readonly what: string } & Deed)[];
  /** Why it is not set right as things are. */
  readonly problem?: Refusal;
  /** When a run set out to repair it, or will at the earliest; absent where it is only reported. */
  readonly repair?: { readonly state: 'started' | 'waiting'; readonly at: string };
}

export function driftOf(plan: Plan, checkedAt: string): Drift {
  const all = Object.entries(deedsOf(plan)).map(([what, deed]) => ({ what, ...deed }));
  const [error] = plan.findings.filter(({ severity }) => severity === 'error');
  const problem = plan.stopped ?? (error && toRefusal(error));
  return { checkedAt, count: all.length, differences: all.slice(0, MOST_SHOWN), ...(problem ? { problem } : {}) };
}

/** A run would change something: what is refused or waits for a person, none brings about by itself. */
const isRepairable = (plan: Plan, { problem }: Drift): boolean =>
  !problem && Object.values(deedsOf(plan)).some(({ change }) => ['create', 'change', 'remove'].includes(change));

/** What is known when a repair is decided on. */
export interface Case {
  readonly request: Scheduled;
  /** What a run was asked for was done: a repair brings nothing about that never was. */
  readonly carriedOut: boolean;
  /** What the newest repair set out to set right. */
  readonly repaired: Drift | null;
  /** A person asked for it just then. */
  readonly asked: boolean;
}

/** When what was seen is set right, or why it is not. Nothing where there is nothing to repair. `now`: epoch ms. */
export function decideRepair(plan: Plan, seen: Drift, of: Case, now: number): Pick<Drift, 'problem' | 'repair'> {
  if (!isRepairable(plan, seen)) return {};
  if (!of.carriedOut) return { problem: NOT_CARRIED_OUT };
  const again = of.asked ? now : triedAgain(seen, of.repaired, now);
  if (again > now) return { problem: didNotHold(again) };
  const at = of.asked ? now : nextChange(of.request, now);
  if (at === undefined || at >= endsAt(of.request)) return { problem: scheduleOver(of.request) };
  return { repair: { state: at <= now ? 'started' : 'waiting', at: new Date(at).toISOString() } };
}

/** What one repair did not set right, none a half hour later does: from when on another is tried. Epoch ms. */
function triedAgain(seen: Drift, repaired: Drift | null, now: number): number {
  const isSame = repaired && JSON.stringify(repaired.differences) === JSON.stringify(seen.differences);
  return isSame && repaired.repair ? Date.parse(repaired.repair.at) + DAY_MS : now;
}

export const NOT_CARRIED_OUT: Refusal = {
  code: 'NotCarriedOut',
  reason: 'The stored request was never carried out to its end, and a repair brings nothing about that never was',
  remedy: 'See problems in the status, mend them, then send the request again.',
};
const didNotHold = (again: number): Refusal => ({
  code: 'RepairDidNotHold',
  reason: `The last repair did not set this right; another is tried after ${new Date(again).toISOString()}`,
  remedy: 'See subscriptions and problems in the status for what stands against it, or who changes it back.',
});
