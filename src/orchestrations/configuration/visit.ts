/** What every kind of configuration starts from. */
import type { ScriptJob } from '../../activities/contracts';
import { type ApplianceChoice, clientSecretOf } from '../../domain/blueprint/blueprint';
import type { Given } from '../../domain/graph';
import type { SentryState } from '../../domain/states';
import type { SentryInput } from '../inputs';

export type Configured = NonNullable<SentryState['configured']>;
export type Stopped = NonNullable<SentryState['stopped']>;

export interface Visit {
  readonly input: SentryInput;
  readonly appliance: ApplianceChoice;
  readonly given: Given;
  /** Subscriptions that it may collect: the script asks for their number. */
  readonly granted: number;
  /** Pinned in an earlier session with this VM. */
  readonly hostKey: string | undefined;
}

/** Each answer to the script, or where it lies: nothing of it is secret. */
export function scriptJob({ input, appliance, given, granted }: Visit, registrationUri: string): ScriptJob {
  const { request } = input;
  const app = request.identity.kind === 'appRegistration';
  return {
    script: appliance.script,
    registrationUri,
    ...(clientSecretOf(request) ? { clientSecretUri: output(given, 'clientSecret', 'secretUri') } : {}),
    answers: {
      tenantId: request.tenantId,
      usesClientId: app ? 'Y' : 'N',
      ...(app ? { clientId: output(given, 'servicePrincipal', 'clientId') } : {}),
      subscriptionCount: String(granted),
    },
  };
}

/** An output that the graph promised. Throws where it is absent: a bug in `needs`. */
export function output(given: Given, key: string, name: string): string {
  const value = given[key]?.[name];
  if (value === undefined) throw new Error(`'${key}' gave no '${name}'.`);
  return value;
}
