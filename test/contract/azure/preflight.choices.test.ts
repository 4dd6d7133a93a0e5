/** What preflight finds of a VHD, of networks beside ours, and of policies where it grants. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Finding } from '../../../src/domain/preflight/finding';
import { checkPolicies } from '../../../src/domain/preflight/policies';
import { deploy, startWorld, type World } from './adapters.support';
import { findingsOf, inputFor, listed } from './preflight.support';
import { instant, location, platform, watched } from './simulator.support';

let world: World;
beforeAll(async () => {
  world = await startWorld(instant);
});
afterAll(async () => world.azure.stop());

const codes = (findings: readonly Finding[]): string[] => findings.map(({ code }) => code);
const shared = `/subscriptions/${platform}/resourceGroups/shared`;
const accountId = (name: string): string => `${shared}/providers/Microsoft.Storage/storageAccounts/${name}`;

test('a VHD: all that is wrong with the account, its container and the secret, at once', async () => {
  await world.demand('PUT', shared, { location });
  const account = { location: 'northeurope', kind: 'StorageV2', sku: { name: 'Standard_LRS' } };
  await world.demand('PUT', accountId('elsewhere'), account);
  const uri = `${world.azure.url}/secrets/absent`;
  const image = { kind: 'vhd', uri, storageAccountId: accountId('elsewhere'), container: 'vhds' };
  const found = await findingsOf(world, inputFor('vhd', { image }));
  expect(codes(found)).toEqual(['VhdAccountElsewhere', 'VhdContainerNotFound', 'VhdSourceUnusable']);
  expect(found.every(({ severity }) => severity === 'error')).toBe(true);
});

test.each([
  ['account', accountId('absent')],
  ['group', accountId('absent').replace('/shared/', '/absent/')],
])('bug: a VHD’s storage account without its %s is told as such, and as nothing else', async (what, id) => {
  await world.demand('PUT', shared, { location });
  const image = { kind: 'vhd', uri: 'https://sentry.invalid/sentry.vhd', storageAccountId: id, container: 'vhds' };
  const name = `vhd-without-${what}`;
  const found = await findingsOf(world, inputFor(name, { image }));
  expect(found.map(({ code, where }) => [code, where])).toEqual([
    ['NoSuchResource', id],
    ['CouldNotBeChecked', '/image/uri'],
  ]);
  expect(found[0]).toMatchObject({
    severity: 'error',
    reason: 'Azure knows no such storage account',
    remedy: expect.stringContaining('image.storageAccountId'),
  });
  // A plan looks at the copy itself, and would tell once more in Azure's words.
  const { spec } = deploy(name, 'managedIdentity', { image });
  expect(await world.step('observe', spec('vhdCopy'))).toMatchObject({ kind: 'done', change: 'created' });
});

test('bug: a secret of the vault that holds no URL of the VHD stops the run before anything is written', async () => {
  await world.demand('PUT', shared, { location });
  for (const value of ['not a url at all', 'http://sentry.invalid/sentry.vhd']) {
    await world.ports.secrets.set('no-url', value, { tags: {}, contentType: 'text/plain' });
    const uri = `${world.azure.url}/secrets/no-url`;
    const image = { kind: 'vhd', uri, storageAccountId: accountId('elsewhere'), container: 'vhds' };
    const found = await findingsOf(world, inputFor('vhd-no-url', { image }));
    expect(found.filter(({ where }) => where === '/image/uri')).toMatchObject([
      { severity: 'error', code: 'VhdSourceUnusable', reason: `What the vault holds at ${uri} is no https URL` },
    ]);
    expect(JSON.stringify(found)).not.toContain(value);
  }
});

test('a VHD that only Azure Storage reaches is a warning', async () => {
  await world.demand('PUT', shared, { location });
  const account = { location, kind: 'StorageV2', sku: { name: 'Standard_LRS' } };
  await world.demand('PUT', accountId('near'), account);
  const uri = 'https://sentry.invalid/sentry.vhd';
  const image = { kind: 'vhd', uri, storageAccountId: accountId('near'), container: 'vhds' };
  const found = await findingsOf(world, inputFor('vhd-unreached', { image }));
  expect(codes(found)).toEqual(['VhdContainerNotFound', 'CouldNotBeChecked']);
  expect(found[1]).toMatchObject({
    where: '/image/uri',
    reason: expect.stringContaining('does not resolve for the app'),
  });
});

test('networks that ours could never be peered with are named, and ours that exists is not held against itself', async () => {
  await world.demand('PUT', shared, { location });
  const network = `${shared}/providers/Microsoft.Network/virtualNetworks/hub`;
  const space = { addressSpace: { addressPrefixes: ['10.40.0.0/16'] } };
  await world.demand('PUT', network, { location, properties: space });
  const asked = (prefix: string) => ({ network: { kind: 'managed', addressPrefix: prefix } });
  const [found, ...rest] = await findingsOf(world, inputFor('overlaps', asked('10.40.7.0/24')));
  expect(rest).toEqual([]);
  expect(found).toMatchObject({ severity: 'warning', code: 'AddressSpaceOverlaps', reason: expect.stringContaining(network) }); // prettier-ignore
  const mine = deploy('mine', 'managedIdentity', asked('10.41.0.0/24'));
  await world.carryOut('ensure', 'mine', mine.resources);
  expect(await findingsOf(world, inputFor('mine', asked('10.41.0.0/24')))).toEqual([]);
});

test('a network of our own that has fewer addresses than Sentries is refused, and what to do depends on whether it is there', async () => {
  // As a tag rule finds them: listed ids are refused with the request.
  const many = Array.from({ length: 201 }, (_, index) => watched(index + 1));
  const asked = { network: { kind: 'managed', addressPrefix: '10.77.0.0/29' } };
  const full = async () => {
    const found = await findingsOf(world, inputFor('narrow', { ...asked, ...listed(...many) }));
    return found.find(({ code }) => code === 'SubnetFull');
  };
  expect(await full()).toMatchObject({
    severity: 'error',
    where: '/network/addressPrefix',
    reason: '10.77.0.0/29 has 3 free addresses, and 5 Sentries are to be made',
    remedy: expect.stringMatching(/^Ask for a larger range/),
  });
  const { resources } = deploy('narrow', 'managedIdentity', asked);
  await world.carryOut('ensure', 'narrow', resources);
  expect(await full()).toMatchObject({
    reason: 'The subnet sentry has 2 free addresses, and 4 Sentries are to be made',
    remedy: expect.stringContaining('a deployment of another name'),
  });
});

test('a policy that denies a grant is told for the subscription, which is set aside; an exemption mends it', async () => {
  const scope = `/subscriptions/${watched(2)}`;
  const definition = `${scope}/providers/Microsoft.Authorization/policyDefinitions/people`;
  const field = (name: string) => `Microsoft.Authorization/roleAssignments/${name}`;
  const isGrant = { field: 'type', equals: 'Microsoft.Authorization/roleAssignments' };
  const policyRule = { if: { allOf: [isGrant, { field: field('principalType'), notEquals: 'User' }] }, then: { effect: 'deny' } }; // prettier-ignore
  await world.demand('PUT', definition, { properties: { displayName: 'People alone', mode: 'All', policyRule } });
  const authorization = `${scope}/providers/Microsoft.Authorization`;
  await world.demand('PUT', `${authorization}/policyAssignments/people`, { properties: { policyDefinitionId: definition } }); // prettier-ignore

  const found = await findingsOf(world, inputFor('grants', listed(watched(1), watched(2))));
  expect(found).toMatchObject([{ severity: 'warning', code: 'GrantDenied', where: scope }]);
  expect(found[0]?.reason).toContain("'people' (People alone)");
  expect(codes(await findingsOf(world, inputFor('grants', listed(watched(2)))))).toEqual(['NoSubscriptionLeft', 'GrantDenied']); // prettier-ignore

  const exemption = { policyAssignmentId: `${authorization}/policyAssignments/people`, exemptionCategory: 'Waiver' };
  await world.demand('PUT', `${authorization}/policyExemptions/sentry`, { properties: exemption });
  expect(await findingsOf(world, inputFor('grants', listed(watched(2))))).toEqual([]);
});

test('initiatives and what a policy does are read whole out of the rows of Resource Graph', async () => {
  const scope = `/subscriptions/${platform}`;
  const at = (type: string, name: string): string => `${scope}/providers/Microsoft.Authorization/${type}/${name}`;
  const set = at('policySetDefinitions', 'Set');
  const page = (data: readonly object[]) => ({
    match: { path: 'ResourceGraph' },
    status: 200,
    count: 1,
    body: { totalRecords: data.length, count: data.length, resultTruncated: 'false', facets: [], data },
  });
  const properties = { displayName: null, policyDefinitionId: set, parameters: { how: { value: 'modify' } } };
  const member = { policyDefinitionId: at('policyDefinitions', 'one'), parameters: { effect: { value: "[parameters('how')]" } } }; // prettier-ignore
  await world.fault(
    page([
      {
        definitionId: set.toLowerCase(),
        assignments: [{ id: at('policyAssignments', 'a'), name: 'a', properties }],
        definitionId1: set.toLowerCase(),
        name: 'Set',
        properties: { parameters: { how: { type: 'String' } }, policyDefinitions: [member] },
      },
    ]),
  );
  const then = { effect: "[parameters('effect')]", details: { operations: [{ field: 'identity.type' }] } };
  const policyRule = { if: { field: 'type', equals: 'Microsoft.Compute/virtualMachines' }, then };
  await world.fault(
    page([
      { id: at('policyDefinitions', 'one'), name: 'one', type: 'microsoft.authorization/policydefinitions', properties: { displayName: 'Identities', mode: 'Indexed', policyRule } }, // prettier-ignore
      { id: at('policyExemptions', 'e'), name: 'e', type: 'microsoft.authorization/policyexemptions', properties: { policyAssignmentId: at('policyAssignments', 'b') } }, // prettier-ignore
    ]),
  );

  const policies = await world.ports.inspection.policies([scope]);
  expect(policies.exemptions).toMatchObject([{ scope, members: [] }]);
  const place = { scope: `${scope}/resourceGroups/any`, above: [scope] };
  const found = checkPolicies(inputFor('any'), policies, place);
  expect(found).toMatchObject([{ severity: 'warning', code: 'SecondIdentity', where: at('policyAssignments', 'a') }]);
  expect(found[0]?.reason).toContain("The policy 'a' (Identities)");
});
