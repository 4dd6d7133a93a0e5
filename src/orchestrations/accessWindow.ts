import type { OrchestrationContext } from 'durable-functions';
import { activities, type WindowOrder } from '../activities/contracts';
import { windowResources } from '../domain/blueprint/window';
import { outputsOf, reversed } from '../domain/graph';
import type { Resource } from '../domain/resources';
import { refusals } from '../domain/states';
import type { Opened, WindowReceipt } from '../domain/window';
import { ask, attempt, firstOf, isoNow, now, sentryRef, type Story, until } from './call';
import { carryOut } from './carryOut';

const RETRY_MS = 60_000;
/** A lock or a policy may forbid the closing for a while. After this many rounds the receipt says so. */
const CLOSING_ROUNDS = 30;
/** … and then it goes on trying, for ever, less often. */
const LONG_RETRY_MS = 600_000;

type Closing = NonNullable<WindowOrder['closing']>;

/**
 * An access window, as an instance of its own, so that nothing that happens to the deployment can keep it open.
 * Opens the ports, tells the Sentry the address, waits to be told `close` or for its time to run out, and closes,
 * whatever came between. It ends only when Azure shows that no rule and no address is left.
 */
export function* accessWindow(context: OrchestrationContext): Story<WindowReceipt> {
  const order = context.df.getInput<WindowOrder>();
  const resources = windowResources(order.scope);
  const closing = order.closing ?? (yield* openForAWhile(context, order, resources));

  context.df.setCustomStatus({ stage: 'closing' });
  const left = yield* close(context, order.scope.deployment, resources);
  const receipt: WindowReceipt = {
    ...closing,
    sentry: order.scope.n,
    closedAt: isoNow(context),
    provenClosed: left.length === 0,
    problems: [...closing.problems, ...left],
  };
  yield* ask(context, sentryRef(order.scope.deployment, order.scope.n), 'receipt', receipt);
  if (!order.closing) yield* tellSentry(context, order, 'windowClosed', receipt);
  if (!receipt.provenClosed) {
    context.df.setCustomStatus({ stage: 'not closed yet', problems: left.length });
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
    const progress = yield* carryOut(context, 'ensure', scope.deployment, resources, {}, undefined, expiresAt);
    const problems = refusals(resources, progress).map(({ reason }) => reason);
    if (!resources.every(({ key }) => progress[key]?.state === 'done'))
      return { openedAt, why: 'neverOpened', problems };

    openedAt = isoNow(context);
    const address = outputsOf(progress)['publicIPAddress']?.['ipAddress'] ?? '';
    context.df.setCustomStatus({ stage: 'open', address, expiresAt: scope.expiresAt });
    yield* tellSentry(context, order, 'windowOpened', { address, openedAt } satisfies Opened);
    const told = context.df.waitForExternalEvent('close');
    yield* firstOf(context, [told], expiresAt);
    return { openedAt, why: told.isCompleted ? 'closed' : 'expired', problems: [] };
  } catch (error) {
    const problem = error instanceof Error ? error.message : 'The window broke down';
    return { openedAt, why: openedAt === null ? 'neverOpened' : 'closed', problems: [problem] };
  }
}

/** A Sentry that does not hear it has a time limit of its own. */
function* tellSentry(context: OrchestrationContext, { notify }: WindowOrder, name: string, data: unknown): Story<void> {
  yield* attempt(context, activities.raiseEvent, { instanceId: notify, name, data });
}

/**
 * Removes all that the window opened. A removal ends by reading that the thing is gone: that is the proof. Answers
 * what is left after half an hour of trying: what was refused, and what another hand has made its own.
 */
function* close(
  context: OrchestrationContext,
  deployment: string,
  resources: readonly Resource[],
): Story<readonly string[]> {
  for (let round = 1; ; round += 1) {
    const progress = yield* carryOut(context, 'remove', deployment, reversed(resources), {});
    const left = resources.flatMap(({ key, id }) => {
      const state = progress[key];
      if (state?.state === 'done' && state.ours) return [];
      const why = state?.state === 'refused' ? `${state.reason}. ${state.remedy}` : 'it no longer bears our mark';
      return [`${key} ('${id}') is still there: ${state?.state === 'blocked' ? `${state.by} is` : why}`];
    });
    if (left.length === 0 || round === CLOSING_ROUNDS) return left;
    yield* until(context, now(context) + RETRY_MS);
  }
}
