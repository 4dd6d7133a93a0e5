/** The life of each kind of resource, by the client that Microsoft has for it: every operation, every status, its headers. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { machine, makeMachine, nic } from './simulator.sdk.machines';
import { drained, group, TestClients, within } from './simulator.sdk.support';
import { instant, location, startTestAzure, type TestAzure } from './simulator.support';

let azure: TestAzure;
let of: TestClients;

const standard = { name: 'Standard' };
const address = { location, sku: standard, publicIPAllocationMethod: 'Static' };
const rule = {
  protocol: 'Tcp',
  sourcePortRange: '*',
  destinationPortRange: '22',
  sourceAddressPrefix: '203.0.113.7/32',
  destinationAddressPrefix: '*',
  access: 'Allow',
  priority: 100,
  direction: 'Inbound',
};
const command = { location, source: { script: 'echo done' } };
const extension = { location, publisher: 'Microsoft.Azure.Extensions', typePropertiesType: 'CustomScript', typeHandlerVersion: '2.1' }; // prettier-ignore
const wayOut = {
  name: 'out',
  addressPrefix: '0.0.0.0/0',
  nextHopType: 'VirtualAppliance',
  nextHopIpAddress: '10.0.0.4',
};
const definition = {
  location,
  osType: 'Linux' as const,
  osState: 'Generalized' as const,
  identifier: { publisher: 'us', offer: 'sentry', sku: 'v1' },
};
const ofDisk = {
  location,
  storageProfile: { osDiskImage: { source: { id: within('Microsoft.Compute/disks/source') } } },
};
const versionNamed = (name: string): string => (name === 'one' ? '0.0.1' : '0.0.9');
const storage = { location, kind: 'StorageV2', sku: { name: 'Standard_LRS' } };

beforeAll(async () => {
  azure = await startTestAzure(instant);
  of = await TestClients.of(azure);
  await of.network.networkSecurityGroups.createOrUpdate(group, 'parent', { location });
  await makeMachine(of, 'kept');
  await of.network.networkInterfaces.createOrUpdate(group, 'free', nic());
  await of.compute.disks.createOrUpdate(group, 'source', { location, osType: 'Linux', creationData: { createOption: 'Empty' }, diskSizeGB: 8 }); // prettier-ignore
  await of.compute.galleries.createOrUpdate(group, 'parent', { location });
  await of.compute.galleryImages.createOrUpdate(group, 'parent', 'parent', definition);
});
afterAll(async () => azure.stop());

type Call = (name: string) => PromiseLike<unknown>;
interface Life {
  readonly type: string;
  readonly put: Call;
  readonly get: Call;
  readonly remove: Call;
  readonly list: () => AsyncIterable<unknown>;
  readonly listAll?: () => AsyncIterable<unknown>;
  readonly tag?: Call;
  /** Of creation, change and deletion, where they are not 201, 200 and 202. */
  readonly statuses?: readonly [created: number, changed: number, removed: number];
  readonly tagged?: number;
  /** What `one` is called, where it cannot be called so. */
  readonly one?: string;
  /** How a resource that is not there is missed; Azure Resource Manager says it of what has no parent. */
  readonly missed?: RegExp;
}

const tags = { tags: { a: 'b' } };
const child = /^Resource \/subscriptions\/.+\/none not found\.$/;

const lives: readonly Life[] = [
  {
    type: 'Microsoft.Network/networkSecurityGroups',
    put: (name) => of.network.networkSecurityGroups.createOrUpdate(group, name, { location, securityRules: [{ name: 'r', ...rule }] }),
    get: (name) => of.network.networkSecurityGroups.get(group, name),
    remove: (name) => of.network.networkSecurityGroups.delete(group, name),
    list: () => of.network.networkSecurityGroups.list(group),
    listAll: () => of.network.networkSecurityGroups.listAll(),
    tag: (name) => of.network.networkSecurityGroups.updateTags(group, name, tags),
  },
  {
    type: 'Microsoft.Network/networkSecurityGroups/securityRules',
    put: (name) => of.network.securityRules.createOrUpdate(group, 'parent', name, rule),
    get: (name) => of.network.securityRules.get(group, 'parent', name),
    remove: (name) => of.network.securityRules.delete(group, 'parent', name),
    list: () => of.network.securityRules.list(group, 'parent'),
    missed: child,
  },
  {
    type: 'Microsoft.Network/virtualNetworks',
    put: (name) => of.network.virtualNetworks.createOrUpdate(group, name, { location, addressSpace: { addressPrefixes: ['10.1.0.0/16'] } }),
    get: (name) => of.network.virtualNetworks.get(group, name),
    remove: (name) => of.network.virtualNetworks.delete(group, name),
    list: () => of.network.virtualNetworks.list(group),
    listAll: () => of.network.virtualNetworks.listAll(),
    tag: (name) => of.network.virtualNetworks.updateTags(group, name, tags),
  },
  {
    type: 'Microsoft.Network/virtualNetworks/subnets',
    put: (name) => of.network.subnets.createOrUpdate(group, 'v', name, { addressPrefix: '10.0.1.0/24' }),
    get: (name) => of.network.subnets.get(group, 'v', name),
    remove: (name) => of.network.subnets.delete(group, 'v', name),
    list: () => of.network.subnets.list(group, 'v'),
    missed: child,
  },
  {
    type: 'Microsoft.Network/publicIPAddresses',
    put: (name) => of.network.publicIPAddresses.createOrUpdate(group, name, address),
    get: (name) => of.network.publicIPAddresses.get(group, name),
    remove: (name) => of.network.publicIPAddresses.delete(group, name),
    list: () => of.network.publicIPAddresses.list(group),
    listAll: () => of.network.publicIPAddresses.listAll(),
    tag: (name) => of.network.publicIPAddresses.updateTags(group, name, tags),
  },
  {
    type: 'Microsoft.Network/natGateways',
    put: (name) => of.network.natGateways.createOrUpdate(group, name, { location, sku: standard }),
    get: (name) => of.network.natGateways.get(group, name),
    remove: (name) => of.network.natGateways.delete(group, name),
    list: () => of.network.natGateways.list(group),
    listAll: () => of.network.natGateways.listAll(),
    tag: (name) => of.network.natGateways.updateTags(group, name, tags),
  },
  {
    type: 'Microsoft.Network/routeTables',
    put: (name) => of.network.routeTables.createOrUpdate(group, name, { location, routes: [wayOut] }),
    get: (name) => of.network.routeTables.get(group, name),
    remove: (name) => of.network.routeTables.delete(group, name),
    list: () => of.network.routeTables.list(group),
    listAll: () => of.network.routeTables.listAll(),
    tag: (name) => of.network.routeTables.updateTags(group, name, tags),
  },
  {
    type: 'Microsoft.Network/networkInterfaces',
    put: (name) => of.network.networkInterfaces.createOrUpdate(group, name, nic()),
    get: (name) => of.network.networkInterfaces.get(group, name),
    remove: (name) => of.network.networkInterfaces.delete(group, name),
    list: () => of.network.networkInterfaces.list(group),
    listAll: () => of.network.networkInterfaces.listAll(),
    tag: (name) => of.network.networkInterfaces.updateTags(group, name, tags),
  },
  {
    type: 'Microsoft.Compute/virtualMachines',
    put: (name) => of.compute.virtualMachines.createOrUpdate(group, name, machine('free')),
    get: (name) => of.compute.virtualMachines.get(group, name),
    remove: (name) => of.compute.virtualMachines.delete(group, name),
    list: () => of.compute.virtualMachines.list(group),
    listAll: () => of.compute.virtualMachines.listAll(),
    tag: (name) => of.compute.virtualMachines.update(group, name, tags),
  },
  {
    type: 'Microsoft.Compute/virtualMachines/runCommands',
    put: (name) => of.compute.virtualMachineRunCommands.createOrUpdate(group, 'kept', name, command),
    get: (name) => of.compute.virtualMachineRunCommands.getByVirtualMachine(group, 'kept', name),
    remove: (name) => of.compute.virtualMachineRunCommands.delete(group, 'kept', name),
    list: () => of.compute.virtualMachineRunCommands.listByVirtualMachine(group, 'kept'),
    missed: child,
  },
  {
    type: 'Microsoft.Compute/virtualMachines/extensions',
    put: (name) => of.compute.virtualMachineExtensions.createOrUpdate(group, 'kept', name, extension),
    get: (name) => of.compute.virtualMachineExtensions.get(group, 'kept', name),
    remove: (name) => of.compute.virtualMachineExtensions.delete(group, 'kept', name),
    // The client gives the list as one object.
    list: async function* () {
      yield* (await of.compute.virtualMachineExtensions.list(group, 'kept')).value ?? [];
    },
    missed: child,
  },
  {
    type: 'Microsoft.Compute/disks',
    put: (name) => of.compute.disks.createOrUpdate(group, name, { location, creationData: { createOption: 'Empty' }, diskSizeGB: 4 }),
    get: (name) => of.compute.disks.get(group, name),
    remove: (name) => of.compute.disks.delete(group, name),
    list: () => of.compute.disks.listByResourceGroup(group),
    listAll: () => of.compute.disks.list(),
    tag: (name) => of.compute.disks.update(group, name, tags),
    statuses: [202, 202, 202],
    tagged: 202,
  },
  {
    type: 'Microsoft.Compute/images',
    put: (name) => of.compute.images.createOrUpdate(group, name, { location, storageProfile: { osDisk: { osType: 'Linux', osState: 'Generalized', managedDisk: { id: within('Microsoft.Compute/disks/source') } } } }),
    get: (name) => of.compute.images.get(group, name),
    remove: (name) => of.compute.images.delete(group, name),
    list: () => of.compute.images.listByResourceGroup(group),
    listAll: () => of.compute.images.list(),
    tag: (name) => of.compute.images.update(group, name, tags),
  },
  {
    type: 'Microsoft.Compute/galleries',
    put: (name) => of.compute.galleries.createOrUpdate(group, name, { location }),
    get: (name) => of.compute.galleries.get(group, name),
    remove: (name) => of.compute.galleries.delete(group, name),
    list: () => of.compute.galleries.listByResourceGroup(group),
    listAll: () => of.compute.galleries.list(),
    tag: (name) => of.compute.galleries.update(group, name, tags),
  },
  {
    type: 'Microsoft.Compute/galleries/images',
    put: (name) => of.compute.galleryImages.createOrUpdate(group, 'parent', name, definition),
    get: (name) => of.compute.galleryImages.get(group, 'parent', name),
    remove: (name) => of.compute.galleryImages.delete(group, 'parent', name),
    list: () => of.compute.galleryImages.listByGallery(group, 'parent'),
    missed: child,
  },
  {
    type: 'Microsoft.Compute/galleries/images/versions',
    put: (name) => of.compute.galleryImageVersions.createOrUpdate(group, 'parent', 'parent', versionNamed(name), ofDisk),
    get: (name) => of.compute.galleryImageVersions.get(group, 'parent', 'parent', versionNamed(name)),
    remove: (name) => of.compute.galleryImageVersions.delete(group, 'parent', 'parent', versionNamed(name)),
    list: () => of.compute.galleryImageVersions.listByGalleryImage(group, 'parent', 'parent'),
    missed: /^Resource \/subscriptions\/.+\/0\.0\.9 not found\.$/,
    one: '0.0.1',
  },
  {
    type: 'Microsoft.ManagedIdentity/userAssignedIdentities',
    put: (name) => of.identities.userAssignedIdentities.createOrUpdate(group, name, { location }),
    get: (name) => of.identities.userAssignedIdentities.get(group, name),
    remove: (name) => of.identities.userAssignedIdentities.delete(group, name),
    list: () => of.identities.userAssignedIdentities.listByResourceGroup(group),
    listAll: () => of.identities.userAssignedIdentities.listBySubscription(),
    tag: (name) => of.identities.userAssignedIdentities.update(group, name, { location, ...tags }),
    statuses: [201, 200, 200],
  },
  {
    type: 'Microsoft.Storage/storageAccounts',
    put: (name) => of.storage.storageAccounts.create(group, name, storage),
    get: (name) => of.storage.storageAccounts.getProperties(group, name),
    remove: (name) => of.storage.storageAccounts.delete(group, name),
    list: () => of.storage.storageAccounts.listByResourceGroup(group),
    listAll: () => of.storage.storageAccounts.list(),
    tag: (name) => of.storage.storageAccounts.update(group, name, tags),
    statuses: [202, 200, 200],
  },
]; // prettier-ignore

describe.each(lives)(
  '$type',
  ({ type, put, get, remove, list, listAll, tag, statuses, tagged, missed, one = 'one' }) => {
    const [created, changed, removed] = statuses ?? [201, 200, 202];
    const isLong = removed === 202;

    test('is made, changed, read, listed, tagged and taken away', async () => {
      expect(await of.statusOf(() => put('one'))).toBe(created);
      const [namespace = ''] = type.split('/');
      const asked = of.last('PUT', `/${one}`);
      if (isLong) expect(asked.header('azure-asyncoperation')).toContain(`/providers/${namespace}/locations/${location}/operations/`); // prettier-ignore
      expect(asked.header('retry-after')).toBe(namespace === 'Microsoft.Compute' ? '5' : created === 202 ? '17' : '');
      expect(await of.statusOf(() => put('one'))).toBe(changed);
      expect(await get('one')).toMatchObject({ name: one, type });
      expect(await drained(list())).toBeGreaterThan(0);
      if (listAll !== undefined) expect(await drained(listAll())).toBeGreaterThan(0);
      if (tag !== undefined) {
        expect(await of.statusOf(() => tag('one'))).toBe(tagged ?? 200);
        expect(await get('one')).toMatchObject(tags);
      }
      expect(await of.statusOf(() => remove('one'))).toBe(removed);
      const gone = of.last('DELETE', `/${one}`);
      if (isLong)
        expect(gone.header('location')).toMatch(
          namespace === 'Microsoft.Compute' ? /\/operations\/.+\?monitor=true&/ : /\/operationResults\//,
        );
      expect(await of.statusOf(() => remove('one'))).toBe(204);
    });

    test('is missed where it is not, in Azure’s words', async () => {
      const message = missed ?? `The Resource '${type}/none' under resource group '${group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`; // prettier-ignore
      const expected = { status: 404, code: missed === undefined ? 'ResourceNotFound' : 'NotFound', message };
      for (const call of [get, ...(tag === undefined ? [] : [tag])]) {
        const { status, code, message: said } = await of.refusal(() => call('none'));
        expect([status, code]).toEqual([expected.status, expected.code]);
        expect(said).toMatch(message);
      }
    });
  },
);
