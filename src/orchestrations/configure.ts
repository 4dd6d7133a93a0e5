import type { OrchestrationContext, Task } from 'durable-functions';
import { activities, type ApplianceJob, type ApplianceResult } from '../activities/contracts';
import { windowScope } from '../domain/blueprint/window';
import type { Given } from '../domain/graph';
import type { Refusal } from '../domain/outcome';
import type { SentryState, WindowReceipt } from '../domain/states';
import { call, firstOf, now, sentryRef, type Story, tell, until } from './call';
import type { SentryInput } from './inputs';

type Configured = NonNullable<SentryState['configured']>;

const MINUTE_MS = 60_000;
/** A VM that has just been made answers on its port after a minute or so. */
const BOOT_RETRY_MS = 15_000;

/** What the window says when it is open. */
export interface Opened {
  readonly address: string;
  readonly openedAt: string;
}

/**
 * Guide, "Connecting the CloudKnox Sentry with the CloudKnox console" and "Configure the Sentry": opens the access
 * window, shows the address, takes the console's email and PIN, answers the set-up script, and closes the window
 * whatever came of it. Nothing here may leave the window open: it is an instance of its own, and expires by itself.
 */
export function* configure(
  context: OrchestrationContext,
  input: SentryInput,
  given: Given,
  granted: number,
): Story<Configured | (Refusal & { readonly transcript?: string })> {
  const { request, n } = input;
  const me = sentryRef(request.name, n);
  const windowId = `w-${request.name}-${n}`;
  const expiresAt = new Date(now(context) + request.access.windowMinutes * MINUTE_MS).toISOString();
  const scope = windowScope(input, n, input.egressAddresses, {
    networkSecurityGroupId: output(given, 'networkSecurityGroup', 'id'),
    networkInterfaceId: output(given, 'networkInterface', 'id'),
    expiresAt,
  });

  tell(context, me, 'patch', { stage: 'window' });
  const opened = context.df.waitForExternalEvent('windowOpened');
  const closed = context.df.waitForExternalEvent('windowClosed');
  yield* call(context, activities.openWindow, {
    instanceId: windowId,
    order: { scope, notify: context.df.instanceId },
  });
  yield* firstOf(context, [opened, closed]);

  const outcome = opened.isCompleted
    ? yield* withinWindow(context, input, given, granted, opened.result as Opened, expiresAt, closed)
    : notOpened;
  tell(context, me, 'patch', { stage: 'closing', handoff: null });
  yield* call(context, activities.raiseEvent, { instanceId: windowId, name: 'close', data: null });
  const receipt: WindowReceipt = yield closed;
  tell(context, me, 'patch', { receipt, window: null, address: null });
  if ('code' in outcome)
    return { ...outcome, ...(opened.isCompleted ? {} : { reason: receipt.problems.join('; ') || outcome.reason }) };
  tell(context, me, 'patch', { configured: outcome });
  return outcome;
}

function* withinWindow(
  context: OrchestrationContext,
  input: SentryInput,
  given: Given,
  granted: number,
  { address, openedAt }: Opened,
  expiresAt: string,
  closed: Task,
): Story<Configured | (Refusal & { readonly transcript?: string })> {
  const { request, n } = input;
  const me = sentryRef(request.name, n);
  tell(context, me, 'patch', { address, window: { openedAt, expiresAt } });
  for (let wrongPin = false; ; wrongPin = true) {
    tell(context, me, 'patch', { stage: 'registration', handoff: handoff(address, n, request.name, wrongPin) });
    const registration = context.df.waitForExternalEvent('registration');
    yield* firstOf(context, [registration, closed]);
    if (!registration.isCompleted) return expired;

    tell(context, me, 'patch', { stage: 'configuration', handoff: null });
    const { registrationUri } = registration.result as { readonly registrationUri: string };
    const job = applianceJob(input, given, granted, address, registrationUri);
    const result = yield* talk(context, job, closed);
    switch (result.kind) {
      case 'configured':
        return { subscriptions: granted, hostKey: result.hostKey };
      case 'stopped':
        return { code: result.code, reason: result.reason, remedy: result.remedy, transcript: result.transcript };
      case 'unreachable':
        return {
          code: 'Unreachable',
          reason: result.reason,
          remedy: 'See that the VM runs, then send the same request again.',
        };
      case 'wrongPin':
    }
  }
}

/** Runs the script, trying again while nobody answers and the window is open. */
function* talk(context: OrchestrationContext, job: ApplianceJob, closed: Task): Story<ApplianceResult> {
  for (;;) {
    const result = yield* call(context, activities.configureAppliance, job);
    if (result.kind !== 'unreachable' || closed.isCompleted) return result;
    yield* until(context, now(context) + BOOT_RETRY_MS);
  }
}

function applianceJob(
  input: SentryInput,
  given: Given,
  granted: number,
  address: string,
  registrationUri: string,
): ApplianceJob {
  const { request, profile } = input;
  const app = request.identity.kind === 'appRegistration';
  return {
    address,
    port: (request.access.ports ?? profile.ports)[0] ?? 22,
    username: request.vm.adminUsername ?? profile.vm.adminUsername,
    script: profile.script,
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

const handoff = (address: string, n: number, name: string, wrongPin: boolean) => ({
  kind: 'registration' as const,
  address,
  text: [
    ...(wrongPin ? ['The console did not know that PIN, or it had expired: take a new one.'] : []),
    'In the console: Settings (gear icon) > Data Collectors > Azure > Deploy > Next.',
    `Enter the appliance's address ${address}, then Next.`,
    `Send the email and PIN that it shows to POST /api/deployments/${name}/sentries/${n}/registration.`,
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
const notOpened: Refusal = {
  code: 'WindowNotOpened',
  reason: 'The access window could not be opened',
  remedy: 'Mend what its receipt says, then send the same request again.',
};
