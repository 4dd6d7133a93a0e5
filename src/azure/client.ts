/** How every client of Azure is made: one credential, one HTTP client, one cloud, and no retries of its own. */
import { createDefaultHttpClient, type HttpClient } from '@azure/core-rest-pipeline';
import type { TokenCredential } from '@azure/core-auth';
import { DefaultAzureCredential } from '@azure/identity';
import type { Config } from '../config';

/** What a deterministic run may put in place of the network. Absent in production. */
export interface Transport {
  readonly httpClient?: HttpClient | undefined;
  readonly fetch?: typeof fetch | undefined;
}

export interface Connection {
  readonly config: Config;
  readonly credential: TokenCredential;
  readonly transport: Transport;
}

/** The app's own identity in Azure, the developer's sign-in on a laptop. */
export function connect(config: Config, transport: Transport): Connection {
  const { customAuthority, cloud, clientId } = config;
  const credential = new DefaultAzureCredential({
    authorityHost: cloud.authorityHost,
    disableInstanceDiscovery: customAuthority,
    ...(clientId ? { managedIdentityClientId: clientId } : {}),
    ...httpClientOf(transport),
  });
  return { config, credential, transport };
}

/** Longer than Azure takes for any single answer. Without a limit a connection that hangs holds its activity for good. */
export const ANSWER_MS = 100_000;

/** For the option `httpClient` of every client of Azure: what is not answered in time has failed. */
export function httpClientOf({ httpClient = createDefaultHttpClient() }: Transport): { httpClient: HttpClient } {
  const sendRequest: HttpClient['sendRequest'] = (request) => {
    request.timeout ||= ANSWER_MS;
    return httpClient.sendRequest(request);
  };
  return { httpClient: { sendRequest } };
}

/**
 * Options of every ARM client. Waiting belongs to the orchestrator, so the SDK's own retries are off: they would
 * hold an activity open and hide Retry-After from it.
 */
export function armOptions({ config, transport }: Connection) {
  const scopes = [`${config.cloud.armAudience}/.default`];
  return {
    endpoint: config.cloud.armEndpoint,
    credentials: { scopes },
    credentialScopes: scopes,
    retryOptions: { maxRetries: 0 },
    ...httpClientOf(transport),
  };
}
