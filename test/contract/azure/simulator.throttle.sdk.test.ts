/** How each service throttles, as its SDK sees it with retries off: code, message, envelope and headers. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AuthorizationManagementClient } from '@azure/arm-authorization';
import { KeyVaultManagementClient } from '@azure/arm-keyvault';
import { NetworkManagementClient } from '@azure/arm-network';
import { ResourceGraphClient } from '@azure/arm-resourcegraph';
import { ResourceManagementClient } from '@azure/arm-resources';
import { SecretClient } from '@azure/keyvault-secrets';
import { type Client } from '@microsoft/microsoft-graph-client';
import { randomUUID } from 'node:crypto';
import { additionalPolicies, expectRefusal, graphOf, holding, optionsOf, type Refusal, retryOptions } from './simulator.clients.support'; // prettier-ignore
import { all, instant, location, platform, startTestAzure, type TestAzure, watched } from './simulator.support';

const administrator = 'a0000000-0000-4000-8000-000000000002';
const clientId = 'a0000000-0000-4000-8000-0000000000c2';
const limits = {
  ...instant.limits,
  reads: { size: 12, perSecond: 2 },
  writes: { size: 10, perSecond: 0.5 },
  deletes: { size: 3, perSecond: 1 },
  authorizationWritesPerMinute: 4,
  networkWritesPer5Minutes: 3,
  networkReadsPer5Minutes: 5,
  resourceGraphQueriesPer5Seconds: 3,
  graphResourceUnitsPer10Seconds: 6,
  graphWritesPer150Seconds: 4,
  graphTenantWritesPer5Minutes: 6,
  secretCreationsPer10Seconds: 2,
  vaultTransactionsPer10Seconds: 3,
};

let azure: TestAzure;
let resources: ResourceManagementClient;
let network: NetworkManagementClient;
let authorization: AuthorizationManagementClient;
let vaults: KeyVaultManagementClient['vaults'];
let query: ResourceGraphClient;
let graph: Client;
let secrets: SecretClient;

beforeAll(async () => {
  azure = await startTestAzure({ ...instant, limits });
  await sign();
  await resources.resourceGroups.createOrUpdate('rg', { location });
});
afterAll(async () => azure.stop());

/** Every bucket fills while an hour passes; tokens do not last as long. */
async function sign(): Promise<void> {
  azure.advance(3600);
  const credential = holding(await azure.token('administrator'));
  const options = optionsOf(azure);
  resources = new ResourceManagementClient(credential, platform, options);
  network = new NetworkManagementClient(credential, platform, options);
  authorization = new AuthorizationManagementClient(credential, platform, options);
  ({ vaults } = new KeyVaultManagementClient(credential, platform, options));
  query = new ResourceGraphClient(credential, options);
  graph = await graphOf(azure, 'administrator');
  const forVault = holding(await azure.token('administrator', 'https://vault.azure.net'));
  secrets = new SecretClient(azure.url, forVault, { disableChallengeResourceVerification: true, retryOptions, additionalPolicies }); // prettier-ignore
}

interface Rule {
  readonly service: 'arm' | 'graph' | 'vault';
  /** How many calls are let through before one is refused. */
  readonly most: number;
  readonly code: string;
  readonly message: string | RegExp;
  /** Undefined: the service names no time. */
  readonly seconds: number | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly doing: () => Promise<unknown>;
}

const bucket = (verb: string, of: string, seconds: number): string =>
  `Number of '${verb}' requests for ${of} actor '${administrator}' exceeded. Please try again after '${seconds}' seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for additional information.`;
const provider = (namespace: string, limit: number, interval: string, seconds: number): string =>
  `Number of requests for ${namespace} exceeded the limit of '${limit}' for time interval '${interval}'. Please try again after '${seconds}' seconds.`;
const subscription = `subscription '${platform}'`;
const ofGraph = `Too many requests from Identifier:${clientId} under category:aadgraph.app.tenant_large. Please try again later.`;
const scopeOfGraph = (kind: string): string => `${kind}/ReadWrite/${clientId}/${instant.tenantId}`;
const ofVault = 'Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached'; // prettier-ignore

const rules: Readonly<Record<string, Rule>> = {
  'Resource Manager, reads of a subscription': {
    service: 'arm', most: 12, code: 'SubscriptionRequestsThrottled', message: bucket('read', subscription, 1), seconds: 1,
    doing: () => resources.resourceGroups.get('rg'),
  }, // prettier-ignore
  'Resource Manager, writes of a subscription': {
    service: 'arm', most: 10, code: 'SubscriptionRequestsThrottled', message: bucket('write', subscription, 2), seconds: 2,
    doing: () => resources.resourceGroups.createOrUpdate('rg', { location }),
  }, // prettier-ignore
  'Resource Manager, deletes of a subscription': {
    service: 'arm', most: 3, code: 'SubscriptionRequestsThrottled', message: bucket('delete', subscription, 1), seconds: 1,
    doing: () => vaults.delete('rg', 'none'),
  }, // prettier-ignore
  'Resource Manager, reads of a tenant': {
    service: 'arm', most: 12, code: 'TenantRequestsThrottled', message: bucket('read', 'tenant', 1), seconds: 1,
    doing: () => all(resources.providers.listAtTenantScope()),
  }, // prettier-ignore
  'Authorization, writes': {
    service: 'arm', most: 4, code: 'ResourceRequestsThrottled', message: provider('Microsoft.Authorization', 4, '00:01:00', 60), seconds: 60,
    doing: () => authorization.roleAssignments.create(`/subscriptions/${watched(1)}`, randomUUID(), { principalId: randomUUID(), principalType: 'ServicePrincipal', roleDefinitionId: 'x/acdd72a7-3385-48ef-bd42-f606fba81ae7' }),
  }, // prettier-ignore
  'Network, writes': {
    service: 'arm', most: 3, code: 'ResourceRequestsThrottled', message: provider('Microsoft.Network', 3, '00:05:00', 300), seconds: 300,
    doing: () => network.networkSecurityGroups.beginCreateOrUpdate('rg', randomUUID(), { location }),
  }, // prettier-ignore
  'Network, reads': {
    service: 'arm', most: 5, code: 'ResourceRequestsThrottled', message: provider('Microsoft.Network', 5, '00:05:00', 300), seconds: 300,
    doing: () => all(network.networkSecurityGroups.list('rg')),
  }, // prettier-ignore
  'Resource Graph': {
    service: 'arm', most: 3, code: 'RateLimiting', seconds: 5,
    message: /^Please provide below info when asking for support: timestamp = \S+Z, correlationId = [0-9a-f-]{36}\.$/,
    headers: { 'x-ms-user-quota-remaining': '0', 'x-ms-user-quota-resets-after': '00:00:05' },
    doing: () => query.resources({ query: "resourcecontainers | where type =~ 'microsoft.resources/subscriptions'" }),
  }, // prettier-ignore
  'Graph, resource units': {
    service: 'graph', most: 3, code: 'TooManyRequests', message: ofGraph, seconds: 10,
    headers: { 'x-ms-throttle-information': 'ResourceUnitLimitExceeded', 'x-ms-throttle-scope': scopeOfGraph('Tenant_Application') },
    doing: () => graph.api('/applications').get(),
  }, // prettier-ignore
  'Graph, writes': {
    service: 'graph', most: 4, code: 'TooManyRequests', message: ofGraph, seconds: 150,
    headers: { 'x-ms-throttle-information': 'WriteLimitExceeded', 'x-ms-throttle-scope': scopeOfGraph('Tenant_Application') },
    doing: () => graph.api('/applications').post({ displayName: 'x' }),
  }, // prettier-ignore
  'Key Vault, new secrets': {
    service: 'vault', most: 2, code: 'Throttled', message: ofVault, seconds: undefined,
    doing: () => secrets.setSecret('pin', '1234'),
  }, // prettier-ignore
  'Key Vault, all else': {
    service: 'vault', most: 3, code: 'Throttled', message: ofVault, seconds: undefined,
    doing: () => all(secrets.listPropertiesOfSecrets()),
  }, // prettier-ignore
};

/** Does it as often as it is let through, and then once more. */
async function exhausted({ service, most, code, message, doing }: Rule): Promise<Refusal> {
  for (let time = 0; time < most; time += 1) await doing();
  return await expectRefusal(service, [code, 429, message, doing]);
}

describe.each(Object.entries(rules))('%s', (_, rule) => {
  test('so many, and then 429, until the time that it names has passed', async () => {
    await sign();
    const refusal = await exhausted(rule);
    expect(refusal.header('retry-after')).toBe(rule.seconds === undefined ? '' : String(rule.seconds));
    for (const [name, value] of Object.entries(rule.headers ?? {})) expect(refusal.header(name)).toBe(value);
    azure.advance(rule.seconds ?? 10);
    await rule.doing();
  });
});

test('Resource Graph says in its details what a client should do', async () => {
  await sign();
  const rule = rules['Resource Graph'];
  if (rule === undefined) throw new Error('There is no such rule.');
  const { body } = await exhausted(rule);
  expect(body).toMatchObject({
    error: {
      details: [
        {
          code: 'RateLimiting',
          message:
            'Client application has been throttled and should not attempt to repeat the request until an amount of time has elapsed. Please see https://aka.ms/resourcegraph-throttling for help.',
        },
      ],
    },
  });
});

test('all applications of a tenant share the writes of Graph', async () => {
  await sign();
  const other = await graphOf(azure, 'sentry-orchestrator');
  const write = (by: Client) => (): Promise<unknown> => by.api('/applications').post({ displayName: 'x' });
  for (let time = 0; time < 3; time += 1) {
    await write(graph)();
    await write(other)();
  }
  const refusal = await expectRefusal('graph', ['TooManyRequests', 429, ofGraph, write(graph)]);
  expect(refusal.header('x-ms-throttle-scope')).toBe(scopeOfGraph('Tenant'));
  expect(refusal.header('retry-after')).toBe('300');
});
