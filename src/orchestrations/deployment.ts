import type { OrchestrationContext } from 'durable-functions';
import { activities } from '../activities/contracts';
import { sharedResources } from '../domain/blueprint/shared';
import { isCutOff, lackingIn, outputsOf, type Progress } from '../domain/graph';
import { isMarkLost } from '../domain/mark';
import { toRefusal } from '../domain/preflight/finding';
import type { Refusal } from '../domain/outcome';
import { conclude, type DeploymentResult, refusals, resourceStates, type SentryResult } from '../domain/states';
import { beginsAt, endsAt, mayChange, scheduleOver } from '../domain/schedule';
import type { Beginning } from '../entities/deployment';
import { ask, call, deploymentRef, deploymentsRef, isoNow, now, runAll, type Story, tell, until } from './call';
import { carryOut } from './carryOut';
import type { DeploymentInput, SentryInput } from './inputs';
import { type Around, lookAround } from './lookAround';

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
  const waits = beginsAt(request) > now(context);
  const result = waits ? yield* awaitBeginning(context, input) : yield* run(context, input, beginning);
  if (!result) {
    // Begins anew, with what the app is set to by then.
    context.df.continueAsNew(yield* call(context, activities.readInput, { name: request.name }));
    return conclude([], []);
  }
  const announced = yield* ask(context, me, 'finish', { result, at: isoNow(context) });

  context.df.setCustomStatus({ stage: result.state, subscriptions: result.subscriptions });
  // Outside its change windows it stays queued: what announced it waits for the next one.
  if (announced > 0 && mayChange(request, now(context))) context.df.continueAsNew({ ...input, repair: undefined });
  return result;
}

/**
 * Looks around at once, so that what would stop the run can be mended in time, and waits. Undefined when its time has
 * come. The look is an instance of its own: whoever sleeps for months must not be held to how it is done today.
 */
function* awaitBeginning(context: OrchestrationContext, input: DeploymentInput): Story<DeploymentResult | undefined> {
  const [problems = []] = yield* runAll<readonly Refusal[]>(context, 'runCheck', [input]);
  if (problems.length > 0) return conclude([], problems);
  const begins = beginsAt(input.request);
  context.df.setCustomStatus({ stage: 'scheduled', begins: new Date(begins).toISOString() });
  yield* until(context, begins);
  return undefined;
}

/** What would stop a run now. The findings are in the deployment's state. */
export function* check(context: OrchestrationContext): Story<readonly Refusal[]> {
  const input = context.df.getInput<DeploymentInput>();
  const before = yield* ask(context, deploymentRef(input.request.name), 'look', {});
  const around = yield* look(context, input, before);
  return problemsOf(around);
}

function* look(context: OrchestrationContext, input: DeploymentInput, before: Beginning): Story<Around | Refusal> {
  const around = yield* lookAround(context, input, before);
  if ('findings' in around) yield* ask(context, deploymentRef(input.request.name), 'found', around.findings);
  return around;
}

const problemsOf = (around: Around | Refusal): readonly Refusal[] =>
  'findings' in around ? around.findings.filter(({ severity }) => severity === 'error').map(toRefusal) : [around];

function* run(context: OrchestrationContext, input: DeploymentInput, before: Beginning): Story<DeploymentResult> {
  const { request } = input;
  const me = deploymentRef(request.name);
  const around = yield* look(context, input, before);
  const stops = problemsOf(around);
  if (!('placement' in around) || stops.length > 0) return conclude([], stops);
  const { placement, unplaced } = around;

  yield* ask(context, me, 'place', { placement, unplaced });
  const left = unplaced?.ids.length ?? 0;
  const total = { total: placement.flat().length + left, granted: 0, proven: 0, setAside: left };

  const resources = sharedResources(input);
  const onRound = (progress: Progress): void => {
    context.df.setCustomStatus({ stage: 'shared resources', sentries: placement.length, subscriptions: total });
    tell(context, me, 'record', resourceStates(resources, progress));
  };
  const deadline = endsAt(request);
  const shared = yield* carryOut(
    context,
    'ensure',
    request.name,
    resources,
    {},
    { onRound, deadline, made: before.made },
  );
  const over = isCutOff(resources, shared) ? [scheduleOver(request)] : [];
  const problems = [...over, ...refusals(resources, shared)];
  if (problems.some((one) => !isMarkLost(one))) return conclude([], problems, left);

  context.df.setCustomStatus({ stage: 'sentries', sentries: placement.length, subscriptions: total });
  const inputs = placement.map((subscriptions, index): SentryInput => ({
    ...input,
    n: index + 1,
    subscriptions,
    shared: outputsOf(shared),
    ...(problems.length > 0 ? { lacking: lackingIn(shared) } : {}),
  }));
  return conclude(yield* runAll<SentryResult>(context, 'runSentry', inputs), problems, left);
}
