/** Microsoft Graph through its own client: every operation as it succeeds, and as it misses what is not there. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Client } from '@microsoft/microsoft-graph-client';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { expectRefusal, graphOf } from './simulator.clients.support';
import { instant, startTestAzure, type TestAzure } from './simulator.support';

const GRAPH = '00000003-0000-0000-c000-000000000000';
const DIRECTORY_READ_ALL = '7ab1d382-f21e-4acd-a863-ba3e13f7da61';
const READERS = '88d8e3e3-8f55-4a1e-953a-9b9898b8876b';
const ada = { id: randomUUID(), displayName: 'Ada', userPrincipalName: 'ada@contoso.onmicrosoft.com' };
const auditors = { id: randomUUID(), displayName: 'Auditors', members: [ada.id] };
const everything = {
  name: 'all',
  principalId: randomUUID(),
  clientId: randomUUID(),
  roles: [],
  graphRoles: [
    'Application.ReadWrite.All',
    'AppRoleAssignment.ReadWrite.All',
    'Directory.ReadWrite.All',
    'DelegatedPermissionGrant.ReadWrite.All',
    'RoleManagement.ReadWrite.Directory',
    'Policy.Read.All',
    'Policy.ReadWrite.ApplicationConfiguration',
  ],
};

let azure: TestAzure;
let graph: Client;
/** Microsoft Graph's own service principal. */
let resource: z.infer<typeof object>;
let app: z.infer<typeof applied>;
let client: z.infer<typeof object>;

const object = z.looseObject({ id: z.string() });
const applied = z.looseObject({ id: z.string(), appId: z.string() });
const listed = z.looseObject({ value: z.array(object) });
const secret = z.looseObject({ keyId: z.string(), secretText: z.string() });

beforeAll(async () => {
  const principals = [...instant.principals, everything];
  azure = await startTestAzure({ ...instant, principals, users: [ada], groups: [auditors] });
  graph = await graphOf(azure, 'all');
  resource = object.parse(await get(`/servicePrincipals(appId='${GRAPH}')`));
  app = applied.parse(await post('/applications', { displayName: 'app' }));
  client = object.parse(await post('/servicePrincipals', { appId: app.appId }));
});
afterAll(async () => azure.stop());

const get = (path: string): Promise<unknown> => graph.api(path).get();
const post = (path: string, body: object = {}): Promise<unknown> => graph.api(path).post(body);
const patch = (path: string, body: object): Promise<unknown> => graph.api(path).patch(body);
const remove = (path: string): Promise<unknown> => graph.api(path).delete();
const idsIn = async (path: string): Promise<string[]> => listed.parse(await get(path)).value.map(({ id }) => id);
const reference = (id: string): object => ({ '@odata.id': `https://graph.microsoft.com/v1.0/directoryObjects/${id}` });
const missed = async (id: string, ...doing: readonly (() => Promise<unknown>)[]): Promise<void> => {
  const message = `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`;
  for (const one of doing) await expectRefusal('graph', ['Request_ResourceNotFound', 404, message, one]);
};
const nowhere = randomUUID();

test('applications and service principals are made, read, counted, changed, deleted and restored', async () => {
  const made = applied.parse(await post('/applications', { displayName: 'made' }));
  const principal = object.parse(await post('/servicePrincipals', { appId: made.appId }));
  expect(await idsIn('/applications')).toContain(made.id);
  expect(await idsIn('/servicePrincipals')).toContain(principal.id);
  for (const set of ['applications', 'servicePrincipals']) {
    expect(await graph.api(`/${set}/$count`).header('ConsistencyLevel', 'eventual').get()).toBeGreaterThan(1);
    const { id } = set === 'applications' ? made : principal;
    await patch(`/${set}/${id}`, { notes: 'changed' });
    expect(await get(`/${set}/${id}`)).toMatchObject({ id, notes: 'changed' });
    expect(await get(`/directoryObjects/${id}`)).toMatchObject({ id });
  }
  expect(await post('/directoryObjects/getByIds', { ids: [made.id, principal.id] })).toMatchObject({ value: [{}, {}] });
  expect(await graph.api("/applications(uniqueName='upserted')").header('Prefer', 'create-if-missing').patch({ displayName: 'upserted' })).toMatchObject({ uniqueName: 'upserted' }); // prettier-ignore

  await remove(`/servicePrincipals/${principal.id}`);
  await remove(`/applications/${made.id}`);
  expect(await idsIn('/directory/deletedItems/microsoft.graph.application')).toEqual([made.id]);
  expect(await idsIn('/directory/deletedItems/microsoft.graph.servicePrincipal')).toEqual([principal.id]);
  const deleted = `/directory/deletedItems/${made.id}`;
  expect(await get(deleted)).toMatchObject({ id: made.id });
  expect(await post(`${deleted}/restore`)).toMatchObject({ id: made.id });
  const successor = object.parse(await post('/servicePrincipals', { appId: made.appId }));
  await expectRefusal('graph', ['Request_MultipleObjectsWithSameKeyValue', 409, 'Another object with the same value for property appId already exists.', () => post(`/directory/deletedItems/${principal.id}/restore`)]); // prettier-ignore
  await remove(`/directory/deletedItems/${principal.id}`);
  await remove(`/servicePrincipals/${successor.id}`);
  await missed(
    nowhere,
    () => patch(`/servicePrincipals/${nowhere}`, {}),
    () => remove(`/servicePrincipals/${nowhere}`),
  );
});

describe.each(['applications', 'servicePrincipals'])('what belongs to %s', (set) => {
  const own = (): string => `/${set}/${set === 'applications' ? app.id : client.id}`;

  test('secrets', async () => {
    const { keyId, secretText } = secret.parse(await post(`${own()}/addPassword`));
    expect(secretText.length).toBeGreaterThan(30);
    expect(await get(own())).toMatchObject({ passwordCredentials: [{ keyId }] });
    await post(`${own()}/removePassword`, { keyId });
    expect(await get(own())).toMatchObject({ passwordCredentials: [] });
    await missed(
      nowhere,
      () => post(`/${set}/${nowhere}/addPassword`),
      () => post(`/${set}/${nowhere}/removePassword`, { keyId }),
    );
  });

  test('owners', async () => {
    await post(`${own()}/owners/$ref`, reference(ada.id));
    expect(await idsIn(`${own()}/owners`)).toContain(ada.id);
    await remove(`${own()}/owners/${ada.id}/$ref`);
    await missed(
      nowhere,
      () => post(`${own()}/owners/$ref`, reference(nowhere)),
      () => remove(`${own()}/owners/${nowhere}/$ref`),
    );
  });

  test('app management policies', async () => {
    const all = '/policies/appManagementPolicies';
    const policy = object.parse(await post(all, { displayName: 'policy', restrictions: {} }));
    expect(await idsIn(all)).toContain(policy.id);
    await patch(`${all}/${policy.id}`, { displayName: 'changed' });
    expect(await get(`${all}/${policy.id}`)).toMatchObject({ displayName: 'changed' });
    await post(`${own()}/appManagementPolicies/$ref`, reference(policy.id));
    expect(await idsIn(`${own()}/appManagementPolicies`)).toEqual([policy.id]);
    expect(await get(`${all}/${policy.id}/appliesTo`)).toMatchObject({ value: [{}] });
    await remove(`${own()}/appManagementPolicies/${policy.id}/$ref`);
    await remove(`${all}/${policy.id}`);
    for (const doing of [
      () => get(`${all}/${nowhere}`),
      () => patch(`${all}/${nowhere}`, {}),
      () => remove(`${all}/${nowhere}`),
      () => post(`${own()}/appManagementPolicies/$ref`, reference(nowhere)),
      () => remove(`${own()}/appManagementPolicies/${nowhere}/$ref`),
    ])
      await expectRefusal('graph', ['Request_ResourceNotFound', 404, /does not exist/, doing]);
  });
});

test('the tenant’s own app management policy is changed', async () => {
  const path = '/policies/defaultAppManagementPolicy';
  await patch(path, { isEnabled: false });
  expect(await get(path)).toMatchObject({ isEnabled: false });
});

test('federated credentials', async () => {
  const all = `/applications/${app.id}/federatedIdentityCredentials`;
  const trust = { name: 'github', issuer: 'https://token.example', subject: 'repo:a/b', audiences: ['api://x'] };
  const { id } = object.parse(await post(all, trust));
  expect(await idsIn(all)).toEqual([id]);
  await patch(`${all}/${id}`, { subject: 'repo:c' });
  expect(await get(`${all}/${id}`)).toMatchObject({ subject: 'repo:c' });
  await remove(`${all}/${id}`);
  await missed(
    nowhere,
    () => get(`${all}/${nowhere}`),
    () => patch(`${all}/${nowhere}`, { subject: 'x' }),
    () => remove(`${all}/${nowhere}`),
  );
});

test.each([
  ['appRoleAssignments', () => client.id],
  ['appRoleAssignedTo', () => resource.id],
])('%s', async (name, of) => {
  const all = `/servicePrincipals/${of()}/${name}`;
  const { id } = object.parse(await post(all, { principalId: client.id, resourceId: resource.id, appRoleId: DIRECTORY_READ_ALL })); // prettier-ignore
  expect(await idsIn(all)).toContain(id);
  expect(await get(`${all}/${id}`)).toMatchObject({ principalId: client.id, resourceId: resource.id });
  await remove(`${all}/${id}`);
  await missed('none', () => get(`${all}/none`));
});

test('delegated permissions are granted, read, changed and taken away', async () => {
  const all = '/oauth2PermissionGrants';
  const body = { clientId: client.id, consentType: 'AllPrincipals', resourceId: resource.id, scope: 'User.Read' };
  const { id } = object.parse(await post(all, body));
  expect(await idsIn(all)).toContain(id);
  expect(await idsIn(`/servicePrincipals/${client.id}/oauth2PermissionGrants`)).toEqual([id]);
  await patch(`${all}/${id}`, { scope: '' });
  expect(await get(`${all}/${id}`)).toMatchObject({ scope: '' });
  await remove(`${all}/${id}`);
});

test('directory roles are activated, given and taken away', async () => {
  expect(await idsIn('/directoryRoleTemplates')).toContain(READERS);
  const { id } = object.parse(await post('/directoryRoles', { roleTemplateId: READERS }));
  expect(await idsIn('/directoryRoles')).toContain(id);
  expect(await get(`/directoryRoles/${id}`)).toMatchObject({ roleTemplateId: READERS });
  await post(`/directoryRoles/${id}/members/$ref`, reference(ada.id));
  expect(await idsIn(`/directoryRoles/${id}/members`)).toEqual([ada.id]);
  await remove(`/directoryRoles/${id}/members/${ada.id}/$ref`);
  const all = '/roleManagement/directory/roleAssignments';
  expect(await idsIn('/roleManagement/directory/roleDefinitions')).toContain(READERS);
  const given = object.parse(await post(all, { principalId: ada.id, roleDefinitionId: READERS, directoryScopeId: '/' })); // prettier-ignore
  expect(await idsIn(all)).toContain(given.id);
  await remove(`${all}/${given.id}`);
  await missed(nowhere, () => remove(`/directoryRoles/${id}/members/${nowhere}/$ref`));
});

test('users, groups and batches', async () => {
  expect(await idsIn('/users')).toEqual([ada.id]);
  expect(await get(`/users/${ada.id}`)).toMatchObject({ displayName: 'Ada' });
  expect(await idsIn('/groups')).toEqual([auditors.id]);
  expect(await get(`/groups/${auditors.id}`)).toMatchObject({ displayName: 'Auditors' });
  expect(await idsIn(`/groups/${auditors.id}/members`)).toEqual([ada.id]);
  const requests = [{ id: '1', method: 'GET', url: `/users/${ada.id}` }];
  expect(await post('/$batch', { requests })).toMatchObject({ responses: [{ id: '1', status: 200 }] });
});
