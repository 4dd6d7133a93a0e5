import type { OrchestrationContext } from 'durable-functions';
import { activities } from '../activities/contracts';
import { decideRepair, type Drift, driftOf } from '../domain/plan/drift';
import type { Plan } from '../domain/plan/plan';
import { ask, attempt, call, deploymentRef, isoNow, now, type Story } from './call';
import type { ReconcileInput } from './inputs';
import { makePlan, partId } from './plan';

/**
 * Looks for drift: plans the stored request, which changes nothing, and tells what differs. Where it is to be repaired
 * the deployment is run again, if its schedule lets it now; if not, a later look does so.
 */
export function* reconcile(context: OrchestrationContext): Story<Drift> {
  const { input, startedAt, repair, asked } = context.df.getInput<ReconcileInput>();
  const { request } = input;
  const { name } = request;
  const me = deploymentRef(name);
  const { carriedOut, repaired } = yield* ask(context, me, 'look', { repair: true });
  const plan = yield* planOnce(context, input);
  const seen = driftOf(plan, isoNow(context));

  const decided = repair ? decideRepair(plan, seen, { request, carriedOut, repaired, asked }, now(context)) : {};
  const drift = { ...seen, ...decided };
  // Before the run that repairs it begins, which knows better. A run that began meanwhile has made this look old.
  const isNewest = yield* ask(context, me, 'drifted', { startedAt, drift, unplaced: plan.unplaced ?? null });
  if (drift.repair?.state !== 'started') return drift;
  const started = isNewest && (yield* call(context, activities.startDeployment, { name, repair: true })) === 'started';
  return started ? drift : seen;
}

/** Each look would leave an instance for each Sentry: they are forgotten. */
function* planOnce(context: OrchestrationContext, input: ReconcileInput['input']): Story<Plan> {
  const look = `${context.df.instanceId}-${now(context)}`;
  const plan = yield* makePlan(context, { ...input, repair: true }, look);
  const parts = plan.sentries.map(({ n }) => partId(look, n));
  if (parts.length > 0) yield* attempt(context, activities.forget, parts);
  return plan;
}
