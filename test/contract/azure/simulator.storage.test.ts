/** Storage accounts and containers by ARM, and who may use the blob service. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { account, accounts, type Got, keysOf, TestStorage } from './simulator.storage.support';
import { errorOf, location, platform, watched } from './simulator.support';

let storage: TestStorage;
beforeAll(async () => {
  storage = await TestStorage.start();
});
afterAll(async () => storage.azure.stop());

describe('accounts', () => {
  test('a new one is polled by its Location, which gives it in the end', async () => {
    const made = await storage.arm('PUT', accounts('another1'), account);
    expect(made).toMatchObject({ status: 202, body: undefined });
    expect(made.header('retry-after')).toBe('17');
    const poll = async (): Promise<unknown> => {
      const token = await storage.azure.token('sentry-orchestrator');
      const { pathname, search } = new URL(made.header('location'));
      const { status, body } = await storage.azure.ask('GET', `${pathname}${search}`, { token });
      return { status, body };
    };
    expect(await poll()).toMatchObject({ status: 202 });
    storage.advance(20);
    expect(await poll()).toMatchObject({
      status: 200,
      body: {
        name: 'another1',
        properties: { provisioningState: 'Succeeded', primaryEndpoints: { blob: `${storage.azure.url}/another1/` } },
      },
    });
    expect((await storage.arm('PUT', accounts('another1'), account)).status).toBe(200);
    expect((await storage.arm('DELETE', accounts('another1'))).status).toBe(200);
    expect((await storage.arm('DELETE', accounts('another1'))).status).toBe(204);
  });

  test.each([
    ['Upper', 400, 'AccountNameInvalid'],
    ['ab', 400, 'AccountNameInvalid'],
    ['subscriptions', 409, 'StorageAccountAlreadyTaken'],
  ])('the name %s is refused', async (name, status, code) => {
    const answer = await storage.arm('PUT', accounts(name), account);
    expect([answer.status, errorOf(answer)]).toEqual([status, code]);
  });

  test('a name is one account’s in all of Azure', async () => {
    await storage.arm('PUT', `/subscriptions/${platform}/resourceGroups/other`, { location });
    const inOther = accounts('vhdstore').replace('/rg/', '/other/');
    expect(errorOf(await storage.arm('PUT', inOther, account))).toBe('StorageAccountInAnotherResourceGroup');
    const token = await storage.azure.token('administrator');
    const rest = { token };
    await storage.arm('PUT', `/subscriptions/${watched(1)}/resourceGroups/rg`, { location }, rest);
    const foreign = await storage.arm('PUT', accounts('vhdstore', watched(1)), account, rest);
    expect(errorOf(foreign)).toBe('StorageAccountAlreadyTaken');
    const check = `/subscriptions/${platform}/providers/Microsoft.Storage/checkNameAvailability`;
    const type = 'Microsoft.Storage/storageAccounts';
    expect((await storage.arm('POST', check, { name: 'vhdstore', type })).body).toMatchObject({
      reason: 'AlreadyExists',
    });
    expect((await storage.arm('POST', check, { name: 'free1', type })).body).toEqual({ nameAvailable: true });
  });

  test('a regenerated key no longer opens the account, the other still does', async () => {
    const old = storage.keys;
    storage.keys = keysOf(
      (await storage.arm('POST', `${accounts('vhdstore')}/regenerateKey`, { keyName: 'key1' })).body,
    );
    expect(storage.keys[0]).not.toBe(old[0]);
    expect(storage.keys[1]).toBe(old[1]);
    const refused = await storage.blob('GET', '/?comp=list', { key: old[0] ?? '' });
    expect([refused.status, refused.header('x-ms-error-code')]).toEqual([403, 'AuthenticationFailed']);
    expect(refused.body.toString()).toContain('<Code>AuthenticationFailed</Code>');
    expect((await storage.blob('GET', '/?comp=list', { key: old[1] ?? '' })).status).toBe(200);
  });

  test('containers are the same by ARM and by the blob service', async () => {
    const container = `${accounts('vhdstore')}/blobServices/default/containers/by-arm`;
    expect((await storage.arm('PUT', container, {})).status).toBe(201);
    expect((await storage.arm('PUT', container, {})).status).toBe(200);
    expect((await storage.keyed('PUT', '/by-arm?restype=container')).header('x-ms-error-code')).toBe(
      'ContainerAlreadyExists',
    );
    expect((await storage.arm('DELETE', container)).status).toBe(200);
    expect((await storage.arm('GET', container)).status).toBe(404);
    expect((await storage.keyed('PUT', '/by-arm?restype=container')).header('x-ms-error-code')).toBe(
      'ContainerBeingDeleted',
    );
    storage.advance(30);
    expect((await storage.keyed('PUT', '/by-arm?restype=container')).status).toBe(201);
  });
});

describe('who may', () => {
  test('nobody without a signature or a token', async () => {
    const answer = await storage.blob('GET', '/?comp=list');
    expect([answer.status, answer.header('x-ms-error-code')]).toEqual([401, 'NoAuthenticationInformation']);
    expect(answer.header('www-authenticate')).toContain('resource_id=https://storage.azure.com');
  });

  test('a token with a data role, from when it counts', async () => {
    const token = await storage.azure.token('sentry-orchestrator', 'https://storage.azure.com');
    await storage.keyed('PUT', '/vhds?restype=container');
    const list = async (): Promise<Got> => storage.blob('GET', '/vhds?restype=container&comp=list', { token });
    expect((await list()).header('x-ms-error-code')).toBe('AuthorizationPermissionMismatch');
    const administrator = await storage.azure.token('administrator');
    const role = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe';
    const granted = await storage.azure.ask(
      'PUT',
      `${accounts('vhdstore')}/providers/Microsoft.Authorization/roleAssignments/0b000000-0000-4000-8000-000000000001?api-version=2022-04-01`,
      {
        token: administrator,
        body: {
          properties: {
            roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${role}`,
            principalId: 'a0000000-0000-4000-8000-000000000001',
            principalType: 'ServicePrincipal',
          },
        },
      },
    );
    expect(granted.status).toBe(201);
    expect((await list()).status).toBe(200);
    const forArm = await storage.azure.token('sentry-orchestrator');
    expect(
      (await storage.blob('GET', '/vhds?restype=container&comp=list', { token: forArm })).header('x-ms-error-code'),
    ).toBe('InvalidAuthenticationInfo');
  });

  test('a key no more where the account forbids it', async () => {
    await storage.arm('PUT', accounts('tokensonly'), { ...account, properties: { allowSharedKeyAccess: false } });
    storage.advance(20);
    const [key = ''] = keysOf((await storage.arm('POST', `${accounts('tokensonly')}/listKeys`)).body);
    const answer = await storage.blob('GET', '/?comp=list', { key, account: 'tokensonly' });
    expect(answer.header('x-ms-error-code')).toBe('KeyBasedAuthenticationNotPermitted');
  });
});
