/** What carrying a plan out costs: calls of Azure, and the time that its limits and its own work take. Pure. */
import { applianceOf, type Blueprint } from '../blueprint/blueprint';
import { scopesFor } from '../blueprint/grants';
import { lookCalls } from '../permissions/looks';
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
const WINDOW_CALLS = 30;
/** Two run commands, each put, polled, read and removed. */
const RUN_COMMAND_CALLS = 20;
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
const callsOf = ([kind, change]: Work): number => {
  const { seconds, pollSeconds = POLL_SECONDS } = planKinds[kind];
  return writes(change) ? 3 + Math.floor(seconds / pollSeconds) : change === 'blocked' ? 0 : 1;
};

const visitCalls = (blueprint: Blueprint): number =>
  applianceOf(blueprint)?.configuration.kind === 'runCommand' ? RUN_COMMAND_CALLS : WINDOW_CALLS;

/** The app's rights are looked at once for each scope, whatever is granted there, and the host beside that. */
function preflightCalls({ sentries, stopped }: Plan, blueprint: Blueprint): number {
  const watched = sentries.reduce((sum, { subscriptions }) => sum + subscriptions, 0);
  const byGroup = blueprint.request.subscriptions.grantAt === 'managementGroup';
  return stopped ? 0 : lookCalls(blueprint) + (byGroup ? scopesFor(blueprint, '').length : watched);
}

export function estimate(plan: Plan, blueprint: Blueprint): Estimate {
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
    azureCalls: work.reduce(
      (sum, one) => sum + callsOf(one),
      preflightCalls(plan, blueprint) + visits * visitCalls(blueprint),
    ),
    seconds: reasoning.reduce((sum, { seconds }) => sum + seconds, 0),
    reasoning,
    limits: waits,
  };
}

const worst = (waits: Estimate['limits'], longest: number): string =>
  waits.find(({ seconds }) => seconds === longest)?.what ?? '';
