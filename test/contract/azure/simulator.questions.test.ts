/** What the simulated Azure can be asked about itself: openings, roles, what is left, and a large tenant page by page. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { azureInProcess } from '../../../local/azure/inProcess';
import {
  type Arm,
  armOf,
  errorOf,
  instant,
  location,
  network,
  pathOf,
  startTestAzure,
  type TestAzure,
  version,
  watched,
} from './simulator.support';

const startAt = Date.UTC(2026, 0, 1);
let azure: TestAzure;
let arm: Arm;
let clock = startAt;

afterEach(async () => azure.stop());

const advance = (seconds: number): void => {
  azure.advance(seconds);
  clock += seconds * 1000;
};
const start = async (): Promise<void> => {
  clock = startAt;
  const timings = { ...instant.timings, securityRule: 3, networkSecurityGroup: 3, networkInterface: 3 };
  azure = await startTestAzure({ ...instant, timings }, { startAt });
  arm = await armOf(azure);
};

describe('which ports were open', () => {
  const rule = (name: string): string => network(`networkSecurityGroups/nsg/securityRules/${name}`);
  const properties = (priority: number, rest: object): object => ({
    protocol: 'Tcp',
    sourcePortRange: '*',
    destinationPortRange: '22',
    sourceAddressPrefix: '198.51.100.0/24',
    destinationAddressPrefix: '*',
    access: 'Allow',
    priority,
    direction: 'Inbound',
    ...rest,
  });
  const put = async (path: string, body: object): Promise<void> => {
    const { status, body: answer } = await arm('PUT', path, body);
    expect([path, status < 300, status < 300 ? '' : answer]).toEqual([path, true, '']);
    advance(5);
  };
  const shape = z.array(
    z.looseObject({
      address: z.string(),
      ports: z.string(),
      source: z.string(),
      except: z.array(z.string()),
      openedAt: z.number(),
      closedAt: z.number().nullable(),
    }),
  );
  const openings = async (): Promise<z.infer<typeof shape>> =>
    shape.parse((await azure.ask('GET', '/_simulator/exposures')).body);
  const seconds = (time: number | null | undefined): number => ((time ?? Number.NaN) - startAt) / 1000;

  const machine = async (): Promise<void> => {
    await start();
    await put(network('networkSecurityGroups/nsg'), { location });
    await put(network('publicIPAddresses/ip'), {
      location,
      sku: { name: 'Standard' },
      properties: { publicIPAllocationMethod: 'Static' },
    });
    await put(network('virtualNetworks/v'), {
      location,
      properties: {
        addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
        subnets: [{ name: 's', properties: { addressPrefix: '10.0.0.0/24' } }],
      },
    });
  };
  const nic = (publicAddress: boolean): object => ({
    location,
    properties: {
      networkSecurityGroup: { id: network('networkSecurityGroups/nsg') },
      ipConfigurations: [
        {
          name: 'ip',
          properties: {
            subnet: { id: network('virtualNetworks/v/subnets/s') },
            ...(publicAddress ? { publicIPAddress: { id: network('publicIPAddresses/ip') } } : {}),
          },
        },
      ],
    },
  });

  test('a rule opens nothing before an address is behind it, and from the end of its operation', async () => {
    await machine();
    await put(rule('ssh'), { properties: properties(100, {}) });
    await put(network('networkInterfaces/nic'), nic(false));
    expect(await openings()).toEqual([]);
    const attachedAt = seconds(clock);
    await put(network('networkInterfaces/nic'), nic(true));
    const [first] = await openings();
    expect(first).toMatchObject({ ports: '22', source: '198.51.100.0/24', closedAt: null });
    expect(first?.address).toMatch(/^20\.50\./);
    expect(seconds(first?.openedAt)).toBe(attachedAt);
    const deletedAt = seconds(clock);
    await arm('DELETE', rule('ssh'));
    advance(1);
    expect((await openings())[0]?.closedAt).toBeNull();
    advance(10);
    expect(seconds((await openings())[0]?.closedAt)).toBe(deletedAt + 3);
    const ruleAt = seconds(clock);
    await put(rule('again'), { properties: properties(110, { destinationPortRange: '9000-9002' }) });
    expect(seconds((await openings())[1]?.openedAt)).toBe(ruleAt + 3);
    await azure.restart();
    expect(await openings()).toMatchObject([{ ports: '22' }, { ports: '9000-9002', closedAt: null }]);
  });

  test('priorities, deny rules and the subnet’s group decide', async () => {
    await machine();
    await put(rule('deny'), { properties: properties(90 + 10, { access: 'Deny', destinationPortRange: '25' }) });
    await put(rule('wide'), {
      properties: properties(110, { destinationPortRange: '22-30', sourceAddressPrefix: '*' }),
    });
    await put(rule('some'), {
      properties: properties(105, { access: 'Deny', destinationPortRange: '22', sourceAddressPrefix: '192.0.2.0/24' }),
    });
    await put(rule('late'), { properties: properties(120, { access: 'Deny', destinationPortRange: '26' }) });
    await put(network('networkInterfaces/nic'), nic(true));
    const open = async (): Promise<unknown[]> =>
      (await openings())
        .filter(({ closedAt }) => closedAt === null)
        .map(({ ports, source, except }) => [ports, source, except]);
    expect(await open()).toEqual([
      ['22', '*', ['192.0.2.0/24']],
      ['23-24', '*', []],
      ['25', '*', ['198.51.100.0/24']],
      ['26-30', '*', []],
    ]);
    await put(network('networkSecurityGroups/outer'), {
      location,
      properties: {
        securityRules: [{ name: 'in', properties: properties(100, { sourceAddressPrefix: '203.0.113.0/24' }) }],
      },
    });
    await put(network('virtualNetworks/v/subnets/s'), {
      properties: {
        addressPrefix: '10.0.0.0/24',
        networkSecurityGroup: { id: network('networkSecurityGroups/outer') },
      },
    });
    expect(await open()).toEqual([['22', '203.0.113.0/24', ['192.0.2.0/24']]]);
  });
});

test('who holds which role, and what is left and by whom', async () => {
  await start();
  const name = randomUUID();
  const principalId = 'a0000000-0000-4000-8000-000000000001';
  const scope = `/subscriptions/${watched(2)}`;
  const properties = {
    principalId: '5c000000-0000-4000-8000-000000000042',
    principalType: 'ServicePrincipal',
    roleDefinitionId: '/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7',
  };
  await arm('PUT', `${scope}/providers/Microsoft.Authorization/roleAssignments/${name}`, { properties });
  await arm('PUT', network('networkSecurityGroups/mine'), { location });
  const graph = await azure.token('administrator', 'https://graph.microsoft.com');
  const app = await azure.ask('POST', '/v1.0/applications', { token: graph, body: { displayName: 'theirs' } });
  const { id } = z.looseObject({ id: z.string() }).parse(app.body);
  const vault = await azure.token('sentry-orchestrator', 'https://vault.azure.net');
  await azure.ask('PUT', '/secrets/one?api-version=7.4', { token: vault, body: { value: 'v' } });

  const held = await azure.ask('GET', `/_simulator/roles?scope=${scope}&principal=${principalId}`);
  expect(held.body).toMatchObject([{ role: 'Reader' }, { role: 'Role Based Access Control Administrator' }]);
  const left = z.array(z.looseObject({ id: z.string(), type: z.string(), createdBy: z.string() }));
  const found = left.parse((await azure.ask('GET', '/_simulator/left')).body);
  expect(found.map(({ id: one, createdBy }) => [one.split('/').at(-1), createdBy])).toEqual([
    ['rg', principalId],
    ['mine', principalId],
    [id, 'a0000000-0000-4000-8000-000000000002'],
    [name, principalId],
    ['one', principalId],
  ]);
  await azure.ask('DELETE', `/v1.0/applications/${id}`, { token: graph });
  const theirs = await azure.ask('GET', '/_simulator/left?createdBy=a0000000-0000-4000-8000-000000000002');
  expect(theirs.body).toMatchObject([{ id, type: 'Microsoft.Graph/applications (deleted)' }]);
});

test('what is not simulated is refused in Azure’s envelope, and names what is', async () => {
  await start();
  const load = await arm('PUT', network('loadBalancers/x'), { location });
  expect([load.status, errorOf(load)]).toEqual([404, 'InvalidResourceType']);
  expect(load.body).toMatchObject({
    error: {
      details: [{ code: 'NotSimulated', message: expect.stringContaining('networkSecurityGroups') }],
    },
  });
  const token = await azure.token('administrator', 'https://graph.microsoft.com');
  const users = await azure.ask('GET', '/v1.0/madeUp', { token });
  expect([users.status, errorOf(users)]).toEqual([400, 'BadRequest']);
});

test('ten thousand subscriptions in management groups come page by page', async () => {
  await start();
  const tenant = { ...instant, generate: { seed: 'many', managementGroups: 300 } };
  const given = { tenant, subscriptions: 10_000, seed: 'x' };
  const first = azureInProcess(given);
  const ask = async (path: string): Promise<unknown> => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ principal: 'administrator', resource: 'https://management.azure.com' });
    const signIn = await first.fetch(`${first.url}/_simulator/token`, { method: 'POST', headers, body });
    const { access_token: token } = z.object({ access_token: z.string() }).parse(await signIn.json());
    const answer = await first.fetch(`${first.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
    return await answer.json();
  };
  const page = z.object({ value: z.array(z.looseObject({ id: z.string() })), nextLink: z.string().optional() });
  const seen = new Set<string>();
  let pages = 0;
  for (let next: string | undefined = `/subscriptions${version}`; next !== undefined;) {
    const { value, nextLink } = page.parse(await ask(next));
    for (const { id } of value) seen.add(id);
    pages += 1;
    next = nextLink === undefined ? undefined : `${pathOf(nextLink)}${new URL(nextLink).search}`;
  }
  expect([seen.size, pages]).toEqual([10_004, 11]);
  const groups = page.parse(await ask(`/providers/Microsoft.Management/managementGroups${version}`));
  expect(groups.value).toHaveLength(304);
  const below = page.parse(
    await ask(`/providers/Microsoft.Management/managementGroups/landing-zones/descendants${version}`),
  );
  expect(below.value).toHaveLength(1000);
  expect(below.nextLink).toBeDefined();
  first.close();
});
