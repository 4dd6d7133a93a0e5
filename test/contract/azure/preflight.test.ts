/** What preflight finds in the simulated Azure, read with the app's real adapters. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Finding } from '../../../src/domain/preflight/finding';
import { deploy, startWorld, type World } from './adapters.support';
import { APP, findingsOf, inputFor, listed } from './preflight.support';
import { instant, platform, watched } from './simulator.support';

let world: World;
beforeAll(async () => {
  world = await startWorld({ ...instant, unregisteredProviders: ['Microsoft.ManagedIdentity'] });
});
afterAll(async () => world.azure.stop());
afterEach(async () => {
  await world.azure.ask('DELETE', '/_simulator/faults');
});

const codes = (findings: readonly Finding[]): string[] => findings.map(({ code }) => code);
const at = (group: string): string => `/subscriptions/${platform}/resourceGroups/${group}`;
const ofNetwork = (group: string, path: string): string => `${at(group)}/providers/Microsoft.Network/${path}`;
const makeGroup = (group: string) => world.demand('PUT', at(group), { location: 'westeurope' });

test('the sample tenant passes, and what the app may register is no finding', async () => {
  expect(await findingsOf(world, inputFor('clean'))).toEqual([]);
});

test('subscriptions that are absent or not ours to grant are warnings, and the run may go on', async () => {
  const isolated = '5b000000-0000-4000-9000-000000000001';
  const missing = '5b000000-0000-4000-8fff-000000000001';
  const found = await findingsOf(world, inputFor('aside', listed(watched(1), missing, isolated)));
  expect(found.map(({ severity, code, where }) => [severity, code, where])).toEqual([
    ['warning', 'SubscriptionUnknown', `/subscriptions/${missing}`],
    ['warning', 'SubscriptionNotGrantable', `/subscriptions/${isolated}`],
  ]);
  expect(found[1]?.remedy).toContain(`--scope /subscriptions/${isolated}`);
});

test('none left to grant is an error', async () => {
  const found = await findingsOf(world, inputFor('none', listed('5b000000-0000-4000-9000-000000000001')));
  expect(codes(found)).toEqual(['NoSubscriptionLeft', 'SubscriptionNotGrantable']);
});

test('a host subscription that does not exist', async () => {
  const placement = { subscriptionId: watched(999), resourceGroup: 'x', location: 'westeurope' };
  const found = await findingsOf(world, inputFor('nowhere', { placement }));
  expect(codes(found)).toEqual(['HostSubscriptionUnknown']);
});

test('a host where the app may only grant: each scope with what is missing', async () => {
  const placement = { subscriptionId: watched(2), resourceGroup: 'x', location: 'westeurope' };
  const found = await findingsOf(world, inputFor('reader', { placement }));
  const missing = found.filter(({ code }) => code === 'MissingPermission');
  expect(missing.map(({ where }) => where)).toEqual([`/subscriptions/${watched(2)}`, `/subscriptions/${watched(2)}`]);
  expect(missing[0]?.reason).toContain('Microsoft.Compute/virtualMachines/write');
  expect(missing[1]?.reason).toContain('agreements/write');
  expect(codes(found)).toContain('ProviderNotRegistered');
});

const vm = (size: string) => ({ vm: { size, sshPublicKeys: inputFor('any').request.vm?.sshPublicKeys } });

test('a size that the region has not, and one that it restricts', async () => {
  expect(codes(await findingsOf(world, inputFor('no-size', vm('Standard_X1'))))).toEqual(['SizeNotAvailable']);
  const restricted = await findingsOf(world, inputFor('restricted', vm('Standard_B2s')));
  expect(restricted).toMatchObject([{ code: 'SizeNotAvailable', where: '/vm/size' }]);
});

test('names that others have, and ours that we have', async () => {
  await makeGroup('taken');
  await world.demand('PUT', ofNetwork('taken', 'networkSecurityGroups/cloudknox-nsg'), { location: 'westeurope' });
  const id = ofNetwork('taken', 'networkSecurityGroups/cloudknox-nsg');
  const [found, ...others] = await findingsOf(world, inputFor('taken'));
  expect([found, others]).toMatchObject([{ severity: 'error', code: 'NameTaken' }, []]);
  // Whoever is told of a thing is not told first to delete it.
  expect(found?.remedy).toMatch(/^Give another name.*`az tag update .*If nobody needs it, run `az resource delete/);
  const lost = await findingsOf(world, inputFor('taken'), true, [id.toUpperCase()]);
  expect(lost).toMatchObject([{ severity: 'warning', code: 'MarkLost', remedy: expect.stringContaining('az tag') }]);
  expect(JSON.stringify(lost)).not.toContain('delete');
  await world.demand('PUT', ofNetwork('taken', 'networkSecurityGroups/cloudknox-nsg'), {
    location: 'westeurope',
    tags: { 'sentry-deployment': 'taken' },
  });
  expect(await findingsOf(world, inputFor('taken'))).toEqual([]);
});

test.each([
  ['CanNotDelete', 'LockForbidsDeletion'],
  ['ReadOnly', 'LockForbidsWrites'],
])('a lock %s on the group', async (level, code) => {
  const group = `locked-${level.toLowerCase()}`;
  await makeGroup(group);
  await world.demand('PUT', `${at(group)}/providers/Microsoft.Authorization/locks/keep`, { properties: { level } });
  expect(await findingsOf(world, inputFor(group))).toMatchObject([{ severity: 'error', code }]);
});

test('where everything stands, what is no longer written may be forbidden since', async () => {
  // Beside the networks that the other tests ask for.
  const network = { kind: 'managed', addressPrefix: '10.91.0.0/24' };
  const { name, resources } = deploy('standing', 'managedIdentity', { network });
  await world.carryOut('ensure', name, resources);
  const authorization = `${at(name)}/providers/Microsoft.Authorization`;
  await world.demand('PUT', `${authorization}/locks/keep`, { properties: { level: 'CanNotDelete' } });
  const policyDefinitionId =
    '/providers/Microsoft.Authorization/policyDefinitions/cccc23c7-8427-4f53-ad12-b6a63eb452b3';
  const parameters = { listOfAllowedSKUs: { value: ['Standard_D2s_v3'] } };
  await world.demand('PUT', `${authorization}/policyAssignments/sizes`, {
    properties: { policyDefinitionId, parameters },
  });

  expect(codes(await findingsOf(world, inputFor(name, { network })))).toEqual(['LockForbidsDeletion', 'PolicyDenies']);
  expect(codes(await findingsOf(world, inputFor(name, { network }), true))).toEqual(['LockForbidsTeardown']);
  // One Sentry more is to be made.
  const more = Array.from({ length: 51 }, (_, index) => watched((index % 5) + 1 + 10 * Math.floor(index / 5)));
  expect(codes(await findingsOf(world, inputFor(name, { network, ...listed(...more) }), true))).toContain(
    'PolicyDenies',
  );
});

test('bug: a size that machines which stand are to get is looked at: region, quota, image and policies', async () => {
  const network = { kind: 'managed', addressPrefix: '10.92.0.0/24' };
  const { name, resources } = deploy('resized', 'managedIdentity', { network });
  await world.carryOut('ensure', name, resources);
  const found = async (size: string) => findingsOf(world, inputFor(name, { network, ...vm(size) }), true);
  expect(await found('STANDARD_d4s_V3')).toEqual([]);
  expect(await found('Standard_D8s_v3')).toEqual([]);
  expect(codes(await found('Standard_X'))).toEqual(['SizeNotAvailable']);
  expect(codes(await found('Standard_B2s'))).toEqual(['SizeNotAvailable']);

  const authorization = `${at(name)}/providers/Microsoft.Authorization`;
  const policyDefinitionId =
    '/providers/Microsoft.Authorization/policyDefinitions/cccc23c7-8427-4f53-ad12-b6a63eb452b3';
  const properties = { policyDefinitionId, parameters: { listOfAllowedSKUs: { value: ['Standard_D2s_v3'] } } };
  await world.demand('PUT', `${authorization}/policyAssignments/sizes`, { properties });
  expect(await found('Standard_D4s_v3')).toEqual([]);
  expect(codes(await found('Standard_D8s_v3'))).toEqual(['PolicyDenies']);

  await world.fault({
    match: { path: 'Microsoft.Compute/locations/.*/usages$' },
    status: 200,
    body: { value: [{ name: { value: 'cores' }, currentValue: 97, limit: 100 }] },
    count: 100,
  });
  // Four cores more, of which three are free.
  expect(await found('Standard_D8s_v3')).toMatchObject([
    { code: 'PolicyDenies' },
    { code: 'QuotaExceeded', reason: 'cores in westeurope: 97 of 100 are used, and 4 are to come' },
  ]);
  expect(codes(await found('Standard_D2s_v3'))).toEqual([]);
  await world.azure.ask('DELETE', '/_simulator/faults');
});

describe('policies', () => {
  const definition = (name: string): string => `/providers/Microsoft.Authorization/policyDefinitions/${name}`;
  const assign = async (group: string, name: string, parameters: object = {}) => {
    await makeGroup(group);
    const properties = { policyDefinitionId: definition(name), displayName: `the ${group} rule`, parameters };
    await world.demand('PUT', `${at(group)}/providers/Microsoft.Authorization/policyAssignments/rule`, { properties });
  };

  test('one that the group is exempted from, as the finding says, stops nothing any more', async () => {
    await assign('exempted', 'e56962a6-4747-49cd-b67b-bf8b01975c4c', {
      listOfAllowedLocations: { value: ['northeurope'] },
    });
    expect(codes(await findingsOf(world, inputFor('exempted')))).toEqual(['PolicyDenies']);
    const authorization = `${at('exempted')}/providers/Microsoft.Authorization`;
    const policyAssignmentId = `${authorization}/policyAssignments/rule`;
    const properties = { policyAssignmentId, exemptionCategory: 'Waiver' };
    await world.demand('PUT', `${authorization}/policyExemptions/sentry`, { properties });
    expect(codes(await findingsOf(world, inputFor('exempted')))).toEqual([]);
  });

  test.each([
    [
      'allowed-locations',
      'e56962a6-4747-49cd-b67b-bf8b01975c4c',
      { listOfAllowedLocations: { value: ['northeurope'] } },
      'PolicyDenies',
    ],
    [
      'these-locations',
      'e56962a6-4747-49cd-b67b-bf8b01975c4c',
      { listOfAllowedLocations: { value: ['westeurope'] } },
      undefined,
    ],
    [
      'allowed-sizes',
      'cccc23c7-8427-4f53-ad12-b6a63eb452b3',
      { listOfAllowedSKUs: { value: ['Standard_D2s_v3'] } },
      'PolicyDenies',
    ],
    [
      'this-size',
      'cccc23c7-8427-4f53-ad12-b6a63eb452b3',
      { listOfAllowedSKUs: { value: ['standard_d4s_v3'] } },
      undefined,
    ],
    [
      'not-allowed-types',
      '6c112d4e-5bc7-47ae-a041-ea2d9dccd749',
      { listOfResourceTypesNotAllowed: { value: ['Microsoft.Network/natGateways'] } },
      'PolicyDenies',
    ],
    [
      'not-allowed-audited',
      '6c112d4e-5bc7-47ae-a041-ea2d9dccd749',
      { listOfResourceTypesNotAllowed: { value: ['Microsoft.Network/natGateways'] }, effect: { value: 'Audit' } },
      undefined,
    ],
    ['a-tag', '871b6d14-10aa-478d-b590-94f262ecfa99', { tagName: { value: 'costCenter' } }, 'PolicyDenies'],
    ['our-tag', '871b6d14-10aa-478d-b590-94f262ecfa99', { tagName: { value: 'owner' } }, undefined],
    ['no-addresses', '83a86a26-fd1f-447c-b59d-e51f44264114', {}, 'PolicyDenies'],
  ])('%s', async (group, name, parameters, code) => {
    await assign(group, name, parameters);
    const found = await findingsOf(world, inputFor(group));
    expect(codes(found)).toEqual(code === undefined ? [] : [code]);
    expect(found.every(({ reason }) => reason.includes(`the ${group} rule`))).toBe(true);
  });

  test('a rule that cannot be worked out is a warning that names it', async () => {
    const custom = `/subscriptions/${platform}/providers/Microsoft.Authorization/policyDefinitions/odd`;
    const rule = { if: { value: "[substring(field('name'), 0, 1)]", equals: 'c' }, then: { effect: 'deny' } };
    await world.demand('PUT', custom, { properties: { displayName: 'Odd names', mode: 'All', policyRule: rule } });
    await makeGroup('odd-rule');
    const assignment = `${at('odd-rule')}/providers/Microsoft.Authorization/policyAssignments/rule`;
    await world.demand('PUT', assignment, { properties: { policyDefinitionId: custom } });
    const found = await findingsOf(world, inputFor('odd-rule'));
    expect(found).toMatchObject([{ severity: 'warning', code: 'PolicyMayDeny' }]);
    expect(found[0]?.reason).toContain('Odd names');
  });
});

describe('an existing subnet', () => {
  const vnet = (group: string): string => ofNetwork(group, 'virtualNetworks/hub');
  const existing = (group: string, name = 'sentries') => ({
    network: { kind: 'existing', subnetId: `${vnet(group)}/subnets/${name}` },
  });
  const makeSubnet = async (group: string, properties: object, location = 'westeurope') => {
    await makeGroup(group);
    const subnets = [{ name: 'sentries', properties: { addressPrefix: '10.1.0.0/29', ...properties } }];
    const space = { addressSpace: { addressPrefixes: ['10.1.0.0/16'] } };
    await world.demand('PUT', vnet(group), { location, properties: { ...space, subnets } });
  };
  const makeSecurityGroup = async (group: string, rules: readonly object[]): Promise<string> => {
    await makeGroup(group);
    const id = ofNetwork(group, 'networkSecurityGroups/theirs');
    await world.demand('PUT', id, { location: 'westeurope', properties: { securityRules: rules } });
    return id;
  };
  const rule = (name: string, over: object) => ({
    name,
    properties: {
      priority: 200,
      protocol: 'Tcp',
      sourcePortRange: '*',
      sourceAddressPrefix: '*',
      destinationAddressPrefix: '*',
      ...over,
    },
  });

  test('with a way out, room and no group of its own passes', async () => {
    await makeSubnet('subnet-good', {});
    expect(await findingsOf(world, inputFor('subnet-good', existing('subnet-good')))).toEqual([]);
  });

  test('that does not exist', async () => {
    await makeSubnet('subnet-none', {});
    const found = await findingsOf(world, inputFor('subnet-none', existing('subnet-none', 'other')));
    expect(codes(found)).toEqual(['SubnetNotFound']);
  });

  test('that is private, elsewhere and delegated: all of it at once', async () => {
    const delegations = [{ name: 'web', properties: { serviceName: 'Microsoft.Web/serverFarms' } }];
    await makeSubnet('subnet-bad', { defaultOutboundAccess: false, delegations }, 'northeurope');
    const found = await findingsOf(world, inputFor('subnet-bad', existing('subnet-bad')));
    expect(codes(found)).toEqual(['SubnetInOtherRegion', 'SubnetDelegated', 'NoWayOut']);
  });

  test('whose route table leads nowhere', async () => {
    await makeGroup('subnet-lost');
    const id = ofNetwork('subnet-lost', 'routeTables/theirs');
    const nowhere = { addressPrefix: '0.0.0.0/0', nextHopType: 'None' };
    const properties = { routes: [{ name: 'out', properties: nowhere }] };
    await world.demand('PUT', id, { location: 'westeurope', properties });
    await makeSubnet('subnet-lost', { routeTable: { id } });
    const found = await findingsOf(world, inputFor('subnet-lost', existing('subnet-lost')));
    expect(found).toMatchObject([{ code: 'NoWayOut', reason: 'Its route to 0.0.0.0/0 leads nowhere' }]);
  });

  test('whose group lets nothing in and no 443 out', async () => {
    const out = rule('NoWeb', { direction: 'Outbound', access: 'Deny', destinationPortRange: '400-500' });
    const id = await makeSecurityGroup('subnet-shut', [out]);
    await makeSubnet('subnet-shut', { networkSecurityGroup: { id } });
    const found = await findingsOf(world, inputFor('subnet-shut', existing('subnet-shut')));
    expect(codes(found)).toEqual(['OutboundDenied', 'WindowBlocked']);
    expect(found[1]?.reason).toContain('203.0.113.7/32 on 22 (DenyAllInBound)');
  });

  test('whose group lets the window’s sources in', async () => {
    const sources = { sourceAddressPrefix: undefined, sourceAddressPrefixes: ['203.0.113.0/24'] };
    const ssh = rule('Ssh', { direction: 'Inbound', access: 'Allow', destinationPortRange: '22', ...sources });
    const id = await makeSecurityGroup('subnet-open', [ssh]);
    await makeSubnet('subnet-open', { networkSecurityGroup: { id } });
    expect(await findingsOf(world, inputFor('subnet-open', existing('subnet-open')))).toEqual([]);
  });
});

test('our own network that exists with another prefix', async () => {
  await makeGroup('prefix');
  await world.demand('PUT', ofNetwork('prefix', 'virtualNetworks/prefix-vnet'), {
    location: 'westeurope',
    tags: { 'sentry-deployment': 'prefix' },
    properties: { addressSpace: { addressPrefixes: ['10.77.0.0/24'] } },
  });
  const found = await findingsOf(world, inputFor('prefix'));
  expect(found).toMatchObject([
    { code: 'AddressSpaceDiffers', remedy: 'Ask for 10.77.0.0/24 in network.addressPrefix.' },
  ]);
});

describe('what cannot be read', () => {
  test('is a warning for what it is, and the rest is told', async () => {
    const error = { code: 'AuthorizationFailed', message: 'No right to read usages.' };
    await world.fault({ match: { path: 'Microsoft.Compute/locations' }, status: 403, body: { error } });
    const found = await findingsOf(world, inputFor('unread'));
    expect(found).toMatchObject([{ severity: 'warning', code: 'CouldNotBeChecked' }]);
    expect(found[0]?.where).toBe('/placement/location');
    expect(found[0]?.reason).toContain('The quota of the region');
    expect(found[0]?.remedy).toContain('Microsoft.Compute/locations/usages/read');
    expect(found[0]?.remedy).toContain(
      `--assignee-object-id ${APP} --assignee-principal-type ServicePrincipal --role "Reader" --scope /subscriptions/${platform}\``,
    );
  });

  test('and throttled is read again', async () => {
    await world.fault({ match: { path: 'permissions' }, status: 429, retryAfter: 7, count: 3 });
    expect(await findingsOf(world, inputFor('throttled'))).toEqual([]);
  });

  test('the vault that is closed to the app is an error', async () => {
    const error = {
      code: 'Forbidden',
      message: 'Public network access is disabled.',
      innererror: { code: 'ForbiddenByConnection' },
    };
    await world.fault({ match: { path: '/secrets/' }, status: 403, body: { error }, count: 10 });
    const found = await findingsOf(world, inputFor('shut-vault'));
    expect(found).toMatchObject([{ severity: 'error', code: 'VaultForbidden' }]);
  });

  test('a vault that does not answer is one too', async () => {
    await world.fault({ match: { path: '/secrets/' }, status: 503, count: 100 });
    const found = await findingsOf(world, inputFor('no-vault'));
    expect(found).toMatchObject([{ severity: 'error', code: 'VaultUnreachable' }]);
  });
});

describe('the app’s own grants', () => {
  test('a condition that lets it grant Reader alone is seen, where no other role grants without one', async () => {
    const group = '/providers/Microsoft.Management/managementGroups/isolated';
    const isolated = '5b000000-0000-4000-9000-000000000002';
    const administrator = 'f58310d9-a9f6-439a-9e8d-f62e7b41a168';
    const reader = 'acdd72a7-3385-48ef-bd42-f606fba81ae7';
    const write = 'Microsoft.Authorization/roleAssignments/write';
    const name = '11111111-2222-4333-8444-555555555555';
    await world.demand('PUT', `${group}/providers/Microsoft.Authorization/roleAssignments/${name}`, {
      properties: {
        roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${administrator}`,
        principalId: APP,
        principalType: 'ServicePrincipal',
        condition: `((!(ActionMatches{'${write}'})) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${reader}}))`,
        conditionVersion: '2.0',
      },
    });
    const watching = listed(watched(1), isolated);
    expect(await findingsOf(world, inputFor('conditional', watching))).toEqual([]);
    const found = await findingsOf(world, inputFor('conditional', { ...watching, controller: { enabled: true } }));
    expect(found).toMatchObject([{ code: 'GrantNotAllowed', where: `/subscriptions/${isolated}` }]);
    expect(found[0]?.reason).toContain('User Access Administrator');
  });

  test('subscriptions with many role assignments are counted', async () => {
    const { crowded } = await world.ports.inspection.tenant(APP, 1, []);
    expect(crowded[platform]).toBeGreaterThanOrEqual(2);
    expect((await world.ports.inspection.tenant(APP, 4_000, [])).crowded).toEqual({});
  });
});

describe('the tenant’s rules for secrets', () => {
  const registration = { identity: { kind: 'appRegistration', secret: { expiresInDays: 180 } } };
  const policy = (restriction: object) => ({
    isEnabled: true,
    applicationRestrictions: { passwordCredentials: [{ state: 'enabled', ...restriction }] },
  });

  test.each([
    ['a shorter life', { restrictionType: 'passwordLifetime', maxLifetime: 'P90D' }, ['SecretLivesTooLong']],
    ['a longer life', { restrictionType: 'passwordLifetime', maxLifetime: 'P1Y' }, []],
    ['none at all', { restrictionType: 'passwordAddition' }, ['SecretsForbidden']],
    ['a rule that is off', { restrictionType: 'passwordAddition', state: 'disabled' }, []],
    [
      'a rule for apps to come',
      { restrictionType: 'passwordAddition', restrictForAppsCreatedAfterDateTime: '2100-01-01T00:00:00Z' },
      [],
    ],
  ])('%s', async (_what, restriction, expected) => {
    await world.fault({ match: { path: 'defaultAppManagementPolicy' }, status: 200, body: policy(restriction) });
    expect(codes(await findingsOf(world, inputFor('secret-rules', registration)))).toEqual(expected);
  });
});

describe('what Resource Graph tells of subscriptions', () => {
  const page = (data: readonly object[]) => ({
    totalRecords: data.length,
    count: data.length,
    resultTruncated: 'false',
    facets: [],
    data,
  });

  test('a disabled one, and one of another tenant, are warnings and not looked at', async () => {
    const rows = [
      {
        subscriptionId: watched(1),
        tenantId: '7e000000-0000-4000-8000-000000000001',
        properties: { state: 'Disabled' },
      },
      {
        subscriptionId: watched(2),
        tenantId: '7e000000-0000-4000-8000-000000000009',
        properties: { state: 'Enabled' },
      },
      { subscriptionId: platform, tenantId: '7e000000-0000-4000-8000-000000000001', properties: { state: 'Warned' } },
    ];
    // The first query.
    await world.fault({ match: { path: 'ResourceGraph' }, status: 200, body: page(rows) });
    const found = await findingsOf(world, inputFor('states', listed(watched(1), watched(2), watched(3))));
    expect(codes(found)).toEqual(['HostSubscriptionDisabled', 'SubscriptionDisabled', 'SubscriptionElsewhere']);
  });
});
