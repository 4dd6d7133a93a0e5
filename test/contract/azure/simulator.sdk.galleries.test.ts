/** Galleries, definitions and versions by Microsoft's client; what is refused, and the machines that are made of them. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { machine, makeNetwork, nic, ubuntu } from './simulator.sdk.machines';
import { group, TestClients, within } from './simulator.sdk.support';
import { instant, location, startTestAzure, type TestAzure } from './simulator.support';

let azure: TestAzure;
let of: TestClients;

const tenant = {
  ...instant,
  timings: { ...instant.timings, image: 60 },
  vmSizes: { ...instant.vmSizes, Standard_A4_v2: { cores: 4, family: 'standardAv2Family', memoryGb: 8, trustedLaunch: false } }, // prettier-ignore
  images: [
    ...instant.images,
    { publisher: 'Canonical', offer: 'old', sku: 'gen1', versions: ['1.0.0'], plan: null, generation: 'V1' as const },
  ],
};
const disk = (name: string): string => within(`Microsoft.Compute/disks/${name}`);
const managed = within('Microsoft.Compute/images/managed');
const versionId = (name: string, version = '1.0.0'): string =>
  within(`Microsoft.Compute/galleries/g/images/${name}/versions/${version}`);
const generalized = {
  location,
  osType: 'Linux',
  osState: 'Generalized',
  hyperVGeneration: 'V2',
  identifier: { publisher: 'us', offer: 'sentry', sku: 'v1' },
} as const;
const securityType = (value: string) => ({ features: [{ name: 'SecurityType', value }] });
const define = (name: string, more: object = {}) =>
  of.compute.galleryImages.createOrUpdate(group, 'g', name, { ...generalized, ...more });

const ofDisk = (name = 'second') => ({ storageProfile: { osDiskImage: { source: { id: disk(name) } } } });
const ofSource = (id: string) => ({ storageProfile: { source: { id } } });
const into = (...names: string[]) => ({ publishingProfile: { targetRegions: names.map((name) => ({ name })) } });

/** A PUT as a client sends it, which does not wait for the operation. */
async function publish(name: string, properties: object = ofDisk(), version = '1.0.0'): Promise<void> {
  const token = await azure.token('administrator');
  const answer = await azure.ask('PUT', `${versionId(name, version)}?api-version=2025-12-03`, { token, body: { location, properties } }); // prettier-ignore
  expect([200, 201]).toContain(answer.status);
}
async function refused(call: () => PromiseLike<unknown>): Promise<string> {
  const { status, code, message } = await of.refusal(call);
  return `${status} ${code} ${message}`;
}
const put = (name: string, properties: object, version = '2.0.0') =>
  of.compute.galleryImageVersions.createOrUpdate(group, 'g', name, version, { location, storageProfile: {}, ...properties }); // prettier-ignore

beforeAll(async () => {
  azure = await startTestAzure(tenant);
  of = await TestClients.of(azure);
  await makeNetwork(of);
  const empty = { location, osType: 'Linux', creationData: { createOption: 'Empty' }, diskSizeGB: 8 } as const;
  await of.compute.disks.createOrUpdate(group, 'second', { ...empty, hyperVGeneration: 'V2' });
  await of.compute.disks.createOrUpdate(group, 'first', { ...empty, hyperVGeneration: 'V1' });
  await of.compute.disks.createOrUpdate(group, 'windows', { ...empty, hyperVGeneration: 'V2', osType: 'Windows' });
  await of.compute.galleries.createOrUpdate(group, 'g', { location });
  const osDisk = { osType: 'Linux', osState: 'Generalized', managedDisk: { id: disk('second') } };
  const token = await azure.token('administrator');
  const body = { location, properties: { storageProfile: { osDisk } } };
  await azure.ask('PUT', `${managed}?api-version=2024-07-01`, { token, body });
  azure.advance(61);
  const definitions: readonly (readonly [string, object])[] = [
    ['plain', {}],
    ['trusted', securityType('TrustedLaunchSupported')],
    ['only', securityType('TrustedLaunch')],
    ['special', { osState: 'Specialized' }],
    ['bought', { purchasePlan: { name: 'p', publisher: 'us', product: 'o' } }],
  ];
  for (const [name, more] of definitions) {
    await define(name, more);
    await publish(name);
  }
  await publish('plain', ofSource(managed), '1.2.0');
  azure.advance(61);
});
afterAll(async () => azure.stop());

test('a version is replicated to its regions, and says how far that is', async () => {
  await publish('plain', { ...ofSource(managed), ...into(location, 'northeurope') }, '1.1.0');
  const asked = () =>
    of.compute.galleryImageVersions.get(group, 'g', 'plain', '1.1.0', { expand: 'ReplicationStatus' });
  expect(await asked()).toMatchObject({
    provisioningState: 'Creating',
    replicationStatus: { aggregatedState: 'InProgress', summary: [{ state: 'Replicating', progress: 0 }, {}] },
  });
  azure.advance(61);
  expect(await asked()).toMatchObject({
    provisioningState: 'Succeeded',
    publishingProfile: { targetRegions: [{ name: 'West Europe' }, { name: 'North Europe' }], replicaCount: 1 },
    storageProfile: { osDiskImage: { sizeInGB: 8 } },
    replicationStatus: { aggregatedState: 'Completed', summary: [{ region: 'West Europe', progress: 100 }, {}] },
  });
  expect((await of.compute.galleryImageVersions.get(group, 'g', 'plain', '1.1.0')).replicationStatus).toBeUndefined();
});

describe('is refused in Azure’s words', () => {
  test.each<[string, () => PromiseLike<unknown>, RegExp]>([
    ['the name of a gallery', () => of.compute.galleries.createOrUpdate(group, 'g-1', { location }), /^400 InvalidParameter Gallery name is invalid\./],
    ['the name of a definition', () => define('_x'), /^400 InvalidParameter The entity name '_x' is invalid/],
    ['another generation of a definition', () => define('plain', { hyperVGeneration: 'V1' }), /^409 PropertyChangeNotAllowed Changing property 'galleryImage\.properties\.hyperVGeneration' is not allowed\.$/],
    ['a gallery that has definitions', () => of.compute.galleries.delete(group, 'g'), /^409 CannotDeleteResource Can not delete resource before nested resources are deleted\.$/],
    ['a definition that has versions', () => of.compute.galleryImages.delete(group, 'g', 'plain'), /^409 CannotDeleteResource/],
    ['a version without a definition', () => put('none', ofDisk()), /^404 ResourceNotFound The Resource 'Microsoft\.Compute\/galleries\/g\/images\/none' under/],
    ['the name of a version', () => put('plain', ofDisk(), 'latest'), /^400 InvalidParameter The image version name is invalid\./],
    ['one region twice', () => put('plain', { ...ofDisk(), ...into(location, 'West Europe') }), /^400 InvalidParameter Duplicate regions/],
    ['regions without its own', () => put('plain', { ...ofDisk(), ...into('northeurope') }), /must contain the location of image version 'westeurope'\.$/],
    ['no source', () => put('plain', {}), /^400 InvalidParameter The gallery artifact version source can only/],
    ['a source that is not there', () => put('plain', ofDisk('none')), /^404 NotFound Source \/subscriptions\/.+ is not found\. Please check source exists/],
    ['a source that is not simulated', () => put('plain', ofSource(within('Microsoft.Network/virtualNetworks/v'))), /^400 NotSimulated Versions made of Microsoft\.Network\/virtualNetworks/],
    ['another source', () => put('plain', ofDisk('first'), '1.0.0'), /^409 PropertyChangeNotAllowed .*'galleryImageVersion\.properties\.storageProfile\.osDiskImage\.source\.id'/],
    ['another source of its own', () => put('plain', ofSource(versionId('trusted')), '1.2.0'), /'galleryImageVersion\.properties\.storageProfile\.source\.id' is not allowed/],
    ['another generation than the definition’s', () => put('plain', ofDisk('first')), /^400 BadRequest The resource with id '.+' has a different Hypervisor generation \['V1'\] than .+ \['V2'\]\.$/],
    ['another system than the definition’s', () => put('plain', ofDisk('windows')), /^400 BadRequest .+ different OS type \['Windows'\]/],
    ['a generalized source of a specialized image', () => put('special', ofSource(managed)), /OS State in the parent gallery image \('Specialized'\) is not 'Generalized'\.$/],
  ])('%s', async (_what, call, words) => {
    expect(await refused(call)).toMatch(words);
  }); // prettier-ignore
});

/** A machine of this image. */
async function machineOf(name: string, imageReference: object, more: object = {}): Promise<unknown> {
  await of.network.networkInterfaces.createOrUpdate(group, name, nic());
  const { storageProfile, ...rest } = machine(name);
  const body = { ...rest, storageProfile: { ...storageProfile, imageReference }, ...more };
  return of.compute.virtualMachines.createOrUpdate(group, name, body);
}
const trusted = { securityProfile: { securityType: 'TrustedLaunch', uefiSettings: { vTpmEnabled: true } } };
const a4 = { hardwareProfile: { vmSize: 'Standard_A4_v2' } };

describe('a machine', () => {
  test.each<[string, object, object]>([
    ['plain', { id: versionId('plain') }, {}],
    ['supported', { id: versionId('trusted') }, trusted],
    ['standard', { id: versionId('trusted') }, {}],
    ['required', { id: versionId('only') }, trusted],
    ['specialized', { id: versionId('special') }, { osProfile: undefined }],
    ['marketplace', ubuntu, trusted],
  ])('is made of a version that fits: %s', async (name, reference, more) => {
    expect(await machineOf(name, reference, more)).toMatchObject({ provisioningState: 'Succeeded' });
  });

  const UNSUPPORTED = /^400 BadRequest Use of TrustedLaunch setting is not supported for the provided image\./;
  test.each<[string, () => PromiseLike<unknown>, RegExp]>([
    ['of a version that is not there', () => machineOf('r1', { id: versionId('plain', '9.0.0') }), /^404 GalleryImageNotFound The gallery image .+ is not available in westeurope region\./],
    ['in a region that the version is not in', () => machineOf('r2', { id: versionId('plain') }, { location: 'northeurope' }), /^404 GalleryImageNotFound .+ northeurope region\./],
    ['of a specialized version with an administrator', () => machineOf('r3', { id: versionId('special') }), /^400 InvalidParameter Parameter 'osProfile' is not allowed\.$/],
    ['without Trusted Launch of an image for it alone', () => machineOf('r4', { id: versionId('only') }), /only supports creation of VMs and VM Scale Sets with 'TrustedLaunch' security type\.$/],
    ['with Trusted Launch of generation 1', () => machineOf('r5', { publisher: 'Canonical', offer: 'old', sku: 'gen1', version: 'latest' }, trusted), UNSUPPORTED],
    ['with Trusted Launch of an image that says nothing of it', () => machineOf('r6', { id: versionId('plain') }, trusted), UNSUPPORTED],
    ['with Trusted Launch of a managed image', () => machineOf('r7', { id: managed }, trusted), UNSUPPORTED],
    ['with Trusted Launch of a size without it', () => machineOf('r8', ubuntu, { ...trusted, ...a4 }), /^400 BadRequest The VM size 'Standard_A4_v2' is not supported for creation/],
  ])('is refused %s', async (_what, call, words) => {
    expect(await refused(call)).toMatch(words);
  }); // prettier-ignore

  test('fails without the plan of its image', async () => {
    await expect(machineOf('r9', { id: versionId('bought') })).rejects.toThrow(/VMMarketplaceInvalidInput/);
  });

  test('is refused while its version is being made', async () => {
    await publish('plain', ofDisk(), '3.0.0');
    expect(await refused(() => machineOf('r10', { id: versionId('plain', '3.0.0') }))).toMatch(/^409 OperationNotAllowed .+ cannot be used while it is in Creating state\.$/); // prettier-ignore
  });
});

test('Resource Graph has versions and definitions in its table of resources', async () => {
  const token = await azure.token('administrator');
  const query = `resources | where id in~ ('${versionId('plain')}', '${versionId('plain').replace(/\/versions.*/, '')}') | project type`;
  const { body } = await azure.ask('POST', '/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01', { token, body: { query } }); // prettier-ignore
  expect(body).toMatchObject({
    data: [{ type: 'microsoft.compute/galleries/images' }, { type: 'microsoft.compute/galleries/images/versions' }],
  });
});
