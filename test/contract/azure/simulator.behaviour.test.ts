/** What Azure does besides answering: tokens judged, rights enforced, operations and replication that take their time, limits, faults. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readTenant } from '../../../local/azure/tenant';
import { type Ask, type Answer, instant, platform, startTestAzure, type TestAzure, watched } from './simulator.support';

const isolated = '5b000000-0000-4000-9000-000000000001';
const READER = 'acdd72a7-3385-48ef-bd42-f606fba81ae7';
const version = '?api-version=2024-05-01';
const location = 'westeurope';

const slow = readTenant('samples/tenant.json');

let azure: TestAzure;
let app: string;

const start = async (tenant: Parameters<typeof startTestAzure>[0]): Promise<void> => {
  azure = await startTestAzure(tenant);
  app = await azure.token('sentry-orchestrator');
  await arm('PUT', `/subscriptions/${platform}/resourceGroups/rg`, { location });
};
const arm = (method: string, path: string, body?: unknown, rest: Ask = {}): Promise<Answer> =>
  azure.ask(method, `${path}${version}`, { token: app, ...(body === undefined ? {} : { body }), ...rest });
const network = (path: string): string =>
  `/subscriptions/${platform}/resourceGroups/rg/providers/Microsoft.Network/${path}`;
const errorOf = (answer: Answer): unknown =>
  z.object({ error: z.looseObject({ code: z.string() }) }).parse(answer.body).error.code;
const pathOf = (url: string): string => url.replace(azure.url, '').replace(/\?.*/, '');

describe('without waiting', () => {
  beforeAll(async () => start(instant));
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
      (await azure.ask('GET', '/v1.0/applications?$filter=tags/any(t:t%20eq%20%27x%27)&$count=true', { token: graph }))
        .body,
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
    const identity = await arm(
      'PUT',
      `/subscriptions/${platform}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/nobody`,
      { location },
    );
    expect(identity.status).toBe(201);
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

describe('by the clock', () => {
  beforeAll(async () => start(slow));
  afterAll(async () => azure.stop());
  afterEach(() => azure.advance(600));

  test('an operation runs for as long as it takes, over a restart too', async () => {
    const made = await arm('PUT', network('networkSecurityGroups/slow'), { location });
    expect([made.status, made.header('retry-after'), made.header('location')]).toEqual([201, '', '']);
    expect(made.body).toMatchObject({ properties: { provisioningState: 'Updating' } });
    const operation = pathOf(made.header('azure-asyncoperation'));
    azure.advance(1);
    await azure.restart();
    expect((await arm('GET', operation)).body).toMatchObject({ status: 'InProgress' });
    azure.advance(3);
    expect((await arm('GET', operation)).body).toMatchObject({ status: 'Succeeded' });
    expect((await arm('GET', network('networkSecurityGroups/slow'))).body).toMatchObject({
      properties: { provisioningState: 'Succeeded' },
    });
    const deleted = await arm('DELETE', network('networkSecurityGroups/slow'));
    expect(deleted.status).toBe(202);
    expect((await arm('GET', pathOf(deleted.header('location')))).status).toBe(202);
    expect((await arm('GET', network('networkSecurityGroups/slow'))).body).toMatchObject({
      properties: { provisioningState: 'Deleting' },
    });
    azure.advance(5);
    expect((await arm('GET', pathOf(deleted.header('location')))).status).toBe(204);
    expect((await arm('GET', network('networkSecurityGroups/slow'))).status).toBe(404);
    expect((await arm('DELETE', network('networkSecurityGroups/slow'))).status).toBe(204);
  });

  test('a rule is refused while its group is being written', async () => {
    await arm('PUT', network('networkSecurityGroups/busy'), { location });
    const properties = {
      protocol: 'Tcp',
      sourcePortRange: '*',
      destinationPortRange: '22',
      sourceAddressPrefix: '*',
      destinationAddressPrefix: '*',
      access: 'Deny',
      priority: 100,
      direction: 'Inbound',
    };
    const early = await arm('PUT', network('networkSecurityGroups/busy/securityRules/x'), { properties });
    expect([early.status, errorOf(early), early.header('retry-after')]).toEqual([
      429,
      'RetryableErrorDueToAnotherOperation',
      '3',
    ]);
    azure.advance(3);
    expect((await arm('PUT', network('networkSecurityGroups/busy/securityRules/x'), { properties })).status).toBe(201);
  });

  test('a machine without its plan is accepted, and then fails', async () => {
    await arm('PUT', network('virtualNetworks/v'), {
      location,
      properties: {
        addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
        subnets: [{ name: 's', properties: { addressPrefix: '10.0.0.0/24' } }],
      },
    });
    azure.advance(10);
    const nic = await arm('PUT', network('networkInterfaces/n'), {
      location,
      properties: {
        ipConfigurations: [{ name: 'ip', properties: { subnet: { id: network('virtualNetworks/v/subnets/s') } } }],
      },
    });
    expect(nic.status).toBe(201);
    azure.advance(10);
    const image = {
      publisher: 'cloudknox',
      offer: 'cloudknox_sentry_image',
      sku: 'sentry_v1_byol0',
      version: 'latest',
    };
    const vm = `/subscriptions/${platform}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm`;
    const properties = {
      hardwareProfile: { vmSize: 'Standard_D4s_v3' },
      storageProfile: { imageReference: image },
      osProfile: { adminUsername: 'me', computerName: 'vm' },
      networkProfile: { networkInterfaces: [{ id: network('networkInterfaces/n') }] },
    };
    const made = await arm('PUT', vm, { location, properties });
    expect([made.status, made.header('retry-after')]).toEqual([201, '5']);
    azure.advance(60);
    expect((await arm('GET', pathOf(made.header('azure-asyncoperation')))).body).toMatchObject({
      status: 'Failed',
      error: { code: 'VMMarketplaceInvalidInput' },
    });
    expect((await arm('GET', vm)).body).toMatchObject({ properties: { provisioningState: 'Failed' } });
    const small = { ...properties, hardwareProfile: { vmSize: 'Standard_B2s' } };
    expect(errorOf(await arm('PUT', vm, { location, properties: small }))).toBe('SkuNotAvailable');
    const renamed = { ...properties, osProfile: { adminUsername: 'you' } };
    const changed = await arm('PUT', vm, { location, properties: renamed });
    expect([changed.status, errorOf(changed)]).toEqual([409, 'PropertyChangeNotAllowed']);
    expect(
      (
        await azure.ask('POST', '/_simulator/vms/token', {
          body: { vmId: vm, resource: 'https://graph.microsoft.com' },
        })
      ).status,
    ).toBe(400);
  });

  test('a new identity is not found at once, and a grant does not count at once', async () => {
    const answer = await arm(
      'PUT',
      `/subscriptions/${platform}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/fresh`,
      { location },
    );
    const { principalId } = z
      .looseObject({ principalId: z.string() })
      .parse(z.looseObject({ properties: z.unknown() }).parse(answer.body).properties);
    const token = await azure.token('sentry-orchestrator', 'https://graph.microsoft.com');
    const found = z
      .object({ value: z.array(z.looseObject({ id: z.string() })) })
      .parse(
        (await azure.ask('GET', "/v1.0/servicePrincipals?$filter=displayName eq 'Microsoft Graph'", { token })).body,
      );
    const body = { principalId, resourceId: found.value[0]?.id, appRoleId: 'b0afded3-3588-46d8-8b3d-9842eff778da' };
    const grant = (): Promise<Answer> =>
      azure.ask('POST', `/v1.0/servicePrincipals/${found.value[0]?.id ?? ''}/appRoleAssignedTo`, { token, body });
    expect((await grant()).body).toMatchObject({ error: { message: 'Not a valid reference update.' } });
    expect((await azure.ask('GET', `/v1.0/servicePrincipals/${principalId}`, { token })).status).toBe(404);
    const assignment = `/subscriptions/${watched(2)}/providers/Microsoft.Authorization/roleAssignments/`;
    const properties = {
      principalId,
      roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${READER}`,
    };
    expect(errorOf(await arm('PUT', `${assignment}${randomUUID()}`, { properties }))).toBe('PrincipalNotFound');
    azure.advance(21);
    expect((await grant()).status).toBe(201);
    expect((await arm('PUT', `${assignment}${randomUUID()}`, { properties })).status).toBe(201);
  });

  test('the buckets of a subscription and of Microsoft.Authorization run dry, and fill again', async () => {
    const group = `/subscriptions/${platform}/resourceGroups/rg`;
    const reads = await Promise.all(Array.from({ length: 260 }, () => arm('HEAD', group)));
    const limited = reads.filter(({ status }) => status === 429);
    expect(limited).toHaveLength(10);
    expect(limited[0]?.header('retry-after')).toBe('1');
    azure.advance(20);
    expect((await arm('HEAD', group)).status).toBe(204);

    const put = (index: number): Promise<Answer> =>
      arm(
        'PUT',
        `/subscriptions/${watched(1 + (index % 5))}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`,
        {
          properties: {
            principalId: randomUUID(),
            principalType: 'ServicePrincipal',
            roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${READER}`,
          },
        },
      );
    const writes = await Promise.all(Array.from({ length: 121 }, (_, index) => put(index)));
    const refused = writes.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(1);
    expect(refused.map(errorOf)).toEqual(['ResourceRequestsThrottled']);
    azure.advance(61);
    expect((await put(1)).status).toBe(201);
    const { body } = await azure.ask('GET', '/_simulator/requests?full=true');
    const row = z.object({ method: z.string(), path: z.string(), status: z.number(), caller: z.string() });
    const rows = z
      .array(row)
      .parse(body)
      .filter(({ status, path }) => status === 429 && path.includes('roleAssignments'));
    expect(rows).toMatchObject([{ method: 'PUT', caller: slow.principals[0]?.principalId }]);
  });
});

describe('each with its own', () => {
  afterEach(async () => azure.stop());

  test('cores are counted against the quota of their family and region', async () => {
    await start({ ...instant, quotas: { default: 100, families: { standardDSv3Family: 4 } } });
    const vnet = {
      addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
      subnets: [{ name: 's', properties: { addressPrefix: '10.0.0.0/24' } }],
    };
    await arm('PUT', network('virtualNetworks/v'), { location, properties: vnet });
    const machine = async (name: string): Promise<Answer> => {
      const subnet = { id: network('virtualNetworks/v/subnets/s') };
      await arm('PUT', network(`networkInterfaces/${name}`), {
        location,
        properties: { ipConfigurations: [{ name: 'ip', properties: { subnet } }] },
      });
      const imageReference = {
        publisher: 'Canonical',
        offer: '0001-com-ubuntu-server-jammy',
        sku: '22_04-lts-gen2',
        version: 'latest',
      };
      const properties = {
        hardwareProfile: { vmSize: 'Standard_D4s_v3' },
        storageProfile: { imageReference },
        networkProfile: { networkInterfaces: [{ id: network(`networkInterfaces/${name}`) }] },
      };
      return await arm(
        'PUT',
        `/subscriptions/${platform}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/${name}`,
        { location, properties },
      );
    };
    expect((await machine('one')).status).toBe(201);
    const refused = await machine('two');
    expect([refused.status, errorOf(refused)]).toEqual([409, 'OperationNotAllowed']);
    expect(refused.body).toMatchObject({
      error: {
        message: expect.stringContaining(
          'Current Limit: 4, Current Usage: 4, Additional Required: 4, (Minimum) New Limit Required: 8',
        ),
      },
    });
  });

  test('what was read can be put back, changed and with its etag', async () => {
    await start(instant);
    const group = `/subscriptions/${platform}/resourceGroups/rg/providers`;
    const identity = `${group}/Microsoft.ManagedIdentity/userAssignedIdentities/id`;
    const vm = `${group}/Microsoft.Compute/virtualMachines/vm`;
    const ref = (path: string): { id: string } => ({ id: network(path) });
    const rule = {
      protocol: 'Tcp',
      sourcePortRange: '*',
      destinationPortRange: '22',
      sourceAddressPrefix: '198.51.100.7',
      destinationAddressPrefix: '*',
      access: 'Allow',
      priority: 100,
      direction: 'Inbound',
    };
    const publicAddress = { location, sku: { name: 'Standard' }, properties: { publicIPAllocationMethod: 'Static' } };
    const subnet = {
      addressPrefix: '10.0.0.0/24',
      natGateway: ref('natGateways/nat'),
      networkSecurityGroup: ref('networkSecurityGroups/nsg'),
    };
    const ip = { subnet: ref('virtualNetworks/v/subnets/s'), publicIPAddress: ref('publicIPAddresses/vm') };
    const imageReference = {
      publisher: 'Canonical',
      offer: '0001-com-ubuntu-server-jammy',
      sku: '22_04-lts-gen2',
      version: 'latest',
    };
    const machine = {
      hardwareProfile: { vmSize: 'Standard_D4s_v3' },
      storageProfile: { imageReference },
      osProfile: { adminUsername: 'me', adminPassword: 'p', computerName: 'vm' },
      networkProfile: { networkInterfaces: [ref('networkInterfaces/nic')] },
    };
    const made: readonly (readonly [path: string, body: object])[] = [
      [
        network('networkSecurityGroups/nsg'),
        { location, properties: { securityRules: [{ name: 'r', properties: rule }] } },
      ],
      [network('publicIPAddresses/nat'), publicAddress],
      [network('publicIPAddresses/vm'), publicAddress],
      [
        network('natGateways/nat'),
        { location, sku: { name: 'Standard' }, properties: { publicIpAddresses: [ref('publicIPAddresses/nat')] } },
      ],
      [
        network('virtualNetworks/v'),
        {
          location,
          properties: {
            addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
            subnets: [{ name: 's', properties: subnet }],
          },
        },
      ],
      [
        network('networkInterfaces/nic'),
        {
          location,
          properties: {
            networkSecurityGroup: ref('networkSecurityGroups/nsg'),
            ipConfigurations: [{ name: 'ip', properties: ip }],
          },
        },
      ],
      [identity, { location }],
      [
        vm,
        {
          location,
          identity: { type: 'UserAssigned', userAssignedIdentities: { [identity]: {} } },
          properties: machine,
        },
      ],
    ];
    for (const [path, body] of made) expect([path, (await arm('PUT', path, body)).status]).toEqual([path, 201]);
    const shape = z.looseObject({ etag: z.string().optional(), properties: z.record(z.string(), z.unknown()) });
    for (const [path] of made) {
      const before = shape.parse((await arm('GET', path)).body);
      const headers = before.etag === undefined ? {} : { 'if-match': before.etag };
      const answer = await arm('PUT', path, { ...before, tags: { deployment: 'prod' } }, { headers });
      expect([path, answer.status, JSON.stringify(answer.body).includes('"p"')]).toEqual([path, 200, false]);
      const after = shape.parse((await arm('GET', path)).body);
      const stripped = (text: string): unknown => JSON.parse(text.replace(/"etag":"W\/[^,}]*",?/g, ''));
      expect(stripped(JSON.stringify(after))).toEqual({
        ...Object(stripped(JSON.stringify(before))),
        tags: { deployment: 'prod' },
      });
    }
    const nic = shape.parse((await arm('GET', network('networkInterfaces/nic'))).body);
    const address = (await azure.ask('GET', '/_simulator/vms')).body;
    expect(address).toMatchObject([{ publicIp: expect.stringMatching(/^20\.50\./) }]);
    const without = { ...nic.properties, ipConfigurations: [{ name: 'ip', properties: { subnet: ip.subnet } }] };
    await arm('PUT', network('networkInterfaces/nic'), { ...nic, properties: without });
    expect((await azure.ask('GET', '/_simulator/vms')).body).toMatchObject([{ publicIp: null, privateIp: '10.0.0.4' }]);
    expect((await arm('DELETE', network('publicIPAddresses/vm'))).status).toBe(202);
    const stopped = await arm('POST', `${vm}/deallocate`);
    expect(stopped.status).toBe(202);
    expect((await arm('GET', `${vm}/instanceView`)).body).toMatchObject({
      statuses: [{}, { code: 'PowerState/deallocated' }],
    });
    const token = await azure.ask('POST', '/_simulator/vms/token', {
      body: { vmId: vm, resource: 'https://management.azure.com/' },
    });
    const { access_token: own } = z.object({ access_token: z.string() }).parse(token.body);
    expect((await azure.ask('GET', `/subscriptions${version}`, { token: own })).body).toMatchObject({ value: [] });
  });

  test('no secret stands in clear in the state folder, and keys are their owner’s alone', async () => {
    await start(instant);
    const vault = await azure.token('sentry-orchestrator', 'https://vault.azure.net');
    const value = 'the-value-that-nobody-may-read';
    await azure.ask('PUT', '/secrets/quiet?api-version=7.4', { token: vault, body: { value } });
    await azure.restart();
    expect((await azure.ask('GET', '/secrets/quiet/?api-version=7.4', { token: vault })).body).toMatchObject({ value });
    const files = readdirSync(azure.state).map((name) => join(azure.state, name));
    for (const file of files) expect(readFileSync(file).includes(value)).toBe(false);
    const open = files.filter((file) => /key|header|environment/.test(file) && (statSync(file).mode & 0o077) !== 0);
    expect(open).toEqual([]);
  });
});
