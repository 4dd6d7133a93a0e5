/** How a Sentry's orchestrator writes its own state: signed with its instance id, so that a stale run changes nothing. */
import type { OrchestrationContext } from 'durable-functions';
import type { SentryPatch } from '../entities/sentry';
import { ask, sentryRef, type Story, tell } from './call';
import type { SentryInput } from './inputs';

export function tellMe(context: OrchestrationContext, { request, n }: SentryInput, patch: SentryPatch): void {
  tell(context, sentryRef(request.name, n), 'patch', { from: context.df.instanceId, patch });
}

/** The last word is waited for, so that whoever sees the run at rest sees it whole. */
export function* finish(context: OrchestrationContext, { request, n }: SentryInput, patch: SentryPatch): Story<void> {
  yield* ask(context, sentryRef(request.name, n), 'patch', { from: context.df.instanceId, patch });
}
