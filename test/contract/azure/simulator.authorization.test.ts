/** Who may give roles to whom: conditions, custom roles, limits, and what a caller is told of its own rights. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import {
  type Answer,
  type Arm,
  armOf,
  errorOf,
  instant,
  location,
  platform,
  startTestAzure,
  type TestAzure,
  version,
  watched,
} from './simulator.support';

const READER = 'acdd72a7-3385-48ef-bd42-f606fba81ae7';
const CONTRIBUTOR = 'b24988ac-6180-42a0-ab88-20f7382dd24c';
const OWNER = '8e3af657-a8ff-443c-a75c-2fe8c4bcb635';
const RBAC_ADMINISTRATOR = 'f58310d9-a9f6-439a-9e8d-f62e7b41a168';
const delegate = {
  principalId: '5c000000-0000-4000-8000-000000000011',
  clientId: '5c000000-0000-4000-8000-0000000000c1',
};
const collector = '5c000000-0000-4000-8000-0000000000aa';
const scope = `/subscriptions/${platform}`;

let azure: TestAzure;
let arm: Arm;
let admin: Arm;
let theirs: Arm;

const armAs = async (name: string): Promise<Arm> => {
  const token = await azure.token(name);
  return (method, path, body) =>
    azure.ask(method, `${path}${path.includes('?') ? '&' : '?'}${version.slice(1)}`, {
      token,
      ...(body === undefined ? {} : { body }),
    });
};

beforeAll(async () => {
  const limits = { ...instant.limits, roleAssignmentsPerSubscription: 40 };
  azure = await startTestAzure({
    ...instant,
    limits,
    principals: [...instant.principals, { name: 'delegate', ...delegate, roles: [], graphRoles: [] }],
  });
  arm = await armOf(azure);
  admin = await armAs('administrator');
  theirs = await armAs('delegate');
});
afterAll(async () => azure.stop());

const assignment = (at: string, name: string = randomUUID()): string =>
  `${at}/providers/Microsoft.Authorization/roleAssignments/${name}`;
const granted = (role: string, principalId: string, rest: object = {}): object => ({
  properties: {
    roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${role}`,
    principalId,
    principalType: 'ServicePrincipal',
    ...rest,
  },
});
const messageOf = ({ body }: Answer): string =>
  z.object({ error: z.object({ message: z.string() }) }).parse(body).error.message;

/** As the portal writes "Allow user to only assign selected roles to selected principals". */
const portal = (roles: string, principals: string): string =>
  ['write:Request', 'delete:Resource']
    .map((pair) => pair.split(':'))
    .map(
      ([verb, side]) => `(
 (
  !(ActionMatches{'Microsoft.Authorization/roleAssignments/${verb}'})
 )
 OR
 (
  @${side}[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${roles}}
  AND
  @${side}[Microsoft.Authorization/roleAssignments:PrincipalId] ForAnyOfAnyValues:GuidEquals {${principals}}
 )
)`,
    )
    .join('\nAND\n');

describe('a condition on a role assignment', () => {
  test('lets a delegate give and take the named roles of the named principals, and nothing else', async () => {
    const condition = portal(READER, collector);
    const given = await admin(
      'PUT',
      assignment(scope),
      granted(RBAC_ADMINISTRATOR, delegate.principalId, { condition }),
    );
    expect([given.status, given.body]).toMatchObject([201, { properties: { condition, conditionVersion: '2.0' } }]);
    const own = assignment(scope);
    expect((await theirs('PUT', own, granted(READER, collector))).status).toBe(201);
    for (const [role, principal] of [
      [OWNER, collector],
      [READER, delegate.principalId],
    ] as const) {
      const refused = await theirs('PUT', assignment(scope), granted(role, principal));
      expect([refused.status, errorOf(refused)]).toEqual([403, 'AuthorizationFailed']);
      expect(messageOf(refused)).toContain(
        "has an authorization with ABAC condition that is not fulfilled to perform action 'Microsoft.Authorization/roleAssignments/write'",
      );
    }
    const other = assignment(scope);
    await admin('PUT', other, granted(CONTRIBUTOR, collector));
    expect(messageOf(await theirs('DELETE', other))).toContain("roleAssignments/delete'");
    expect((await theirs('DELETE', own)).status).toBe(200);
    expect((await theirs('GET', assignment(scope).slice(0, -37))).status).toBe(200);
  });

  test.each([
    [
      'GuidNotEquals of all',
      `@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAllValues:GuidNotEquals {${OWNER}, ${CONTRIBUTOR}}`,
      201,
    ],
    [
      'a principal type',
      "@Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringEqualsIgnoreCase 'serviceprincipal'",
      201,
    ],
    [
      'another principal type',
      "@Request[Microsoft.Authorization/roleAssignments:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {'User', 'Group'}",
      403,
    ],
  ])('%s', async (_, condition, status) => {
    const at = `${scope}/resourceGroups/rg`;
    const name = randomUUID();
    // The only right of the delegate here: the one above is taken away.
    for (const one of await listed(`principalId eq '${delegate.principalId}'`)) await admin('DELETE', one);
    await admin('PUT', assignment(at, name), granted(RBAC_ADMINISTRATOR, delegate.principalId, { condition }));
    expect((await theirs('PUT', assignment(at), granted(READER, randomUUID()))).status).toBe(status);
  });

  const listed = async (filter: string): Promise<string[]> => {
    const { body } = await admin('GET', `${assignment(scope, '').slice(0, -1)}?$filter=${encodeURIComponent(filter)}`);
    return z
      .object({ value: z.array(z.object({ id: z.string() })) })
      .parse(body)
      .value.map(({ id }) => id);
  };

  test.each([
    [
      'no condition at all',
      '(@Request[Microsoft.Authorization/roleAssignments:PrincipalId] GuidEquals',
      '2.0',
      'InvalidRoleAssignmentCondition',
    ],
    ['an old version', portal(READER, collector), '1.0', 'InvalidRoleAssignmentCondition'],
    [
      'a storage attribute',
      "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:Name] StringEquals 'x'",
      '2.0',
      'NotSimulated',
    ],
    [
      'an operator not known',
      "@Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringLike 'S*'",
      '2.0',
      'NotSimulated',
    ],
  ])('is refused when it is %s', async (_, condition, conditionVersion, code) => {
    const refused = await admin('PUT', assignment(scope), granted(READER, collector, { condition, conditionVersion }));
    expect([refused.status, errorOf(refused)]).toEqual([400, code]);
  });
});

describe('role assignments', () => {
  test('are refused by name, by scope of the role, and when there are too many', async () => {
    expect(errorOf(await admin('PUT', assignment(scope, 'no-guid'), granted(READER, collector)))).toBe(
      'InvalidRoleAssignmentId',
    );
    expect(errorOf(await admin('PUT', assignment(scope), granted(randomUUID(), collector)))).toBe(
      'RoleDefinitionDoesNotExist',
    );
    expect(errorOf(await admin('PUT', assignment(`${scope}/resourceGroups/none`), granted(READER, collector)))).toBe(
      'ResourceGroupNotFound',
    );
    const nowhere = '/providers/Microsoft.Management/managementGroups/none';
    expect(errorOf(await admin('PUT', assignment(nowhere), granted(READER, collector)))).toBe('NotFound');
    const name = randomUUID();
    await admin('PUT', assignment(scope, name), granted(READER, collector));
    const again = await admin('PUT', assignment(scope), granted(READER, collector));
    expect([again.status, errorOf(again)]).toEqual([409, 'RoleAssignmentExists']);
    expect(messageOf(again)).toContain(name.replaceAll('-', ''));
    expect((await admin('PUT', assignment(scope, name), granted(READER, collector))).status).toBe(200);
    expect(errorOf(await admin('PUT', assignment(scope, name), granted(READER, randomUUID())))).toBe(
      'RoleAssignmentUpdateNotPermitted',
    );
    let last = await admin('PUT', assignment(scope), granted(READER, randomUUID()));
    for (let count = 0; count < 45 && last.status === 201; count += 1) {
      last = await admin('PUT', assignment(scope), granted(READER, randomUUID()));
    }
    expect([last.status, errorOf(last)]).toEqual([400, 'RoleAssignmentLimitExceeded']);
  });

  test('a scope tells the caller its rights, and has no deny assignments', async () => {
    const at = (path: string): string => `${scope}/resourceGroups/rg/providers/Microsoft.Authorization/${path}`;
    const own = await arm('GET', at('permissions'));
    expect(own.body).toMatchObject({
      value: expect.arrayContaining([
        {
          actions: ['*'],
          notActions: expect.arrayContaining(['Microsoft.Authorization/*/Write']),
          dataActions: [],
          notDataActions: [],
        },
      ]),
    });
    expect((await arm('GET', at('denyAssignments'))).body).toEqual({ value: [] });
    expect(
      errorOf(
        await arm(
          'GET',
          `/subscriptions/5b000000-0000-4000-9000-000000000001/providers/Microsoft.Authorization/permissions`,
        ),
      ),
    ).toBe('AuthorizationFailed');
  });
});

describe('a custom role', () => {
  const id = randomUUID();
  const definition = (name: string): string => `${scope}/providers/Microsoft.Authorization/roleDefinitions/${name}`;
  const properties = {
    roleName: 'Group keeper',
    description: 'Makes groups but never deletes them.',
    permissions: [{ actions: ['Microsoft.Resources/subscriptions/resourceGroups/*'], notActions: ['*/delete'] }],
    assignableScopes: [`/subscriptions/${watched(1)}`],
  };

  test('gives what its actions say less its notActions, within its assignable scopes', async () => {
    const made = await admin('PUT', definition(id), { properties });
    expect([made.status, made.body]).toMatchObject([
      201,
      { properties: { type: 'CustomRole', roleName: 'Group keeper' } },
    ]);
    expect(
      errorOf(await admin('PUT', assignment(`/subscriptions/${watched(2)}`), granted(id, delegate.principalId))),
    ).toBe('RoleAssignmentScopeNotAssignableToRoleDefinition');
    const at = `/subscriptions/${watched(1)}`;
    await admin('PUT', assignment(at), granted(id, delegate.principalId));
    expect((await theirs('PUT', `${at}/resourceGroups/kept`, { location })).status).toBe(201);
    expect(errorOf(await theirs('DELETE', `${at}/resourceGroups/kept`))).toBe('AuthorizationFailed');
    expect(errorOf(await admin('DELETE', definition(id)))).toBe('RoleDefinitionHasAssignments');
    const { body } = await admin(
      'GET',
      `${at}/providers/Microsoft.Authorization/roleDefinitions?$filter=type%20eq%20'CustomRole'`,
    );
    expect(body).toMatchObject({ value: [{ name: id }] });
  });

  test('has rules of its own', async () => {
    const put = (change: object, name: string = randomUUID()): Promise<Answer> =>
      admin('PUT', definition(name), { properties: { ...properties, ...change } });
    const taken = await put({});
    expect([taken.status, errorOf(taken)]).toEqual([409, 'RoleDefinitionWithSameNameExists']);
    const other = { roleName: 'other' };
    expect(errorOf(await put({ ...other, assignableScopes: ['/'] }))).toBe('InvalidAssignableScope');
    const wrong = await put({ ...other, permissions: [{ actions: ['reading'] }] });
    expect([errorOf(wrong), messageOf(wrong)]).toEqual([
      'InvalidActionOrNotAction',
      "'reading' does not match any of the actions supported by the providers.",
    ]);
    expect(errorOf(await put({}, OWNER))).toBe('RoleDefinitionUpdateNotPermitted');
  });
});
