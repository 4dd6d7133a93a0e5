/** The request's choices, each made in the simulated Azure as the guide or Azure's documentation has it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readTenant } from '../../../local/azure/tenant';
import { outputsOf, type Progress } from '../../../src/domain/graph';
import type { Resource } from '../../../src/domain/resources';
import { request } from '../../support/requests';
import { deploy, startWorld, type World } from './adapters.support';
import { location, platform, watched } from './simulator.support';

const download = 'https://download.example.com/sentry.vhd';
const GIB = 2 ** 30;
const sample = readTenant('samples/tenant.json');
const [app, ...others] = sample.principals;
const tenant = {
  ...sample,
  principals: [
    ...(app ? [{ ...app, roles: [...app.roles, { role: 'Storage Blob Data Contributor', scope: '{platform}' }] }] : []),
    ...others,
  ],
  downloads: [{ url: download, bytes: 30 * GIB + 512 }],
  unregisteredProviders: ['Microsoft.ManagedIdentity', 'Microsoft.Compute'],
  timings: { ...sample.timings, blobCopy: 90 },
};

let world: World;
beforeAll(async () => {
  world = await startWorld(tenant);
});
afterAll(async () => world.azure.stop());

const accounts = (name: string): string =>
  `/subscriptions/${platform}/resourceGroups/storage/providers/Microsoft.Storage/storageAccounts/${name}`;
const vm = request().vm;
const notDone = (resources: readonly Resource[], progress: Progress) =>
  resources.flatMap(({ key }) => (progress[key]?.state === 'done' ? [] : [[key, progress[key]]]));
const idOf = (resources: readonly Resource[], key: string): string =>
  resources.find((one) => one.key === key)?.id ?? '';

beforeAll(async () => {
  await world.demand('PUT', `/subscriptions/${platform}/resourceGroups/storage`, { location });
  for (const [name, allowSharedKeyAccess] of [
    ['withkeys', true],
    ['withoutkeys', false],
  ] as const) {
    const account = {
      location,
      kind: 'StorageV2',
      sku: { name: 'Standard_LRS' },
      properties: { allowSharedKeyAccess },
    };
    await world.demand('PUT', accounts(name), account);
    world.azure.advance(30);
    await world.demand('PUT', `${accounts(name)}/blobServices/default/containers/vhds`, {});
  }
});

describe.each(['withkeys', 'withoutkeys'])('a VHD, copied to the account %s', (account) => {
  const image = { kind: 'vhd', uri: download, storageAccountId: accounts(account), container: 'vhds' };
  const { name, resources } = deploy(`vhd-${account}`, 'managedIdentity', { image });

  test('becomes an image and a VM, tells how far it is, and is begun once', async () => {
    const reasons: string[] = [];
    const spec = deploy(name, 'managedIdentity', { image }).spec('vhdCopy');
    const first = await world.step('ensure', spec);
    const second = await world.step('ensure', spec);
    for (const one of [first, second]) if (one.kind === 'later') reasons.push(one.reason);
    expect(reasons).toEqual(['0.0 of 30.0 GiB are copied', '0.0 of 30.0 GiB are copied']);

    let progress: Progress = {};
    const written = await world.written(async () => {
      progress = await world.carryOut('ensure', name, resources);
    });
    expect(notDone(resources, progress)).toEqual([]);
    expect(written.filter((one) => one.includes('vhd') && one.startsWith('PUT vhds'))).toEqual([]);
    const machine = await world.demand('GET', idOf(resources, 'virtualMachine'));
    expect(machine).toMatchObject({
      properties: { storageProfile: { imageReference: { id: idOf(resources, 'image') } } },
    });
    expect(machine).not.toHaveProperty('plan');
    expect(await world.written(() => world.carryOut('ensure', name, resources, outputsOf(progress)))).toEqual(
      // Reading the copy's state takes the account's key: a POST that changes nothing.
      account === 'withkeys' ? ['POST withkeys/listKeys'] : [],
    );
  });

  test('another source for the same image is refused: what runs on it would not follow', async () => {
    const other = deploy(name, 'managedIdentity', { image: { ...image, uri: `${download}.2` } });
    expect(await world.step('ensure', other.spec('vhdCopy'))).toMatchObject({ kind: 'refused', code: 'Immutable' });
  });

  test('a VHD that somebody tidied away was copied again at every run, though its image was made', async () => {
    const mine = deploy(name, 'managedIdentity', { image });
    const { wanted } = mine.spec('vhdCopy');
    await world.ports.pageBlobs.delete(wanted);
    const kept = await world.drive('ensure', mine.spec('vhdCopy'));
    expect(kept).toMatchObject([{ kind: 'done', change: 'kept', outputs: { blobUri: expect.stringMatching(/vhd$/) } }]);
    const given = { vhdCopy: kept[0]?.kind === 'done' ? kept[0].outputs : {} };
    expect(await world.drive('ensure', mine.spec('image', given))).toMatchObject([{ kind: 'done', change: 'kept' }]);
    expect(await world.ports.pageBlobs.get(wanted)).toBeUndefined();
  });
});

test('an app that may not read the account’s keys copies with a SAS of its own; without either, it tells of the keys', async () => {
  const body = { error: { code: 'AuthorizationFailed', message: 'The client may not listKeys.' } };
  const refused = { match: { method: 'POST', path: 'listKeys' }, status: 403, body, count: 1 };
  const at = { storageAccountId: accounts('withkeys'), container: 'vhds', blob: 'sas.vhd' };
  await world.fault(refused);
  await world.ports.pageBlobs.copy(at, download, {});
  await world.fault(refused);
  expect(await world.ports.pageBlobs.get(at)).toMatchObject({ total: 30 * GIB + 512 });

  await world.fault(refused);
  await world.fault({ match: { method: 'POST', path: '^/withkeys/?$' }, status: 403, count: 1 });
  const code = await world.ports.pageBlobs.get(at).catch((thrown: unknown) => thrown);
  expect(code).toMatchObject({ outcome: { code: 'AuthorizationFailed' } });
});

test('a URI of another vault does not read our own secret of that name', async () => {
  await world.ports.secrets.set('ours', 'top-secret', { tags: {}, contentType: 'text/plain' });
  const read = world.ports.secrets.get('https://theirs.vault.azure.net/secrets/ours');
  await expect(read).rejects.toMatchObject({ outcome: { kind: 'refused', code: 'SecretElsewhere' } });
});

test('a VHD whose URL lies in the vault is copied, and the URL stays there', async () => {
  await world.ports.secrets.set('vhd-url', `${download}?sig=top-secret`, { tags: {}, contentType: 'text/plain' });
  const uri = `${world.azure.url}/secrets/vhd-url`;
  const image = { kind: 'vhd', uri, storageAccountId: accounts('withkeys'), container: 'vhds' };
  const { name, spec } = deploy('vhd-vault', 'managedIdentity', { image });
  const outcomes = await world.drive('ensure', spec('vhdCopy'));
  expect(outcomes.at(-1)).toMatchObject({ kind: 'done', change: 'created' });
  expect(JSON.stringify(outcomes)).not.toContain('top-secret');
  const elsewhere = deploy(name, 'managedIdentity', { image: { ...image, uri: `${uri}-unknown` } });
  const blob = elsewhere.spec('vhdCopy');
  const absent = { ...blob, wanted: { ...blob.wanted, blob: 'other.vhd' } };
  expect(await world.step('ensure', absent)).toMatchObject({ kind: 'refused', code: 'VhdSourceNotFound' });
});

test('a container that does not exist is a refusal with its name', async () => {
  const image = { kind: 'vhd', uri: download, storageAccountId: accounts('withkeys'), container: 'nowhere' };
  const { spec } = deploy('vhd-nowhere', 'managedIdentity', { image });
  expect(await world.step('ensure', spec('vhdCopy'))).toMatchObject({ kind: 'refused', code: 'ContainerNotFound' });
});

test('providers that are not registered are, before what needs them', async () => {
  const { name, resources } = deploy('providers');
  const states = await world.demand('GET', `/subscriptions/${platform}/providers/Microsoft.Compute`);
  expect(states).toMatchObject({ registrationState: 'Registered' });
  const progress = await world.carryOut('ensure', name, resources);
  expect(progress['provider/Microsoft.Compute']).toMatchObject({ state: 'done', change: 'kept' });
});

/** A version of generation 2 that can have Trusted Launch: the marketplace's image is of generation 1. */
async function makeVersion(): Promise<string> {
  const compute = `/subscriptions/${platform}/resourceGroups/storage/providers/Microsoft.Compute`;
  const gallery = `${compute}/galleries/sentries`;
  const disk = `${compute}/disks/second`;
  const creationData = { createOption: 'Empty' };
  const ofDisk = { osType: 'Linux', hyperVGeneration: 'V2', creationData, diskSizeGB: 8 };
  const definition = {
    osType: 'Linux',
    osState: 'Generalized',
    hyperVGeneration: 'V2',
    identifier: { publisher: 'us', offer: 'sentry', sku: 'second' },
    features: [{ name: 'SecurityType', value: 'TrustedLaunchSupported' }],
  };
  const storageProfile = { osDiskImage: { source: { id: disk } } };
  const id = `${gallery}/images/sentry/versions/1.0.0`;
  for (const [path, properties] of [
    [disk, ofDisk],
    [gallery, {}],
    [`${gallery}/images/sentry`, definition],
    [id, { storageProfile }],
  ] as const) {
    await world.demand('PUT', path, { location, properties });
    world.azure.advance(60);
  }
  return id;
}

test('a version in a gallery, zone, trusted launch, encryption at host and names by template are in the VM', async () => {
  const id = await makeVersion();
  const { name, resources } = deploy('placed', 'managedIdentity', {
    placement: { subscriptionId: platform, resourceGroup: 'placed', location, zone: '2' },
    names: { virtualMachine: 'collector-{name}-{n}', networkInterface: '{vm}-card' },
    tags: { owner: 'secops' },
    image: { kind: 'image', id },
    vm: { ...vm, securityType: 'TrustedLaunch', encryptionAtHost: true },
  });
  const progress = await world.carryOut('ensure', name, resources);
  expect(notDone(resources, progress)).toEqual([]);
  expect(idOf(resources, 'networkInterface')).toMatch(/networkInterfaces\/collector-placed-1-card$/);
  expect(await world.demand('GET', idOf(resources, 'virtualMachine'))).toMatchObject({
    name: 'collector-placed-1',
    zones: ['2'],
    tags: { owner: 'secops', 'sentry-deployment': 'placed' },
    properties: {
      storageProfile: { imageReference: { id } },
      securityProfile: {
        encryptionAtHost: true,
        securityType: 'TrustedLaunch',
        uefiSettings: { secureBootEnabled: true, vTpmEnabled: true },
      },
    },
  });
  expect(await world.written(() => world.carryOut('ensure', name, resources, outputsOf(progress)))).toEqual([]);
});

test('an identity that exists is granted and attached, never changed and never removed', async () => {
  const resourceId = `/subscriptions/${platform}/resourceGroups/storage/providers/Microsoft.ManagedIdentity/userAssignedIdentities/known`;
  await world.demand('PUT', resourceId, { location });
  world.azure.advance(60);
  const { name, resources, spec } = deploy('existing', 'managedIdentity', {
    identity: { kind: 'managedIdentity', resourceId },
  });
  const progress = await world.carryOut('ensure', name, resources);
  expect(notDone(resources, progress)).toEqual([]);
  expect(progress['userAssignedIdentity']).toMatchObject({ change: 'kept', ours: false });
  expect(await world.written(() => world.drive('remove', spec('existingIdentity')))).toEqual([]);

  const unknown = deploy('unknown', 'managedIdentity', {
    identity: { kind: 'managedIdentity', resourceId: `${resourceId}-2` },
  });
  expect(await world.step('ensure', unknown.spec('existingIdentity'))).toMatchObject({ code: 'IdentityNotFound' });
});

test('the controller is limited to some roles by a condition, which follows the request', async () => {
  const roles = ['b24988ac-6180-42a0-ab88-20f7382dd24c', 'acdd72a7-3385-48ef-bd42-f606fba81ae7'];
  const limited = deploy('limited', 'managedIdentity', { controller: { enabled: true, assignableRoles: roles } });
  const given = outputsOf(await world.carryOut('ensure', 'limited', limited.resources));
  const conditions = async (): Promise<unknown> => {
    const { value } = await world.demand(
      'GET',
      `/subscriptions/${watched(1)}/providers/Microsoft.Authorization/roleAssignments`,
    );
    const all = value as { properties: { principalId: string; condition?: string } }[];
    const mine = all.filter(
      ({ properties }) => properties.principalId === given['userAssignedIdentity']?.['principalId'],
    );
    return mine.map(({ properties }) => properties.condition ?? '').sort();
  };
  expect(await conditions()).toEqual(['', expect.stringContaining(`GuidEquals {${roles.join(', ')}}`)]);
  expect(await world.written(() => world.carryOut('ensure', 'limited', limited.resources, given))).toEqual([]);

  const free = deploy('limited', 'managedIdentity', { controller: { enabled: true } });
  await world.carryOut('ensure', 'limited', free.resources, given);
  expect(await conditions()).toEqual(['', '']);
});
