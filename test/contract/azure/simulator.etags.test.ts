/** If-Match and If-None-Match where Azure has etags, and that they count for nothing where it has none. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { compute, makeNetwork, putVm, vmProperties } from './simulator.compute.support';
import { account, accounts } from './simulator.storage.support';
import {
  type Answer,
  type Arm,
  armOf,
  errorOf,
  location,
  network,
  platform,
  startTestAzure,
  type TestAzure,
} from './simulator.support';

let azure: TestAzure;
let arm: Arm;
let admin: Arm;

beforeAll(async () => {
  azure = await startTestAzure();
  arm = await armOf(azure);
  const token = await azure.token('administrator');
  admin = (method, path, body, rest) => arm(method, path, body, { token, ...rest });
  await makeNetwork(arm);
});
afterAll(async () => azure.stop());

const group = `/subscriptions/${platform}/resourceGroups/rg`;
const etagOf = ({ body }: Answer): string => z.looseObject({ etag: z.string() }).parse(body).etag;
const match = (etag: string): object => ({ headers: { 'if-match': etag } });
const none = (value: string): object => ({ headers: { 'if-none-match': value } });

const space = { addressSpace: { addressPrefixes: ['10.1.0.0/16'] } };
const rule = {
  properties: {
    priority: 100,
    access: 'Allow',
    direction: 'Inbound',
    protocol: 'Tcp',
    sourceAddressPrefix: '*',
    sourcePortRange: '*',
    destinationAddressPrefix: '*',
    destinationPortRange: '443',
  },
};

describe('Microsoft.Network', () => {
  test.each([
    ['networkSecurityGroups/e', { location }],
    ['networkSecurityGroups/e/securityRules/r', rule],
    ['virtualNetworks/e', { location, properties: space }],
    ['virtualNetworks/e/subnets/s', { properties: { addressPrefix: '10.1.0.0/24' } }],
    [
      'publicIPAddresses/e',
      { location, sku: { name: 'Standard' }, properties: { publicIPAllocationMethod: 'Static' } },
    ],
    ['natGateways/e', { location, sku: { name: 'Standard' } }],
  ])('%s', async (path, body) => {
    const id = network(path);
    expect(errorOf(await arm('PUT', id, body, match('W/"any"')))).toBe('PreconditionFailed');
    const made = await arm('PUT', id, body, none('*'));
    expect(made.status).toBe(201);
    const again = await arm('PUT', id, body, none('*'));
    expect([again.status, errorOf(again)]).toEqual([412, 'PreconditionFailed']);
    const etag = etagOf(await arm('GET', id));
    const stale = await arm('PUT', id, body, match('W/"stale"'));
    expect([stale.status, stale.body]).toEqual([
      412,
      {
        error: {
          code: 'PreconditionFailed',
          message: `Etag provided in if-match header W/"stale" does not match etag ${etag} of resource ${id} in NRP data store.`,
          details: [],
        },
      },
    ]);
    expect(etagOf(await arm('PUT', id, body, match(etag)))).not.toBe(etag);
    expect((await arm('DELETE', id, undefined, match(etag))).status).toBe(412);
    expect((await arm('PUT', id, body, match('*'))).status).toBe(200);
  });

  test('a PATCH of tags looks too', async () => {
    const id = network('networkSecurityGroups/e');
    expect((await arm('PATCH', id, { tags: {} }, match('W/"stale"'))).status).toBe(412);
    expect((await arm('PATCH', id, { tags: {} }, match(etagOf(await arm('GET', id))))).status).toBe(200);
  });
});

test('a virtual machine: a number in quotes, for PUT and PATCH', async () => {
  const properties = await vmProperties(arm, 'vm');
  const made = await putVm(arm, 'vm', properties);
  expect([made.status, etagOf(made)]).toEqual([201, '"1"']);
  const id = compute('virtualMachines/vm');
  expect(etagOf(await arm('PATCH', id, { tags: { a: 'b' } }, match('"1"')))).toBe('"2"');
  const stale = await arm('PATCH', id, { tags: {} }, match('"1"'));
  expect([stale.status, errorOf(stale)]).toEqual([412, 'PreconditionFailed']);
  const body = { location, properties };
  expect((await arm('PUT', id, body, none('*'))).status).toBe(412);
  expect(errorOf(await arm('PUT', id, body, none('"1"')))).toBe('InvalidParameter');
  expect((await arm('PUT', id, body, match('*'))).status).toBe(200);
  expect((await arm('DELETE', id, undefined, match('"1"'))).status).toBe(202);
});

const disk = { location, sku: { name: 'Standard_LRS' }, properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 4 } }; // prettier-ignore
const authorization = `${group}/providers/Microsoft.Authorization`;
const assignment = (): [string, object] => [
  `${authorization}/roleAssignments/${randomUUID()}`,
  {
    properties: {
      principalId: 'a0000000-0000-4000-8000-000000000001',
      principalType: 'ServicePrincipal',
      roleDefinitionId: '/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7',
    },
  },
];

test.each([
  ['resource groups', group, { location }],
  ['disks', compute('disks/e'), disk],
  ['managed identities', `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/e`, { location }],
  ['storage accounts', accounts('etags1'), account],
  ['role assignments', ...assignment()],
  ['locks', `${authorization}/locks/e`, { properties: { level: 'CanNotDelete' } }],
])('%s have none in Azure, and the headers count for nothing', async (_, id, body) => {
  expect((await admin('PUT', id, body, match('W/"any"'))).status).toBeLessThan(300);
  const headers = { 'if-match': 'W/"any"', 'if-none-match': '*' };
  expect((await admin('PUT', id, body, { headers })).status).toBeLessThan(300);
  const read = await admin('GET', id);
  expect([read.status, read.header('etag')]).toEqual([200, '']);
  expect(read.body).not.toHaveProperty('etag');
});
