import type { OrchestrationContext } from 'durable-functions';
import { activities, type WindowOrder } from '../activities/contracts';
import { windowResources } from '../domain/blueprint/window';
import { outputsOf, reversed } from '../domain/graph';
import type { Resource } from '../domain/resources';
import { refusals, type WindowReceipt } from '../domain/states';
import { call, firstOf, isoNow, now, type Story, until } from './call';
import { carryOut } from './carryOut';
import type { Opened } from './configure';

const RETRY_MS = 60_000;
/** A lock or a policy may forbid the closing for a while; after this many rounds the receipt says so. */
const CLOSING_ROUNDS = 30;

/**
 * An access window, as an instance of its own, so that nothing that happens to the deployment can keep it open.
 * Opens the ports, tells the Sentry the address, waits to be told `close` or for its time to run out, closes, and
 * proves by reading Azure that no rule and no address is left.
 */
export function* accessWindow(context: OrchestrationContext): Story<WindowReceipt> {
  const { scope, notify } = context.df.getInput<WindowOrder>();
  const resources = windowResources(scope);
  context.df.setCustomStatus({ stage: 'opening', expiresAt: scope.expiresAt });
  const progress = yield* carryOut(context, 'ensure', scope.deployment, resources, {}, () => undefined);
  const open = resources.every(({ key }) => progress[key]?.state === 'done');
  const openedAt = open ? isoNow(context) : null;

  let why: WindowReceipt['why'] = 'neverOpened';
  if (openedAt !== null) {
    const address = outputsOf(progress)['publicIPAddress']?.['ipAddress'] ?? '';
    context.df.setCustomStatus({ stage: 'open', address, expiresAt: scope.expiresAt });
    yield* call(context, activities.raiseEvent, {
      instanceId: notify,
      name: 'windowOpened',
      data: { address, openedAt } satisfies Opened,
    });
    why = yield* stayOpen(context, Date.parse(scope.expiresAt));
  }
  context.df.setCustomStatus({ stage: 'closing' });
  const unclosed = yield* close(context, scope.deployment, resources);
  const receipt: WindowReceipt = {
    sentry: scope.n,
    openedAt,
    closedAt: isoNow(context),
    why,
    provenClosed: unclosed.length === 0,
    problems: [...refusals(resources, progress).map(({ reason }) => reason), ...unclosed],
  };
  context.df.setCustomStatus({ stage: 'closed', provenClosed: receipt.provenClosed });
  yield* call(context, activities.raiseEvent, { instanceId: notify, name: 'windowClosed', data: receipt });
  return receipt;
}

function* stayOpen(context: OrchestrationContext, expiresAt: number): Story<'closed' | 'expired'> {
  const told = context.df.waitForExternalEvent('close');
  const expiry = context.df.createTimer(new Date(Math.max(expiresAt, now(context))));
  yield* firstOf(context, [told, expiry]);
  if (!told.isCompleted) return 'expired';
  expiry.cancel();
  return 'closed';
}

/**
 * Removes all that the window opened. A removal ends by reading that the thing is gone: that is the proof. Answers
 * what could not be closed, after half an hour of trying.
 */
function* close(
  context: OrchestrationContext,
  deployment: string,
  resources: readonly Resource[],
): Story<readonly string[]> {
  for (let round = 1; ; round += 1) {
    const progress = yield* carryOut(context, 'remove', deployment, reversed(resources), {}, () => undefined);
    const left = refusals(resources, progress).map(({ reason, remedy }) => `${reason}. ${remedy}`);
    if (left.length === 0 || round === CLOSING_ROUNDS) return left;
    yield* until(context, now(context) + RETRY_MS);
  }
}
