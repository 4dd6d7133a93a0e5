import type { OrchestrationContext } from 'durable-functions';
import { applianceOf } from '../domain/blueprint/blueprint';
import { formerGrants, scopesOf, surplusGrants } from '../domain/blueprint/grants';
import { formerCredentials, principal } from '../domain/blueprint/identity';
import { sentryResources } from '../domain/blueprint/sentry';
import { sharedResources } from '../domain/blueprint/shared';
import { type Given, lackingIn, outputsOf, type Progress, type State } from '../domain/graph';
import { isMarkLost } from '../domain/mark';
import { isAddressed } from '../domain/plan/kinds';
import { type Plan, planPart, type SentryPlan, stoppedPlan } from '../domain/plan/plan';
import { type Resource, specify, UNKNOWN } from '../domain/resources';
import { refusals } from '../domain/states';
import { ask, deploymentRef, runAll, sentryRef, type Story } from './call';
import { carryOut } from './carryOut';
import { isRenewed } from './credentials';
import type { DeploymentInput, SentryInput } from './inputs';
import { lookAround } from './lookAround';

/** What a run with this input would do now. It reads what a run reads, and writes nothing, in Azure or in our state. */
export function* plan(context: OrchestrationContext): Story<Plan> {
  return yield* makePlan(context, context.df.getInput<DeploymentInput>());
}

/** The instance of one Sentry's part, where that is to be known. */
export const partId = (look: string, n: number): string => `${look}-${n}`;

export function* makePlan(context: OrchestrationContext, input: DeploymentInput, look?: string): Story<Plan> {
  const { request, repair } = input;
  const before = yield* ask(context, deploymentRef(request.name), 'look', { repair });
  const around = yield* lookAround(context, input, before);
  if (!('findings' in around)) return stoppedPlan(around);
  const { placement, unplaced, findings } = around;

  const resources = sharedResources(input);
  const seen = yield* carryOut(context, 'observe', request.name, resources, {}, { made: before.made });
  // A run begins no Sentry where something shared is refused, save for want of its mark.
  const refused = refusals(resources, seen);
  const fleet = refused.every(isMarkLost) ? placement : [];
  const inputs = fleet.map((subscriptions, index): SentryInput => ({
    ...input,
    n: index + 1,
    subscriptions,
    shared: outputsOf(seen),
    ...(refused.length > 0 ? { lacking: lackingIn(seen) } : {}),
  }));
  const sentries = yield* runAll<SentryPlan, SentryInput>(
    context,
    'runPlanSentry',
    inputs,
    look === undefined ? undefined : ({ n }) => partId(look, n),
  );
  return { shared: planPart(resources, seen), sentries, findings, unplaced };
}

/** One Sentry's part, in an instance of its own: at most 50 subscriptions share a history. */
export function* planSentry(context: OrchestrationContext): Story<SentryPlan> {
  const input = context.df.getInput<SentryInput>();
  const { request, n, subscriptions, shared, lacking } = input;
  const before = yield* ask(context, sentryRef(request.name, n), 'look', { n });
  const all = sentryResources(input, n, subscriptions);
  const own = all.filter(({ kind }) => kind !== 'roleAssignment');
  const grants = all.filter(({ kind }) => kind === 'roleAssignment');

  const seen = yield* carryOut(context, 'observe', request.name, own, shared, { made: before.made, lacking });
  const given = { ...shared, ...outputsOf(seen) };
  const granted = yield* lookAtGrants(context, request.name, grants, seen, given);
  const { key } = principal(request);
  const isSettled = seen[key]?.state === 'done';
  const former = isSettled ? formerGrants(input, n, given[key]?.['principalId'], before) : [];
  const surplus = [
    ...surplusGrants(input, n, scopesOf(input, subscriptions), before),
    ...former,
    ...formerCredentials(input, n, before.credentials),
  ];
  const left = yield* lookAtGrants(context, request.name, surplus, seen, given);

  const vm = seen['virtualMachine'];
  const isNew = vm?.state === 'done' && vm.change === 'created';
  const visit =
    applianceOf(input) !== undefined &&
    vm?.state === 'done' &&
    subscriptions.length > 0 &&
    (isNew || former.length > 0 || isRenewed(before, given) || !before.configured);
  const part = planPart(all, { ...seen, ...granted, ...left }, surplus);
  return { ...part, n, subscriptions: subscriptions.length, visit };
}

/** Grants are addressed by their principal. While it does not exist there are none, and nobody need be asked. */
function* lookAtGrants(
  context: OrchestrationContext,
  deployment: string,
  grants: readonly Resource[],
  seen: Progress,
  given: Given,
): Story<Progress> {
  const open = grants.filter((one) => isAddressed(specify(one, deployment, given, UNKNOWN)));
  const found = yield* carryOut(context, 'observe', deployment, open, given);
  const absent = grants.filter(({ key }) => found[key] === undefined);
  return { ...found, ...Object.fromEntries(absent.map((one) => [one.key, withoutPrincipal(one, seen)])) };
}

function withoutPrincipal({ needs }: Resource, seen: Progress): State {
  const by = needs.find((need) => ['refused', 'blocked'].includes(seen[need]?.state ?? ''));
  return by === undefined ? { state: 'done', change: 'created', ours: true, outputs: {} } : { state: 'blocked', by };
}
