import type { OrchestrationContext } from 'durable-functions';
import { activities } from '../activities/contracts';
import { type Drift, driftOf, isRepairable } from '../domain/plan/drift';
import { nextChange } from '../domain/schedule';
import { ask, call, deploymentRef, isoNow, now, type Story } from './call';
import type { ReconcileInput } from './inputs';
import { makePlan } from './plan';

/**
 * Looks for drift: plans the stored request, which changes nothing, and tells what differs. Where it is to be repaired
 * the deployment is run again, if its schedule lets it now; if not, a later look does so.
 */
export function* reconcile(context: OrchestrationContext): Story<Drift> {
  const { input, repair, asked } = context.df.getInput<ReconcileInput>();
  const { request } = input;
  const me = deploymentRef(request.name);
  const { startedAt } = yield* ask(context, me, 'look', null);
  const plan = yield* makePlan(context, { ...input, repair: true });
  const seen = driftOf(plan, isoNow(context));

  const opens = asked ? now(context) : nextChange(request, now(context));
  const due = repair && opens !== undefined && isRepairable(plan, seen);
  const starts = due && opens <= now(context);
  const drift = due ? { ...seen, repair: repairOf(starts, opens) } : seen;
  // Before the run that repairs it begins, which knows better.
  yield* ask(context, me, 'drifted', { startedAt, drift });
  if (starts) yield* call(context, activities.startDeployment, { name: request.name, repair: true });
  return drift;
}

const repairOf = (starts: boolean, at: number): NonNullable<Drift['repair']> => ({
  state: starts ? 'started' : 'waiting',
  at: new Date(at).toISOString(),
});
