/** Choices of the guide that the other runs do not make, each carried out whole: over the API, to the receipt. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { asPlanned } from '../support/carriedOut';
import { nextLook, type TestWorld, testWorld } from '../support/e2e';
import { requestBody, subscriptionId, subscriptionIds } from '../support/requests';

const PLATFORM = subscriptionId(0);
/** Key Vault Crypto Service Encryption User. */
const ENCRYPTION_USER = 'e147488a-f6f5-4113-8e2d-b22465e65bf6';
const READER = 'acdd72a7-3385-48ef-bd42-f606fba81ae7';
const download = 'https://download.example.com/sentry.vhd';
const storageAccountId = `/subscriptions/${PLATFORM}/resourceGroups/storage/providers/Microsoft.Storage/storageAccounts/sentryvhds`;

let world: TestWorld;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sentry-tenant-'));
  const sample = JSON.parse(readFileSync(join(__dirname, '..', '..', 'samples', 'tenant.json'), 'utf8')) as object;
  const tenant = join(folder, 'tenant.json');
  writeFileSync(tenant, JSON.stringify({ ...sample, downloads: [{ url: download, bytes: 30 * 2 ** 30 + 512 }] }));
  world = await testWorld({ tenant });
});
afterAll(async () => {
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What the customer has already, and not: what Azure is still at work on. */
async function exists(path: string, body: object): Promise<void> {
  await world.askAzure('/_simulator/outside', { method: 'PUT', path: `${path}?api-version=2024-05-01`, body });
  while (!ready.parse(await read(path))) await nextLook();
}
/** Some kinds have no state: they are there at once. */
const ready = z
  .looseObject({ properties: z.looseObject({ provisioningState: z.string().default('Succeeded') }).prefault({}) })
  .transform(({ properties }) => properties.provisioningState === 'Succeeded');
const read = (path: string): Promise<unknown> =>
  world.askAzure('/_simulator/outside', { method: 'GET', path: `${path}?api-version=2024-05-01` });

/** Each has a group, names and addresses of its own. */
const body = (name: string, changes: object) =>
  requestBody({
    name,
    tenantId: world.environment['AZURE_TENANT_ID'],
    placement: { subscriptionId: PLATFORM, resourceGroup: name, location: 'westeurope' },
    subscriptions: { include: [{ kind: 'ids', ids: subscriptionIds(2) }] },
    ...changes,
  });
async function completes(name: string, changes: object) {
  const request = body(name, changes);
  const { result: shown } = await asPlanned(world, request, {
    watched: subscriptionIds(2),
    run: async () => {
      await world.administrator.start(request);
      return world.administrator.seeThrough(name, () => undefined);
    },
  });
  expect(shown).toMatchObject({
    state: 'completed',
    problems: [],
    sentries: [{ stage: 'completed', receipts: [{ provenClosed: true }] }],
  });
  return (key: string): string =>
    [...shown.resources, ...shown.sentries.flatMap(({ resources }) => resources)].find((one) => one.key === key)?.id ??
    '';
}

test('the VHD, copied and made an image; and another deployment of that image, in a zone, in the subnet that is there, encrypted at the host and with a key of the customer’s', async () => {
  await exists(`/subscriptions/${PLATFORM}/resourceGroups/storage`, { location: 'westeurope' });
  await exists(storageAccountId, { location: 'westeurope', kind: 'StorageV2', sku: { name: 'Standard_LRS' } });
  await exists(`${storageAccountId}/blobServices/default/containers/vhds`, {});
  const idIn = await completes('vhd', {
    image: { kind: 'vhd', uri: download, storageAccountId, container: 'vhds' },
    network: { kind: 'managed', addressPrefix: '10.91.0.0/24' },
  });
  expect(idIn('vhdCopy')).toContain('/containers/vhds/blobs/vhd-image.vhd');

  const group = `/subscriptions/${PLATFORM}/resourceGroups/keys`;
  const vault = `/subscriptions/${PLATFORM}/resourceGroups/sentry-orchestrator/providers/Microsoft.KeyVault/vaults/sentry-vault`;
  const diskEncryptionSetId = `${group}/providers/Microsoft.Compute/diskEncryptionSets/disks`;
  const activeKey = { keyUrl: 'https://sentry-vault.vault.azure.net/keys/disks/1', sourceVault: { id: vault } };
  await exists(group, { location: 'westeurope' });
  await exists(diskEncryptionSetId, {
    location: 'westeurope',
    identity: { type: 'SystemAssigned' },
    properties: { encryptionType: 'EncryptionAtRestWithPlatformAndCustomerKeys', activeKey },
  });
  const { identity } = (await read(diskEncryptionSetId)) as { identity: { principalId: string } };
  await exists(`${vault}/providers/Microsoft.Authorization/roleAssignments/5b000000-0000-4000-8000-0000000000de`, {
    properties: {
      roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${ENCRYPTION_USER}`,
      principalId: identity.principalId,
      principalType: 'ServicePrincipal',
    },
  });
  const idOf = await completes('image', {
    image: { kind: 'image', id: idIn('image') },
    network: { kind: 'existing', subnetId: idIn('subnet') },
    placement: { subscriptionId: PLATFORM, resourceGroup: 'image', location: 'westeurope', zone: '2' },
    vm: { ...(requestBody()['vm'] as object), encryptionAtHost: true, osDisk: { diskEncryptionSetId } },
  });
  const machine = (await read(idOf('virtualMachine'))) as {
    properties: { storageProfile: { osDisk: { managedDisk: { id: string } } } };
  };
  expect(await read(machine.properties.storageProfile.osDisk.managedDisk.id)).toMatchObject({
    properties: {
      diskState: 'Attached',
      encryption: { type: 'EncryptionAtRestWithPlatformAndCustomerKeys', diskEncryptionSetId },
    },
  });
  expect(machine).toMatchObject({
    zones: ['2'],
    properties: {
      storageProfile: { imageReference: { id: idIn('image') } },
      securityProfile: { encryptionAtHost: true },
    },
  });
});

test('a version in a gallery, with Trusted Launch', async () => {
  const group = `/subscriptions/${PLATFORM}/resourceGroups/gallery`;
  const compute = `${group}/providers/Microsoft.Compute`;
  const [disk, gallery] = [`${compute}/disks/second`, `${compute}/galleries/sentries`];
  const id = `${gallery}/images/sentry/versions/1.0.0`;
  const location = 'westeurope';
  const creationData = { createOption: 'Empty' };
  await exists(group, { location });
  await exists(disk, { location, properties: { osType: 'Linux', hyperVGeneration: 'V2', creationData, diskSizeGB: 30 } }); // prettier-ignore
  await exists(gallery, { location });
  await exists(`${gallery}/images/sentry`, {
    location,
    properties: {
      osType: 'Linux',
      osState: 'Generalized',
      hyperVGeneration: 'V2',
      identifier: { publisher: 'us', offer: 'sentry', sku: 'second' },
      features: [{ name: 'SecurityType', value: 'TrustedLaunchSupported' }],
    },
  });
  await exists(id, { location, properties: { storageProfile: { osDiskImage: { source: { id: disk } } } } });
  const idOf = await completes('version', {
    image: { kind: 'image', id },
    network: { kind: 'managed', addressPrefix: '10.93.0.0/24' },
    vm: { ...(requestBody()['vm'] as object), securityType: 'TrustedLaunch' },
  });
  expect(await read(idOf('virtualMachine'))).toMatchObject({
    properties: {
      storageProfile: { imageReference: { id } },
      securityProfile: { securityType: 'TrustedLaunch', uefiSettings: { secureBootEnabled: true, vTpmEnabled: true } },
    },
  });
});

test('one grant at a management group for an identity that exists, with a controller that may give one role only', async () => {
  const resourceId = `/subscriptions/${PLATFORM}/resourceGroups/known/providers/Microsoft.ManagedIdentity/userAssignedIdentities/known`;
  await exists(`/subscriptions/${PLATFORM}/resourceGroups/known`, { location: 'westeurope' });
  await exists(resourceId, { location: 'westeurope' });
  await completes('grouped', {
    identity: { kind: 'managedIdentity', resourceId },
    controller: { enabled: true, assignableRoles: [READER] },
    subscriptions: { include: [{ kind: 'managementGroup', id: 'platform' }], grantAt: 'managementGroup' },
    network: { kind: 'managed', addressPrefix: '10.92.0.0/24' },
  });
  const group = '/providers/Microsoft.Management/managementGroups/platform';
  const list = (await read(`${group}/providers/Microsoft.Authorization/roleAssignments`)) as {
    value: { properties: { scope: string; description?: string; condition?: string } }[];
  };
  const ours = list.value
    .map(({ properties }) => properties)
    .filter(({ description }) => description?.includes('grouped'));
  expect(ours.map(({ scope }) => scope)).toEqual([group, group]);
  expect(ours.filter(({ condition }) => condition?.includes(READER))).toHaveLength(1);
});
