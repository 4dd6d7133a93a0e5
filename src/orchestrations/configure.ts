import type { OrchestrationContext, Task } from 'durable-functions';
import { activities, type ApplianceJob, type ApplianceResult } from '../activities/contracts';
import type { ApplianceChoice } from '../domain/blueprint/blueprint';
import { windowScope } from '../domain/blueprint/window';
import type { Given } from '../domain/graph';
import { declinedHandoff, type Handoff, handoffId } from '../domain/handoff';
import type { Refusal } from '../domain/outcome';
import type { SentryState } from '../domain/states';
import { expirySchema, openedSchema, receiptSchema, registeredSchema } from '../domain/window';
import { attempt, call, firstOf, now, type Story, until } from './call';
import type { SentryInput } from './inputs';
import { presence } from './presence';
import { proveAppliance, whyFailed } from './prove';
import { proofJob } from './proofJob';
import { tellMe } from './sentryState';

type Configured = NonNullable<SentryState['configured']>;
type Stopped = NonNullable<SentryState['stopped']>;

const MINUTE_MS = 60_000;
/** A VM that has just been made answers on its port after a minute or so. */
const BOOT_RETRY_MS = 15_000;
/** A window of an earlier run is told to close first: how long that may take. */
const PREDECESSOR_MS = 45 * MINUTE_MS;
/** A window tries for half an hour to close before it says that it could not. */
const CLOSING_MS = 45 * MINUTE_MS;

/** All that one session at the console is about. */
interface Visit {
  readonly input: SentryInput;
  readonly appliance: ApplianceChoice;
  readonly given: Given;
  readonly granted: number;
  readonly windowId: string;
  /** ISO 8601; the window moves it when a person asks for that. */
  expiresAt: string;
  /** The window's next word of another expiry. */
  moved: Task;
  /** The window's last word, whenever it comes. */
  readonly closed: Task;
}

/**
 * Guide, "Connecting the CloudKnox Sentry with the CloudKnox console" and "Configure the Sentry": sees that someone is
 * there, opens the access window, shows the address, takes the console's email and PIN, answers the set-up script, and closes the window
 * whatever came of it. The window is an instance of its own and expires by itself; every wait here has a limit too.
 */
export function* configure(
  context: OrchestrationContext,
  input: SentryInput,
  appliance: ApplianceChoice,
  given: Given,
  granted: number,
): Story<Configured | Stopped> {
  const { request, n } = input;
  const absent = yield* presence(context, input, appliance);
  if (absent) return absent;
  const expiresAt = new Date(now(context) + appliance.access.windowMinutes * MINUTE_MS).toISOString();
  const opened = context.df.waitForExternalEvent('windowOpened');
  const closed = context.df.waitForExternalEvent('windowClosed');
  const moved = context.df.waitForExternalEvent('windowMoved');
  const windowId = `w-${request.name}-${n}`;
  const visit: Visit = { input, appliance, given, granted, windowId, expiresAt, moved, closed };

  tellMe(context, input, { stage: 'window' });
  if (!(yield* openWindow(context, visit))) return busy;
  yield* firstOf(context, [opened, closed], Date.parse(expiresAt) + CLOSING_MS);
  const outcome = opened.isCompleted
    ? yield* orBrokeDown(withinWindow(context, visit, openedSchema.parse(opened.result).address))
    : notOpened;
  if (!('code' in outcome)) tellMe(context, input, { configured: outcome });

  tellMe(context, input, { stage: 'closing', handoff: null });
  yield* attempt(context, activities.raiseEvent, { instanceId: visit.windowId, name: 'close', data: null });
  yield* firstOf(context, [closed], now(context) + CLOSING_MS);
  const receipt = closed.isCompleted ? receiptSchema.parse(closed.result) : undefined;
  const problems = receipt?.problems.join('; ') ?? '';
  if (!receipt?.provenClosed) return notProvenClosed(problems || 'The access window gave no receipt');
  return outcome === notOpened && problems ? { ...notOpened, reason: problems } : outcome;
}

/** A session that broke down is no reason to leave the window open until its time is over. */
function* orBrokeDown(session: Story<Configured | Stopped>): Story<Configured | Stopped> {
  try {
    return yield* session;
  } catch (error) {
    return brokeDown(error);
  }
}

/** A window that an earlier run left is told to close, and waited for: there is one for each Sentry. */
function* openWindow(
  context: OrchestrationContext,
  { input, appliance, given, windowId, expiresAt }: Visit,
): Story<boolean> {
  const scope = windowScope(input, input.n, appliance, input.egressAddresses, {
    networkSecurityGroupId: output(given, 'networkSecurityGroup', 'id'),
    networkInterfaceId: output(given, 'networkInterface', 'id'),
    privateAddress: given['networkInterface']?.['privateIPAddress'],
    expiresAt,
  });
  const order = { scope, notify: context.df.instanceId };
  for (const limit = now(context) + PREDECESSOR_MS; now(context) < limit;) {
    const answer = yield* call(context, activities.openWindow, { instanceId: windowId, order });
    if (answer === 'started') return true;
    yield* attempt(context, activities.raiseEvent, { instanceId: windowId, name: 'close', data: null });
    yield* until(context, now(context) + BOOT_RETRY_MS);
  }
  return false;
}

function* withinWindow(context: OrchestrationContext, visit: Visit, address: string): Story<Configured | Stopped> {
  const { input, granted, closed } = visit;
  let hostKey: string | undefined;
  for (let round = 1; ; round += 1) {
    const event = `registration-${round}`;
    tellMe(context, input, { stage: 'registration', handoff: handoff(address, input, event, round > 1) });
    const registration = context.df.waitForExternalEvent(event);
    do yield* firstOf(context, [registration, closed, visit.moved], Date.parse(visit.expiresAt) + CLOSING_MS);
    while (followsTheWindow(context, visit));
    if (!registration.isCompleted) return closed.isCompleted ? whyClosed(closed) : expired;

    tellMe(context, input, { stage: 'configuration', handoff: null });
    const answer = registeredSchema.parse(registration.result);
    if ('declined' in answer) return declinedHandoff('registration', answer.declined);
    const job = applianceJob(visit, address, answer.registrationUri);
    const result = yield* talk(context, { ...job, hostKey }, visit);
    switch (result.kind) {
      case 'configured': {
        tellMe(context, input, { stage: 'proof' });
        const pinned = { ...job, hostKey: result.hostKey };
        const proof = yield* proveAppliance(context, proofJob(visit, pinned), granted, () => isOpen(context, visit));
        return 'code' in proof ? proof : { subscriptions: granted, hostKey: result.hostKey, proof };
      }
      case 'stopped': {
        const { kind: _, ...stopped } = result;
        return yield* whyFailed(context, proofJob(visit, job), stopped);
      }
      case 'unreachable':
        return {
          code: 'Unreachable',
          reason: result.reason,
          remedy: 'See that the VM runs, then send the same request again.',
        };
      case 'wrongPin':
        // Seen once, it is the appliance's: a PIN and a secret go to nobody else.
        hostKey = result.hostKey;
    }
  }
}

/** Takes note of another expiry; false where the window has told of none. */
function followsTheWindow(context: OrchestrationContext, visit: Visit): boolean {
  if (!visit.moved.isCompleted) return false;
  visit.expiresAt = expirySchema.parse(visit.moved.result).expiresAt;
  visit.moved = context.df.waitForExternalEvent('windowMoved');
  return true;
}

const whyClosed = ({ result }: Task): Refusal =>
  receiptSchema.parse(result).why === 'closed' ? closedOnRequest : expired;

function isOpen(context: OrchestrationContext, visit: Visit): boolean {
  while (followsTheWindow(context, visit));
  return !visit.closed.isCompleted && now(context) < Date.parse(visit.expiresAt);
}

/** Runs the script, trying again while nobody answers and the window is open. */
function* talk(context: OrchestrationContext, job: ApplianceJob, visit: Visit): Story<ApplianceResult> {
  for (;;) {
    const result = yield* call(context, activities.configureAppliance, job);
    if (result.kind !== 'unreachable' || !isOpen(context, visit)) return result;
    yield* until(context, now(context) + BOOT_RETRY_MS);
  }
}

function applianceJob(
  { input, appliance, given, granted }: Visit,
  address: string,
  registrationUri: string,
): ApplianceJob {
  const { request } = input;
  const app = request.identity.kind === 'appRegistration';
  return {
    address,
    port: appliance.ports[0] ?? 22,
    username: appliance.vm.adminUsername,
    script: appliance.script,
    sshKeyUri: output(given, 'sshKey', 'secretUri'),
    registrationUri,
    ...(app ? { clientSecretUri: output(given, 'clientSecret', 'secretUri') } : {}),
    answers: {
      tenantId: request.tenantId,
      usesClientId: app ? 'Y' : 'N',
      ...(app ? { clientId: output(given, 'servicePrincipal', 'clientId') } : {}),
      subscriptionCount: String(granted),
    },
  };
}

const handoff = (address: string, { request, n }: SentryInput, event: string, wrongPin: boolean): Handoff => ({
  id: handoffId('registration', n),
  kind: 'registration',
  address,
  event,
  text: [
    ...(wrongPin ? ['The console did not know that PIN, or it had expired: take a new one.'] : []),
    'In the console: Settings (gear icon) > Data Collectors > Azure > Deploy > Next.',
    `Enter the appliance's address ${address}, then Next.`,
    `Send the email and PIN that it shows to POST /api/deployments/${request.name}/sentries/${n}/registration.`,
  ].join(' '),
});

function output(given: Given, key: string, name: string): string {
  const value = given[key]?.[name];
  if (value === undefined) throw new Error(`'${key}' gave no '${name}'.`);
  return value;
}

const expired: Refusal = {
  code: 'WindowExpired',
  reason: 'Nobody gave the console’s email and PIN before the access window expired',
  remedy: 'Send the same request again when someone is at the console.',
};
const closedOnRequest: Refusal = {
  code: 'WindowClosed',
  reason: 'The access window was closed before the console’s email and PIN had come',
  remedy: 'Send the same request again when someone is at the console.',
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
