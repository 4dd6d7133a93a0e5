import type { OrchestrationContext } from 'durable-functions';
import { activities } from '../activities/contracts';
import type { Blueprint } from '../domain/blueprint/blueprint';
import { sharedResources } from '../domain/blueprint/shared';
import { assign, type Placement } from '../domain/fleet';
import { isCutOff, outputsOf, type Progress } from '../domain/graph';
import { toRefusal } from '../domain/preflight/finding';
import type { Refusal } from '../domain/outcome';
import { conclude, type DeploymentResult, refusals, resourceStates, type SentryResult } from '../domain/states';
import { beginsAt, endsAt, nextChange, type Scheduled, scheduleOver } from '../domain/schedule';
import { type KnownSubscription, needsLookup, wantedNow } from '../domain/subscriptions';
import type { Beginning } from '../entities/deployment';
import { ask, call, deploymentRef, deploymentsRef, isoNow, now, runAll, type Story, tell, until } from './call';
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
  const { request, repair } = input;
  const me = deploymentRef(request.name);

  const beginning = yield* ask(context, me, 'begin', { request, repair, at: isoNow(context) });
  // Listed only once it can take what is announced to it.
  tell(context, deploymentsRef, 'add', { name: request.name, subscriptions: request.subscriptions });
  const result = yield* run(context, input, beginning);
  const announced = yield* ask(context, me, 'finish', { result, at: isoNow(context) });

  context.df.setCustomStatus({ stage: result.state, subscriptions: result.subscriptions });
  // Outside its change windows it stays queued: what announced it waits for the next one.
  const at = now(context);
  if (announced > 0 && nextChange(request, at) === at) context.df.continueAsNew(input);
  return result;
}

function* run(context: OrchestrationContext, input: DeploymentInput, before: Beginning): Story<DeploymentResult> {
  const { request } = input;
  const me = deploymentRef(request.name);
  let checked = yield* check(context, input, before);
  // What was found long before its beginning may be otherwise by then.
  if (checked.problems.length === 0 && (yield* awaitBeginning(context, request)))
    checked = yield* check(context, input, before);
  const { placement } = checked;
  if (checked.problems.length > 0) return conclude([], checked.problems);

  yield* ask(context, me, 'place', placement);
  const total = { total: placement.flat().length, granted: 0, proven: 0, setAside: 0 };

  const resources = sharedResources(input);
  const onRound = (progress: Progress): void => {
    context.df.setCustomStatus({ stage: 'shared resources', sentries: placement.length, subscriptions: total });
    tell(context, me, 'record', resourceStates(resources, progress));
  };
  const deadline = endsAt(request);
  const shared = yield* carryOut(context, 'ensure', request.name, resources, {}, { onRound, deadline });
  const over = isCutOff(resources, shared) ? [scheduleOver(request)] : [];
  const problems = [...over, ...refusals(resources, shared)];
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

interface Checked {
  readonly placement: Placement;
  readonly problems: readonly Refusal[];
}

/** Which subscriptions are meant, and whether there is anything that would stop the run: nothing is written. */
function* check(context: OrchestrationContext, input: DeploymentInput, before: Beginning): Story<Checked> {
  const { request, profile } = input;
  const known = yield* lookUp(context, input);
  if (!('subscriptions' in known)) return { placement: [], problems: [known] };
  const wanted = wantedNow(input, known.subscriptions, before);
  const placement = assign(before.placement, wanted, profile.maxSubscriptions);
  context.df.setCustomStatus({ stage: 'preflight', sentries: placement.length });
  const findings = yield* preflight(context, input, placement, before);
  yield* ask(context, deploymentRef(request.name), 'found', findings);
  return { placement, problems: findings.filter(({ severity }) => severity === 'error').map(toRefusal) };
}

/** Answers whether there was anything to wait for. */
function* awaitBeginning(context: OrchestrationContext, request: Scheduled): Story<boolean> {
  const begins = beginsAt(request);
  if (begins <= now(context)) return false;
  context.df.setCustomStatus({ stage: 'scheduled', begins: new Date(begins).toISOString() });
  yield* until(context, begins);
  return true;
}

/** Asks Resource Graph only where the ids in the request do not settle it, and as long as that may help. */
export function* lookUp(
  context: OrchestrationContext,
  { request }: Blueprint,
): Story<{ readonly subscriptions: readonly KnownSubscription[] } | Refusal> {
  if (!needsLookup(request.subscriptions)) return { subscriptions: [] };
  return yield* settled(context, () => call(context, activities.listSubscriptions, null));
}
