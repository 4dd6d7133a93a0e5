/** The real SDKs of Azure, unmodified, on tags, providers, custom roles and permissions. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { AuthorizationManagementClient } from '@azure/arm-authorization';
import { ResourceManagementClient } from '@azure/arm-resources';
import { type TokenCredential } from '@azure/core-auth';
import { randomUUID } from 'node:crypto';
import { all, location, platform, startTestAzure, type TestAzure } from './simulator.support';

const group = 'rg';
const scope = `/subscriptions/${platform}/resourceGroups/${group}`;

let azure: TestAzure;
let resources: ResourceManagementClient;
let authorization: AuthorizationManagementClient;

beforeAll(async () => {
  azure = await startTestAzure();
  const token = await azure.token('administrator');
  const credential: TokenCredential = {
    getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }),
  };
  const options = { endpoint: azure.url, retryOptions: { maxRetries: 0 } };
  resources = new ResourceManagementClient(credential, platform, options);
  authorization = new AuthorizationManagementClient(credential, platform, options);
  await resources.resourceGroups.createOrUpdate(group, { location });
});
afterAll(async () => azure.stop());

test('tags are put, merged and deleted at a scope', async () => {
  const tags = resources.tagsOperations;
  await tags.createOrUpdateAtScope(scope, { properties: { tags: { a: '1' } } });
  const merged = await tags.updateAtScope(scope, { operation: 'Merge', properties: { tags: { b: '2' } } });
  expect(merged.properties.tags).toEqual({ a: '1', b: '2' });
  await tags.deleteAtScope(scope);
  expect((await tags.getAtScope(scope)).properties.tags).toEqual({});
});

test('providers are listed, registered and unregistered', async () => {
  expect((await all(resources.providers.list())).map(({ namespace }) => namespace)).toContain('Microsoft.Network');
  expect((await resources.providers.unregister('Microsoft.Compute')).registrationState).toBe('Unregistered');
  expect((await resources.providers.register('Microsoft.Compute')).registrationState).toBe('Registered');
});

test('a custom role is made, found by its name and deleted; permissions are told', async () => {
  const name = randomUUID();
  const made = await authorization.roleDefinitions.createOrUpdate(`/subscriptions/${platform}`, name, {
    roleName: 'Looker',
    permissions: [{ actions: ['*/read'], notActions: [], dataActions: [], notDataActions: [] }],
    assignableScopes: [`/subscriptions/${platform}`],
  });
  expect(made).toMatchObject({ name, roleType: 'CustomRole', roleName: 'Looker' });
  const found = await all(authorization.roleDefinitions.list(scope, { filter: "roleName eq 'Looker'" }));
  expect(found.map((role) => role.name)).toEqual([name]);
  await authorization.roleDefinitions.delete(`/subscriptions/${platform}`, name);
  await expect(authorization.roleDefinitions.get(scope, name)).rejects.toMatchObject({
    code: 'RoleDefinitionDoesNotExist',
    statusCode: 404,
  });
  expect(await all(authorization.permissions.listForResourceGroup(group))).toMatchObject([{ actions: ['*'] }, {}]);
});
