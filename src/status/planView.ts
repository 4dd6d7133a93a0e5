/** What the API shows of a plan. Pure: made from what was started and what was found. */
import { applianceOf, type ApplianceChoice, type Blueprint } from '../domain/blueprint/blueprint';
import type { Handoff } from '../domain/handoff';
import { ENCRYPTION, planKinds, type Scope } from '../domain/plan/kinds';
import { estimate } from '../domain/plan/estimate';
import {
  type Plan,
  type PlannedChange,
  type PlannedResource,
  type PlanPart,
  refusedFindings,
  type SentryPlan,
} from '../domain/plan/plan';
import { bounded } from '../domain/preflight/codes';
import type { Kind } from '../domain/resources';

export interface Planned extends Blueprint {
  readonly egressAddresses: readonly string[];
}

const changes = ['create', 'change', 'keep', 'remove', 'refused', 'blocked'] as const satisfies PlannedChange[];
type Numbers = Record<PlannedChange, number>;

/** A plan whole, with the id that approves it. */
export function planView(input: Planned, plan: Plan, planId: string, madeAt: string) {
  const parts: readonly (PlanPart & { readonly n?: number })[] = [plan.shared, ...plan.sentries];
  const summary = summaryOf(plan);
  return {
    planId,
    name: input.request.name,
    madeAt,
    /** True where a run would leave all as it is. */
    empty: !plan.stopped && summary.toDo === 0,
    summary,
    sentries: plan.sentries.length,
    subscriptions: plan.sentries.reduce((sum, { subscriptions }) => sum + subscriptions, 0),
    resources: parts.flatMap(({ n, resources }) =>
      resources.map((one) => ({ ...sentryOf(n), ...one, ...permissionOf(one) })),
    ),
    grants: parts.flatMap(({ n, grants }) =>
      grants.map(({ role, change, scopes }) => ({
        ...sentryOf(n),
        role,
        change,
        count: scopes.length,
        ...permissionOf({ kind: 'roleAssignment', change }),
        scopes,
      })),
    ),
    stages: plan.sentries.filter(({ visit }) => visit).flatMap((sentry) => stagesOf(input, sentry)),
    permissions: permissionsOf(parts, applianceOf(input)?.vm.osDisk !== undefined),
    estimate: estimate(plan),
    findings: bounded([...plan.findings, ...refusedFindings(plan)]),
    problems: plan.stopped ? [plan.stopped] : [],
  };
}

const sentryOf = (n: number | undefined) => (n === undefined ? {} : { sentry: n });

/** Of everything, grants included, how much there is to do and to keep. */
function summaryOf({ shared, sentries }: Plan): Numbers & { readonly toDo: number; readonly appliances: number } {
  const all = [shared, ...sentries].flatMap(({ resources, grants }) => [
    ...resources.map(({ change }) => change),
    ...grants.flatMap(({ change, scopes }) => scopes.map(() => change)),
  ]);
  const counts = Object.fromEntries(
    changes.map((change) => [change, all.filter((one) => one === change).length]),
  ) as Numbers;
  const appliances = sentries.filter(({ visit }) => visit).length;
  return { ...counts, appliances, toDo: all.length - counts.keep + appliances };
}

const permissionOf = ({ kind, change }: Pick<PlannedResource, 'kind' | 'change'>) => ({
  permissions: neededFor(kind, change),
  why: planKinds[kind].why,
});

function neededFor(kind: Kind, change: PlannedChange): readonly string[] {
  const { read, write, remove } = planKinds[kind];
  return change === 'keep' ? read : change === 'remove' ? remove : write;
}

/** Each permission once for each place, with all that it is used for. */
function permissionsOf(parts: readonly PlanPart[], encrypts: boolean) {
  const used = parts.flatMap(({ resources, grants }) => [...resources, ...grants.map(asResource)]);
  const found = new Map<string, { permission: string; scope: Scope; why: Set<string> }>();
  for (const { kind, change } of used) {
    const { read, scope, why } = planKinds[kind];
    for (const permission of new Set([...read, ...neededFor(kind, change)])) {
      const key = `${permission} ${scope}`;
      const entry = found.get(key) ?? { permission, scope, why: new Set<string>() };
      entry.why.add(why);
      found.set(key, entry);
    }
  }
  const encrypted = encrypts && used.some(({ kind, change }) => kind === 'virtualMachine' && change === 'create');
  const listed = [...found.values()].map((one) => ({ ...one, why: [...one.why] }));
  return encrypted ? [...listed, ENCRYPTION] : listed;
}
const asResource = ({ change }: { readonly change: PlannedChange }) => ({ kind: 'roleAssignment', change }) as const;

/** What happens that is no resource which stays: the window, what people do, the script. */
function stagesOf(input: Planned, { n }: SentryPlan) {
  const appliance = applianceOf(input);
  if (!appliance) return [];
  const { access, configuration, script } = appliance;
  const opens = configuration.kind !== 'runCommand';
  return [
    ...(opens
      ? [
          {
            sentry: n,
            stage: 'accessWindow',
            kind: access.kind,
            ports: access.ports,
            sources: [...new Set([...access.sourceAddresses, ...input.egressAddresses])],
            minutes: access.windowMinutes,
          },
        ]
      : []),
    ...handoffsOf(appliance).map((kind) => ({ sentry: n, stage: 'handoff', kind, does: HANDOFFS[kind] })),
    { sentry: n, stage: 'configuration', kind: configuration.kind, command: script.command },
  ];
}

const HANDOFFS: Readonly<Record<Handoff['kind'], string>> = {
  presence: 'Somebody says that they are there, before any port opens',
  registration: 'The console’s email and PIN are brought',
  consent: 'An administrator grants the permissions of Microsoft Graph that the app may not grant',
  configuration: 'Somebody runs the set-up script by hand and says so',
};
const handoffsOf = ({ configuration }: ApplianceChoice): readonly Handoff['kind'][] => [
  ...(configuration.kind === 'runCommand' ? [] : (['presence'] as const)),
  'registration',
  ...(configuration.kind === 'manual' ? (['configuration'] as const) : []),
];
