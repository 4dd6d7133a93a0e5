/** What preflight finds of things that a request names (image, version, identity, region, roles), with the app's adapters. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { agentless, agentlessBody, request } from '../../support/requests';
import { startWorld, type World } from './adapters.support';
import { askedWhile, findingsOf, inputFor } from './preflight.support';
import { instant, location, platform } from './simulator.support';

let world: World;
beforeAll(async () => {
  world = await startWorld({
    ...instant,
    vmSizes: { ...instant.vmSizes, Standard_G1: { cores: 2, family: 'standardGFamily', memoryGb: 28, generations: ['V1'] } }, // prettier-ignore
  });
  await makeImages();
});
afterAll(async () => world.azure.stop());
afterEach(async () => {
  await world.azure.ask('DELETE', '/_simulator/faults');
});

const theirs = `/subscriptions/${platform}/resourceGroups/theirs`;
const compute = `${theirs}/providers/Microsoft.Compute`;
const versionId = (definition: string, version = '1.0.0'): string =>
  `${compute}/galleries/theirs/images/${definition}/versions/${version}`;
const managedId = (name: string): string => `${compute}/images/${name}`;
const identityId = (name: string): string =>
  `${theirs}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
const { vm } = request();
const trusted = { vm: { ...vm, securityType: 'TrustedLaunch' } };
const imageOf = (id: string, more: object = {}) => ({ image: { kind: 'image', id }, ...more });

async function makeImages(): Promise<void> {
  await world.demand('PUT', theirs, { location });
  await world.demand('PUT', identityId('known'), { location });
  for (const [name, hyperVGeneration, at] of [
    ['first', 'V1', location],
    ['second', 'V2', location],
    ['far', 'V2', 'northeurope'],
  ] as const) {
    const properties = { osType: 'Linux', hyperVGeneration, creationData: { createOption: 'Empty' }, diskSizeGB: 8 };
    const id = `${compute}/disks/${name}`;
    await world.demand('PUT', id, { location: at, properties });
    const osDisk = { osType: 'Linux', osState: 'Generalized', managedDisk: { id } };
    await world.demand('PUT', managedId(name), { location: at, properties: { storageProfile: { osDisk } } });
  }
  await world.demand('PUT', `${compute}/galleries/theirs`, { location });
  const supported = [{ name: 'SecurityType', value: 'TrustedLaunchSupported' }];
  for (const [name, from, more] of [
    ['plain', 'first', { hyperVGeneration: 'V1' }],
    ['trusted', 'second', { hyperVGeneration: 'V2', features: supported }],
    ['special', 'second', { hyperVGeneration: 'V2', osState: 'Specialized' }],
  ] as const) {
    const identifier = { publisher: 'theirs', offer: 'sentry', sku: name };
    const properties = { osType: 'Linux', osState: 'Generalized', identifier, ...more };
    await world.demand('PUT', `${compute}/galleries/theirs/images/${name}`, { location, properties });
    const storageProfile = { osDiskImage: { source: { id: `${compute}/disks/${from}` } } };
    await world.demand('PUT', versionId(name), { location, properties: { storageProfile } });
  }
}

const codesOf = async (changes: object, name = 'named') =>
  (await findingsOf(world, inputFor(name, changes))).map(({ severity, code, where }) => [severity, code, where]);
/** Resource Graph shows a new thing after a while. */
const graphShowsNothing = (): Promise<void> =>
  world.fault({ match: { path: 'ResourceGraph' }, status: 200, body: { totalRecords: 0, count: 0, resultTruncated: 'false', data: [] }, count: 100 }); // prettier-ignore

describe('an image or a version', () => {
  test.each<[string, () => object, readonly string[][]]>([
    ['as it is to be', () => imageOf(managedId('first')), []],
    ['a version as it is to be', () => imageOf(versionId('plain')), []],
    ['a version with Trusted Launch', () => imageOf(versionId('trusted'), trusted), []],
    ['an image that is not there', () => imageOf(managedId('none')), [['error', 'NoSuchResource', managedId('none')]]],
    ['a version that is not there', () => imageOf(versionId('plain', '9.0.0')), [['error', 'NoSuchResource', versionId('plain', '9.0.0')]]],
    ['an image of another region', () => imageOf(managedId('far')), [['error', 'ImageElsewhere', managedId('far')]]],
    ['a version of another region', () => imageOf(versionId('plain'), at('northeurope')), [['error', 'ImageElsewhere', versionId('plain')]]],
    ['a specialized version', () => imageOf(versionId('special')), [['error', 'ImageUnusable', versionId('special')]]],
    ['a version of generation 1 with Trusted Launch', () => imageOf(versionId('plain'), trusted), [['error', 'ImageUnusable', versionId('plain')]]],
    ['a size that does not boot it', () => imageOf(versionId('trusted'), { vm: { ...vm, size: 'Standard_G1' } }), [['error', 'SizeNotCapable', '/vm/size']]],
  ])('%s', async (_what, changes, expected) => {
    expect(await codesOf(changes())).toEqual(expected);
  }); // prettier-ignore

  test('is read itself where Resource Graph does not show it yet', async () => {
    await graphShowsNothing();
    const named = async (id: string) => (await codesOf(imageOf(id))).filter(([, , where]) => where === id);
    expect(await named(managedId('far'))).toEqual([['error', 'ImageElsewhere', managedId('far')]]);
    expect(await named(versionId('special'))).toEqual([['error', 'ImageUnusable', versionId('special')]]);
    expect(await named(versionId('plain'))).toEqual([]);
    expect(await named(versionId('plain', '9.0.0'))).toEqual([
      ['error', 'NoSuchResource', versionId('plain', '9.0.0')],
    ]);
  });

  test('that the app may not read is a missing permission, and a definition that it may not read a warning', async () => {
    const error = { code: 'AuthorizationFailed', message: 'No right to read it.' };
    await graphShowsNothing();
    await world.fault({ match: { path: 'galleries/theirs/images/plain$' }, status: 403, body: { error }, count: 100 });
    expect(await codesOf(imageOf(versionId('plain')))).toContainEqual(['warning', 'CouldNotBeChecked', '/image/id']);
    const elsewhere = versionId('plain').replace(platform, '5b000000-0000-4000-9000-000000000001');
    await world.demand('PUT', elsewhere.replace(/\/providers.*/, ''), { location });
    expect((await codesOf(imageOf(elsewhere))).filter(([, , where]) => where === elsewhere)).toEqual([
      ['error', 'MissingPermission', elsewhere],
    ]);
  });
});

test('an identity that is not there is told before anything is made, whatever the app may do above it', async () => {
  const named = (name: string) => ({ identity: { kind: 'managedIdentity', resourceId: identityId(name) } });
  expect(await codesOf(named('known'))).toEqual([]);
  expect(await codesOf(named('none'))).toEqual([['error', 'NoSuchResource', identityId('none')]]);
  await graphShowsNothing();
  const of = async (name: string) => (await codesOf(named(name))).filter(([, , where]) => where === identityId(name));
  expect(await of('known')).toEqual([]);
  expect(await of('none')).toEqual([['error', 'NoSuchResource', identityId('none')]]);
});

test('bug: an issuer and subject that another credential of the identity has is told before anything is made', async () => {
  const trust = { issuer: 'https://issuer.example', subject: 'Collector', audiences: ['api://AzureADTokenExchange'] };
  await world.demand('PUT', identityId('trusting'), { location });
  const credential = (name: string, properties = trust) =>
    world.demand('PUT', `${identityId('trusting')}/federatedIdentityCredentials/${name}`, { properties });
  await credential('sentry-first-1');
  const { subscriptions, placement, tenantId } = inputFor('second').request;
  const wanting = (name: string, subject: string) => ({
    ...inputFor('second'),
    profile: agentless,
    request: request(
      agentlessBody({
        name,
        tenantId,
        subscriptions,
        placement,
        identity: {
          kind: 'managedIdentity',
          resourceId: identityId('trusting'),
          federatedCredential: { issuer: trust.issuer, subject },
        },
      }),
    ),
  });
  expect(await findingsOf(world, wanting('second', 'Collector'))).toMatchObject([
    {
      severity: 'error',
      code: 'FederationTaken',
      where: '/identity/federatedCredential',
      remedy: expect.stringContaining('--identity-name trusting --resource-group theirs --name sentry-first-1'),
    },
  ]);
  expect(await findingsOf(world, wanting('first', 'Collector'))).toEqual([]);
  // Entra compares to the letter.
  expect(await findingsOf(world, wanting('second', 'collector'))).toEqual([]);
  expect(await findingsOf(world, wanting('second', 'another'))).toEqual([]);
});

const at = (region: string) => ({ placement: { subscriptionId: platform, resourceGroup: 'named', location: region } });
const UNKNOWN_REGION = ['error', 'RegionUnknown', '/placement/location'];

test('a region that there is not', async () => {
  expect(await codesOf(at('atlantis'))).toEqual([UNKNOWN_REGION]);
  expect(await codesOf(at('northeurope'))).toEqual([]);
});

test('a region that there is not, for a profile without an appliance, by one read', async () => {
  const input = (location: string) => {
    const { request: asked, ...rest } = inputFor('named', {});
    const { tenantId, subscriptions } = asked;
    const placement = { subscriptionId: platform, resourceGroup: 'named', location };
    return { ...rest, profile: agentless, request: request(agentlessBody({ tenantId, subscriptions, placement })) };
  };
  const read = await askedWhile(world, async () => {
    expect((await findingsOf(world, input('atlantis'))).map(({ code }) => code)).toEqual(['RegionUnknown']);
  });
  expect(read.filter(({ path }) => path.endsWith('/locations'))).toHaveLength(1);
  expect(await findingsOf(world, input(location))).toEqual([]);
});

test('roles that a controller may assign: unknown ones, and those that may assign more', async () => {
  const [reader, owner] = ['acdd72a7-3385-48ef-bd42-f606fba81ae7', '8e3af657-a8ff-443c-a75c-2fe8c4bcb635'];
  const unknown = '00000000-0000-4000-8000-000000000001';
  const controller = { enabled: true, assignableRoles: [reader, owner, unknown] };
  const plain = await askedWhile(world, () => findingsOf(world, inputFor('named')));
  const read = await askedWhile(world, async () => {
    expect(await codesOf({ controller })).toEqual([
      ['warning', 'AssignableRoleGrants', '/controller/assignableRoles/1'],
      ['warning', 'AssignableRoleUnknown', '/controller/assignableRoles/2'],
    ]);
  });
  // In the query that is made already.
  expect(read).toHaveLength(plain.length);
});
