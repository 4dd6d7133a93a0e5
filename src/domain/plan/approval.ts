/** What of a plan is approved: everything that it would do, and nothing of what it says about that. Pure. */
import type { PropertyChange } from '../outcome';
import type { Plan, PlannedResource, PlanPart } from './plan';

export interface Deed {
  readonly change: string;
  readonly changes?: readonly PropertyChange[];
  readonly code?: string;
}
/** By what it is done to. What is kept is not among them, so the plan of a world that is as wanted has none. */
export type Deeds = Readonly<Record<string, Deed>>;

export function deedsOf({ shared, sentries, stopped }: Plan): Deeds {
  return Object.fromEntries([
    ...deedsOfPart('shared', shared),
    ...sentries.flatMap((sentry): [string, Deed][] => {
      const owner = `Sentry ${sentry.n}`;
      const visit: [string, Deed][] = sentry.visit ? [[`${owner}: appliance`, { change: 'set up' }]] : [];
      return [...deedsOfPart(owner, sentry), ...visit];
    }),
    ...(stopped ? [['plan', { change: 'refused', code: stopped.code }] as const] : []),
  ]);
}

const deedsOfPart = (owner: string, { resources, grants }: PlanPart): [string, Deed][] => [
  ...resources
    .filter(({ change }) => change !== 'keep')
    .map((one): [string, Deed] => [`${owner}: ${one.key}`, deedOf(one)]),
  ...grants
    .filter(({ change }) => change !== 'keep')
    .flatMap(({ role, change, former, scopes }) => {
      const of = former ? `${role} of its former principal` : role;
      return scopes.map((scope): [string, Deed] => [`${owner}: ${of} at ${scope}`, { change }]);
    }),
];

const deedOf = ({ change, changes, code }: PlannedResource): Deed => ({
  change,
  ...(changes ? { changes } : {}),
  ...(code === undefined ? {} : { code }),
});

/** Where two plans part. Absent from one of them means that it would leave the thing as it is. */
export interface Parting {
  readonly what: string;
  readonly approved: Deed | null;
  readonly now: Deed | null;
}
export function partings(approved: Deeds, now: Deeds): readonly Parting[] {
  const all = [...new Set([...Object.keys(approved), ...Object.keys(now)])];
  return all
    .map((what) => ({ what, approved: approved[what] ?? null, now: now[what] ?? null }))
    .filter((one) => JSON.stringify(one.approved) !== JSON.stringify(one.now));
}
