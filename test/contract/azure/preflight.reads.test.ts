/** What preflight costs, and that it writes nothing: by the simulated Azure's own record. */
import { BlobSASPermissions, generateBlobSASQueryParameters, StorageSharedKeyCredential } from '@azure/storage-blob';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { Finding } from '../../../src/domain/preflight/finding';
import { applianceIn, profile, request } from '../../support/requests';
import { startWorld, type World } from './adapters.support';
import { APP, askedWhile, findingsOf, inputFor, listed } from './preflight.support';
import { instant, location, platform, watched } from './simulator.support';

const fiveHundred = Array.from({ length: 500 }, (_, index) => watched(index + 1));
const host = `/subscriptions/${platform}`;
const group = `${host}/resourceGroups/five-hundred`;
const theirs = `${host}/resourceGroups/theirs`;
const ofNetwork = (path: string): string => `${theirs}/providers/Microsoft.Network/${path}`;
const subnetId = ofNetwork('virtualNetworks/hub/subnets/sentries');
const storageAccountId = `${theirs}/providers/Microsoft.Storage/storageAccounts/sentryvhds`;
const resourceId = `${theirs}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/ours`;
const POLICIES = '/providers/Microsoft.Authorization/policyDefinitions';

const CONTRIBUTOR = '/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c';
const READER = CONTRIBUTOR.replace(/[^/]+$/, 'acdd72a7-3385-48ef-bd42-f606fba81ae7');
/** With a role at each thing that the request names and none over the subscription, so that each is asked about. */

const [app, ...others] = instant.principals;
const tenant = {
  ...instant,
  principals: [...(app ? [{ ...app, roles: app.roles.filter(({ role }) => role !== 'Contributor') }] : []), ...others],
};

const narrow = () => [group, subnetId, storageAccountId, resourceId, versionId, diskEncryptionSetId];

let world: World;
beforeAll(async () => {
  world = await startWorld(tenant, 500);
  for (const id of [group, theirs]) await world.demand('PUT', id, { location });
  await makeNetwork();
  await makeVhd();
  await world.demand('PUT', resourceId, { location });
  for (const scope of [host, ...fiveHundred.slice(0, 3).map((id) => `/subscriptions/${id}`)]) await assignPolicy(scope);
  await makeImage();
  for (const scope of narrow()) await grant(scope);
  await grant(theirs, READER);
  const { offer, plan, publisher } = applianceIn({ profile, request: request() }).offer;
  const terms = `${host}/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualmachine/publishers/${publisher}/offers/${offer}/plans/${plan}/agreements/current`;
  const { properties } = z.object({ properties: z.looseObject({}) }).parse(await world.demand('GET', terms));
  await world.demand('PUT', terms, { properties: { ...properties, accepted: true } });
});
afterAll(async () => world.azure.stop());

async function makeNetwork(): Promise<void> {
  const networkSecurityGroup = { id: ofNetwork('networkSecurityGroups/theirs') };
  await world.demand('PUT', networkSecurityGroup.id, { location });
  const ssh = { priority: 200, direction: 'Inbound', access: 'Allow', protocol: 'Tcp', sourcePortRange: '*' };
  const remote = { sourceAddressPrefix: '203.0.113.0/24', destinationAddressPrefix: '*', destinationPortRange: '22' };
  await world.demand('PUT', `${networkSecurityGroup.id}/securityRules/ssh`, { properties: { ...ssh, ...remote } });
  const routeTable = { id: ofNetwork('routeTables/theirs') };
  const firewall = { addressPrefix: '0.0.0.0/0', nextHopType: 'VirtualAppliance', nextHopIpAddress: '10.2.0.4' };
  await world.demand('PUT', routeTable.id, { location, properties: { routes: [{ name: 'out', properties: firewall }] } }); // prettier-ignore
  const subnet = { addressPrefix: '10.1.0.0/24', defaultOutboundAccess: false, networkSecurityGroup, routeTable };
  const subnets = [{ name: 'sentries', properties: subnet }];
  const properties = { addressSpace: { addressPrefixes: ['10.1.0.0/16'] }, subnets };
  await world.demand('PUT', ofNetwork('virtualNetworks/hub'), { location, properties });
}

/** A page blob of 1 MiB and a footer, whose URL with a SAS lies in the vault. */
async function makeVhd(): Promise<void> {
  await world.demand('PUT', storageAccountId, { location, kind: 'StorageV2', sku: { name: 'Standard_LRS' } });
  await world.demand('PUT', `${storageAccountId}/blobServices/default/containers/vhds`, {});
  const listedKeys = z.object({ keys: z.array(z.object({ value: z.string() })) });
  const { keys } = listedKeys.parse(await world.demand('POST', `${storageAccountId}/listKeys`));
  const credential = new StorageSharedKeyCredential('sentryvhds', keys[0]?.value ?? '');
  const until = new Date(Date.now() + 86_400_000);
  const named = { containerName: 'vhds', blobName: 'source.vhd', expiresOn: until };
  const sas = generateBlobSASQueryParameters({ ...named, permissions: BlobSASPermissions.parse('rcw') }, credential);
  const url = `${world.azure.url}/sentryvhds/vhds/source.vhd?${sas.toString()}`;
  const length = { 'x-ms-blob-content-length': String(2 ** 20 + 512) };
  const headers = { 'x-ms-blob-type': 'PageBlob', 'x-ms-version': '2021-08-06', ...length };
  expect((await fetch(url, { method: 'PUT', headers })).status).toBe(201);
  await world.ports.secrets.set('vhd-url', url, { tags: {}, contentType: 'text/plain' });
}

/** A version in a gallery, and a disk encryption set. */
async function makeImage(): Promise<void> {
  const compute = `${theirs}/providers/Microsoft.Compute`;
  const gallery = versionId.replace(/\/images\/.*/, '');
  const disk = `${compute}/disks/source`;
  const creationData = { createOption: 'Empty' };
  await world.demand('PUT', disk, { location, properties: { osType: 'Linux', creationData, diskSizeGB: 8 } });
  await world.demand('PUT', gallery, { location });
  const identifier = { publisher: 'theirs', offer: 'sentry', sku: 'v1' };
  const definition = { osType: 'Linux', osState: 'Generalized', identifier };
  await world.demand('PUT', `${gallery}/images/sentry`, { location, properties: definition });
  const storageProfile = { osDiskImage: { source: { id: disk } } };
  await world.demand('PUT', versionId, { location, properties: { storageProfile } });
  const vault = `${host}/resourceGroups/${instant.vault.resourceGroup}/providers/Microsoft.KeyVault/vaults/${instant.vault.name}`;
  const keyUrl = `https://${instant.vault.name}.vault.azure.net/keys/disks/1`;
  const activeKey = { keyUrl, sourceVault: { id: vault } };
  await world.demand('PUT', diskEncryptionSetId, { location, identity: { type: 'SystemAssigned' }, properties: { activeKey } });
} // prettier-ignore

const assignPolicy = (scope: string) =>
  world.demand('PUT', `${scope}/providers/Microsoft.Authorization/policyAssignments/rule`, {
    properties: {
      policyDefinitionId: `${POLICIES}/e56962a6-4747-49cd-b67b-bf8b01975c4c`,
      parameters: { listOfAllowedLocations: { value: [location] } },
    },
  });

const grant = (scope: string, roleDefinitionId = CONTRIBUTOR) =>
  world.demand('PUT', `${scope}/providers/Microsoft.Authorization/roleAssignments/${crypto.randomUUID()}`, {
    properties: {
      roleDefinitionId,
      principalId: APP,
      principalType: 'ServicePrincipal',
    },
  });

/** The reads beside the one for each subscription, and what was found. */
async function costOf(changes: object) {
  const input = inputFor('five-hundred', { ...listed(...fiveHundred), ...changes });
  let findings: readonly Finding[] = [];
  const asked = await askedWhile(world, async () => {
    findings = await findingsOf(world, input);
  });
  const ofEach = asked.filter(({ path }) => fiveHundred.some((id) => path.startsWith(`/subscriptions/${id}/`)));
  expect(ofEach).toHaveLength(500);
  // A query of Resource Graph is a POST that reads; HEAD asks a blob what it is.
  const isRead = ({ method, path }: { method: string; path: string }): boolean =>
    ['GET', 'HEAD'].includes(method) || path.endsWith('ResourceGraph/resources');
  expect(asked.filter((one) => !isRead(one))).toEqual([]);
  expect(JSON.stringify(findings)).not.toContain('sig=');
  const more = asked
    .filter((one) => !ofEach.includes(one))
    .map(({ method, path, status }) => `${method} ${path} ${status}`);
  return { more, findings: findings.map(({ code, where }) => `${code} ${where}`) };
}

const existing = { network: { kind: 'existing', subnetId } };
const vhd = () => {
  const uri = `${world.azure.url}/secrets/vhd-url`;
  return { image: { kind: 'vhd', uri, storageAccountId, container: 'vhds' } };
};
const versionId = `${theirs}/providers/Microsoft.Compute/galleries/theirs/images/sentry/versions/1.0.0`;
const image = { image: { kind: 'image', id: versionId } };
const diskEncryptionSetId = `${theirs}/providers/Microsoft.Compute/diskEncryptionSets/disks`;
const encrypted = { vm: { ...request().vm, encryptionAtHost: true, osDisk: { diskEncryptionSetId } } };
const roles = { controller: { enabled: true, assignableRoles: ['acdd72a7-3385-48ef-bd42-f606fba81ae7'] } };
const registration = { identity: { kind: 'appRegistration' } };
const named = { identity: { kind: 'managedIdentity', resourceId } };
/** What one identity for ten Sentries is. */
const severalSentries = 'OneSentryOnly /identity/resourceId';

/** The counts are those of docs/operations.md, Preflight. */
test.each<[string, number, () => object, string[]]>([
  ['a network of our own', 14, () => ({}), []],
  ['an app registration in an existing subnet', 16, () => ({ ...registration, ...existing }), []],
  ['an identity of theirs in an existing subnet', 16, () => ({ ...named, ...existing }), [severalSentries]],
  ['a VHD and a network of our own', 17, vhd, []],
  [
    'all of a VHD, an app registration and an existing subnet',
    18,
    () => ({ ...registration, ...existing, ...vhd() }),
    [],
  ],
  [
    'all of a VHD, an identity of theirs and an existing subnet',
    18,
    () => ({ ...named, ...existing, ...vhd() }),
    [severalSentries],
  ],
  [
    'all of that, a disk encryption set, encryption at the host and roles to assign',
    19,
    () => ({ ...registration, ...existing, ...vhd(), ...encrypted, ...roles }),
    [],
  ],
  [
    'a version in a gallery, an identity of theirs, an existing subnet and all about the disk',
    16,
    () => ({ ...named, ...existing, ...image, ...encrypted, ...roles }),
    [severalSentries],
  ],
])(
  '500 subscriptions with %s: one read for each, %d more, and not one write',
  async (_what, count, changes, expected) => {
    const { more, findings } = await costOf(changes());
    expect(findings).toEqual(expected);
    // The whole list, so that a count that is off says what was asked.
    expect({ count: more.length, more }).toMatchObject({ count });
  },
);
