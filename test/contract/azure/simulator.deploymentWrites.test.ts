/**
 * What a deployment writes. Nobody sent these requests: they are operations of the deployment, not in the record of what
 * was asked. What they open, and who made what, counts like any write.
 */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { z } from 'zod';
import { compute } from './simulator.compute.support';
import { accounts } from './simulator.storage.support';
import {
  type Arm,
  armOf,
  instant,
  location,
  network,
  platform,
  startTestAzure,
  type TestAzure,
} from './simulator.support';

const app = 'a0000000-0000-4000-8000-000000000001';
const group = `/subscriptions/${platform}/resourceGroups/rg`;
const deployment = `${group}/providers/Microsoft.Resources/deployments/opens`;
const startAt = Date.UTC(2026, 0, 1);

let azure: TestAzure;
let arm: Arm;
let admin: Arm;
let clock = startAt;
const advance = (seconds: number): void => {
  azure.advance(seconds);
  clock += seconds * 1000;
};

beforeEach(async () => {
  clock = startAt;
  const timings = { ...instant.timings, deploymentStart: 2, networkSecurityGroup: 3, networkInterface: 4 };
  azure = await startTestAzure({ ...instant, timings }, { startAt });
  arm = await armOf(azure);
  const token = await azure.token('administrator');
  admin = (method, path, body) => arm(method, path, body, { token });
});
afterEach(async () => azure.stop());

const named = (type: string, name: string, rest: object): object => ({
  type: `Microsoft.${type}`,
  apiVersion: '2024-05-01',
  name,
  location,
  ...rest,
});
const idOf = (type: string, name: string): string => `[resourceId('Microsoft.${type}', '${name}')]`;
const [nsg, vnet, address] = ['networkSecurityGroups', 'virtualNetworks', 'publicIPAddresses'].map(
  (type) => `Network/${type}`,
);
const rule = {
  name: 'ssh',
  properties: {
    priority: 100,
    access: 'Allow',
    direction: 'Inbound',
    protocol: 'Tcp',
    sourceAddressPrefix: '198.51.100.0/24',
    sourcePortRange: '*',
    destinationAddressPrefix: '*',
    destinationPortRange: '22',
  },
};
const subnet = {
  name: 's',
  properties: { addressPrefix: '10.0.0.0/24', networkSecurityGroup: { id: idOf(nsg ?? '', 'n') } },
};
const opening = [
  named(nsg ?? '', 'n', { properties: { securityRules: [rule] } }),
  named(vnet ?? '', 'v', {
    dependsOn: [idOf(nsg ?? '', 'n')],
    properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] }, subnets: [subnet] },
  }),
  named(address ?? '', 'a', { sku: { name: 'Standard' }, properties: { publicIPAllocationMethod: 'Static' } }),
  named('Network/networkInterfaces', 'i', {
    dependsOn: [idOf(vnet ?? '', 'v'), idOf(address ?? '', 'a')],
    properties: {
      ipConfigurations: [
        {
          name: 'ip',
          properties: {
            subnet: { id: "[resourceId('Microsoft.Network/virtualNetworks/subnets', 'v', 's')]" },
            publicIPAddress: { id: idOf(address ?? '', 'a') },
          },
        },
      ],
    },
  }),
  named('Compute/disks', 'd', { sku: { name: 'Standard_LRS' }, properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 4 } }), // prettier-ignore
  named('Storage/storageAccounts', 'deployed1', { kind: 'StorageV2', sku: { name: 'Standard_LRS' } }),
];
const body = (resources: unknown): object => ({
  properties: {
    mode: 'Incremental',
    template: {
      $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
      contentVersion: '1.0.0.0',
      resources,
    },
  },
});
const answered = async <S extends z.ZodType>(path: string, shape: S): Promise<z.infer<S>> =>
  shape.parse((await azure.ask('GET', path)).body);

const exposure = z.looseObject({
  ports: z.string(),
  source: z.string(),
  rule: z.string(),
  openedAt: z.number(),
  closedAt: z.number().nullable(),
});

test('a port that a template opens was open from when its resources were ready to when one of them went', async () => {
  expect((await arm('PUT', deployment, body(opening))).status).toBe(201);
  advance(30);
  // Nobody asked anything in between: each step counts at its own time.
  const [open] = await answered('/_simulator/exposures', z.array(exposure).length(1));
  expect(open).toMatchObject({ ports: '22', source: '198.51.100.0/24', closedAt: null });
  const opened = open?.openedAt ?? 0;
  expect([opened >= startAt + 5000, opened <= startAt + 9000]).toEqual([true, true]);
  const windows = z.array(z.looseObject({ rule: z.string(), openedAt: z.number() }));
  expect(await answered('/_simulator/windows', windows)).toMatchObject([{ rule: 'ssh', openedAt: startAt + 2000 }]);

  const closing = named(nsg ?? '', 'n', { properties: { securityRules: [] } });
  await arm('PUT', deployment, body([closing]));
  const closedFrom = clock + 2000;
  advance(30);
  const [closed] = await answered('/_simulator/exposures', z.array(exposure).length(1));
  expect([
    closed?.openedAt,
    (closed?.closedAt ?? 0) >= closedFrom,
    (closed?.closedAt ?? 0) <= closedFrom + 3000,
  ]).toEqual([opened, true, true]);
});

test('what it made was made by who deployed it; its writes are its operations, not requests', async () => {
  await arm('PUT', deployment, body(opening));
  advance(60);
  const left = await answered('/_simulator/left', z.array(z.looseObject({ id: z.string(), createdBy: z.string() })));
  const made = [
    network('networkSecurityGroups/n'),
    network('networkInterfaces/i'),
    compute('disks/d'),
    accounts('deployed1'),
  ];
  for (const id of made) expect(left.find((one) => one.id === id)?.createdBy).toBe(app);
  const operations = z.object({
    value: z.array(z.object({ properties: z.looseObject({ provisioningOperation: z.string() }) })),
  });
  const all = operations.parse((await arm('GET', `${deployment}/operations`)).body).value;
  expect(all.filter(({ properties }) => properties.provisioningOperation === 'Create')).toHaveLength(opening.length);
  expect((await azure.ask('GET', '/_simulator/requests?limit=1000')).body).toMatchObject({
    total: 3,
    byOperation: { 'PUT resourceGroups': 1, 'PUT deployments': 1, 'GET operations': 1 },
  });
});

test('locks and policies hold a deployment, but not one of the outside hand', async () => {
  const lock = `${network('networkSecurityGroups/n')}/providers/Microsoft.Authorization/locks/l`;
  await arm('PUT', network('networkSecurityGroups/n'), { location });
  advance(10);
  await admin('PUT', lock, { properties: { level: 'ReadOnly' } });
  const denied = {
    properties: {
      policyDefinitionId: '/providers/Microsoft.Authorization/policyDefinitions/e56962a6-4747-49cd-b67b-bf8b01975c4c',
      parameters: { listOfAllowedLocations: { value: ['eastus'] } },
    },
  };
  await admin('PUT', `${group}/providers/Microsoft.Authorization/policyAssignments/p`, denied);
  const template = body([named(nsg ?? '', 'n', { tags: { by: 'them' } }), named(nsg ?? '', 'other', {})]);
  expect((await arm('PUT', deployment, template)).body).toMatchObject({ error: { code: 'InvalidTemplateDeployment' } });

  const path = `${group}/providers/Microsoft.Resources/deployments/theirs`;
  const act = await azure.ask('POST', '/_simulator/outside', { body: { method: 'PUT', path, body: template } });
  expect(act.status).toBe(201);
  advance(60);
  expect((await arm('GET', path)).body).toMatchObject({ properties: { provisioningState: 'Succeeded' } });
  expect((await arm('GET', network('networkSecurityGroups/n'))).body).toMatchObject({ tags: { by: 'them' } });
  const direct = { method: 'DELETE', path: network('networkSecurityGroups/n') };
  expect((await azure.ask('POST', '/_simulator/outside', { body: direct })).status).toBe(202);
  // For everybody else the policy stands.
  expect((await admin('PUT', network('networkSecurityGroups/third'), { location })).status).toBe(403);
});
