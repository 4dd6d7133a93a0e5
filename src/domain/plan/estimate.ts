/** What carrying a plan out costs: calls of Azure, and the time that its limits and its own work take. Pure. */
import type { PlannedChange, Plan, PlanPart } from './plan';
import { planKinds } from './kinds';
import { limits, type Limit, secondsFor } from './limits';
import type { Kind } from '../resources';

export interface Estimate {
  readonly azureCalls: number;
  /** Without the time in which a person is waited for. */
  readonly seconds: number;
  /** How the seconds came about. */
  readonly reasoning: readonly { readonly what: string; readonly seconds: number }[];
  /** Limits that it draws on: how many calls of how many, and how long they make it wait. */
  readonly limits: readonly {
    readonly what: string;
    readonly calls: number;
    readonly atOnce: number;
    readonly seconds: number;
    readonly source: string;
  }[];
}

/** Azure names no time for most operations; they are polled this often. */
const POLL_SECONDS = 5;
/** An access window opened and closed: address, association and a rule, each put, polled, read and removed. */
const VISIT_CALLS = 30;
/** The VM boots, the window opens, the set-up script runs, the window closes and is proven closed. */
const VISIT_SECONDS = 180;

/** One row a resource: its kind, and what is done to it. */
type Work = readonly [kind: Kind, change: PlannedChange];
const workOf = ({ resources, grants }: PlanPart): readonly Work[] => [
  ...resources.map(({ kind, change }): Work => [kind, change]),
  ...grants.flatMap(({ change, scopes }) => scopes.map((): Work => ['roleAssignment', change])),
];

const writes = (change: PlannedChange): boolean => ['create', 'change', 'remove'].includes(change);

/** A read; where something is to be done a write, the polls meanwhile, and a read that shows it. */
const callsOf = ([kind, change]: Work): number =>
  writes(change) ? 3 + Math.floor(planKinds[kind].seconds / POLL_SECONDS) : change === 'blocked' ? 0 : 1;

export function estimate(plan: Plan): Estimate {
  const work = [plan.shared, ...plan.sentries].flatMap(workOf);
  const visits = plan.sentries.filter(({ visit }) => visit).length;
  const drawn = work.flatMap(([kind, change]) => (writes(change) ? planKinds[kind].limits : []));
  const waits = (Object.keys(limits) as Limit[])
    .map((limit) => ({ limit, calls: drawn.filter((one) => one === limit).length }))
    .filter(({ calls }) => calls > 0)
    .map(({ limit, calls }) => {
      const { what, size, source } = limits[limit];
      return { what, calls, atOnce: size, seconds: secondsFor(limit, calls), source };
    });
  const slowest = Math.max(0, ...plan.sentries.map(({ seconds }) => seconds));
  const longest = waits.reduce((most, { seconds }) => Math.max(most, seconds), 0);
  const reasoning = [
    { what: 'What is shared, one after another where one needs the other', seconds: plan.shared.seconds },
    // The Sentries' resources and their grants go on at the same time: the slower of the two counts.
    longest > slowest
      ? { what: `The limit that lasts longest: ${worst(waits, longest)}`, seconds: longest }
      : { what: 'The Sentries, all at the same time', seconds: slowest },
    { what: 'Window and set-up script, all Sentries at the same time', seconds: visits > 0 ? VISIT_SECONDS : 0 },
  ].filter(({ seconds }) => seconds > 0);
  return {
    azureCalls: work.reduce((sum, one) => sum + callsOf(one), visits * VISIT_CALLS),
    seconds: reasoning.reduce((sum, { seconds }) => sum + seconds, 0),
    reasoning,
    limits: waits,
  };
}

const worst = (waits: Estimate['limits'], longest: number): string =>
  waits.find(({ seconds }) => seconds === longest)?.what ?? '';
