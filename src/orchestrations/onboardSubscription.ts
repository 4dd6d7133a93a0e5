import type { OrchestrationContext } from 'durable-functions';
import { activities } from '../activities/contracts';
import { mayChange } from '../domain/schedule';
import { ask, call, deploymentRef, now, type Story, until } from './call';
import type { OnboardInput } from './inputs';

const FIRST_PAUSE_MS = 15_000;
/** A run may wait an hour for a person: asking four times a minute meanwhile would only fill the history. */
const LONGEST_PAUSE_MS = 600_000;

/**
 * A subscription that announced itself joins its deployment. It is queued at the deployment's entity, so it is never
 * lost: a run that is at work takes it up at its end, and where none is, one is started. Outside the change windows
 * it stays queued, and nothing sleeps: the timer that looks for drift starts what is due.
 */
export function* onboardSubscription(context: OrchestrationContext): Story<{ readonly onboarded: boolean }> {
  const { subscriptionId, deployment } = context.df.getInput<OnboardInput>();
  const me = deploymentRef(deployment);
  const known = yield* ask(context, me, 'onboard', subscriptionId);
  for (let pause = FIRST_PAUSE_MS; known; pause *= 2) {
    const queued = yield* ask(context, me, 'queued', subscriptionId);
    if (!queued || !mayChange(queued, now(context))) break;
    yield* call(context, activities.startDeployment, { name: deployment });
    yield* until(context, now(context) + Math.min(pause, LONGEST_PAUSE_MS));
  }
  return { onboarded: known };
}
