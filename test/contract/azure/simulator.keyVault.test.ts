/** Key Vault: the vaults as resources, their deleted state, who may use them, and their secrets. Marketplace images too. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import {
  type Answer,
  type Ask,
  errorOf,
  instant,
  location,
  pathOf,
  platform,
  startTestAzure,
  type TestAzure,
} from './simulator.support';

const nobody = { name: 'nobody', principalId: randomUUID(), clientId: randomUUID(), roles: [], graphRoles: [] };
const version = '?api-version=2023-07-01';
const provider = `/subscriptions/${platform}/providers/Microsoft.KeyVault`;
const group = (name: string): string => `/subscriptions/${platform}/resourceGroups/${name}`;
const vaultId = (name: string, of = 'rg'): string => `${group(of)}/providers/Microsoft.KeyVault/vaults/${name}`;

let azure: TestAzure;
let token: string;
let secrets: string;

beforeAll(async () => {
  azure = await startTestAzure({ ...instant, principals: [...instant.principals, nobody] });
  token = await azure.token('administrator');
  secrets = await azure.token('administrator', 'https://vault.azure.net');
  for (const name of ['rg', 'other']) await arm('PUT', group(name), { location });
});
afterAll(async () => azure.stop());

const arm = async (method: string, path: string, body?: unknown, rest: Ask = {}): Promise<Answer> =>
  await azure.ask(method, path.includes('?') ? path : `${path}${version}`, {
    token,
    ...(body === undefined ? {} : { body }),
    ...rest,
  });

const data = async (vault: string, method: string, path: string, body?: unknown, rest: Ask = {}): Promise<Answer> =>
  await azure.ask(method, path.includes('?') ? path : `${path}?api-version=7.4`, {
    token: secrets,
    ...(body === undefined ? {} : { body }),
    headers: { host: `${vault}.vault.localhost` },
    ...rest,
  });

const properties = (more: object = {}): object => ({
  tenantId: instant.tenantId,
  sku: { family: 'A', name: 'standard' },
  enableRbacAuthorization: true,
  ...more,
});
const create = async (name: string, more: object = {}, of = 'rg'): Promise<Answer> =>
  await arm('PUT', vaultId(name, of), { location, properties: properties(more) });

describe('a vault', () => {
  test('is made, shown and listed as Azure does', async () => {
    const { status, body } = await create('made-vault', { softDeleteRetentionInDays: 7 });
    expect([status, body]).toMatchObject([
      201,
      {
        id: vaultId('made-vault'),
        type: 'Microsoft.KeyVault/vaults',
        properties: {
          vaultUri: expect.stringMatching(/^https:\/\/made-vault\.vault\.localhost:\d+\/$/),
          enableSoftDelete: true,
          softDeleteRetentionInDays: 7,
          provisioningState: 'Succeeded',
        },
      },
    ]);
    expect(body).not.toHaveProperty('etag');
    const all = z.object({ value: z.array(z.looseObject({ name: z.string() })) });
    expect(all.parse((await arm('GET', `${provider}/vaults`)).body).value.map(({ name }) => name)).toContain(
      'made-vault',
    );
    const listed = `/subscriptions/${platform}/resources?api-version=2015-11-01&$filter=`;
    const filter = encodeURIComponent("resourceType eq 'Microsoft.KeyVault/vaults' and name eq 'made-vault'");
    expect((await arm('GET', `${listed}${filter}`)).body).toMatchObject({ value: [{ id: vaultId('made-vault') }] });
    expect(errorOf(await arm('GET', `${listed}nonsense`))).toBe('InvalidFilterInQueryString');
  });

  test.each([
    ['a name that is not allowed', 'VaultNameNotValid', 400, 'bad--name', {}],
    ['protection that is taken back', 'BadRequest', 400, 'fine-name', { enablePurgeProtection: false }],
    ['retention out of range', 'BadRequest', 400, 'fine-name', { softDeleteRetentionInDays: 5 }],
    ['another retention than before', 'BadRequest', 400, 'made-vault', { softDeleteRetentionInDays: 8 }],
    ['no access policies where they decide', 'BadRequest', 400, 'fine-name', { enableRbacAuthorization: false }],
  ])('refuses %s', async (_, code, status, name, more) => {
    const answer = await create(name, more);
    expect([answer.status, errorOf(answer)]).toEqual([status, code]);
  });

  test('has a name that nobody else can have, deleted or not', async () => {
    await create('taken-vault');
    expect(errorOf(await create('taken-vault', {}, 'other'))).toBe('VaultAlreadyExists');
    const ask = { name: 'taken-vault', type: 'Microsoft.KeyVault/vaults' };
    expect((await arm('POST', `${provider}/checkNameAvailability`, ask)).body).toMatchObject({
      nameAvailable: false,
      reason: 'AlreadyExists',
    });
    await arm('DELETE', vaultId('taken-vault'));
    expect((await create('taken-vault', {}, 'other')).status).toBe(409);
    expect(errorOf(await create('taken-vault'))).toBe('ConflictError');
  });

  test('is recovered with its secrets, or purged', async () => {
    await create('kept-vault');
    await data('kept-vault', 'PUT', '/secrets/one', { value: 'still here' });
    await arm('DELETE', vaultId('kept-vault'));
    expect((await data('kept-vault', 'GET', '/secrets/one')).status).toBe(404);
    const deleted = `${provider}/locations/${location}/deletedVaults/kept-vault`;
    expect((await arm('GET', deleted)).body).toMatchObject({
      type: 'Microsoft.KeyVault/deletedVaults',
      properties: {
        vaultId: vaultId('kept-vault'),
        deletionDate: expect.any(String),
        scheduledPurgeDate: expect.any(String),
      },
    });
    expect((await create('kept-vault', { createMode: 'recover' })).body).not.toHaveProperty('properties.createMode');
    expect((await data('kept-vault', 'GET', '/secrets/one')).body).toMatchObject({ value: 'still here' });
    await arm('DELETE', vaultId('kept-vault'));
    const purged = await arm('POST', `${deleted}/purge`);
    expect(purged.status).toBe(202);
    expect((await arm('GET', pathOf(purged.header('location')))).status).toBe(200);
    expect(errorOf(await arm('GET', deleted))).toBe('DeletedVaultNotFound');
    await create('kept-vault');
    expect((await data('kept-vault', 'GET', '/secrets')).body).toEqual({ value: [], nextLink: null });
  });

  test('with purge protection cannot be purged, nor can its secrets', async () => {
    await create('protected-vault', { enablePurgeProtection: true });
    const set = await data('protected-vault', 'PUT', '/secrets/one', { value: 'x' });
    expect(set.body).toMatchObject({ attributes: { recoveryLevel: 'Recoverable' } });
    await data('protected-vault', 'DELETE', '/secrets/one');
    const refused = await data('protected-vault', 'DELETE', '/deletedsecrets/one');
    expect([refused.status, errorOf(refused)]).toEqual([403, 'Forbidden']);
    await arm('DELETE', vaultId('protected-vault'));
    const purge = await arm('POST', `${provider}/locations/${location}/deletedVaults/protected-vault/purge`);
    expect([purge.status, errorOf(purge)]).toEqual([405, 'MethodNotAllowed']);
  });

  test('goes to the deleted ones with its resource group', async () => {
    await arm('PUT', group('short'), { location });
    await create('group-vault', {}, 'short');
    await arm('DELETE', group('short'));
    const all = (await arm('GET', `${provider}/deletedVaults`)).body;
    expect(all).toMatchObject({ value: expect.arrayContaining([expect.objectContaining({ name: 'group-vault' })]) });
  });
});

test('access policies decide where role assignments do not', async () => {
  const { principalId: objectId } = nobody;
  const policy = { tenantId: instant.tenantId, objectId, permissions: { secrets: ['get', 'list'] } };
  await create('policy-vault', { enableRbacAuthorization: false, accessPolicies: [policy] });
  const theirs = { token: await azure.token('nobody', 'https://vault.azure.net') };
  expect(
    (
      await data('policy-vault', 'GET', '/secrets', undefined, {
        ...theirs,
        headers: { host: 'policy-vault.vault.localhost' },
      })
    ).status,
  ).toBe(200);
  const headers = { host: 'policy-vault.vault.localhost' };
  const set = async (): Promise<Answer> =>
    await data('policy-vault', 'PUT', '/secrets/x', { value: 'x' }, { ...theirs, headers });
  const refused = await set();
  expect([refused.status, refused.body]).toMatchObject([
    403,
    {
      error: {
        code: 'Forbidden',
        message: expect.stringContaining('does not have secrets set permission'),
        innererror: { code: 'AccessDenied' },
      },
    },
  ]);
  // The administrator's role assignments count for nothing here.
  expect((await data('policy-vault', 'GET', '/secrets')).status).toBe(403);
  const add = { properties: { accessPolicies: [{ ...policy, permissions: { secrets: ['set'] } }] } };
  expect((await arm('PUT', `${vaultId('policy-vault')}/accessPolicies/add`, add)).body).toMatchObject({
    properties: { accessPolicies: [{ objectId, permissions: { secrets: ['get', 'list', 'set'] } }] },
  });
  expect((await set()).status).toBe(200);
});

describe('secrets', () => {
  test('are listed by pages, and versions too', async () => {
    await create('paged-vault');
    for (const name of ['a', 'b', 'c']) await data('paged-vault', 'PUT', `/secrets/${name}`, { value: name });
    const page = z.object({ value: z.array(z.looseObject({ id: z.string() })), nextLink: z.string().nullable() });
    const first = page.parse((await data('paged-vault', 'GET', '/secrets?api-version=7.4&maxresults=2')).body);
    const { pathname, search } = new URL(first.nextLink ?? '');
    const second = page.parse((await data('paged-vault', 'GET', `${pathname}${search}`)).body);
    expect([first.value.length, second.value.length, second.nextLink]).toEqual([2, 1, null]);
    expect(first.value[0]).not.toHaveProperty('value');
  });

  test('have attributes that count', async () => {
    const set = await data('paged-vault', 'PUT', '/secrets/off', {
      value: 'x',
      attributes: { enabled: false, nbf: 1, exp: 2 },
    });
    expect(set.body).toMatchObject({ attributes: { enabled: false, nbf: 1, exp: 2 } });
    const refused = await data('paged-vault', 'GET', '/secrets/off');
    expect([refused.status, refused.body]).toMatchObject([403, { error: { innererror: { code: 'SecretDisabled' } } }]);
    await data('paged-vault', 'PATCH', '/secrets/off', { attributes: { enabled: true } });
    expect((await data('paged-vault', 'GET', '/secrets/off')).body).toMatchObject({ value: 'x' });
  });

  test('want a version of the API that there is, and no backup', async () => {
    expect(errorOf(await data('paged-vault', 'GET', '/secrets?x=1'))).toBe('BadParameter');
    expect(errorOf(await data('paged-vault', 'GET', '/secrets?api-version=9.9'))).toBe('BadParameter');
    const backup = await data('paged-vault', 'POST', '/secrets/a/backup');
    expect([backup.status, backup.body]).toMatchObject([404, { error: { details: [{ code: 'NotSimulated' }] } }]);
    expect((await data('paged-vault', 'GET', '/keys')).status).toBe(404);
  });
});

test('the marketplace lists publishers, offers, SKUs and versions', async () => {
  const region = `/subscriptions/${platform}/providers/Microsoft.Compute/locations/${location}`;
  const names = async (path: string): Promise<unknown> => {
    const { body } = await arm('GET', `${region}/publishers${path}?api-version=2024-11-01`);
    return z
      .array(z.looseObject({ name: z.string() }))
      .parse(body)
      .map(({ name }) => name);
  };
  const offers = '/cloudknox/artifacttypes/vmimage/offers';
  expect(await names('')).toEqual(['Canonical', 'cloudknox']);
  expect(await names(offers)).toEqual(['cloudknox_sentry_image']);
  expect(await names(`${offers}/cloudknox_sentry_image/skus`)).toEqual(['sentry_v1_byol0']);
  expect(await names(`${offers}/cloudknox_sentry_image/skus/sentry_v1_byol0/versions`)).toEqual(['1.0.0', '1.0.1']);
  expect(
    (await arm('GET', `${region}/publishers/nobody/artifacttypes/vmimage/offers?api-version=2024-11-01`)).status,
  ).toBe(404);
});

test('terms are accepted with what was read, and cancelled', async () => {
  const terms = '/subscriptions/' + platform + '/providers/Microsoft.MarketplaceOrdering';
  const current = `${terms}/offerTypes/virtualmachine/publishers/cloudknox/offers/cloudknox_sentry_image/plans/sentry_v1_byol0/agreements/current?api-version=2021-01-01`;
  const read = z.looseObject({ properties: z.looseObject({}) }).parse((await arm('GET', current)).body);
  const accepted = { properties: { ...read.properties, accepted: true } };
  expect((await arm('PUT', current, accepted)).body).toMatchObject({ properties: { accepted: true } });
  expect((await arm('PUT', current, { properties: { ...accepted.properties, signature: 'X' } })).status).toBe(400);
  const plan = `${terms}/agreements/cloudknox/offers/cloudknox_sentry_image/plans/sentry_v1_byol0`;
  const cancelled = await arm('POST', `${plan}/cancel?api-version=2021-01-01`);
  expect(cancelled.body).toMatchObject({ properties: { accepted: false } });
  expect((await arm('POST', `${plan}/sign?api-version=2021-01-01`)).body).toMatchObject({
    properties: { accepted: true },
  });
});
