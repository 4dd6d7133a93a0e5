/** What Azure answers when it does not simply do what it is asked: what heals, what is refused, and what is made once. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { readTenant } from '../../../local/azure/tenant';
import { type Given, outputsOf } from '../../../src/domain/graph';
import type { Kind, Spec } from '../../../src/domain/resources';
import { deploy, startWorld, type World } from './adapters.support';
import { watched } from './simulator.support';

let world: World;
beforeAll(async () => {
  world = await startWorld(readTenant('samples/tenant.json'));
});
afterAll(async () => world.azure.stop());
afterEach(async () => {
  await world.azure.ask('DELETE', '/_simulator/faults');
});

const names = (function* () {
  for (let n = 1; ; n += 1) yield `fault-${n}`;
})();
const fresh = (identity?: 'appRegistration') => deploy(names.next().value ?? '', identity);

/** A deployment with some of its resources made, in the order of their needs. */
async function withMade(until: readonly Kind[], identity?: 'appRegistration') {
  const one = fresh(identity);
  const some = one.resources.filter(({ kind }) => until.includes(kind));
  const given: Given = outputsOf(await world.carryOut('ensure', one.name, some));
  return { ...one, given };
}

const READS = [
  ['ARM', 'resourceGroup', '/resourceGroups/'],
  ['Graph', 'application', '^/v1.0/applications'],
  ['Key Vault', 'sshKey', '^/secrets/'],
] as const;
const specOf = (kind: (typeof READS)[number][1]): Spec => fresh('appRegistration').any(kind);

describe.each(READS)('%s', (_, kind, path) => {
  test.each([
    ['reading', 'GET'],
    ['writing', kind === 'application' ? 'PATCH' : 'PUT'],
  ])('429 while %s: later, by just the seconds of Retry-After', async (__, method) => {
    await world.fault({ match: { method, path }, status: 429, retryAfter: 37 });
    expect(await world.drive('ensure', specOf(kind))).toMatchObject([
      { kind: 'later', seconds: 37 },
      { kind: 'done', change: 'created' },
    ]);
  });

  test.each([
    ['500', { status: 500 }],
    ['503', { status: 503 }],
    ['a connection that is cut', { mode: 'reset' as const }],
  ])('%s: later, and then made', async (__, fault) => {
    await world.fault({ match: { path }, ...fault });
    const [first, second] = await world.drive('ensure', specOf(kind));
    expect(first).toMatchObject({ kind: 'later', patienceSeconds: 900 });
    expect(second).toMatchObject({ kind: 'done', change: 'created' });
  });
});

describe('the write happened and the answer was lost', () => {
  /** Kinds by what they need, and how another hand counts them. */
  const LOST: readonly (readonly [Kind, readonly Kind[], string])[] = [
    ['resourceGroup', [], 'PUT'],
    ['networkSecurityGroup', ['resourceGroup'], 'PUT'],
    ['userAssignedIdentity', ['resourceGroup'], 'PUT'],
    ['roleAssignment', ['resourceGroup', 'userAssignedIdentity'], 'PUT'],
    ['graphPermission', ['resourceGroup', 'userAssignedIdentity'], 'POST'],
    ['marketplaceAgreement', [], 'PUT'],
    ['sshKey', [], 'PUT'],
  ];

  test.each(LOST)('%s: the next ensure finds it, and writes nothing', async (kind, needs, method) => {
    const { any, given } = await withMade(needs);
    world.azure.advance(60);
    await world.fault({ match: { method }, mode: 'afterEffect', status: 500 });
    const one = any(kind, given);
    expect(await world.step('ensure', one)).toMatchObject({ kind: 'later' });
    const written = await world.written(async () => {
      expect((await world.drive('ensure', one)).at(-1)).toMatchObject({ kind: 'done', change: 'kept', ours: true });
    });
    expect(written).toEqual([]);
  });

  test('application: the next ensure makes no second one, though Graph does not list the first yet', async () => {
    const { spec } = deploy('lost-application', 'appRegistration');
    const one = spec('application');
    await world.fault({ match: { method: 'PATCH' }, mode: 'afterEffect', status: 500 });
    expect(await world.step('ensure', one)).toMatchObject({ kind: 'later' });
    expect((await world.drive('ensure', one)).at(-1)).toMatchObject({ kind: 'done', ours: true });
    world.azure.advance(60);
    const path = `/v1.0/applications?$filter=displayName%20eq%20'${one.wanted.displayName}'`;
    expect(await world.demand('GET', path)).toMatchObject({ value: [{ uniqueName: 'sentry-lost-application-1' }] });
    expect(await world.step('ensure', one)).toMatchObject({ kind: 'done', change: 'kept' });
  });

  test('service principal: made once, though Graph does not show it at once', async () => {
    const { spec, given } = await withMade(['application'], 'appRegistration');
    world.azure.advance(60);
    await world.fault({ match: { method: 'POST' }, mode: 'afterEffect', status: 500 });
    const outcomes = await world.drive('ensure', spec('servicePrincipal', given));
    expect(outcomes.at(-1)).toMatchObject({ kind: 'done', ours: true });
  });
});

describe('a principal that has not replicated', () => {
  test('a grant is asked for again until Azure knows the principal', async () => {
    const { spec, given } = await withMade(['resourceGroup', 'userAssignedIdentity']);
    const error = { code: 'PrincipalNotFound', message: 'Principal x does not exist in the directory y.' };
    await world.fault({ match: { method: 'PUT', path: 'roleAssignments' }, count: 2, status: 400, body: { error } });
    const kindsOf = (await world.drive('ensure', spec('roleAssignment', given))).map(({ kind }) => kind);
    expect(kindsOf).toEqual(['later', 'later', 'done']);
  });

  test.each([
    ['graphPermission', 'managed'],
    ['servicePrincipal', 'registered'],
    ['clientSecret', 'registered'],
  ] as const)('%s heals by itself', async (kind, which) => {
    const { any, given } =
      which === 'managed'
        ? await withMade(['resourceGroup', 'userAssignedIdentity'])
        : await withMade(['application'], 'appRegistration');
    const outcomes = await world.drive('ensure', any(kind, given));
    expect(outcomes.at(0)).toMatchObject({ kind: 'later', patienceSeconds: 900 });
    expect(outcomes.at(-1)).toMatchObject({ kind: 'done', change: 'created' });
  });

  test('a permission that Graph has and does not list yet is there', async () => {
    const { spec, given } = await withMade(['resourceGroup', 'userAssignedIdentity']);
    const permission = spec('graphPermission', given);
    await world.drive('ensure', permission);
    const match = { method: 'GET', path: 'appRoleAssignments' };
    await world.fault({ match, status: 200, body: { value: [] } });
    expect(await world.step('ensure', permission)).toMatchObject({ kind: 'done' });
  });

  test('a permission of a principal that is gone is gone', async () => {
    const { spec, given } = await withMade(['resourceGroup', 'userAssignedIdentity', 'graphPermission']);
    await world.demand('DELETE', spec('userAssignedIdentity').id);
    expect((await world.drive('remove', spec('graphPermission', given))).map(({ kind }) => kind)).toEqual(['done']);
  });
});

describe('grants', () => {
  test('one that exists under another name is kept, is not ours, and is never removed', async () => {
    const { spec, given } = await withMade(['resourceGroup', 'userAssignedIdentity']);
    world.azure.advance(60);
    const grant = spec('roleAssignment', given);
    const { roleDefinitionId, principalId } = grant.wanted;
    const id = `/subscriptions/${watched(1)}/providers/Microsoft.Authorization/roleAssignments/0a000000-0000-4000-8000-000000000001`;
    await world.demand('PUT', id, { properties: { roleDefinitionId, principalId } });
    expect(await world.drive('ensure', grant)).toMatchObject([{ kind: 'done', change: 'kept', ours: false }]);
    expect(await world.written(() => world.drive('remove', grant))).toEqual([]);
    expect((await world.outside('GET', id)).status).toBe(200);
  });

  test('one that lost our mark is kept, and is another’s from then on', async () => {
    const { spec, given } = await withMade(['resourceGroup', 'userAssignedIdentity', 'roleAssignment']);
    const grant = spec('roleAssignment', given);
    const id = given[grant.key]?.['id'] ?? '';
    const { roleDefinitionId, principalId, principalType } = grant.wanted;
    await world.demand('PUT', id, {
      properties: { roleDefinitionId, principalId, principalType, description: 'audited' },
    });
    expect(await world.drive('ensure', grant)).toMatchObject([{ kind: 'done', change: 'kept', ours: false }]);
    expect(await world.drive('remove', grant)).toMatchObject([{ kind: 'done', change: 'kept', ours: false }]);
  });

  test.each([
    ['that is not there', '5b000000-0000-4000-8000-00000000dead', 'SubscriptionNotFound'],
    ['that the app may not read', '5b000000-0000-4000-9000-000000000001', 'AuthorizationFailed'],
  ])('in a subscription %s: asked for with patience, then refused with Azure’s reason', async (_, id, code) => {
    const { spec, given } = await withMade(['resourceGroup', 'userAssignedIdentity']);
    const { wanted, ...rest } = spec('roleAssignment', given);
    const grant = { ...rest, wanted: { ...wanted, scope: `/subscriptions/${id}` } };
    const outcomes = await world.drive('ensure', grant);
    expect(outcomes.length).toBeGreaterThan(2);
    expect(outcomes.at(-1)).toMatchObject({ kind: 'later', code, reason: expect.stringContaining(id) });
  });
});

describe('a machine that Azure takes and then fails, or does not take', () => {
  const NEEDED: readonly Kind[] = [
    'resourceGroup',
    'marketplaceAgreement',
    'virtualNetwork',
    'publicIPAddress',
    'natGateway',
    'subnet',
    'networkSecurityGroup',
    'userAssignedIdentity',
    'graphPermission',
    'sshKey',
    'networkInterface',
  ];
  const termsOf = (accepted: boolean) => async (id: string) => {
    const terms = (await world.demand('GET', id)) as { properties: object };
    await world.demand('PUT', id, { ...terms, properties: { ...terms.properties, accepted } });
  };

  test('each is refused with its code and what mends it; once mended, the same request makes it', async () => {
    const { spec, given } = await withMade(NEEDED);
    const vm = spec('virtualMachine', given);
    const { wanted } = vm;
    const agreement = spec('marketplaceAgreement').id;
    const sized = (vmSize: string) => ({ ...vm, wanted: { ...wanted, hardwareProfile: { vmSize } } });

    expect((await world.drive('ensure', sized('Standard_B2s'))).at(-1)).toMatchObject({
      kind: 'refused',
      code: 'SkuNotAvailable',
      remedy: expect.stringContaining('vm.size'),
    });
    await termsOf(false)(agreement);
    expect((await world.drive('ensure', vm)).at(-1)).toMatchObject({
      kind: 'refused',
      code: 'ResourcePurchaseValidationFailed',
      remedy: expect.stringContaining('az vm image terms accept'),
    });
    await termsOf(true)(agreement);

    // Azure cannot tell a missing plan until the operation runs.
    const { plan: _, ...without } = wanted;
    const failed = await world.drive('ensure', { ...vm, wanted: without });
    expect(failed.map(({ kind }) => kind)).toContain('running');
    expect(failed.at(-1)).toMatchObject({
      kind: 'refused',
      code: 'VMMarketplaceInvalidInput',
      remedy: expect.stringContaining('plan'),
    });
    await world.demand('DELETE', vm.id);
    world.azure.advance(60);
    expect((await world.drive('ensure', vm)).at(-1)).toMatchObject({ kind: 'done', change: 'created' });
  });

  test('quota is refused with where to ask for more', async () => {
    const { spec, given } = await withMade(NEEDED);
    const error = {
      code: 'OperationNotAllowed',
      message: 'Operation could not be completed as it results in exceeding approved standardDSv3Family Cores quota.',
    };
    await world.fault({ match: { method: 'PUT', path: 'virtualMachines' }, status: 409, body: { error } });
    expect(await world.drive('ensure', spec('virtualMachine', given))).toMatchObject([
      { kind: 'refused', code: 'OperationNotAllowed', remedy: expect.stringContaining('ProdportalCRP') },
    ]);
  });

  test('one that differs where nobody may change it is refused, and nothing is written', async () => {
    const { spec, given } = await withMade([...NEEDED, 'virtualMachine']);
    const { wanted, ...rest } = spec('virtualMachine', given);
    const other = { ...rest, wanted: { ...wanted, osProfile: { ...wanted.osProfile, adminUsername: 'other' } } };
    const written = await world.written(async () => {
      expect(await world.drive('ensure', other)).toMatchObject([{ kind: 'refused', code: 'Immutable' }]);
    });
    expect(written).toEqual([]);
  });
});

test('while another operation holds a resource, it is asked for again when Azure says', async () => {
  const { spec, name, window, given } = await withMade(['resourceGroup', 'networkSecurityGroup']);
  const rule = window(given).find(({ kind }) => kind === 'securityRule');
  const group = spec('networkSecurityGroup');
  const shown = await world.demand('GET', group.id);
  await world.demand('PUT', group.id, shown);
  const made = await world.carryOut('ensure', name, rule ? [rule] : [], given);
  expect(made['securityRule/22']).toMatchObject({ state: 'done', change: 'created' });
  const asked = z
    .array(z.looseObject({ path: z.string(), status: z.number() }))
    .parse((await world.azure.ask('GET', '/_simulator/requests?full=true')).body);
  expect(asked.filter(({ path, status }) => path.endsWith('Port_22') && status === 429)).toHaveLength(1);
});
