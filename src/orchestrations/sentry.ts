import type { OrchestrationContext } from 'durable-functions';
import { grants } from '../domain/blueprint/grants';
import { sentryResources } from '../domain/blueprint/sentry';
import { outputsOf, type Progress } from '../domain/graph';
import type { Refusal } from '../domain/outcome';
import { count, refusals, resourceStates, type SentryResult, subscriptionStates } from '../domain/states';
import { ask, sentryRef, type Story, tell } from './call';
import { carryOut } from './carryOut';
import { configure } from './configure';
import type { SentryInput } from './inputs';

/** One Sentry, from nothing to collecting. It returns what became of it and never throws. */
export function* sentry(context: OrchestrationContext): Story<SentryResult> {
  const input = context.df.getInput<SentryInput>();
  const { request, n, subscriptions } = input;
  const me = sentryRef(request.name, n);
  const { configured } = yield* ask(context, me, 'begin', { n, instanceId: context.df.instanceId });

  const resources = sentryResources(input, n, subscriptions);
  const report = (progress: Progress, collected: boolean): void => {
    const states = subscriptionStates(input, n, subscriptions, progress, collected);
    context.df.setCustomStatus({ stage: 'resources', subscriptions: count(states) });
    tell(context, me, 'patch', { resources: resourceStates(resources, progress), subscriptions: states });
  };
  const progress = yield* carryOut(context, 'ensure', request.name, resources, input.shared, (state) =>
    report(state, false),
  );
  yield* takeBack(context, input, progress);

  const subscriptionCounts = count(subscriptionStates(input, n, subscriptions, progress, false));
  const end = (stopped?: Refusal): SentryResult => ({
    n,
    subscriptions: subscriptionCounts,
    ...(stopped ? { stopped } : {}),
  });

  if (progress['virtualMachine']?.state !== 'done') {
    const stopped = whyStopped(refusals(resources, progress));
    tell(context, me, 'patch', { stage: 'stopped', stopped });
    return end(stopped);
  }
  // Set up once already: the script's count is the person's to change, and what came since is "not yet collected".
  const outcome =
    configured ??
    (yield* configure(context, input, { ...input.shared, ...outputsOf(progress) }, subscriptionCounts.granted));
  if ('code' in outcome) {
    tell(context, me, 'patch', { stage: 'stopped', stopped: outcome });
    return end(outcome);
  }
  report(progress, outcome.subscriptions === subscriptionCounts.granted);
  tell(context, me, 'patch', { stage: 'completed', handoff: null });
  return end();
}

/** Takes our grants back from subscriptions that the request wants no longer. */
function* takeBack(context: OrchestrationContext, input: SentryInput, progress: Progress): Story<void> {
  const { request, n, dropped } = input;
  if (dropped.length === 0) return;
  const given = outputsOf(progress);
  const resources = grants(input, n, dropped).filter(({ needs }) => needs.every((key) => given[key]));
  const gone = yield* carryOut(context, 'remove', request.name, resources, given, () => undefined);
  const left = resources.filter(({ key }) => gone[key]?.state !== 'done').map(({ key }) => key);
  const removed = dropped.filter((id) => !left.some((key) => key.includes(id)));
  tell(context, sentryRef(request.name, n), 'patch', { forget: removed });
}

const whyStopped = (found: readonly Refusal[]): Refusal =>
  found.find(({ reason }) => !reason.startsWith('roleAssignment')) ?? {
    code: 'NoVirtualMachine',
    reason: 'The VM could not be made',
    remedy: 'See what each resource says, mend it, then send the same request again.',
  };
