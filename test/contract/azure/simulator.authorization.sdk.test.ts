/** Microsoft.Authorization through its SDK: every operation, and every refusal with its status, code and message. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { AuthorizationManagementClient, type RoleAssignmentCreateParameters } from '@azure/arm-authorization';
import { ResourceManagementClient } from '@azure/arm-resources';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { expectRefusal, holding, optionsOf, type RefusalCase } from './simulator.clients.support';
import { all, instant, location, platform, startTestAzure, type TestAzure, watched } from './simulator.support';

const READER = 'acdd72a7-3385-48ef-bd42-f606fba81ae7';
const OWNER = '8e3af657-a8ff-443c-a75c-2fe8c4bcb635';
const RBAC_ADMINISTRATOR = 'f58310d9-a9f6-439a-9e8d-f62e7b41a168';
const scope = `/subscriptions/${platform}`;
const groupScope = `${scope}/resourceGroups/rg`;
const landing = '/providers/Microsoft.Management/managementGroups/landing-zones';
const delegate = { principalId: randomUUID(), clientId: randomUUID() };
const ada = { id: randomUUID(), displayName: 'Ada', userPrincipalName: 'ada@contoso.onmicrosoft.com' };
const auditors = { id: randomUUID(), displayName: 'Auditors', members: [ada.id] };
const tenant = '7e000000-0000-4000-8000-000000000001';

let azure: TestAzure;
let admin: AuthorizationManagementClient;
let theirs: AuthorizationManagementClient;
let resources: ResourceManagementClient;

beforeAll(async () => {
  const limits = { ...instant.limits, roleAssignmentsPerSubscription: 25, roleAssignmentsPerManagementGroup: 6 };
  const principals = [...instant.principals, { name: 'delegate', ...delegate, roles: [], graphRoles: [] }];
  azure = await startTestAzure({ ...instant, limits, principals, users: [ada], groups: [auditors] });
  const client = async (name: string): Promise<AuthorizationManagementClient> =>
    new AuthorizationManagementClient(holding(await azure.token(name)), platform, optionsOf(azure));
  [admin, theirs] = [await client('administrator'), await client('delegate')];
  resources = new ResourceManagementClient(holding(await azure.token('administrator')), platform, optionsOf(azure));
  await resources.resourceGroups.createOrUpdate('rg', { location });
});
afterAll(async () => azure.stop());

const of = (
  principalId: string,
  role = READER,
  rest: Partial<RoleAssignmentCreateParameters> = { principalType: 'ServicePrincipal' },
): RoleAssignmentCreateParameters => ({
  roleDefinitionId: `${scope}/providers/Microsoft.Authorization/roleDefinitions/${role}`,
  principalId,
  ...rest,
});
const bare = (id: string): string => id.replaceAll('-', '');
const give =
  (
    parameters: RoleAssignmentCreateParameters,
    at = scope,
    name: string = randomUUID(),
    by: () => AuthorizationManagementClient = () => admin,
  ) =>
  (): Promise<unknown> =>
    by().roleAssignments.create(at, name, parameters);

describe('role assignments', () => {
  test('are made, read, listed and deleted at every kind of scope', async () => {
    const name = randomUUID();
    const principalId = randomUUID();
    const made = await admin.roleAssignments.create(groupScope, name, of(principalId, READER, { principalType: 'ServicePrincipal', description: 'why' })); // prettier-ignore
    expect(made).toMatchObject({
      id: `${groupScope}/providers/Microsoft.Authorization/roleAssignments/${name}`,
      type: 'Microsoft.Authorization/roleAssignments',
      name,
      scope: groupScope,
      roleDefinitionId: `${scope}/providers/Microsoft.Authorization/roleDefinitions/${READER}`,
      principalId,
      principalType: 'ServicePrincipal',
      description: 'why',
      createdOn: expect.any(Date),
      createdBy: 'a0000000-0000-4000-8000-000000000002',
    });
    const id = made.id ?? '';
    expect(await admin.roleAssignments.get(groupScope, name)).toMatchObject({ name });
    expect(await admin.roleAssignments.getById(id)).toMatchObject({ name });
    expect(await admin.roleAssignments.createById(id, of(principalId))).toMatchObject({ name });
    const filter = `principalId eq '${principalId}'`;
    const lists = [
      admin.roleAssignments.listForSubscription({ filter }),
      admin.roleAssignments.listForResourceGroup('rg', { filter }),
      admin.roleAssignments.listForScope(groupScope, { filter: `assignedTo('${principalId}')` }),
    ];
    for (const list of lists) expect((await all(list)).map((one) => one.name)).toEqual([name]);
    expect(await all(admin.roleAssignments.listForSubscription({ filter: `atScope() and ${filter}` }))).toEqual([]);
    expect(await admin.roleAssignments.deleteById(id)).toMatchObject({ name });
    expect(await admin.roleAssignments.delete(groupScope, name)).toEqual({});
  });

  test('find out what a principal is, where they are not told', async () => {
    const user = await admin.roleAssignments.create(groupScope, randomUUID(), of(ada.id, READER, {}));
    const group = await admin.roleAssignments.create(groupScope, randomUUID(), of(auditors.id, READER, {}));
    expect([user.principalType, group.principalType]).toEqual(['User', 'Group']);
    for (const { name } of [user, group]) await admin.roleAssignments.delete(groupScope, name ?? '');
  });

  test('are refused', async () => {
    const name = randomUUID();
    const principalId = randomUUID();
    await admin.roleAssignments.create(scope, name, of(principalId));
    const stranger = randomUUID();
    const unknown = randomUUID();
    const nowhere = '/providers/Microsoft.Management/managementGroups/none';
    const condition = (text: string, conditionVersion = '2.0') =>
      give(of(randomUUID(), READER, { principalType: 'ServicePrincipal', condition: text, conditionVersion }));
    const invalidCondition = 'The given role assignment condition is invalid.';
    const denied = (action: string, at: string): string =>
      `The client '${delegate.clientId}' with object id '${delegate.principalId}' does not have authorization to perform action '${action}' over scope '${at}' or the scope is invalid. If access was recently granted, please refresh your credentials.`;
    const at = `${scope}/providers/Microsoft.Authorization/roleAssignments/${name}`;
    const roleAssignments = 'Microsoft.Authorization/roleAssignments';
    const cases: readonly RefusalCase[] = [
      ['InvalidRoleAssignmentId', 400, "The role assignment ID 'mine' is not valid. The role assignment ID must be a GUID.", give(of(principalId), scope, 'mine')], // prettier-ignore
      ['RoleDefinitionDoesNotExist', 400, `The specified role definition with ID '${bare(unknown)}' does not exist.`, give(of(principalId, unknown))], // prettier-ignore
      ['PrincipalNotFound', 400, `Principal ${bare(stranger)} does not exist in the directory ${tenant}. Check that you have the correct principal ID. If you are creating this principal and then immediately assigning a role, this error might be related to a replication delay. In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group. See https://aka.ms/docs-principaltype`, give(of(stranger, READER, {}))], // prettier-ignore
      ['UnmatchedPrincipalType', 400, `The PrincipalId '${bare(ada.id)}' has type 'User' , which is different from specified PrinciaplType 'Group'.`, give(of(ada.id, READER, { principalType: 'Group' }))], // prettier-ignore
      ['RoleAssignmentExists', 409, `The role assignment already exists. The ID of the existing role assignment is ${bare(name)}.`, give(of(principalId))], // prettier-ignore
      ['RoleAssignmentUpdateNotPermitted', 400, 'Tenant ID, application ID, principal ID, and scope are not allowed to be updated.', give(of(stranger), scope, name)], // prettier-ignore
      ['RoleAssignmentUpdateNotPermitted', 400, 'Tenant ID, application ID, principal ID, and scope are not allowed to be updated.', give(of(principalId), groupScope, name)], // prettier-ignore
      ['InvalidRoleAssignmentCondition', 400, invalidCondition, condition('(@Request[')],
      ['InvalidRoleAssignmentCondition', 400, invalidCondition, condition("!(ActionMatches{'x'})", '1.0')],
      ['NotSimulated', 400, /in a role assignment condition is not simulated/, condition("@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'x'")], // prettier-ignore
      ['InvalidRequestContent', 400, /'properties.principalId'/, give(of('nobody'))],
      ['ResourceGroupNotFound', 404, "Resource group 'none' could not be found.", give(of(principalId), `${scope}/resourceGroups/none`)], // prettier-ignore
      ['NotFound', 404, `The scope '${nowhere}' cannot be found.`, give(of(principalId), nowhere)],
      ['SubscriptionNotFound', 404, `The subscription '${unknown}' could not be found.`, give(of(principalId), `/subscriptions/${unknown}`)], // prettier-ignore
      ['RoleAssignmentNotFound', 404, `The role assignment '${bare(unknown)}' is not found.`, () => admin.roleAssignments.get(scope, unknown)], // prettier-ignore
      ['RoleAssignmentNotFound', 404, `The role assignment '${bare(name)}' is not found.`, () => admin.roleAssignments.get(groupScope, name)], // prettier-ignore
      ['InvalidFilter', 400, "The filter 'roleId eq 'x'' is not supported.", () => all(admin.roleAssignments.listForSubscription({ filter: "roleId eq 'x'" }))], // prettier-ignore
      ['AuthorizationFailed', 403, denied(`${roleAssignments}/write`, at), give(of(principalId), scope, name, () => theirs)], // prettier-ignore
      ['AuthorizationFailed', 403, denied(`${roleAssignments}/delete`, at), () => theirs.roleAssignments.delete(scope, name)], // prettier-ignore
      [
        'AuthorizationFailed',
        403,
        denied(`${roleAssignments}/read`, at),
        () => theirs.roleAssignments.get(scope, name),
      ],
      ['AuthorizationFailed', 403, denied(`${roleAssignments}/read`, scope), () => all(theirs.roleAssignments.listForSubscription())], // prettier-ignore
    ];
    for (const one of cases) await expectRefusal('arm', one);
    await admin.roleAssignments.delete(scope, name);
  });

  test('that a condition does not let through say so', async () => {
    const only = `(!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR (@Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringEqualsIgnoreCase 'User')`;
    const name = randomUUID();
    await admin.roleAssignments.create(groupScope, name, of(delegate.principalId, RBAC_ADMINISTRATOR, { principalType: 'ServicePrincipal', condition: only, conditionVersion: '2.0' })); // prettier-ignore
    // The directory knows that she is a user: it need not be told.
    const hers = await theirs.roleAssignments.create(groupScope, randomUUID(), of(ada.id, READER, {}));
    const wanted = randomUUID();
    await expectRefusal('arm', ['AuthorizationFailed', 403, `The client '${delegate.clientId}' with object id '${delegate.principalId}' has an authorization with ABAC condition that is not fulfilled to perform action 'Microsoft.Authorization/roleAssignments/write' over scope '${groupScope}/providers/Microsoft.Authorization/roleAssignments/${wanted}' or the scope is invalid. If access was recently granted, please refresh your credentials.`, give(of(randomUUID()), groupScope, wanted, () => theirs)]); // prettier-ignore
    for (const one of [hers.name ?? '', name]) await admin.roleAssignments.delete(groupScope, one);
  });

  test('have a limit, which the usage counts down to', async () => {
    const token = await azure.token('administrator');
    const usage = async (): Promise<number[]> => {
      const path = `${scope}/providers/Microsoft.Authorization/roleAssignmentsUsageMetrics?api-version=2019-08-01-preview`;
      const { body } = await azure.ask('GET', path, { token });
      const { roleAssignmentsLimit, roleAssignmentsCurrentCount, roleAssignmentsRemainingCount } = z
        .strictObject({
          subscriptionId: z.literal(platform),
          roleAssignmentsLimit: z.number(),
          roleAssignmentsCurrentCount: z.number(),
          roleAssignmentsRemainingCount: z.number(),
        })
        .parse(body);
      return [roleAssignmentsLimit, roleAssignmentsCurrentCount, roleAssignmentsRemainingCount];
    };
    const [limit = 0, count = 0] = await usage();
    expect([limit, count]).toEqual([25, count]);
    const full = ['RoleAssignmentLimitExceeded', 400, 'No more role assignments can be created.'] as const;
    for (let at = count; at < limit; at += 1) await give(of(randomUUID()), at % 2 === 0 ? scope : groupScope)();
    expect(await usage()).toEqual([25, 25, 0]);
    await expectRefusal('arm', [...full, give(of(randomUUID()))]);
    await expectRefusal('arm', [...full, give(of(randomUUID()), groupScope)]);
    const held = (await all(admin.roleAssignments.listForScope(landing, { filter: 'atScope()' }))).filter(
      (one) => one.scope === landing,
    );
    for (let at = held.length; at < 6; at += 1) await give(of(randomUUID()), landing)();
    await expectRefusal('arm', [...full, give(of(randomUUID()), landing)]);
    expect((await azure.ask('GET', `${landing}/providers/Microsoft.Authorization/roleAssignmentsUsageMetrics?api-version=2019-08-01-preview`, { token })).status).toBe(400); // prettier-ignore
  });
});

describe('role definitions', () => {
  const id = randomUUID();
  const definition = {
    roleName: 'Keeper',
    description: 'Keeps.',
    roleType: 'CustomRole',
    permissions: [{ actions: ['Microsoft.Resources/subscriptions/resourceGroups/*'], notActions: ['*/delete'] }],
    assignableScopes: [`/subscriptions/${watched(1)}`],
  };
  const put =
    (change: object, name: string = randomUUID()) =>
    (): Promise<unknown> =>
      admin.roleDefinitions.createOrUpdate(scope, name, { ...definition, roleName: 'Another', ...change });

  test('are made, changed, listed and deleted', async () => {
    const at = `/subscriptions/${watched(1)}`;
    const made = await admin.roleDefinitions.createOrUpdate(at, id, definition);
    expect(made).toMatchObject({
      id: `${at}/providers/Microsoft.Authorization/roleDefinitions/${id}`,
      type: 'Microsoft.Authorization/roleDefinitions',
      name: id,
      ...definition,
      permissions: [{ ...definition.permissions[0], dataActions: [], notDataActions: [] }],
    });
    await admin.roleDefinitions.createOrUpdate(at, id, { ...definition, description: 'Keeps more.' });
    expect(await admin.roleDefinitions.get(at, id)).toMatchObject({ description: 'Keeps more.' });
    expect(await admin.roleDefinitions.getById(`${at}/providers/Microsoft.Authorization/roleDefinitions/${READER}`)).toMatchObject({ roleName: 'Reader', roleType: 'BuiltInRole', permissions: [{ actions: ['*/read'] }] }); // prettier-ignore
    const named = async (filter: string): Promise<unknown[]> =>
      (await all(admin.roleDefinitions.list(at, { filter }))).map(({ roleName }) => roleName);
    expect(await named("roleName eq 'Keeper'")).toEqual(['Keeper']);
    expect(await named("type eq 'CustomRole'")).toEqual(['Keeper']);
    expect(await named('atScopeAndBelow()')).toContain('Owner');
  });

  test('are refused', async () => {
    const unknown = randomUUID();
    const dataActions = [{ dataActions: ['Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'] }];
    const assigned = await admin.roleAssignments.create(`/subscriptions/${watched(1)}`, randomUUID(), of(randomUUID(), id)); // prettier-ignore
    const theirScope = `${scope}/providers/Microsoft.Authorization/roleDefinitions/${unknown}`;
    await admin.roleAssignments.create(landing, randomUUID(), of(delegate.principalId, RBAC_ADMINISTRATOR)).catch(() => undefined); // prettier-ignore
    const actions = (one: string) => put({ permissions: [{ actions: [one] }] });
    const cases: readonly RefusalCase[] = [
      ['InvalidRoleDefinitionId', 400, "The role definition ID 'mine' is not valid. It must be a GUID.", put({}, 'mine')], // prettier-ignore
      ['RoleDefinitionWithSameNameExists', 409, 'A custom role with the same name already exists in this directory. Use a different name.', put({ roleName: 'Keeper' })], // prettier-ignore
      ['RoleDefinitionUpdateNotPermitted', 400, /^A built-in role definition cannot be changed/, put({}, OWNER)],
      ['RoleDefinitionDeleteNotPermitted', 400, /^A built-in role definition cannot be deleted/, () => admin.roleDefinitions.delete(scope, OWNER)], // prettier-ignore
      ['RoleDefinitionHasAssignments', 400, 'There are existing role assignments referencing role.', () => admin.roleDefinitions.delete(scope, id)], // prettier-ignore
      ['InvalidAssignableScope', 400, /^The assignable scope '\/' is not valid/, put({ assignableScopes: ['/'] })],
      ['InvalidAssignableScope', 400, /only one management group/, put({ assignableScopes: [landing, landing.replace('landing-zones', 'platform')] })], // prettier-ignore
      ['CannotAssignDataActionsAtManagementGroup', 400, /dataActions/, put({ assignableScopes: [landing], permissions: dataActions })], // prettier-ignore
      ['InvalidActionOrNotAction', 400, "'reading' does not match any of the actions supported by the providers.", actions('reading')], // prettier-ignore
      ['InvalidDataActionOrNotDataAction', 400, "'reading' does not match any of the actions supported by the providers.", put({ permissions: [{ dataActions: ['reading'] }] })], // prettier-ignore
      ['RoleDefinitionDoesNotExist', 404, `The specified role definition with ID '${bare(unknown)}' does not exist.`, () => admin.roleDefinitions.get(scope, unknown)], // prettier-ignore
      ['RoleDefinitionDoesNotExist', 404, `The specified role definition with ID '${bare(id)}' does not exist.`, () => admin.roleDefinitions.get(scope, id)], // prettier-ignore
      ['RoleAssignmentScopeNotAssignableToRoleDefinition', 400, /is not assignable to the role definition/, give(of(randomUUID(), id))], // prettier-ignore
      ['InvalidFilter', 400, "The filter 'name eq 'x'' is not supported.", () => all(admin.roleDefinitions.list(scope, { filter: "name eq 'x'" }))], // prettier-ignore
      ['InvalidRequestContent', 400, /'properties.roleName'/, put({ roleName: '' })],
      ['AuthorizationFailed', 403, new RegExp(`'Microsoft.Authorization/roleDefinitions/write' over scope '${theirScope}'`), () => theirs.roleDefinitions.createOrUpdate(scope, unknown, definition)], // prettier-ignore
    ];
    for (const one of cases) await expectRefusal('arm', one);
    const owner = await admin.roleAssignments.create(
      `/subscriptions/${watched(1)}`,
      randomUUID(),
      of(delegate.principalId, OWNER),
    );
    const elsewhere = {
      ...definition,
      assignableScopes: [`/subscriptions/${watched(1)}`, `/subscriptions/${watched(2)}`],
    };
    await expectRefusal('arm', ['LinkedAuthorizationFailed', 403, `The client '${delegate.clientId}' with object id '${delegate.principalId}' has permission to perform action on scope '/subscriptions/${watched(1)}/providers/Microsoft.Authorization/roleDefinitions/${unknown}'; however, it does not have permission to perform action(s) 'Microsoft.Authorization/roleDefinitions/write' on the linked scope(s) '/subscriptions/${watched(2)}' (respectively) or the linked scope(s) are invalid.`, () => theirs.roleDefinitions.createOrUpdate(`/subscriptions/${watched(1)}`, unknown, elsewhere)]); // prettier-ignore
    for (const { id: held = '' } of [owner, assigned]) await admin.roleAssignments.deleteById(held);
    expect(await admin.roleDefinitions.delete(scope, id)).toMatchObject({ name: id });
    expect(await admin.roleDefinitions.delete(scope, id)).toEqual({});
  });
});

test('a caller is told its rights, and who is denied what', async () => {
  const rights = await all(admin.permissions.listForResourceGroup('rg'));
  expect(rights).toEqual(expect.arrayContaining([expect.objectContaining({ actions: ['*'], notActions: [] })]));
  const mine = new AuthorizationManagementClient(holding(await azure.token('sentry-orchestrator')), platform, optionsOf(azure)); // prettier-ignore
  const own = await all(mine.permissions.listForResourceGroup('rg'));
  expect(own.flatMap(({ notActions = [] }) => notActions)).toContain('Microsoft.Authorization/*/Write');
  const { denyAssignments } = admin;
  for (const list of [denyAssignments.list(), denyAssignments.listForScope(scope), denyAssignments.listForResourceGroup('rg')]) expect(await all(list)).toEqual([]); // prettier-ignore
  const unknown = randomUUID();
  await expectRefusal('arm', ['DenyAssignmentNotFound', 404, `The deny assignment '${bare(unknown)}' is not found.`, () => denyAssignments.get(scope, unknown)]); // prettier-ignore
  await expectRefusal('arm', ['AuthorizationFailed', 403, /Microsoft.Authorization\/permissions\/read/, () => all(theirs.permissions.listForResourceGroup('rg'))]); // prettier-ignore
});

test('what is not simulated of it says so', async () => {
  const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  const cases: readonly RefusalCase[] = [
    ['InvalidResourceType', 404, /roleEligibilitySchedules' could not be found in the namespace 'Microsoft.Authorization'/, () => all(admin.roleEligibilitySchedules.listForScope(scope))], // prettier-ignore
    ['InvalidResourceType', 404, /classicAdministrators/, () => all(admin.classicAdministrators.list())],
  ];
  for (const one of cases) {
    const { body } = await expectRefusal('arm', one);
    expect(body).toMatchObject({ error: { details: [{ code: 'NotSimulated', message: expect.stringContaining('roleAssignments') }] } }); // prettier-ignore
  }
  warn.mockRestore();
});
