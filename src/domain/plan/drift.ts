/** Drift: what the stored request would change now, though nobody changed the request. Pure. */
import type { Refusal } from '../outcome';
import { toRefusal } from '../preflight/finding';
import { type Deed, deedsOf } from './approval';
import type { Plan } from './plan';

/** The state is small: of a tenant where thousands of grants are gone the first say enough. */
const MOST_SHOWN = 50;

export interface Drift {
  /** ISO 8601. */
  readonly checkedAt: string;
  readonly count: number;
  /** The first of them, each by what it is about. */
  readonly differences: readonly ({ readonly what: string } & Deed)[];
  /** Why it cannot be set right as things are. */
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
export const isRepairable = (plan: Plan, { problem }: Drift): boolean =>
  !problem && Object.values(deedsOf(plan)).some(({ change }) => ['create', 'change', 'remove'].includes(change));
