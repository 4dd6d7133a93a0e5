import type { OrchestrationContext } from 'durable-functions';
import { activities } from '../activities/contracts';
import type { Blueprint } from '../domain/blueprint/blueprint';
import { sharedResources } from '../domain/blueprint/shared';
import { assign } from '../domain/fleet';
import { outputsOf } from '../domain/graph';
import { toRefusal } from '../domain/preflight/finding';
import type { Refusal } from '../domain/outcome';
import { conclude, type DeploymentResult, refusals, resourceStates, type SentryResult } from '../domain/states';
import { type KnownSubscription, needsLookup, select } from '../domain/subscriptions';
import type { Beginning } from '../entities/deployment';
import { ask, call, deploymentRef, deploymentsRef, isoNow, runAll, type Story, tell } from './call';
import { carryOut } from './carryOut';
import type { DeploymentInput, SentryInput } from './inputs';
import { preflight } from './preflight';
import { settled } from './settled';

/**
 * One run of a deployment: what is shared first, then every Sentry at the same time. Started again with the same
 * request it changes nothing that is as wanted. What was announced while it ran makes it run once more.
 */
export function* deployment(context: OrchestrationContext): Story<DeploymentResult> {
  const input = context.df.getInput<DeploymentInput>();
  const { request } = input;
  const me = deploymentRef(request.name);

  const beginning = yield* ask(context, me, 'begin', { request, at: isoNow(context) });
  // Listed only once it can take what is announced to it.
  tell(context, deploymentsRef, 'add', { name: request.name, subscriptions: request.subscriptions });
  const result = yield* run(context, input, beginning);
  const announced = yield* ask(context, me, 'finish', { result, at: isoNow(context) });

  context.df.setCustomStatus({ stage: result.state, subscriptions: result.subscriptions });
  if (announced > 0) context.df.continueAsNew(input);
  return result;
}

function* run(
  context: OrchestrationContext,
  input: DeploymentInput,
  { onboarded, placement: before, settled }: Beginning,
): Story<DeploymentResult> {
  const { request, profile } = input;
  const me = deploymentRef(request.name);
  const known = yield* lookUp(context, input);
  if (!('subscriptions' in known)) return conclude([], [known]);

  const wanted = select(request.subscriptions, known.subscriptions, onboarded);
  const placement = assign(before, wanted, profile.maxSubscriptions);
  context.df.setCustomStatus({ stage: 'preflight', sentries: placement.length });
  const findings = yield* preflight(context, input, placement, { placement: before, settled });
  yield* ask(context, me, 'found', findings);
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) return conclude([], errors.map(toRefusal));

  yield* ask(context, me, 'place', placement);
  const total = { total: wanted.length, granted: 0, proven: 0, setAside: 0 };

  const resources = sharedResources(input);
  const shared = yield* carryOut(context, 'ensure', request.name, resources, {}, (progress) => {
    context.df.setCustomStatus({ stage: 'shared resources', sentries: placement.length, subscriptions: total });
    tell(context, me, 'record', resourceStates(resources, progress));
  });
  const problems = refusals(resources, shared);
  if (problems.length > 0) return conclude([], problems);

  context.df.setCustomStatus({ stage: 'sentries', sentries: placement.length, subscriptions: total });
  const inputs = placement.map((subscriptions, index): SentryInput => ({
    ...input,
    n: index + 1,
    subscriptions,
    shared: outputsOf(shared),
  }));
  return conclude(yield* runAll<SentryResult>(context, 'runSentry', inputs), []);
}

/** Asks Resource Graph only where the ids in the request do not settle it, and as long as that may help. */
export function* lookUp(
  context: OrchestrationContext,
  { request }: Blueprint,
): Story<{ readonly subscriptions: readonly KnownSubscription[] } | Refusal> {
  if (!needsLookup(request.subscriptions)) return { subscriptions: [] };
  return yield* settled(context, () => call(context, activities.listSubscriptions, null));
}
