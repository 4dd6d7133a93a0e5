import type { OrchestrationContext, Task } from 'durable-functions';
import { activities } from '../../activities/contracts';
import { windowScope } from '../../domain/blueprint/window';
import type { Refusal } from '../../domain/outcome';
import { expirySchema, openedSchema, receiptSchema, type WindowReceipt } from '../../domain/window';
import { attempt, call, firstOf, now, type Story, until } from '../call';
import { presence } from '../presence';
import { tellMe } from '../sentryState';
import { type Configured, output, type Stopped, type Visit } from './visit';

const MINUTE_MS = 60_000;
/** Between two tellings of an earlier run's window that it is to close. */
const PREDECESSOR_RETRY_MS = 15_000;
/** A window of an earlier run is told to close first: how long that may take. */
const PREDECESSOR_MS = 45 * MINUTE_MS;
/** A window tries for half an hour to close before it says that it could not. */
const CLOSING_MS = 45 * MINUTE_MS;

/** An open window, as long as it is open. */
export interface Opening {
  readonly id: string;
  address: string;
  /** ISO 8601; the window moves it when a person asks for that. */
  expiresAt: string;
  /** The window's next word of another expiry. */
  moved: Task;
  /** The window's last word, whenever it comes. */
  readonly closed: Task;
}

/**
 * Sees that someone is there, opens the access window, does its work within, and closes the window whatever came of
 * it. The window is an instance of its own and expires by itself; every wait here has a limit too.
 */
export function* duringWindow(
  context: OrchestrationContext,
  visit: Visit,
  work: (context: OrchestrationContext, visit: Visit, opening: Opening) => Story<Configured | Stopped>,
): Story<Configured | Stopped> {
  const { input, appliance } = visit;
  const absent = yield* presence(context, input, appliance);
  if (absent) return absent;
  const opened = context.df.waitForExternalEvent('windowOpened');
  const opening: Opening = {
    id: `w-${input.request.name}-${input.n}`,
    address: '',
    expiresAt: new Date(now(context) + appliance.access.windowMinutes * MINUTE_MS).toISOString(),
    moved: context.df.waitForExternalEvent('windowMoved'),
    closed: context.df.waitForExternalEvent('windowClosed'),
  };
  const { closed } = opening;

  tellMe(context, input, { stage: 'window' });
  if (!(yield* open(context, visit, opening))) return busy;
  yield* firstOf(context, [opened, closed], Date.parse(opening.expiresAt) + CLOSING_MS);
  if (opened.isCompleted) opening.address = openedSchema.parse(opened.result).address;
  const outcome = opened.isCompleted ? yield* orBrokeDown(work(context, visit, opening)) : notOpened;
  if (!('code' in outcome)) tellMe(context, input, { configured: outcome });

  tellMe(context, input, { stage: 'closing', handoff: null });
  yield* closeNow(context, opening);
  yield* firstOf(context, [closed], now(context) + CLOSING_MS);
  const receipt = closed.isCompleted ? receiptSchema.parse(closed.result) : undefined;
  const problems = receipt?.problems.join('; ') ?? '';
  if (!receipt?.provenClosed) return notProvenClosed(problems || 'The access window gave no receipt');
  return outcome === notOpened && problems ? { ...notOpened, reason: problems } : outcome;
}

/** Work that broke down is no reason to leave the window open until its time is over. */
function* orBrokeDown(work: Story<Configured | Stopped>): Story<Configured | Stopped> {
  try {
    return yield* work;
  } catch (error) {
    return brokeDown(error);
  }
}

/** A window that an earlier run left is told to close, and waited for: there is one for each Sentry. */
function* open(
  context: OrchestrationContext,
  { input, appliance, given }: Visit,
  { id: instanceId, expiresAt }: Opening,
): Story<boolean> {
  const scope = windowScope(input, input.n, appliance, input.egressAddresses, {
    networkSecurityGroupId: output(given, 'networkSecurityGroup', 'id'),
    networkInterfaceId: output(given, 'networkInterface', 'id'),
    privateAddress: given['networkInterface']?.['privateIPAddress'],
    expiresAt,
  });
  const order = { scope, notify: context.df.instanceId };
  for (const limit = now(context) + PREDECESSOR_MS; now(context) < limit;) {
    const answer = yield* call(context, activities.openWindow, { instanceId, order });
    if (answer === 'started') return true;
    yield* attempt(context, activities.raiseEvent, { instanceId, name: 'close', data: null });
    yield* until(context, now(context) + PREDECESSOR_RETRY_MS);
  }
  return false;
}

/** Tells it to close, where the work goes on without it. One that has closed already hears nothing. */
export const closeNow = (context: OrchestrationContext, { id }: Opening): Story<void> =>
  attempt(context, activities.raiseEvent, { instanceId: id, name: 'close', data: null });

/** Waits for a person's answer while the window is open. Answers why there is none, or nothing where it came. */
export function* whileOpen(context: OrchestrationContext, opening: Opening, answer: Task): Story<Refusal | undefined> {
  do yield* firstOf(context, [answer, opening.closed, opening.moved], Date.parse(opening.expiresAt) + CLOSING_MS);
  while (followsTheWindow(context, opening));
  if (answer.isCompleted) return undefined;
  return endedBefore(opening) ?? expired;
}

/** Why it was closed before its time was over; undefined where it was not, as far as this run has heard. */
export const endedBefore = ({ closed }: Opening): Refusal | undefined =>
  closed.isCompleted ? whyClosed[receiptSchema.parse(closed.result).why] : undefined;

/** Whether the window is over, as far as this run has heard. */
export function isOver(context: OrchestrationContext, opening: Opening): boolean {
  while (followsTheWindow(context, opening));
  return opening.closed.isCompleted || now(context) >= Date.parse(opening.expiresAt);
}

/** Takes note of another expiry; false where the window has told of none. */
function followsTheWindow(context: OrchestrationContext, opening: Opening): boolean {
  if (!opening.moved.isCompleted) return false;
  opening.expiresAt = expirySchema.parse(opening.moved.result).expiresAt;
  opening.moved = context.df.waitForExternalEvent('windowMoved');
  return true;
}

const expired: Refusal = {
  code: 'WindowExpired',
  reason: 'Nobody did their part before the access window expired',
  remedy: 'Send the same request again when someone is at the console.',
};
const closedOnRequest: Refusal = {
  code: 'WindowClosed',
  reason: 'The access window was closed before the appliance was set up',
  remedy: 'Send the same request again when someone is at the console.',
};
const runEnded: Refusal = {
  code: 'RunEnded',
  reason: 'The run that this Sentry was part of was ended, and so its access window was closed',
  remedy: 'Send the same request again: it goes on where it stood.',
};
const whyClosed: Readonly<Partial<Record<WindowReceipt['why'], Refusal>>> = {
  closed: closedOnRequest,
  abandoned: runEnded,
};
const notOpened: Refusal = {
  code: 'WindowNotOpened',
  reason: 'The access window could not be opened',
  remedy: 'Mend what its receipt says, then send the same request again.',
};
const busy: Refusal = {
  code: 'WindowBusy',
  reason: 'The access window of an earlier run would not close',
  remedy: 'See its receipt, mend what it says, then send the same request again.',
};

export const brokeDown = (error: unknown): Refusal => ({
  code: 'SentryBrokeDown',
  reason: error instanceof Error ? error.message : 'The Sentry broke down',
  remedy: 'See the log, then send the same request again.',
});

export const notProvenClosed = (reason: string): Refusal => ({
  code: 'WindowNotProvenClosed',
  reason,
  remedy: 'Mend what its receipt says, or close the port by hand. Then send the same request again.',
});
