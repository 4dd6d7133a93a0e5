/** Whom the simulated Azure lets in, what it refuses, and the faults that it can be told to have. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { readTenant } from '../../../local/azure/tenant';
import {
  type Arm,
  armOf,
  errorOf,
  instant,
  location,
  network,
  platform,
  startTestAzure,
  version,
  watched,
  type TestAzure,
} from './simulator.support';

const isolated = '5b000000-0000-4000-9000-000000000001';
const slow = readTenant('samples/tenant.json');

let azure: TestAzure;
let arm: Arm;
let app: string;

const start = async (tenant: Parameters<typeof startTestAzure>[0]): Promise<void> => {
  azure = await startTestAzure(tenant);
  arm = await armOf(azure);
  app = await azure.token('sentry-orchestrator');
};

describe('without waiting', () => {
  beforeAll(async () => {
    const ids = {
      principalId: '5c000000-0000-4000-8000-000000000001',
      clientId: '5c000000-0000-4000-8000-000000000002',
    };
    const nobody = { name: 'nobody', ...ids, roles: [], graphRoles: [] };
    await start({ ...instant, principals: [...instant.principals, nobody] });
  });
  afterAll(async () => azure.stop());

  test.each([
    ['no token', 'AuthenticationFailed', undefined],
    ['a forged token', 'InvalidAuthenticationToken', 'eyJhbGciOiJub25lIn0.e30.'],
  ])('%s is refused', async (_, code, token) => {
    const answer = await azure.ask('GET', `/subscriptions${version}`, token === undefined ? {} : { token });
    expect([answer.status, errorOf(answer)]).toEqual([401, code]);
  });

  test('a token for another service, or for one past, is refused', async () => {
    const graph = await azure.token('administrator', 'https://graph.microsoft.com');
    expect(errorOf(await azure.ask('GET', `/subscriptions${version}`, { token: graph }))).toBe(
      'InvalidAuthenticationTokenAudience',
    );
    const { status, body } = await azure.ask('GET', '/v1.0/applications', { token: app });
    expect([status, body]).toMatchObject([401, { error: { code: 'InvalidAuthenticationToken', innerError: {} } }]);
    const other = await startTestAzure(instant);
    const old = await other.token('sentry-orchestrator');
    other.advance(2 * 3600);
    expect(errorOf(await other.ask('GET', `/subscriptions${version}`, { token: old }))).toBe(
      'ExpiredAuthenticationToken',
    );
    await other.stop();
  });

  test('paths are tolerated in the forms that clients send', async () => {
    for (const path of [`//subscriptions/${platform}/`, `/SUBSCRIPTIONS/${platform}//resourcegroups/RG`]) {
      expect((await azure.ask('GET', `${path}?api%2Dversion=2022-12-01`, { token: app })).status).toBe(200);
    }
    expect(errorOf(await azure.ask('GET', `/subscriptions/${platform}`, { token: app }))).toBe(
      'MissingApiVersionParameter',
    );
  });

  test('rights are those of the role assignments', async () => {
    expect(errorOf(await arm('GET', `/subscriptions/${randomUUID()}`))).toBe('SubscriptionNotFound');
    const denied = await arm('GET', `/subscriptions/${isolated}`);
    expect([denied.status, errorOf(denied)]).toEqual([403, 'AuthorizationFailed']);
    expect(denied.body).toMatchObject({
      error: {
        message: expect.stringContaining(
          `perform action 'Microsoft.Resources/subscriptions/read' over scope '/subscriptions/${isolated}'`,
        ),
      },
    });
    expect((await arm('GET', `/subscriptions/${watched(1)}`)).status).toBe(200);
    expect(errorOf(await arm('PUT', `/subscriptions/${watched(1)}/resourceGroups/rg`, { location }))).toBe(
      'AuthorizationFailed',
    );
    const { body } = await arm('GET', '/subscriptions');
    expect(z.object({ value: z.array(z.unknown()) }).parse(body).value).toHaveLength(6);
  });

  test('a subnet of another subscription is to a network interface as one that is not there', async () => {
    const token = await azure.token('administrator');
    const put = (id: string, properties: object) =>
      azure.ask('PUT', `${id}${version}`, { token, body: { location, properties } });
    const join = async (name: string) => {
      const subnet = { id: subnetOf(name) };
      const ipConfigurations = [{ name: 'ip', properties: { subnet } }];
      return put(network(`networkInterfaces/${name}`), { ipConfigurations });
    };
    const subnetOf = (name: string) =>
      `${network('virtualNetworks/hub').replace(platform, name === 'far' ? isolated : platform)}/subnets/s`;
    await azure.ask('PUT', `/subscriptions/${isolated}/resourceGroups/rg${version}`, { token, body: { location } });
    for (const name of ['near', 'far']) {
      const subnets = [{ name: 's', properties: { addressPrefix: '10.9.0.0/24' } }];
      const properties = { addressSpace: { addressPrefixes: ['10.9.0.0/24'] }, subnets };
      expect((await put(subnetOf(name).replace('/subnets/s', ''), properties)).status).toBe(201);
    }
    expect((await join('near')).status).toBe(201);
    expect(errorOf(await join('far'))).toBe('InvalidResourceReference');
  });

  test('a security group refuses rules that clash, and a PUT replaces them', async () => {
    const properties = {
      protocol: 'Tcp',
      sourcePortRange: '*',
      destinationPortRange: '22',
      sourceAddressPrefix: '198.51.100.0/24',
      destinationAddressPrefix: '*',
      access: 'Allow',
      priority: 100,
      direction: 'Inbound',
    };
    const rule = (name: string): string => network(`networkSecurityGroups/clash/securityRules/${name}`);
    await arm('PUT', network('networkSecurityGroups/clash'), {
      location,
      properties: { securityRules: [{ name: 'one', properties }] },
    });
    expect(errorOf(await arm('PUT', rule('two'), { properties }))).toBe('SecurityRuleConflict');
    expect(errorOf(await arm('PUT', rule('two'), { properties: { ...properties, priority: 99 } }))).toBe(
      'SecurityRuleInvalidPriority',
    );
    expect((await arm('PUT', rule('two'), { properties: { ...properties, priority: 101 } })).status).toBe(201);
    await arm('PUT', network('networkSecurityGroups/clash'), {
      location,
      properties: { securityRules: [{ name: 'two', properties }] },
    });
    expect((await arm('GET', rule('one'))).status).toBe(404);
    const windows = z
      .array(z.object({ rule: z.string(), closedAt: z.number().nullable() }))
      .parse((await azure.ask('GET', '/_simulator/windows')).body);
    expect(windows.map((one) => [one.rule, one.closedAt === null])).toEqual([
      ['one', false],
      ['two', true],
    ]);
    const { body, header } = await arm('GET', network('networkSecurityGroups/clash'));
    expect(body).toMatchObject({
      properties: { securityRules: [{ name: 'two', properties: { provisioningState: 'Succeeded', priority: 100 } }] },
    });
    expect(header('x-ms-ratelimit-remaining-subscription-reads')).not.toBe('');
    const { etag } = z.looseObject({ etag: z.string() }).parse(body);
    expect(
      (await arm('PUT', network('networkSecurityGroups/clash'), { location }, { headers: { 'if-match': 'W/"old"' } }))
        .status,
    ).toBe(412);
    expect(
      (await arm('PUT', network('networkSecurityGroups/clash'), { location }, { headers: { 'if-match': etag } }))
        .status,
    ).toBe(200);
  });

  test('Graph asks for app roles, and shows what a directory refuses', async () => {
    const graph = await azure.token('sentry-orchestrator', 'https://graph.microsoft.com');
    const reader = (
      await azure.ask('POST', '/v1.0/applications', {
        token: await azure.token('administrator', azure.url),
        body: { displayName: 'theirs' },
      })
    ).body;
    const { id } = z.looseObject({ id: z.string() }).parse(reader);
    const foreign = await azure.ask('DELETE', `/v1.0/applications/${id}`, { token: graph });
    expect([foreign.status, errorOf(foreign)]).toEqual([403, 'Authorization_RequestDenied']);
    expect(
      (
        await azure.ask('GET', '/v1.0/applications?$filter=tags/any(t:t%20eq%20%27x%27)&$count=true', {
          token: graph,
          headers: { consistencylevel: 'eventual' },
        })
      ).body,
    ).toMatchObject({ '@odata.count': 0, value: [] });
    expect(errorOf(await azure.ask('GET', '/v1.0/applications?$filter=length(id)%20gt%203', { token: graph }))).toBe(
      'Request_UnsupportedQuery',
    );
    expect(
      (await azure.ask('POST', '/v1.0/servicePrincipals', { token: graph, body: { appId: randomUUID() } })).body,
    ).toMatchObject({ error: { code: 'Request_BadRequest', details: [{ code: 'NoBackingApplicationObject' }] } });
  });

  test('the vault challenges before it reads, and refuses who has no role', async () => {
    const challenge = await azure.ask('PUT', '/secrets/x?api-version=7.4', {});
    expect(challenge.status).toBe(401);
    expect(challenge.header('www-authenticate')).toBe(
      `Bearer authorization="${azure.url}/${slow.tenantId}", resource="https://vault.azure.net"`,
    );
    const token = await azure.token('nobody', 'https://vault.azure.net');
    const denied = await azure.ask('GET', '/secrets/x?api-version=7.4', { token });
    const error = { code: 'Forbidden', innererror: { code: 'ForbiddenByRbac' } };
    expect([denied.status, denied.body]).toMatchObject([403, { error }]);
    const graph = await azure.token('nobody', 'https://graph.microsoft.com');
    expect(errorOf(await azure.ask('GET', '/v1.0/applications', { token: graph }))).toBe('Authorization_RequestDenied');
    const none = await azure.ask('GET', `/subscriptions${version}`, { token: await azure.token('nobody') });
    expect(none.body).toMatchObject({ value: [] });
  });

  test('a fault strikes as often as it is told to', async () => {
    const fault = {
      match: { method: 'GET', path: 'resourceGroups/rg$' },
      count: 1,
      status: 503,
      retryAfter: 7,
      body: { error: { code: 'ServerBusy' } },
    };
    await azure.ask('POST', '/_simulator/faults', { body: fault });
    const struck = await arm('GET', `/subscriptions/${platform}/resourceGroups/rg`);
    expect([struck.status, struck.header('retry-after'), errorOf(struck)]).toEqual([503, '7', 'ServerBusy']);
    expect((await arm('GET', `/subscriptions/${platform}/resourceGroups/rg`)).status).toBe(200);
    await azure.ask('POST', '/_simulator/faults', {
      body: { ...fault, match: { method: 'PUT' }, mode: 'afterEffect' },
    });
    expect((await arm('PUT', `/subscriptions/${platform}/resourceGroups/late`, { location })).status).toBe(503);
    expect((await arm('GET', `/subscriptions/${platform}/resourceGroups/late`)).status).toBe(200);
    await azure.ask('POST', '/_simulator/faults', { body: { count: 1, mode: 'reset' } });
    await expect(arm('GET', '/subscriptions')).rejects.toThrow();
  });

  test('a new subscription can be announced', async () => {
    const id = '5b000000-0000-4000-8000-000000000900';
    const made = await azure.ask('POST', '/_simulator/subscriptions', {
      body: { id, name: 'new', managementGroup: 'landing-zones' },
    });
    expect(made.status).toBe(201);
    expect((await arm('GET', `/subscriptions/${id}`)).body).toMatchObject({ displayName: 'new' });
  });
});
