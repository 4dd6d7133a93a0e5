/** Two ways in, one Azure: over HTTPS and in this process the same requests are answered and recorded alike. */
import { describe, expect, test } from '@jest/globals';
import { AuthorizationManagementClient } from '@azure/arm-authorization';
import { NetworkManagementClient } from '@azure/arm-network';
import { ResourceManagementClient } from '@azure/arm-resources';
import type { TokenCredential } from '@azure/core-auth';
import type { HttpClient } from '@azure/core-rest-pipeline';
import { ManagedIdentityCredential } from '@azure/identity';
import { SecretClient } from '@azure/keyvault-secrets';
import { Client } from '@microsoft/microsoft-graph-client';
import { z } from 'zod';
import { azureInProcess } from '../../../local/azure/inProcess';
import { instant, platform, startTestAzure, watched } from './simulator.support';

const startAt = Date.UTC(2026, 0, 1);
const location = 'westeurope';
const retryOptions = { maxRetries: 0 };
const token = z.object({ access_token: z.string() });

interface Way {
  readonly url: string;
  readonly fetch: typeof fetch;
  readonly httpClient?: HttpClient;
}

const credentialOf = ({ url, fetch: ask }: Way): TokenCredential => ({
  getToken: async (scopes) => {
    const resource = [scopes].flat()[0]?.replace(/\/\.default$/, '') ?? '';
    const body = JSON.stringify({ principal: 'administrator', resource });
    const answer = await ask(`${url}/_simulator/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    return { token: token.parse(await answer.json()).access_token, expiresOnTimestamp: Date.now() + 3_600_000 };
  },
});

/** With the real SDKs: a group, a security group with a rule, a grant, a secret, an application; what fails is told. */
async function scenario(way: Way): Promise<{ record: string; told: unknown[] }> {
  const credential = credentialOf(way);
  const http = way.httpClient === undefined ? {} : { httpClient: way.httpClient };
  const options = { endpoint: way.url, retryOptions, ...http };
  const told: unknown[] = [];
  const attempt = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      told.push(await work());
    } catch (error) {
      const shape = z.object({ code: z.string().optional(), statusCode: z.number().optional() });
      told.push(shape.parse(error));
    }
  };
  const resources = new ResourceManagementClient(credential, platform, options);
  const network = new NetworkManagementClient(credential, platform, options);
  const roles = new AuthorizationManagementClient(credential, platform, options);
  const secrets = new SecretClient(way.url, credential, {
    disableChallengeResourceVerification: true,
    retryOptions,
    ...http,
  });
  const graph = Client.initWithMiddleware({
    baseUrl: way.url,
    defaultVersion: 'v1.0',
    middleware: {
      execute: async (context) => {
        const { token: bearer } = (await credential.getToken('https://graph.microsoft.com/.default')) ?? {};
        const headers = new Headers(context.options?.headers);
        headers.set('authorization', `Bearer ${bearer ?? ''}`);
        context.response = await way.fetch(String(context.request), { ...context.options, headers });
      },
    },
  });
  await attempt(() => resources.resourceGroups.createOrUpdate('rg', { location }));
  await attempt(() => network.networkSecurityGroups.createOrUpdate('rg', 'nsg', { location }));
  const rule = {
    protocol: 'Tcp',
    sourcePortRange: '*',
    destinationPortRange: '22',
    sourceAddressPrefix: '203.0.113.7',
    destinationAddressPrefix: '*',
    access: 'Allow',
    priority: 100,
    direction: 'Inbound',
  };
  await attempt(() => network.securityRules.createOrUpdate('rg', 'nsg', 'ssh', rule));
  await attempt(() => network.networkSecurityGroups.get('rg', 'none'));
  await attempt(() =>
    roles.roleAssignments.create(`/subscriptions/${watched(1)}`, '5c000000-0000-4000-8000-000000000009', {
      principalId: 'a0000000-0000-4000-8000-000000000001',
      principalType: 'ServicePrincipal',
      roleDefinitionId: '/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7',
    }),
  );
  await attempt(() => secrets.setSecret('one', 'a value'));
  await attempt(() => graph.api('/applications').post({ displayName: 'app' }));
  for (let index = 0; index < 20; index++) await attempt(() => network.networkSecurityGroups.get('rg', 'nsg'));
  await attempt(() => network.networkSecurityGroups.delete('rg', 'nsg'));
  const record = await (await way.fetch(`${way.url}/_simulator/requests?full=true`)).text();
  return { record, told };
}

const inProcess = async (chaos?: string): Promise<{ record: string; told: unknown[] }> => {
  const given = { tenant: instant, subscriptions: 5, now: () => startAt, seed: 'a seed' };
  const azure = azureInProcess({ ...given, ...(chaos === undefined ? {} : { chaos }) });
  try {
    return await scenario(azure);
  } finally {
    azure.close();
  }
};

const overHttps = async (chaos?: string): Promise<{ record: string; told: unknown[] }> => {
  const azure = await startTestAzure(instant, { seed: 'a seed', startAt, ...(chaos === undefined ? {} : { chaos }) });
  try {
    return await scenario({ url: azure.url, fetch });
  } finally {
    await azure.stop();
  }
};

const plain = (told: unknown[]): unknown => JSON.parse(JSON.stringify(told).replace(/https:\/\/127\.0\.0\.1:\d+/g, ''));
const inner = (told: unknown[]): unknown => JSON.parse(JSON.stringify(told).replaceAll('https://azure.simulated', ''));

describe('in this process', () => {
  test('the SDKs meet the same Azure as over HTTPS, down to the ids it makes up', async () => {
    const [here, there] = [await inProcess(), await overHttps()];
    expect(here.record).toBe(there.record);
    expect(inner(here.told)).toEqual(plain(there.told));
    expect(JSON.parse(here.record)).toHaveLength(34);
  });

  test.each(['one', 'two', 'three'])('a run under chaos (%s) is the same again, and over HTTPS too', async (chaos) => {
    const [first, second, third] = [await inProcess(chaos), await inProcess(chaos), await overHttps(chaos)];
    expect(second.record).toBe(first.record);
    expect(inner(second.told)).toEqual(inner(first.told));
    expect(third.record).toBe(first.record);
  });

  test('other seeds strike elsewhere', async () => {
    const records = await Promise.all(
      ['one', 'two', 'three', 'four'].map(async (seed) => (await inProcess(seed)).record),
    );
    expect(new Set(records).size).toBeGreaterThan(2);
  });

  test('a managed identity signs in through the client', async () => {
    const azure = azureInProcess({ tenant: instant, subscriptions: 1 });
    const { IDENTITY_ENDPOINT, IDENTITY_HEADER } = azure.environment;
    Object.assign(process.env, { IDENTITY_ENDPOINT, IDENTITY_HEADER });
    const credential = new ManagedIdentityCredential({ retryOptions, httpClient: azure.httpClient });
    expect((await credential.getToken('https://management.azure.com/.default')).token).toMatch(/^ey/);
    azure.close();
  });

  test('a cut connection and one that hangs look as they do to Node’s own client', async () => {
    const azure = azureInProcess({ tenant: instant, subscriptions: 1 });
    const fault = async (body: object): Promise<void> => {
      const headers = { 'content-type': 'application/json' };
      await azure.fetch(`${azure.url}/_simulator/faults`, { method: 'POST', headers, body: JSON.stringify(body) });
    };
    const { httpClient, url } = azure;
    const resources = new ResourceManagementClient(credentialOf(azure), platform, {
      endpoint: url,
      retryOptions,
      httpClient,
    });
    await fault({ mode: 'reset' });
    await expect(resources.resourceGroups.get('rg')).rejects.toMatchObject({ code: 'ECONNRESET' });
    await fault({ mode: 'truncate' });
    await expect(resources.resourceGroups.get('rg')).rejects.toMatchObject({ code: 'ECONNRESET' });
    await fault({ mode: 'hang' });
    const abort = new AbortController();
    const hanging = resources.resourceGroups.get('rg', { abortSignal: abort.signal });
    setImmediate(() => abort.abort());
    await expect(hanging).rejects.toMatchObject({ name: 'AbortError' });
    azure.close();
  });
});
