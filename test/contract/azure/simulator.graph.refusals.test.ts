/** Every refusal of Microsoft Graph here, through its own client: status, code, message, envelope and headers. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Client } from '@microsoft/microsoft-graph-client';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { expectRefusal, graphOf, type RefusalCase } from './simulator.clients.support';
import { instant, location, platform, startTestAzure, type TestAzure } from './simulator.support';

const GRAPH = '00000003-0000-0000-c000-000000000000';
const DIRECTORY_READ_ALL = '7ab1d382-f21e-4acd-a863-ba3e13f7da61';
const READERS = '88d8e3e3-8f55-4a1e-953a-9b9898b8876b';
const ada = { id: randomUUID(), displayName: 'Ada', userPrincipalName: 'ada@contoso.onmicrosoft.com' };
const auditors = { id: randomUUID(), displayName: 'Auditors', members: [ada.id] };
const principal = (name: string, graphRoles: string[]) => ({
  name,
  principalId: randomUUID(),
  clientId: randomUUID(),
  roles: [],
  graphRoles,
});

let azure: TestAzure;
/** May do all that Graph here knows; may do nothing; owns what it makes. */
let all: Client;
let none: Client;
let owner: Client;
let app: z.infer<typeof applied>;
let client: z.infer<typeof object>;
let graph: z.infer<typeof object>;

const object = z.looseObject({ id: z.string() });
const applied = z.looseObject({ id: z.string(), appId: z.string() });

beforeAll(async () => {
  const everything = [
    'Application.ReadWrite.All',
    'AppRoleAssignment.ReadWrite.All',
    'Directory.ReadWrite.All',
    'DelegatedPermissionGrant.ReadWrite.All',
    'RoleManagement.ReadWrite.Directory',
  ];
  const principals = [
    ...instant.principals,
    principal('all', everything),
    principal('none', []),
    principal('owner', ['Application.ReadWrite.OwnedBy']),
  ];
  azure = await startTestAzure({ ...instant, principals, users: [ada], groups: [auditors] });
  [all, none, owner] = [await graphOf(azure, 'all'), await graphOf(azure, 'none'), await graphOf(azure, 'owner')];
  app = applied.parse(await all.api('/applications').post({ displayName: 'app', uniqueName: 'app', identifierUris: ['api://app'] })); // prettier-ignore
  client = object.parse(await all.api('/servicePrincipals').post({ appId: app.appId }));
  graph = object.parse(await all.api(`/servicePrincipals(appId='${GRAPH}')`).get());
});
afterAll(async () => azure.stop());

const check = async (cases: readonly RefusalCase[]): Promise<void> => {
  for (const one of cases) {
    const refusal = await expectRefusal('graph', one);
    expect(refusal.header('request-id')).toMatch(/^[0-9a-f-]{36}$/);
  }
};
const bad = (message: string | RegExp, doing: () => Promise<unknown>, code = 'Request_BadRequest'): RefusalCase => [
  code,
  400,
  message,
  doing,
];
const missing = (id: string, doing: () => Promise<unknown>): RefusalCase => [
  'Request_ResourceNotFound',
  404,
  `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`,
  doing,
];
const denied = (doing: () => Promise<unknown>): RefusalCase => [
  'Authorization_RequestDenied',
  403,
  'Insufficient privileges to complete the operation.',
  doing,
];
const nowhere = randomUUID();
const get = (path: string) => (): Promise<unknown> => all.api(path).get();
const post = (path: string, body: unknown) => (): Promise<unknown> => all.api(path).post(body);
const patch = (path: string, body: unknown) => (): Promise<unknown> => all.api(path).patch(body);
const remove = (path: string) => (): Promise<unknown> => all.api(path).delete();

test('nobody may do what its token has no role for', async () => {
  const of = `/applications/${app.id}`;
  const sp = `/servicePrincipals/${client.id}`;
  const reads = [
    '/applications',
    of,
    `${of}/owners`,
    `${of}/federatedIdentityCredentials`,
    '/servicePrincipals',
    sp,
    `${sp}/owners`,
    `${sp}/appRoleAssignments`,
    `${sp}/appRoleAssignedTo`,
    `${sp}/oauth2PermissionGrants`,
    '/oauth2PermissionGrants',
    '/directory/deletedItems/microsoft.graph.application',
    `/directory/deletedItems/${nowhere}`,
    '/directoryRoles',
    '/directoryRoleTemplates',
    '/roleManagement/directory/roleDefinitions',
    '/roleManagement/directory/roleAssignments',
    '/users',
    `/users/${ada.id}`,
    '/groups',
    `/groups/${auditors.id}/members`,
    `/directoryObjects/${ada.id}`,
    '/policies/defaultAppManagementPolicy',
    '/policies/appManagementPolicies',
  ];
  await check(reads.map((path) => denied(() => none.api(path).get())));
  const assignment = { principalId: client.id, resourceId: graph.id, appRoleId: DIRECTORY_READ_ALL };
  const writes: readonly (readonly [Client, string, object])[] = [
    [none, '/applications', { displayName: 'x' }],
    [none, '/servicePrincipals', { appId: app.appId }],
    [owner, `${of}/addPassword`, {}],
    [owner, `${of}/removePassword`, { keyId: nowhere }],
    [owner, `${sp}/addPassword`, {}],
    [owner, `${of}/owners/$ref`, { '@odata.id': `x/${ada.id}` }],
    [owner, `${sp}/appRoleAssignments`, assignment],
    [owner, `/servicePrincipals/${graph.id}/appRoleAssignedTo`, assignment],
    [owner, '/oauth2PermissionGrants', {}],
    [owner, '/directoryRoles', { roleTemplateId: READERS }],
    [owner, '/roleManagement/directory/roleAssignments', {}],
    [none, '/directoryObjects/getByIds', { ids: [ada.id] }],
  ];
  await check(writes.map(([who, path, body]) => denied(() => who.api(path).post(body))));
  await check([
    denied(() => owner.api(of).patch({ displayName: 'mine' })),
    denied(() => owner.api(of).delete()),
    denied(() => owner.api(sp).patch({ accountEnabled: false })),
    denied(() => owner.api(sp).delete()),
    denied(() => owner.api(`${of}/owners/${ada.id}/$ref`).delete()),
    denied(() => owner.api(`${sp}/appRoleAssignments/x`).delete()),
  ]);
});

test('applications', async () => {
  const of = `/applications/${app.id}`;
  const other = object.parse(await all.api('/applications').post({ displayName: 'other' }));
  const taken = (property: string): string =>
    `Another object with the same value for property ${property} already exists.`;
  await check([
    bad("A value is required for property 'displayName' of resource 'Application'.", post('/applications', {})),
    bad("Invalid value specified for property 'signInAudience' of resource 'Application'.", post('/applications', { displayName: 'x', signInAudience: 'Everybody' })), // prettier-ignore
    bad("Property 'appId' is read-only and cannot be set.", post('/applications', { displayName: 'x', appId: nowhere })), // prettier-ignore
    bad("Property 'publisherDomain' is read-only and cannot be set.", patch(of, { publisherDomain: 'x' })),
    bad("Property 'uniqueName' is read-only and cannot be set.", patch(of, { uniqueName: 'changed' })),
    bad(taken('uniqueName'), post('/applications', { displayName: 'x', uniqueName: 'app' })),
    bad(taken('identifierUris'), post('/applications', { displayName: 'x', identifierUris: ['api://app'] })),
    bad(taken('identifierUris'), patch(`/applications/${other.id}`, { identifierUris: ['api://app'] })),
    bad('New password credentials must be generated with service actions.', patch(of, { passwordCredentials: [{ displayName: 'mine' }] })), // prettier-ignore
    missing(nowhere, get(`/applications/${nowhere}`)),
    missing(nowhere, get(`/applications(appId='${nowhere}')`)),
    missing(nowhere, patch(`/applications/${nowhere}`, {})),
    missing(nowhere, remove(`/applications/${nowhere}`)),
    missing('unheard', get("/applications(uniqueName='unheard')")),
  ]);
});

test('secrets', async () => {
  const of = `/applications/${app.id}`;
  const past = { passwordCredential: { endDateTime: '2020-01-01T00:00:00Z' } };
  await check([
    bad(/^Credential lifetime exceeds the max value allowed/, post(`${of}/addPassword`, past)),
    bad("Invalid value specified for property 'passwordCredential' of resource 'PasswordCredential'.", post(`${of}/addPassword`, { passwordCredential: { endDateTime: 'soon' } })), // prettier-ignore
    bad(`No password credential found with keyId '${nowhere}'.`, post(`${of}/removePassword`, { keyId: nowhere })),
    bad("A value is required for property 'keyId' of resource 'PasswordCredential'.", post(`${of}/removePassword`, {})),
    missing(nowhere, post(`/applications/${nowhere}/addPassword`, {})),
    missing(nowhere, post(`/servicePrincipals/${nowhere}/removePassword`, { keyId: nowhere })),
  ]);
});

test('service principals and directory objects', async () => {
  const noApplication = `The appId '${nowhere}' of the service principal does not reference a valid application object.`;
  const inUse = `The service principal cannot be created, updated, or restored because the service principal name ${app.appId} is already in use.`;
  const [identity] = instant.principals;
  const refusal = await expectRefusal('graph', bad(noApplication, post('/servicePrincipals', { appId: nowhere })));
  expect(refusal.body).toMatchObject({ error: { details: [{ code: 'NoBackingApplicationObject', message: noApplication }] } }); // prettier-ignore
  await check([
    ['Request_MultipleObjectsWithSameKeyValue', 409, inUse, post('/servicePrincipals', { appId: app.appId })],
    bad("A value is required for property 'appId' of resource 'ServicePrincipal'.", post('/servicePrincipals', {})),
    bad("Property 'appId' is read-only and cannot be set.", patch(`/servicePrincipals/${client.id}`, { appId: nowhere })), // prettier-ignore
    bad(/type ManagedIdentity/, remove(`/servicePrincipals/${identity?.principalId ?? ''}`)),
    missing(nowhere, get(`/servicePrincipals/${nowhere}`)),
    missing(nowhere, get(`/servicePrincipals(appId='${nowhere}')`)),
    missing(nowhere, get(`/directoryObjects/${nowhere}`)),
    bad("Invalid value specified for property 'ids' of resource 'GetByIds'.", post('/directoryObjects/getByIds', { ids: ['x'] })), // prettier-ignore
    missing(nowhere, get(`/users/${nowhere}`)),
    missing(nowhere, get(`/groups/${nowhere}`)),
    bad('/me request is only valid with delegated authentication flow.', get('/me'), 'BadRequest'),
  ]);
});

test('app roles', async () => {
  const assign = (change: object, path = `/servicePrincipals/${client.id}/appRoleAssignments`) =>
    post(path, { principalId: client.id, resourceId: graph.id, appRoleId: DIRECTORY_READ_ALL, ...change });
  await assign({})();
  const gone = 'EntitlementGrant being updated or deleted is not found.';
  await check([
    bad('Permission being assigned already exists on the object', assign({})),
    bad('Permission being assigned was not found on application', assign({ appRoleId: nowhere })),
    bad('Not a valid reference update.', assign({ resourceId: nowhere })),
    bad('Not a valid reference update.', assign({ principalId: nowhere }, `/servicePrincipals/${graph.id}/appRoleAssignedTo`)), // prettier-ignore
    bad(/^The principalId must be the service principal/, assign({ principalId: nowhere })),
    bad(/^The resourceId must be the service principal/, assign({}, `/servicePrincipals/${client.id}/appRoleAssignedTo`)), // prettier-ignore
    bad("A value is required for property 'appRoleId' of resource 'AppRoleAssignment'.", post(`/servicePrincipals/${client.id}/appRoleAssignments`, { principalId: client.id, resourceId: graph.id })), // prettier-ignore
    missing(nowhere, assign({ principalId: nowhere }, `/servicePrincipals/${nowhere}/appRoleAssignments`)),
    missing('none', get(`/servicePrincipals/${client.id}/appRoleAssignments/none`)),
    bad(gone, remove(`/servicePrincipals/${client.id}/appRoleAssignments/none`)),
    bad(gone, remove(`/servicePrincipals/${graph.id}/appRoleAssignedTo/none`)),
  ]);
});

test('owners, deleted items and directory roles', async () => {
  const owners = `/applications/${app.id}/owners`;
  const reference = (id: string): object => ({
    '@odata.id': `https://graph.microsoft.com/v1.0/directoryObjects/${id}`,
  });
  await post(`${owners}/$ref`, reference(ada.id))();
  const role = object.parse(await all.api('/directoryRoles').post({ roleTemplateId: READERS }));
  await post(`/directoryRoles/${role.id}/members/$ref`, reference(ada.id))();
  const exist = (what: string): string =>
    `One or more added object references already exist for the following modified properties: '${what}'.`;
  const conflict =
    'A conflicting object with one or more of the specified property values is present in the directory.';
  const asked = { principalId: ada.id, roleDefinitionId: READERS, directoryScopeId: '/' };
  const gone = applied.parse(await all.api('/applications').post({ displayName: 'gone' }));
  await remove(`/applications/${gone.id}`)();
  await check([
    bad(exist('owners'), post(`${owners}/$ref`, reference(ada.id))),
    missing(nowhere, post(`${owners}/$ref`, reference(nowhere))),
    missing(nowhere, remove(`${owners}/${nowhere}/$ref`)),
    bad("A value is required for property '@odata.id' of resource 'DirectoryObject'.", post(`${owners}/$ref`, {})),
    missing(gone.id, get(`/applications/${gone.id}`)),
    missing(nowhere, get(`/directory/deletedItems/${nowhere}`)),
    missing(nowhere, remove(`/directory/deletedItems/${nowhere}`)),
    missing(nowhere, post(`/directory/deletedItems/${nowhere}/restore`, {})),
    ['Request_MultipleObjectsWithSameKeyValue', 409, conflict, post('/directoryRoles', { roleTemplateId: READERS })],
    missing(nowhere, post('/directoryRoles', { roleTemplateId: nowhere })),
    missing(nowhere, get(`/directoryRoles/${nowhere}`)),
    bad(exist('members'), post(`/directoryRoles/${role.id}/members/$ref`, reference(ada.id))),
    missing(nowhere, remove(`/directoryRoles/${role.id}/members/${nowhere}/$ref`)),
    bad(conflict, post('/roleManagement/directory/roleAssignments', asked)),
    missing(nowhere, post('/roleManagement/directory/roleAssignments', { ...asked, principalId: nowhere })),
    missing(nowhere, post('/roleManagement/directory/roleAssignments', { ...asked, roleDefinitionId: nowhere })),
    bad("Invalid value specified for property 'directoryScopeId' of resource 'UnifiedRoleAssignment'.", post('/roleManagement/directory/roleAssignments', { ...asked, directoryScopeId: '/administrativeUnits/x' })), // prettier-ignore
    missing('none', remove('/roleManagement/directory/roleAssignments/none')),
  ]);
});

test('delegated consent', async () => {
  const grants = '/oauth2PermissionGrants';
  const body = { clientId: client.id, consentType: 'AllPrincipals', resourceId: graph.id, scope: 'User.Read' };
  const made = object.parse(await all.api(grants).post(body));
  await check([
    bad('Permission entry already exists.', post(grants, body)),
    bad(/^The scope 'No.Such' is not a delegated permission/, post(grants, { ...body, scope: 'No.Such' })),
    bad(/^The scope 'No.Such' is not a delegated permission/, patch(`${grants}/${made.id}`, { scope: 'No.Such' })),
    bad(/^The principalId must be given exactly when/, post(grants, { ...body, principalId: ada.id })),
    bad(/^The principalId must be given exactly when/, post(grants, { ...body, consentType: 'Principal' })),
    bad("Invalid value specified for property 'consentType' of resource 'OAuth2PermissionGrant'.", post(grants, { ...body, consentType: 'Nobody' })), // prettier-ignore
    missing(nowhere, post(grants, { ...body, clientId: nowhere })),
    missing(nowhere, post(grants, { ...body, resourceId: nowhere })),
    missing('none', get(`${grants}/none`)),
    missing('none', patch(`${grants}/none`, { scope: 'User.Read' })),
    missing('none', remove(`${grants}/none`)),
  ]);
});

test('queries', async () => {
  const query = (what: string) => get(`/applications?${what}`);
  const unsupported = 'Request_UnsupportedQuery';
  await check([
    bad(/^Operator 'ne' is not supported because the required parameters might be missing\. Try adding \$count=true query parameter and ConsistencyLevel:eventual header\./, query("$filter=displayName ne 'x'"), unsupported), // prettier-ignore
    bad(/^Unsupported or invalid query filter clause specified: /, query("$filter=displayName is 'x'"), unsupported),
    bad("Invalid page size specified: '1000'. Must be between 1 and 999 inclusive.", query('$top=1000'), unsupported),
    bad(/^NotSimulated: \$search is not simulated/, query('$search="displayName:x"'), unsupported),
    bad(/^Parsing OData Select and Expand failed: Could not find a property named 'friends'/, query('$expand=friends'), 'BadRequest'), // prettier-ignore
    bad(/^The specified page token value has expired/, query('$skiptoken=!'), 'Directory_ExpiredPageToken'),
    bad('$count is not currently supported.', get('/applications/$count')),
    bad("Resource not found for the segment 'devices' with GET.", get('/devices'), 'BadRequest'),
    bad(/^The beta version of Microsoft Graph is not simulated/, () => all.api('/applications').version('beta').get(), 'BadRequest'), // prettier-ignore
  ]);
});

test('batches', async () => {
  const batch = (requests: unknown) => post('/$batch', { requests });
  const one = (id: string, rest: object = {}): object => ({ id, method: 'GET', url: '/users', ...rest });
  await check([
    bad('Invalid batch payload format.', batch([]), 'BadRequest'),
    bad('Invalid batch payload format.', batch('x'), 'BadRequest'),
    bad('Number of batch request steps exceeds the maximum value of 20.', batch(Array.from({ length: 21 }, (_, index) => one(String(index)))), 'BadRequest'), // prettier-ignore
    bad('Request Id is duplicated in the batch payload.', batch([one('1'), one('1')]), 'BadRequest'),
  ]);
  const answered: unknown = await all.api('/$batch').post({ requests: [one('1', { url: '/nothing' }), one('2', { dependsOn: ['1'] })] }); // prettier-ignore
  expect(answered).toMatchObject({
    responses: [
      { id: '1', status: 400, body: { error: { code: 'Request_BadRequest', message: "Invalid batch payload format: '/nothing'." } } }, // prettier-ignore
      { id: '2', status: 424, body: { error: { code: 'FailedDependency' } } },
    ],
  });
});

test('a token that is none, past, or for somebody else', async () => {
  const ask = async (token?: string): Promise<unknown> => {
    const { status, body } = await azure.ask('GET', '/v1.0/applications', token === undefined ? {} : { token });
    expect(status).toBe(401);
    return z.object({ error: z.object({ code: z.literal('InvalidAuthenticationToken'), message: z.string(), innerError: z.object({ date: z.string(), 'request-id': z.string(), 'client-request-id': z.string() }) }) }).parse(body).error.message; // prettier-ignore
  };
  const good = await azure.token('all', 'https://graph.microsoft.com');
  expect(await ask()).toBe('Access token is empty.');
  expect(await ask(await azure.token('all'))).toBe('Access token validation failure. Invalid audience.');
  expect(await ask(`${good.slice(0, -4)}AAAA`)).toBe('InvalidAuthenticationToken: the signature of the token is not valid.'); // prettier-ignore
  azure.advance(3600);
  expect(await ask(good)).toBe('Lifetime validation failed, the token is expired.');
  const arm = await azure.ask('PUT', `/subscriptions/${platform}/resourceGroups/rg?api-version=2021-04-01`, { token: good, body: { location } }); // prettier-ignore
  expect(arm).toMatchObject({ status: 401, body: { error: { code: 'ExpiredAuthenticationToken' } } });
});
