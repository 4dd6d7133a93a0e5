/** One test for each bug that these contract tests found, named after it. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { windowRemovals } from '../../../src/domain/blueprint/window';
import { type Given, outputsOf } from '../../../src/domain/graph';
import type { Kind } from '../../../src/domain/resources';
import { overdueWindows } from '../../../src/domain/windowSweep';
import { deploy, startWorld, type World } from './adapters.support';
import { instant, location, platform } from './simulator.support';

let world: World;
beforeAll(async () => {
  world = await startWorld(instant);
});
afterAll(async () => world.azure.stop());

/** Makes a deployment's resources, each test its own. */
async function made(name: string, identity?: 'appRegistration') {
  const one = deploy(name, identity);
  const given: Given = outputsOf(await world.carryOut('ensure', name, one.resources));
  return { ...one, given };
}
const shape = z.looseObject({
  properties: z.record(z.string(), z.unknown()),
  tags: z.record(z.string(), z.string()).optional(),
});
const nic = z.looseObject({
  ipConfigurations: z.array(z.looseObject({ properties: z.record(z.string(), z.unknown()) })),
});

test('a grant that was as wanted was written again at every run, because Azure shows no name of its role', async () => {
  const { spec, given } = await made('grant-again');
  expect(await world.written(() => world.step('ensure', spec('roleAssignment', given)))).toEqual([]);
});

test('removing the marketplace agreement was waited for in vain, because it is never cancelled', async () => {
  const { spec } = await made('agreement-stays');
  const agreement = spec('marketplaceAgreement');
  expect(await world.step('remove', agreement)).toMatchObject({ kind: 'done', change: 'kept', ours: false });
  expect(await world.ports.arm.marketplaceAgreement.get(agreement.id)).toMatchObject({ accepted: true });
});

test('putting a security group right dropped the rules of its window and of others', async () => {
  const { name, resources, window, spec } = deploy('rules-stay');
  const given = outputsOf(await world.carryOut('ensure', name, resources));
  await world.carryOut('ensure', name, window(given), given);
  const group = spec('networkSecurityGroup');
  const shown = await world.demand('GET', group.id);
  await world.demand('PUT', group.id, { ...shown, tags: { 'sentry-deployment': name, owner: 'somebody-else' } });
  expect((await world.drive('ensure', group)).at(-1)).toMatchObject({ kind: 'done', change: 'changed' });
  expect(await world.demand('GET', group.id)).toMatchObject({
    properties: { securityRules: [{ name: 'Closed_Inbound' }, { name: 'Port_22' }] },
  });
});

test('putting one property right took away what another hand had set: tags, a subnet’s security group, DNS', async () => {
  const { given, any } = await made('others-stay');
  const group = { id: given['networkSecurityGroup']?.['id'] };
  const others: readonly (readonly [Kind, object, object])[] = [
    ['subnet', { networkSecurityGroup: group }, { natGateway: undefined }],
    ['networkInterface', { dnsSettings: { dnsServers: ['10.90.0.53'] } }, { networkSecurityGroup: undefined }],
    [
      'virtualMachine',
      { diagnosticsProfile: { bootDiagnostics: { enabled: true } } },
      { hardwareProfile: { vmSize: 'Standard_D8s_v3' } },
    ],
    ['publicIPAddress', { dnsSettings: { domainNameLabel: 'sentry' } }, {}],
  ];
  for (const [kind, theirs, drift] of others) {
    const spec = any(kind, given);
    const shown = shape.parse(await world.demand('GET', spec.id));
    const tags = shown.tags && { ...shown.tags, owner: 'somebody-else' };
    await world.demand('PUT', spec.id, { ...shown, tags, properties: { ...shown.properties, ...theirs, ...drift } });
    expect((await world.drive('ensure', spec)).at(-1)).toMatchObject({ change: 'changed' });
    expect([kind, await world.demand('GET', spec.id)]).toMatchObject([kind, { properties: theirs }]);
  }
});

test('a window could not close on a NIC that another hand made static', async () => {
  const { name, resources, window, removals, spec } = deploy('closes-on-static');
  const given = outputsOf(await world.carryOut('ensure', name, resources));
  await world.carryOut('ensure', name, window(given), given);
  const id = given['networkInterface']?.['id'] ?? '';
  const { ipConfigurations, ...properties } = nic.parse((await world.demand('GET', id))['properties']);
  const made = ipConfigurations.map((one) => ({
    ...one,
    properties: { ...one.properties, privateIPAllocationMethod: 'Static' },
  }));
  const shown = await world.demand('GET', id);
  await world.demand('PUT', id, { ...shown, properties: { ...properties, ipConfigurations: made } });
  const closed = await world.carryOut('remove', name, removals(given), given);
  expect(closed['publicIPAssociation']).toMatchObject({ state: 'done', change: 'removed' });
  expect(await world.demand('GET', id)).toMatchObject({
    properties: { ipConfigurations: [{ properties: { privateIPAllocationMethod: 'Static' } }] },
  });
  expect((await world.drive('ensure', spec('networkInterface', given))).at(-1)).toMatchObject({ kind: 'done' });
});

test('a window could not close on a NIC that another hand took the security group off', async () => {
  const { name, resources, window, removals } = deploy('closes-anyway');
  const given = outputsOf(await world.carryOut('ensure', name, resources));
  await world.carryOut('ensure', name, window(given), given);
  const id = given['networkInterface']?.['id'] ?? '';
  const shown = shape.parse(await world.demand('GET', id));
  await world.demand('PUT', id, { ...shown, properties: { ...shown.properties, networkSecurityGroup: undefined } });
  const closed = await world.carryOut('remove', name, removals(given), given);
  expect(closed['publicIPAssociation']).toMatchObject({ state: 'done', change: 'removed' });
});

test('bug: a lock on the group kept the address on the appliance and its port open, for as long as it stood', async () => {
  // Not the addresses of the other tests' deployments: it is asked who reaches one.
  const network = { kind: 'managed', addressPrefix: '10.94.0.0/24' };
  const { name, resources, window, removals } = deploy('closes-locked', 'managedIdentity', { network });
  const given = outputsOf(await world.carryOut('ensure', name, resources));
  await world.carryOut('ensure', name, window(given), given);
  const id = given['networkInterface']?.['id'] ?? '';
  const group = id.slice(0, id.indexOf('/providers/'));
  const lock = `${group}/providers/Microsoft.Authorization/locks/mid-window`;
  await world.demand('PUT', lock, { properties: { level: 'CanNotDelete' } });

  const closed = await world.carryOut('remove', name, removals(given));
  expect(closed).toMatchObject({
    publicIPAssociation: { state: 'done', change: 'removed' },
    publicIPAddress: { state: 'refused', code: 'ScopeLocked' },
    'securityRule/22': {
      state: 'refused',
      code: 'ScopeLocked',
      reason: expect.stringMatching(/locked: '[^']+\/closes-locked'.* Meanwhile it lets nobody in$/),
      remedy: expect.stringContaining('az lock delete'),
    },
  });
  const { ipConfigurations } = nic.parse((await world.demand('GET', id))['properties']);
  expect(ipConfigurations.map(({ properties }) => properties['publicIPAddress'])).toEqual([undefined]);
  const reach = `/_simulator/reach?address=${given['networkInterface']?.['privateIPAddress']}&port=22&source=203.0.113.7`;
  expect((await world.azure.ask('GET', reach)).body).toMatchObject({ allowed: false, rule: 'Port_22' });

  // The sweep still finds both by their marks, and no look closes less than the one before.
  const here = { subscriptionId: platform, resourceGroup: name };
  const [over] = overdueWindows(await world.ports.windows.marks(here), Date.parse('2026-11-23T12:00:00Z'));
  if (!over) throw new Error('The sweep found nothing.');
  const writes = await world.written(() => world.carryOut('remove', name, windowRemovals(over)));
  expect(writes.filter((write) => write.startsWith('PUT'))).toEqual([]);
  await world.demand('DELETE', lock);
  const swept = await world.carryOut('remove', name, windowRemovals(over));
  expect(Object.values(swept).map(({ state }) => state)).toEqual(['done', 'done', 'done']);
  expect(await world.ports.windows.marks(here)).toEqual({ rules: [], addresses: [] });
});

test('bug: in a network of its own, each Sentry of a fleet reached the others at any time', async () => {
  const network = { kind: 'managed', addressPrefix: '10.95.0.0/24' };
  const { name, resources } = deploy('own-neighbours', 'managedIdentity', { network });
  const given = outputsOf(await world.carryOut('ensure', name, resources));
  const address = given['networkInterface']?.['privateIPAddress'];
  const neighbour = `/_simulator/reach?address=${address}&port=22&source=10.95.0.200`;
  expect((await world.azure.ask('GET', neighbour)).body).toMatchObject({ allowed: false, rule: 'Closed_Inbound' });
});

test('bug: an identity that was removed by hand and made again is given to the VM anew', async () => {
  const { name, resources } = deploy('reborn');
  await world.carryOut('ensure', name, resources);
  const identity = `/subscriptions/${platform}/resourceGroups/${name}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/CloudKnox`;
  await world.demand('DELETE', identity);
  const again = await world.carryOut('ensure', name, resources);
  expect(again['virtualMachine']).toMatchObject({ state: 'done', change: 'changed' });
  const { principalId } = outputsOf(again)['userAssignedIdentity'] ?? {};
  const vm = await world.demand(
    'GET',
    `${again['virtualMachine']?.state === 'done' ? again['virtualMachine'].outputs['id'] : ''}`,
  );
  const shown = z.looseObject({
    identity: z.object({ userAssignedIdentities: z.record(z.string(), z.looseObject({ principalId: z.string() })) }),
  });
  expect(Object.values(shown.parse(vm).identity.userAssignedIdentities)).toMatchObject([{ principalId }]);
  const third = await world.carryOut('ensure', name, resources);
  expect(third['virtualMachine']).toMatchObject({ state: 'done', change: 'kept' });
});

test('bug: a VHD’s account that takes no keys refused the app, which had no right to its blobs, as "403" with no way out', async () => {
  const storageAccountId = `/subscriptions/${platform}/resourceGroups/storage/providers/Microsoft.Storage/storageAccounts/keyless`;
  const account = { location, kind: 'StorageV2', sku: { name: 'Standard_LRS' }, properties: { allowSharedKeyAccess: false } }; // prettier-ignore
  await world.demand('PUT', `/subscriptions/${platform}/resourceGroups/storage`, { location });
  await world.demand('PUT', storageAccountId, account);
  world.azure.advance(30);
  await world.demand('PUT', `${storageAccountId}/blobServices/default/containers/vhds`, {});
  const image = { kind: 'vhd', uri: 'https://download.example.com/a.vhd', storageAccountId, container: 'vhds' };
  const { spec } = deploy('keyless', 'managedIdentity', { image });
  // What was granted a moment ago is waited for.
  expect(await world.step('ensure', spec('vhdCopy'))).toMatchObject({
    kind: 'later',
    code: 'AuthorizationPermissionMismatch',
    remedy: expect.stringContaining('az role assignment create --role "Storage Blob Data Contributor"'),
  });
});

test('bug: an address that another hand put on the NIC was called not made by this deployment, and kept the window closing', async () => {
  const { name, resources, window, removals } = deploy('other-address');
  const given = outputsOf(await world.carryOut('ensure', name, resources));
  const id = given['networkInterface']?.['id'] ?? '';
  const other = `${id.slice(0, id.indexOf('/providers/'))}/providers/Microsoft.Network/publicIPAddresses/by-hand`;
  await world.demand('PUT', other, {
    location: 'westeurope',
    sku: { name: 'Standard' },
    properties: { publicIPAllocationMethod: 'Static' },
  });
  const shown = await world.demand('GET', id);
  const { ipConfigurations, ...properties } = nic.parse(shown['properties']);
  const by = (address: object) =>
    ipConfigurations.map((one) => ({ ...one, properties: { ...one.properties, ...address } }));
  await world.demand('PUT', id, {
    ...shown,
    properties: { ...properties, ipConfigurations: by({ publicIPAddress: { id: other } }) },
  });

  const opened = await world.carryOut('ensure', name, window(given), given);
  expect(opened).toMatchObject({
    publicIPAssociation: {
      state: 'refused',
      code: 'OtherAddressAttached',
      reason: expect.stringContaining(`'${other}'`),
      remedy: expect.stringMatching(
        /`az network nic ip-config update --resource-group [\w-]+ --nic-name [\w-]+ --name [\w-]+ --public-ip-address null`/,
      ),
    },
    'securityRule/22': { state: 'blocked' },
  });
  expect(await world.carryOut('remove', name, removals(given), given)).toMatchObject({
    publicIPAssociation: { state: 'done', change: 'kept', ours: false },
    publicIPAddress: { state: 'done', change: 'removed' },
  });
  expect(await world.demand('GET', id)).toMatchObject({
    properties: { ipConfigurations: [{ properties: { publicIPAddress: { id: other } } }] },
  });
});
