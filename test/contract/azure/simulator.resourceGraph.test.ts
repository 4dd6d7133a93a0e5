/** Resource Graph: its tables, cut to what the caller may read, roles of the tenant's own among them. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { type Arm, armOf, location, network, platform, startTestAzure, type TestAzure } from './simulator.support';

const app = 'a0000000-0000-4000-8000-000000000001';
const subscription = `/subscriptions/${platform}`;
const role = '7c000000-0000-4000-8000-000000000001';
const unused = '7c000000-0000-4000-8000-000000000002';

let azure: TestAzure;
let arm: Arm;

beforeAll(async () => {
  azure = await startTestAzure();
  arm = await armOf(azure);
  const token = await azure.token('administrator');
  await arm('PUT', network('networkSecurityGroups/one'), { location: 'West Europe', tags: { team: 'blue' } });
  await arm('PUT', network('virtualNetworks/two'), { location, properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] } } }); // prettier-ignore
  for (const [id, roleName] of [
    [role, 'Own role'],
    [unused, 'Unused role'],
  ] as const) {
    const permissions = [{ actions: ['Microsoft.Network/*/read'], notActions: [] }];
    const properties = { roleName, description: '', permissions, assignableScopes: [subscription] };
    const path = `${subscription}/providers/Microsoft.Authorization/roleDefinitions/${id}`;
    expect((await arm('PUT', path, { properties }, { token })).status).toBe(201);
  }
  const roleDefinitionId = `${subscription}/providers/Microsoft.Authorization/roleDefinitions/${role}`;
  const body = { properties: { roleDefinitionId, principalId: app, principalType: 'ServicePrincipal' } };
  const name = '7d000000-0000-4000-8000-000000000001';
  await arm(
    'PUT',
    `${subscription}/resourceGroups/rg/providers/Microsoft.Authorization/roleAssignments/${name}`,
    body,
    { token },
  );
});
afterAll(async () => azure.stop());

const shape = z.object({ totalRecords: z.number(), data: z.array(z.record(z.string(), z.unknown())) });
async function ask(query: string, rest: object = {}): Promise<z.infer<typeof shape>> {
  azure.advance(5);
  const answer = await arm('POST', '/providers/Microsoft.ResourceGraph/resources', { query, ...rest });
  expect([query, answer.status, answer.status === 200 ? '' : answer.body]).toEqual([query, 200, '']);
  return shape.parse(answer.body);
}

test('resources, with what a GET of each shows', async () => {
  const { data } = await ask(
    "resources | where type =~ 'Microsoft.Network/networkSecurityGroups' and tags.team == 'blue'",
  );
  expect(data).toMatchObject([
    {
      id: network('networkSecurityGroups/one'),
      name: 'one',
      type: 'microsoft.network/networksecuritygroups',
      location,
      resourceGroup: 'rg',
      subscriptionId: platform,
      tags: { team: 'blue' },
      properties: { provisioningState: 'Succeeded', securityRules: [] },
    },
  ]);
  const counted = await ask(
    `resources | where subscriptionId == '${platform}' and resourceGroup =~ 'RG' | summarize count() by type | order by type asc`,
  );
  expect(counted.data).toEqual([
    { type: 'microsoft.network/networksecuritygroups', count_: 1 },
    { type: 'microsoft.network/virtualnetworks', count_: 1 },
  ]);
});

test('subscriptions and groups in resourcecontainers', async () => {
  const query =
    "resourcecontainers | where type == 'microsoft.resources/subscriptions/resourcegroups' and name == 'rg' | project id, location";
  expect((await ask(query)).data).toEqual([{ id: `${subscription}/resourceGroups/rg`, location }]);
  const all = await ask("resourcecontainers | where type =~ 'microsoft.resources/subscriptions' | project subscriptionId", { subscriptions: [platform] }); // prettier-ignore
  expect(all.data).toEqual([{ subscriptionId: platform }]);
});

test('role definitions, Azure’s own and the tenant’s', async () => {
  const query =
    "authorizationresources | where type =~ 'microsoft.authorization/roledefinitions' | extend kind = tostring(properties.type)";
  const own = await ask(`${query} | where kind =~ 'CustomRole' | order by name asc | project name, properties`);
  expect(own.data).toMatchObject([
    {
      name: role,
      properties: {
        roleName: 'Own role',
        type: 'CustomRole',
        assignableScopes: [subscription],
        permissions: [{ actions: ['Microsoft.Network/*/read'] }],
      },
    },
    { name: unused },
  ]);
  const builtIn = await ask(
    `${query} | where kind == 'BuiltInRole' | where properties.roleName == 'Reader' | project name, id`,
  );
  expect(builtIn.data).toMatchObject([{ name: 'acdd72a7-3385-48ef-bd42-f606fba81ae7' }]);
});

test('role assignments, and which roles nobody has, as Microsoft’s own sample asks', async () => {
  const held = await ask(`authorizationresources
    | where type =~ 'microsoft.authorization/roleassignments'
    | where tostring(properties.principalId) == '${app}' and properties.scope =~ '${subscription}/resourceGroups/rg'
    | project roleDefinitionId = properties.roleDefinitionId, principalType = properties.principalType`);
  expect(held.data).toEqual([
    {
      roleDefinitionId: `/providers/Microsoft.Authorization/RoleDefinitions/${role}`,
      principalType: 'ServicePrincipal',
    },
  ]);
  const without = await ask(`AuthorizationResources
    | where type =~ "microsoft.authorization/roledefinitions"
    | where tolower(properties.type) == "customrole"
    | extend rdId = tostring(split(tolower(id), "roledefinitions/", 1)[0])
    | extend Scope = tolower(properties.assignableScopes)
    | join kind = leftouter (
    AuthorizationResources
      | where type =~ "microsoft.authorization/roleassignments"
      | extend RoleId = tostring(split(tolower(properties.roleDefinitionId), "roledefinitions/", 1)[0])
      | summarize RoleAssignmentCount = count() by RoleId
    ) on $left.rdId == $right.RoleId
    | where isempty(RoleAssignmentCount)
    | project RoleDefinitionId = rdId, RoleDefinitionName = tostring(properties.roleName), Scope`);
  expect(without.data).toEqual([
    { RoleDefinitionId: unused, RoleDefinitionName: 'Unused role', Scope: `["${subscription}"]` },
  ]);
});

test('a full outer join has the rows of both sides, and what has no match is empty', async () => {
  const types = (verb: string, name: string): string =>
    `resources | where name ${verb} 'two' | summarize ${name} = count(), own = make_set(iff(name =~ 'one', name, '')) by type`;
  const { data } = await ask(
    `${types('!=', 'left')} | join kind=fullouter (resources | where name =~ 'two' | project type, name) on type`,
  );
  expect(data.map(({ type, name }) => [type ?? null, name ?? null])).toEqual(
    expect.arrayContaining([
      ['microsoft.network/networksecuritygroups', null],
      [null, 'two'],
    ]),
  );
  expect(data.find(({ type }) => type === 'microsoft.network/networksecuritygroups')).toMatchObject({ own: ['one'] });
});

test('bags of what belongs together', async () => {
  const { data } = await ask(
    "resources | where name =~ 'two' | summarize all = make_list(bag_pack('id', name, 'space', properties.addressSpace)) by subscriptionId",
  );
  expect(data).toEqual([
    { subscriptionId: platform, all: [{ id: 'two', space: { addressPrefixes: ['10.0.0.0/16'] } }] },
  ]);
});

test('assignments and exemptions of policies: what is inherited is shown where that is asked for', async () => {
  const token = await azure.token('administrator');
  const put = (path: string, properties: object) => arm('PUT', path, { properties }, { token });
  const policyDefinitionId =
    '/providers/Microsoft.Authorization/policyDefinitions/83a86a26-fd1f-447c-b59d-e51f44264114';
  // The app holds no role at the tenant's root group.
  const root = '/providers/Microsoft.Management/managementGroups/7e000000-0000-4000-8000-000000000001';
  const paths = [subscription, root].map((one) => `${one}/providers/Microsoft.Authorization/policyAssignments/no`);
  for (const path of paths) expect((await put(path, { policyDefinitionId })).status).toBe(201);
  const exemption = `${subscription}/providers/Microsoft.Authorization/policyExemptions/yes`;
  await put(exemption, { policyAssignmentId: paths[1], exemptionCategory: 'Waiver' });

  const asked = "policyresources | where type contains 'policyassignments' or type contains 'policyexemptions' | project id"; // prettier-ignore
  const below = await ask(asked);
  expect(below.data.map(({ id }) => id)).toEqual([paths[0], exemption]);
  const all = await ask(asked, { options: { authorizationScopeFilter: 'AtScopeAboveAndBelow' } });
  expect(all.data.map(({ id }) => id).sort()).toEqual([...paths, exemption].sort());
  const exact = await ask(asked, { options: { authorizationScopeFilter: 'AtScopeAndAbove' }, subscriptions: [platform] }); // prettier-ignore
  expect(exact.data.map(({ id }) => id).sort()).toEqual([...paths, exemption].sort());
});

test('what it does not understand it refuses in words', async () => {
  azure.advance(5);
  const query = 'resources | mv-expand tags';
  const refused = await arm('POST', '/providers/Microsoft.ResourceGraph/resources', { query });
  expect([refused.status, refused.body]).toMatchObject([
    400,
    {
      error: {
        code: 'BadRequest',
        details: [
          { code: 'InvalidQuery' },
          { code: 'NotSimulated', message: expect.stringContaining("'mv-expand tags' is not simulated") },
        ],
      },
    },
  ]);
});
