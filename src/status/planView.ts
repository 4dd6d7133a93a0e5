/** What the API shows of a plan. Pure: made from what was started and what was found. */
import { applianceOf, type ApplianceChoice, type Blueprint } from '../domain/blueprint/blueprint';
import { isConsentAhead } from '../domain/consent';
import type { Handoff } from '../domain/handoff';
import { changeUses, grantAt, permissionsOf } from '../domain/permissions/planned';
import { type Used, whyOf } from '../domain/permissions/uses';
import { estimate } from '../domain/plan/estimate';
import { type Plan, type PlannedChange, type PlanPart, refusedFindings, type SentryPlan } from '../domain/plan/plan';
import { bounded } from '../domain/preflight/codes';

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
      resources.map((one) => ({ ...sentryOf(n), ...one, ...permissionOf(input, one, one.change) })),
    ),
    grants: parts.flatMap(({ n, grants }) =>
      grants.map(({ role, change, former, scopes }) => ({
        ...sentryOf(n),
        role,
        change,
        ...(former ? { former } : {}),
        count: scopes.length,
        ...permissionOf(input, grantAt(scopes[0] ?? '', role), change),
        scopes,
      })),
    ),
    stages: plan.sentries.flatMap((sentry) => [
      ...(isConsentAhead(plan.findings, sentry) ? [handoffStage(sentry, 'consent')] : []),
      ...(sentry.visit ? stagesOf(input, sentry) : []),
    ]),
    permissions: plan.stopped ? [] : permissionsOf(input, plan),
    estimate: estimate(plan, input),
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

const permissionOf = (blueprint: Blueprint, one: Used, change: PlannedChange) => ({
  permissions: [...new Set(changeUses(blueprint, one, change).map(({ permission }) => permission))],
  why: whyOf(blueprint, one),
});

/** What happens that is no resource which stays: the window, what people do, the script. */
function stagesOf(input: Planned, sentry: SentryPlan) {
  const { n } = sentry;
  const appliance = applianceOf(input);
  if (!appliance) return [];
  const { access, configuration, script } = appliance;
  const opens = configuration.kind !== 'runCommand';
  const command = (opens ? undefined : script.unattended?.command) ?? script.command;
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
    ...HANDOFFS_OF[configuration.kind].map((kind) => handoffStage(sentry, kind)),
    { sentry: n, stage: 'configuration', kind: configuration.kind, command },
  ];
}

const handoffStage = ({ n }: SentryPlan, kind: Handoff['kind']) => ({
  sentry: n,
  stage: 'handoff',
  kind,
  does: HANDOFFS[kind],
});

const HANDOFFS: Readonly<Record<Handoff['kind'], string>> = {
  presence: 'Somebody says that they are there, before any port opens',
  registration: 'The console’s email and PIN are brought',
  consent: 'An administrator grants the permissions of Microsoft Graph that the app may not grant',
  configuration: 'Somebody runs the set-up script by hand and says so',
};
/** Whoever runs the script by hand types email and PIN into it. */
const HANDOFFS_OF: Readonly<Record<ApplianceChoice['configuration']['kind'], readonly Handoff['kind'][]>> = {
  ssh: ['presence', 'registration'],
  runCommand: ['registration'],
  manual: ['presence', 'configuration'],
};
