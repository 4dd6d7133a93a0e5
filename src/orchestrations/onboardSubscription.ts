import type { OrchestrationContext } from 'durable-functions';
import { activities } from '../activities/contracts';
import { ask, call, deploymentRef, now, type Story, until } from './call';
import type { OnboardInput } from './inputs';

const AGAIN_MS = 15_000;

/**
 * A subscription that announced itself joins its deployment. It is queued at the deployment's entity, so it is never
 * lost: a run that is at work takes it up at its end, and where none is, one is started.
 */
export function* onboardSubscription(context: OrchestrationContext): Story<{ readonly onboarded: boolean }> {
  const { subscriptionId, deployment } = context.df.getInput<OnboardInput>();
  const me = deploymentRef(deployment);
  const known = yield* ask(context, me, 'onboard', subscriptionId);
  if (!known) return { onboarded: false };
  while (yield* ask(context, me, 'isPending', subscriptionId)) {
    yield* call(context, activities.startDeployment, { name: deployment });
    yield* until(context, now(context) + AGAIN_MS);
  }
  return { onboarded: true };
}
