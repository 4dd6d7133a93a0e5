/** A plan: what a run would do, resource by resource. Made by reading alone. Pure. */
import type { PropertyChange, Refusal } from '../outcome';
import type { Unplaced } from '../newcomers';
import type { Finding } from '../preflight/finding';
import type { Progress, State } from '../graph';
import type { Kind, Resource } from '../resources';
import { isFormer } from '../blueprint/grants';
import { planKinds } from './kinds';

export type PlannedChange = 'create' | 'change' | 'keep' | 'remove' | 'refused' | 'blocked';

export interface PlannedResource {
  readonly key: string;
  readonly kind: Kind;
  readonly id: string;
  readonly change: PlannedChange;
  readonly changes?: readonly PropertyChange[];
  /** Of what is refused, as a run would refuse it, and of what that one blocks. */
  readonly code?: string;
  readonly reason?: string;
  readonly remedy?: string;
}

/** Grants of one role that share their fate. Those that are changed, refused or blocked are told of one by one. */
interface PlannedGrants {
  readonly role: string;
  readonly change: 'create' | 'keep' | 'remove';
  /** Of the principal that the Sentry had before: its present one may be given the same role at the same scope. */
  readonly former?: true;
  readonly scopes: readonly string[];
}

/** What is shared by all Sentries, or is one Sentry's own. */
export interface PlanPart {
  readonly resources: readonly PlannedResource[];
  readonly grants: readonly PlannedGrants[];
  /** The longest way through what is to be made, in seconds. */
  readonly seconds: number;
}
export interface SentryPlan extends PlanPart {
  readonly n: number;
  readonly subscriptions: number;
  /** The appliance is to be set up: its access window opens, and a person is called. */
  readonly visit: boolean;
}

export interface Plan {
  readonly shared: PlanPart;
  readonly sentries: readonly SentryPlan[];
  readonly findings: readonly Finding[];
  /** Who came by themselves and would be left out. */
  readonly unplaced?: Unplaced | null;
  /** Why it is not whole: the subscriptions could not be listed. */
  readonly stopped?: Refusal;
}

/**
 * What would be refused and preflight did not tell of, as findings: whoever reads those alone must not take the plan for
 * one that succeeds. A grant that is refused sets its subscription aside, and the run goes on.
 */
export function refusedFindings({ shared, sentries, findings }: Plan): readonly Finding[] {
  const told = new Set(findings.map(({ where }) => where.toLowerCase()));
  return [shared, ...sentries]
    .flatMap(({ resources }) => resources)
    .filter(({ change, id }) => change === 'refused' && !told.has(id.toLowerCase()))
    .map(({ kind, id, code = '', reason = '', remedy = '' }) => ({
      severity: kind === 'roleAssignment' ? 'warning' : 'error',
      code,
      where: id,
      reason,
      remedy,
    }));
}

const NOTHING: PlanPart = { resources: [], grants: [], seconds: 0 };
export const stoppedPlan = ({ code, reason, remedy }: Refusal): Plan => ({
  shared: NOTHING,
  sentries: [],
  findings: [],
  stopped: { code, reason, remedy },
});

/** What a run would do with resources that were looked at; `surplus` are grants of ours that it would take back. */
export function planPart(resources: readonly Resource[], seen: Progress, surplus: readonly Resource[] = []): PlanPart {
  const planned = resources.map((resource) => plannedResource(resource, seen[resource.key]));
  const removals = surplus.flatMap((resource) => plannedRemoval(resource, seen[resource.key]));
  const all = [...planned, ...removals];
  return {
    resources: all.filter((one) => !isGrouped(one)),
    grants: grouped(all.filter(isGrouped)),
    seconds: longestWay(resources, planned),
  };
}

function plannedResource({ key, kind, id }: Resource, state: State | undefined): PlannedResource {
  const about = { key, kind, id };
  switch (state?.state) {
    case 'done': {
      if (state.change === 'created') return { ...about, change: 'create' };
      return state.changes ? { ...about, change: 'change', changes: state.changes } : { ...about, change: 'keep' };
    }
    case 'refused': {
      const { code, reason, remedy } = state;
      return { ...about, change: 'refused', code, reason, remedy };
    }
    case 'blocked':
      return {
        ...about,
        change: 'blocked',
        code: 'Blocked',
        reason: `'${state.by}' could not be made`,
        remedy: 'Mend what that resource says.',
      };
    default:
      throw new Error(`'${key}' was not looked at to the end.`);
  }
}

/** What is not there, or is another's, is not taken away. */
function plannedRemoval({ key, kind, id }: Resource, state: State | undefined): readonly PlannedResource[] {
  const there = state?.state === 'done' && state.change !== 'created' && state.ours;
  return there ? [{ key, kind, id, change: 'remove' }] : [];
}

const isGrouped = (one: PlannedResource): one is PlannedResource & Pick<PlannedGrants, 'change'> =>
  one.kind === 'roleAssignment' && ['create', 'keep', 'remove'].includes(one.change);

function grouped(grants: readonly (PlannedResource & Pick<PlannedGrants, 'change'>)[]): readonly PlannedGrants[] {
  const groups = Map.groupBy(grants, ({ key, change }) => `${change} ${isFormer(key)} ${roleOf(key)}`);
  return [...groups.values()].flatMap((members) => {
    const [first] = members;
    if (!first) return [];
    const { key, change } = first;
    const former = isFormer(key) ? ({ former: true } as const) : {};
    return [{ role: roleOf(key), change, ...former, scopes: members.map(({ id }) => scopeOf(id)) }];
  });
}

/** `roleAssignment/{scope}/{role}` */
const roleOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1);
const scopeOf = (id: string): string => id.slice(0, id.lastIndexOf('/providers/Microsoft.Authorization/'));

/** Each waits for what it needs, and all else happens at the same time. */
function longestWay(resources: readonly Resource[], planned: readonly PlannedResource[]): number {
  const changes = new Map(planned.map(({ key, change }) => [key, change]));
  const done = new Map<string, number>();
  const doneAt = (resource: Resource): number => {
    const known = done.get(resource.key);
    if (known !== undefined) return known;
    const change = changes.get(resource.key);
    const own = change === 'create' || change === 'change' ? planKinds[resource.kind].seconds : 0;
    const needs = resources.filter(({ key }) => resource.needs.includes(key));
    const at = own + Math.max(0, ...needs.map(doneAt));
    done.set(resource.key, at);
    return at;
  };
  return Math.max(0, ...resources.map(doneAt));
}
