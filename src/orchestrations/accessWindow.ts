import type { OrchestrationContext, Task } from 'durable-functions';
import { activities, type WindowOrder } from '../activities/contracts';
import { windowRemovals, windowResources, type WindowScope } from '../domain/blueprint/window';
import { outputsOf, type State } from '../domain/graph';
import type { Refusal } from '../domain/outcome';
import type { Resource } from '../domain/resources';
import { refusals } from '../domain/states';
import { expirySchema, type Opened, type OpenWindow, type WindowReceipt } from '../domain/window';
import { ask, attempt, call, firstOf, isoNow, now, sentryRef, type Story, until } from './call';
import { carryOut } from './carryOut';

const RETRY_MS = 60_000;
/** A lock or a policy may forbid the closing for a while. After this long the Sentry is told so. */
const CLOSING_MS = 1_800_000;
/** Azure removes a rule in seconds. A removal that takes longer than this is asked for anew, and not waited for. */
const ROUND_MS = 300_000;
/** … and then it goes on trying, for ever, less often. */
const LONG_RETRY_MS = 600_000;
/** Azure changes a rule in seconds. While it does not, nobody could close the window. */
const EXTENDING_MS = 120_000;
/** Between two looks at the run that opened it: the longest window has about 50 of them in its history. */
const LOOK_MS = 300_000;

type Closing = NonNullable<WindowOrder['closing']>;

/**
 * An access window, as an instance of its own, so that nothing that happens to the deployment can keep it open.
 * Opens the ports, tells the Sentry the address, waits to be told `close` or for its time to run out, which `extend`
 * moves, or for the run that opened it to be gone, and closes, whatever came between. It ends only when Azure shows that no rule and no address is left.
 */
export function* accessWindow(context: OrchestrationContext): Story<WindowReceipt> {
  const order = context.df.getInput<WindowOrder>();
  const closing = order.closing ?? (yield* openForAWhile(context, order, windowResources(order.scope)));

  context.df.setCustomStatus({ stage: 'closing' });
  const receipt = yield* close(context, order.scope, closing);
  if (!order.closing) yield* tellSentry(context, order, 'windowClosed', receipt);
  if (!receipt.provenClosed) {
    yield* until(context, now(context) + LONG_RETRY_MS);
    context.df.continueAsNew({ ...order, closing });
  }
  return receipt;
}

/** Opens, and stays open until told or expired. A failure of any kind ends it early: what is open is then closed. */
function* openForAWhile(
  context: OrchestrationContext,
  order: WindowOrder,
  resources: readonly Resource[],
): Story<Closing> {
  const { scope } = order;
  const expiresAt = Date.parse(scope.expiresAt);
  let openedAt: string | null = null;
  try {
    context.df.setCustomStatus({ stage: 'opening', expiresAt: scope.expiresAt });
    const progress = yield* carryOut(context, 'ensure', scope.deployment, resources, {}, { deadline: expiresAt });
    const problems = refusals(resources, progress).map(withWayOut);
    if (!resources.every(({ key }) => progress[key]?.state === 'done'))
      return { openedAt, why: 'neverOpened', problems };

    openedAt = isoNow(context);
    const address = outputsOf(progress)['publicIPAddress']?.['ipAddress'] ?? scope.privateAddress ?? '';
    const open = { openedAt, address, expiresAt: scope.expiresAt };
    yield* show(context, scope, open);
    yield* tellSentry(context, order, 'windowOpened', open satisfies Opened);
    return yield* stayOpen(context, order, open);
  } catch (error) {
    const problem = error instanceof Error ? error.message : 'The window broke down';
    return { openedAt, why: openedAt === null ? 'neverOpened' : 'closed', problems: [problem] };
  }
}

/** Waits to be told to close, for its run to be gone, or for the time to run out, which moves as often as it is asked to. */
function* stayOpen(context: OrchestrationContext, order: WindowOrder, open: Opened): Story<Closing> {
  const { openedAt } = open;
  const told = context.df.waitForExternalEvent('close');
  let { scope } = order;
  let problems: readonly string[] = [];
  let asked: Task = context.df.waitForExternalEvent('extend');
  for (;;) {
    const expiry = Date.parse(scope.expiresAt);
    yield* firstOf(context, [told, asked], Math.min(expiry, now(context) + LOOK_MS));
    if (told.isCompleted) return { openedAt, why: 'closed', problems: [...problems] };
    if (!asked.isCompleted) {
      if (now(context) >= expiry) return { openedAt, why: 'expired', problems: [...problems] };
      if (yield* isAbandoned(context, order)) return { openedAt, why: 'abandoned', problems: [...problems] };
      continue;
    }

    const { expiresAt } = expirySchema.parse(asked.result);
    asked = context.df.waitForExternalEvent('extend');
    const problem = yield* moveExpiry(context, { ...scope, expiresAt }, Date.parse(scope.expiresAt));
    if (problem !== undefined) problems = [...problems, problem];
    // An earlier end is kept to even where Azure does not take the new description: nobody wants it open for longer.
    if (problem === undefined || expiresAt < scope.expiresAt) scope = { ...scope, expiresAt };
    const moved = { ...open, expiresAt: scope.expiresAt };
    yield* show(context, scope, problem === undefined ? moved : { ...moved, problem });
    yield* tellSentry(context, order, 'windowMoved', { expiresAt: scope.expiresAt });
  }
}

/** Whether the run that opened it is gone. One opened at rest has none; where it could not be looked, it is there. */
function* isAbandoned(context: OrchestrationContext, { notify, scope }: WindowOrder): Story<boolean> {
  if (notify === undefined) return false;
  const { deployment, n } = scope;
  try {
    return !(yield* call(context, activities.isRunAtWork, { deployment, n, instanceId: notify }));
  } catch {
    return false;
  }
}

/** Puts what bears the expiry anew, so that what the sweep reads is true. Answers why that did not come about. */
function* moveExpiry(context: OrchestrationContext, scope: WindowScope, before: number): Story<string | undefined> {
  const resources = windowResources(scope);
  const limit = Math.min(before, now(context) + EXTENDING_MS);
  const progress = yield* carryOut(context, 'ensure', scope.deployment, resources, {}, { deadline: limit });
  if (resources.every(({ key }) => progress[key]?.state === 'done')) return undefined;
  const [refusal] = refusals(resources, progress);
  return `Not extended to ${scope.expiresAt}: ${refusal?.reason ?? 'Azure did not take it in time'}`;
}

/** Shows it in the Sentry's state: the window itself does, for it may outlive the run, or be opened without one. */
function* show(
  context: OrchestrationContext,
  { deployment, n, rules, sources }: WindowScope,
  open: Opened & Pick<OpenWindow, 'problem'>,
): Story<void> {
  context.df.setCustomStatus({ stage: 'open', ...open });
  const window: OpenWindow = { ...open, ports: rules.map(({ port }) => port), sources };
  yield* ask(context, sentryRef(deployment, n), 'window', window);
}

/** A Sentry that does not hear it has a time limit of its own. A window opened at rest has nobody to tell. */
function* tellSentry(context: OrchestrationContext, { notify }: WindowOrder, name: string, data: unknown): Story<void> {
  if (notify !== undefined) yield* attempt(context, activities.raiseEvent, { instanceId: notify, name, data });
}

/** Asks for all of it to be gone until it is, at most for half an hour. What is left is shown after each round. */
function* close(context: OrchestrationContext, scope: WindowScope, closing: Closing): Story<WindowReceipt> {
  const { deployment, n } = scope;
  for (const limit = now(context) + CLOSING_MS; ;) {
    const left = yield* remove(context, scope, closing);
    const receipt: WindowReceipt = {
      ...closing,
      sentry: n,
      closedAt: isoNow(context),
      provenClosed: left.length === 0,
      problems: [...closing.problems, ...left],
    };
    yield* ask(context, sentryRef(deployment, n), 'receipt', receipt);
    if (receipt.provenClosed || now(context) >= limit) return receipt;
    context.df.setCustomStatus({ stage: 'closing', problems: left.length });
    yield* until(context, now(context) + RETRY_MS);
  }
}

/**
 * Removes what the window opened. A removal ends by reading that the thing is gone: that is the proof. Answers what is
 * left: what was refused, and what another hand has made its own.
 */
function* remove(context: OrchestrationContext, scope: WindowScope, { why }: Closing): Story<readonly string[]> {
  const resources = windowRemovals(scope);
  const deadline = now(context) + ROUND_MS;
  const progress = yield* carryOut(context, 'remove', scope.deployment, resources, {}, { deadline });
  return resources.flatMap(({ kind, key, id }) => {
    const state = progress[key];
    // Another hand's address on the appliance. Where it kept the window from opening, nothing was put there.
    const kept = kind === 'publicIPAssociation' && why === 'neverOpened';
    if (state?.state === 'done' && (state.ours || kept)) return [];
    return [`${key} ('${id}') is still there: ${whyStill(state)}`];
  });
}

const withWayOut = ({ code, reason, remedy }: Refusal): string => `${code}: ${reason.replace(/\.$/, '')}. ${remedy}`;

function whyStill(state: State | undefined): string {
  switch (state?.state) {
    case 'refused':
      return withWayOut(state);
    case 'blocked':
      return `${state.by} is`;
    case 'done':
      return 'it no longer bears our mark';
    case 'later':
      return `${state.code}: ${state.reason}`;
    case 'running':
      return 'Azure has not ended its removal';
    default:
      return 'what opens it is not gone yet';
  }
}
