/** Microsoft Graph: applications and what belongs to them, queries, roles, consent, batches. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type Answer, errorOf, instant, startTestAzure, type TestAzure } from './simulator.support';

const GRAPH = 'https://graph.microsoft.com';
const ada = { id: randomUUID(), displayName: 'Ada', userPrincipalName: 'ada@contoso.onmicrosoft.com' };
const auditors = { id: randomUUID(), displayName: 'Auditors', members: [ada.id] };
const principal = (name: string, graphRoles: string[]) => ({
  name,
  principalId: randomUUID(),
  clientId: randomUUID(),
  roles: [],
  graphRoles,
});
const owner = principal('owner', ['Application.ReadWrite.OwnedBy']);
const roleAdministrator = principal('role-administrator', [
  'RoleManagement.ReadWrite.Directory',
  'DelegatedPermissionGrant.ReadWrite.All',
  'Directory.Read.All',
]);

const object = z.looseObject({ id: z.string() });
const application = z.looseObject({ id: z.string(), appId: z.string() });
const list = z.looseObject({ value: z.array(z.looseObject({})), '@odata.nextLink': z.string().optional() });

let azure: TestAzure;
const tokens = new Map<string, string>();

type Ask = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;
const as =
  (name: string): Ask =>
  async (method, path, body, headers = {}) => {
    const token = tokens.get(name) ?? (await azure.token(name, GRAPH));
    tokens.set(name, token);
    const rest = body === undefined ? {} : { body };
    return await azure.ask(method, `/v1.0${path}`, { token, headers, ...rest });
  };
const administrator = as('administrator');

beforeAll(async () => {
  const principals = [...instant.principals, owner, roleAdministrator];
  azure = await startTestAzure({ ...instant, users: [ada], groups: [auditors], principals });
});
afterAll(async () => azure.stop());

const newApplication = async (body: object, ask: Ask = administrator): Promise<z.infer<typeof application>> =>
  application.parse((await ask('POST', '/applications', body)).body);

const names = async (query: string, headers?: Record<string, string>): Promise<unknown[]> => {
  const { body } = await administrator('GET', `/applications?${query}`, undefined, headers);
  return list
    .parse(body)
    .value.map(({ displayName }) => displayName)
    .sort();
};

describe('queries', () => {
  const role = randomUUID();
  const eventual = { ConsistencyLevel: 'eventual' };
  beforeAll(async () => {
    const appRoles = [
      { id: role, value: 'Read', displayName: 'Read', description: 'Read', allowedMemberTypes: ['Application'] },
    ];
    await newApplication({ displayName: 'query one', tags: ['a'], appRoles });
    await newApplication({ displayName: 'query two', tags: ['a', 'b'] });
    await newApplication({ displayName: "query o'three", notes: 'x' });
  });

  test.each([
    ["displayName eq 'QUERY ONE'", ['query one']],
    ["startswith(displayName,'query') and tags/any(t:t eq 'b')", ['query two']],
    ["displayName eq 'query o''three' or tags/any(t: t eq 'b')", ['query two', "query o'three"]],
    ["displayName in ('query one', 'query two')", ['query one', 'query two']],
    [`appRoles/any(r:r/id eq ${role})`, ['query one']],
    [`appRoles/any(r:r/id eq '${role}' and r/value eq 'Read')`, ['query one']],
    ["(displayName eq 'query one' or displayName eq 'query two') and tags/any(t:t eq 'b')", ['query two']],
  ])('$filter=%s', async (filter, found) => {
    expect(await names(`$filter=${encodeURIComponent(filter)}`)).toEqual([...found].sort());
  });

  test('some operators are served only with both advanced parameters', async () => {
    const filter = encodeURIComponent("startswith(displayName,'query') and not(tags/any(t:t eq 'a'))");
    const plain = await administrator('GET', `/applications?$filter=${filter}`);
    expect([plain.status, plain.body]).toMatchObject([
      400,
      {
        error: {
          code: 'Request_UnsupportedQuery',
          message: expect.stringContaining('aka.ms/graph-docs/advanced-queries'),
        },
      },
    ]);
    expect(await names(`$filter=${filter}&$count=true`, eventual)).toEqual(["query o'three"]);
    const counted = await administrator('GET', `/applications?$filter=${filter}&$count=true`, undefined, eventual);
    expect(counted.body).toMatchObject({ '@odata.count': 1 });
    expect((await administrator('GET', '/applications/$count', undefined, eventual)).body).toBe(3);
    expect(errorOf(await administrator('GET', '/applications/$count'))).toBe('Request_BadRequest');
  });

  test('pages, selections, order and expansions', async () => {
    const found: unknown[] = [];
    let path = '/applications?$top=2&$select=displayName&$orderby=displayName%20desc';
    for (let pages = 0; path !== ''; pages++) {
      const page = list.parse((await administrator('GET', path)).body);
      found.push(...page.value);
      expect(pages).toBeLessThan(3);
      path = page['@odata.nextLink']?.split('/v1.0')[1] ?? '';
    }
    expect(found).toEqual(['query two', 'query one', "query o'three"].map((displayName) => ({ displayName })));
    expect(errorOf(await administrator('GET', '/applications?$top=1000'))).toBe('Request_UnsupportedQuery');
    expect((await administrator('GET', '/applications?$expand=owners&$top=1')).body).toMatchObject({
      value: [{ owners: [{ '@odata.type': '#microsoft.graph.servicePrincipal', displayName: 'administrator' }] }],
    });
    expect(errorOf(await administrator('GET', '/applications?$filter=length(id)%20gt%203'))).toBe(
      'Request_UnsupportedQuery',
    );
  });
});

describe('names that are unique', () => {
  test('an upsert makes, then changes; a deleted application keeps its name until it is purged', async () => {
    const path = "/applications(uniqueName='sentry-one')";
    const prefer = { Prefer: 'create-if-missing' };
    const made = await administrator('PATCH', path, { displayName: 'one' }, prefer);
    expect(made.status).toBe(201);
    const { id } = object.parse(made.body);
    expect((await administrator('PATCH', path, { displayName: 'two' }, prefer)).status).toBe(204);
    expect((await administrator('GET', path)).body).toMatchObject({ id, displayName: 'two', uniqueName: 'sentry-one' });
    const again = await administrator('POST', '/applications', { displayName: 'x', uniqueName: 'sentry-one' });
    const conflict = { error: { code: 'Request_BadRequest', details: [{ code: 'ObjectConflict' }] } };
    expect([again.status, again.body]).toMatchObject([400, conflict]);

    await administrator('DELETE', `/applications/${id}`);
    expect((await administrator('GET', `/applications/${id}`)).body).toMatchObject({
      error: {
        code: 'Request_ResourceNotFound',
        innerError: { 'request-id': expect.any(String), date: expect.any(String) },
      },
    });
    expect((await administrator('PATCH', path, { displayName: 'x' }, prefer)).body).toMatchObject(conflict);
    expect((await administrator('GET', `/directory/deletedItems/${id}`)).body).toMatchObject({
      '@odata.type': '#microsoft.graph.application',
      deletedDateTime: expect.any(String),
    });
    expect((await administrator('POST', `/directory/deletedItems/${id}/restore`)).status).toBe(200);
    await administrator('DELETE', `/applications/${id}`);
    expect((await administrator('DELETE', `/directory/deletedItems/${id}`)).status).toBe(204);
    expect((await administrator('PATCH', path, { displayName: 'new' }, prefer)).status).toBe(201);
  });

  test('a restored application comes back without its service principal', async () => {
    const { id, appId } = await newApplication({ displayName: 'comes back' });
    const made = object.parse((await administrator('POST', '/servicePrincipals', { appId })).body);
    await administrator('DELETE', `/applications/${id}`);
    await administrator('POST', `/directory/deletedItems/${id}/restore`);
    expect((await administrator('GET', `/servicePrincipals/${made.id}`)).status).toBe(404);
    expect((await administrator('POST', `/directory/deletedItems/${made.id}/restore`)).status).toBe(200);
    expect((await administrator('GET', `/servicePrincipals/${made.id}`)).status).toBe(200);
  });
});

describe('who may do what', () => {
  test('an owner changes only what it owns, until it owns it no more', async () => {
    const mine = as('owner');
    const { id } = await newApplication({ displayName: 'owned' }, mine);
    const theirs = await newApplication({ displayName: 'not owned' });
    expect((await mine('PATCH', `/applications/${id}`, { notes: 'x' })).status).toBe(204);
    expect(errorOf(await mine('PATCH', `/applications/${theirs.id}`, { notes: 'x' }))).toBe(
      'Authorization_RequestDenied',
    );
    const reference = { '@odata.id': `${GRAPH}/v1.0/directoryObjects/${owner.principalId}` };
    expect((await administrator('POST', `/applications/${theirs.id}/owners/$ref`, reference)).status).toBe(204);
    expect(errorOf(await administrator('POST', `/applications/${theirs.id}/owners/$ref`, reference))).toBe(
      'Request_BadRequest',
    );
    expect((await mine('PATCH', `/applications/${theirs.id}`, { notes: 'x' })).status).toBe(204);
    await administrator('DELETE', `/applications/${theirs.id}/owners/${owner.principalId}/$ref`);
    expect((await mine('DELETE', `/applications/${theirs.id}`)).status).toBe(403);
  });

  test('secrets: text once, an end, and removal', async () => {
    const { id } = await newApplication({ displayName: 'secrets' });
    const bad = { passwordCredential: { endDateTime: '2001-01-01T00:00:00Z' } };
    expect(errorOf(await administrator('POST', `/applications/${id}/addPassword`, bad))).toBe('Request_BadRequest');
    const made = await administrator('POST', `/applications/${id}/addPassword`, {
      passwordCredential: { displayName: 'a' },
    });
    const secret = z.object({ keyId: z.string(), hint: z.string(), secretText: z.string() }).loose().parse(made.body);
    expect(secret.secretText.startsWith(secret.hint)).toBe(true);
    const shown = (await administrator('GET', `/applications/${id}`)).body;
    expect(shown).toMatchObject({
      passwordCredentials: [{ keyId: secret.keyId, hint: secret.hint, secretText: null }],
    });
    const invented = { passwordCredentials: [{ secretText: 'mine' }] };
    expect(errorOf(await administrator('PATCH', `/applications/${id}`, invented))).toBe('Request_BadRequest');
    expect((await administrator('POST', `/applications/${id}/removePassword`, { keyId: secret.keyId })).status).toBe(
      204,
    );
    expect(errorOf(await administrator('POST', `/applications/${id}/removePassword`, { keyId: secret.keyId }))).toBe(
      'Request_BadRequest',
    );
  });

  test('federated credentials are kept by name', async () => {
    const { id } = await newApplication({ displayName: 'federated' });
    const path = `/applications/${id}/federatedIdentityCredentials`;
    const body = {
      name: 'github',
      issuer: 'https://token.actions.githubusercontent.com',
      subject: 'repo:a/b',
      audiences: ['api://x'],
    };
    expect((await administrator('POST', path, body)).status).toBe(201);
    expect((await administrator('POST', path, body)).status).toBe(409);
    expect((await administrator('GET', `${path}/github`)).body).toMatchObject({ subject: 'repo:a/b' });
    expect((await administrator('DELETE', `${path}/github`)).status).toBe(204);
    expect((await administrator('GET', path)).body).toMatchObject({ value: [] });
  });

  test('people are read by who may, and nobody is me', async () => {
    expect((await administrator('GET', `/users/${ada.userPrincipalName}`)).body).toMatchObject({ id: ada.id });
    expect((await administrator('GET', `/groups/${auditors.id}/members`)).body).toMatchObject({
      value: [{ '@odata.type': '#microsoft.graph.user', id: ada.id }],
    });
    expect((await as('owner')('GET', '/users')).status).toBe(403);
    expect(errorOf(await administrator('GET', '/me'))).toBe('BadRequest');
  });

  test('directory roles, in both forms', async () => {
    const roles = as('role-administrator');
    const definition = '88d8e3e3-8f55-4a1e-953a-9b9898b8876b';
    const body = { principalId: ada.id, roleDefinitionId: definition, directoryScopeId: '/' };
    expect((await administrator('POST', '/roleManagement/directory/roleAssignments', body)).status).toBe(403);
    const made = await roles('POST', '/roleManagement/directory/roleAssignments', body);
    expect(made.status).toBe(201);
    expect(errorOf(await roles('POST', '/roleManagement/directory/roleAssignments', body))).toBe('Request_BadRequest');
    const filter = encodeURIComponent(`principalId eq '${ada.id}'`);
    expect((await roles('GET', `/roleManagement/directory/roleAssignments?$filter=${filter}`)).body).toMatchObject({
      value: [{ roleDefinitionId: definition }],
    });
    expect((await roles('GET', `/directoryRoles(roleTemplateId='${definition}')/members`)).body).toMatchObject({
      value: [{ id: ada.id }],
    });
    const { id } = object.parse(made.body);
    expect((await roles('DELETE', `/roleManagement/directory/roleAssignments/${id}`)).status).toBe(204);
  });

  test('OAuth consent names scopes that the resource has', async () => {
    const consent = as('role-administrator');
    const { appId } = await newApplication({ displayName: 'consented' });
    const client = object.parse((await administrator('POST', '/servicePrincipals', { appId })).body);
    const graph = object.parse(
      (await administrator('GET', "/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')")).body,
    );
    const body = { clientId: client.id, consentType: 'AllPrincipals', resourceId: graph.id, scope: 'User.Read' };
    expect(errorOf(await administrator('POST', '/oauth2PermissionGrants', body))).toBe('Authorization_RequestDenied');
    expect(errorOf(await consent('POST', '/oauth2PermissionGrants', { ...body, scope: 'No.Such' }))).toBe(
      'Request_BadRequest',
    );
    const { id } = object.parse((await consent('POST', '/oauth2PermissionGrants', body)).body);
    expect(
      (await consent('PATCH', `/oauth2PermissionGrants/${id}`, { scope: 'User.Read Directory.Read.All' })).status,
    ).toBe(204);
    const filter = encodeURIComponent(`clientId eq '${client.id}'`);
    expect((await administrator('GET', `/oauth2PermissionGrants?$filter=${filter}`)).body).toMatchObject({
      value: [{ scope: 'User.Read Directory.Read.All', consentType: 'AllPrincipals', principalId: null }],
    });
    expect((await consent('DELETE', `/oauth2PermissionGrants/${id}`)).status).toBe(204);
  });
});

test('a batch answers each of its requests, and not what hangs on a failed one', async () => {
  const requests = [
    { id: '1', method: 'GET', url: '/users?$select=id' },
    { id: '2', method: 'GET', url: `/applications/${randomUUID()}` },
    { id: '3', method: 'POST', url: '/applications', body: { displayName: 'never' }, dependsOn: ['2'] },
    { id: '4', method: 'POST', url: '/applications', body: { displayName: 'batched' }, headers: {} },
  ];
  const { body } = await administrator('POST', '/$batch', { requests });
  expect(body).toMatchObject({
    responses: [
      { id: '1', status: 200, body: { value: [{ id: ada.id }] } },
      { id: '2', status: 404, body: { error: { code: 'Request_ResourceNotFound' } } },
      { id: '3', status: 424 },
      { id: '4', status: 201, body: { displayName: 'batched' } },
    ],
  });
  const many = Array.from({ length: 21 }, (_, index) => ({ id: String(index), method: 'GET', url: '/users' }));
  expect((await administrator('POST', '/$batch', { requests: many })).status).toBe(400);
});

test('what Graph has and is not simulated says so', async () => {
  const said = { error: { code: 'BadRequest', details: [{ code: 'NotSimulated' }] } };
  expect((await administrator('GET', '/devices')).body).toMatchObject(said);
  const token = await azure.token('administrator', GRAPH);
  expect((await azure.ask('GET', '/beta/applications', { token })).body).toMatchObject(said);
});
