/** Locks, policies, tags and diagnostic settings: what stands between a permitted write and its effect. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import {
  type Answer,
  type Arm,
  armOf,
  errorOf,
  instant,
  location,
  network,
  platform,
  startTestAzure,
  type TestAzure,
  version,
} from './simulator.support';

const subscription = `/subscriptions/${platform}`;
const group = `${subscription}/resourceGroups/rg`;

let azure: TestAzure;
let arm: Arm;
let admin: Arm;

beforeAll(async () => {
  azure = await startTestAzure(instant);
  arm = await armOf(azure);
  const token = await azure.token('administrator');
  admin = (method, path, body) =>
    azure.ask(method, `${path}${path.includes('?') ? '&' : '?'}${version.slice(1)}`, {
      token,
      ...(body === undefined ? {} : { body }),
    });
});
afterAll(async () => azure.stop());

const messageOf = ({ body }: Answer): string =>
  z.object({ error: z.object({ message: z.string() }) }).parse(body).error.message;
const nsg = (name: string): string => network(`networkSecurityGroups/${name}`);
const authorization = (scope: string, rest: string): string => `${scope}/providers/Microsoft.Authorization/${rest}`;

describe('locks', () => {
  const lock = (scope: string, name = 'keep'): string => authorization(scope, `locks/${name}`);
  const level = (of: string): object => ({ properties: { level: of, notes: 'why' } });

  test('CanNotDelete lets writes through, and stops the deletion of the resource and of all above it', async () => {
    await arm('PUT', nsg('kept'), { location });
    expect((await admin('PUT', lock(nsg('kept')), level('CanNotDelete'))).status).toBe(201);
    expect((await arm('PUT', nsg('kept'), { location })).status).toBe(200);
    const refused = await arm('DELETE', nsg('kept'));
    expect([refused.status, errorOf(refused)]).toEqual([409, 'ScopeLocked']);
    expect(messageOf(refused)).toBe(
      `The scope '${nsg('kept')}' cannot perform delete operation because following scope(s) are locked: '${nsg('kept')}'. Please remove the lock and try again.`,
    );
    expect(messageOf(await admin('DELETE', group))).toContain(`following scope(s) are locked: '${nsg('kept')}'`);
    expect((await admin('GET', authorization(group, 'locks'))).body).toMatchObject({
      value: [{ name: 'keep', properties: { level: 'CanNotDelete', notes: 'why' } }],
    });
    expect(errorOf(await arm('DELETE', lock(nsg('kept'))))).toBe('AuthorizationFailed');
    expect((await admin('DELETE', lock(nsg('kept')))).status).toBe(200);
    expect((await arm('DELETE', nsg('kept'))).status).toBe(202);
  });

  test('ReadOnly at a subscription stops every write in it, until it goes', async () => {
    await admin('PUT', lock(subscription), level('ReadOnly'));
    const refused = await arm('PUT', nsg('new'), { location });
    expect([refused.status, messageOf(refused)]).toEqual([
      409,
      `The scope '${nsg('new')}' cannot perform write operation because following scope(s) are locked: '${subscription}'. Please remove the lock and try again.`,
    ]);
    expect((await arm('GET', group)).status).toBe(200);
    await azure.restart();
    expect(errorOf(await arm('PATCH', group, { tags: {} }))).toBe('ScopeLocked');
    await admin('DELETE', lock(subscription));
    expect((await arm('PUT', nsg('new'), { location })).status).toBe(201);
  });

  test('have one of two levels, and begin at subscriptions', async () => {
    expect(errorOf(await admin('PUT', lock(group), level('Frozen')))).toBe('InvalidRequestContent');
    const root = `/providers/Microsoft.Management/managementGroups/platform`;
    expect(errorOf(await admin('PUT', lock(root), level('ReadOnly')))).toBe('InvalidLockScope');
    expect(errorOf(await admin('GET', lock(group, 'none')))).toBe('LockNotFound');
  });
});

describe('policies', () => {
  const definition = (name: string): string => `/providers/Microsoft.Authorization/policyDefinitions/${name}`;
  const assign = (scope: string, name: string, policyDefinitionId: string, rest: object = {}): Promise<Answer> =>
    admin('PUT', authorization(scope, `policyAssignments/${name}`), { properties: { policyDefinitionId, ...rest } });
  const unassign = (scope: string, name: string): Promise<Answer> =>
    admin('DELETE', authorization(scope, `policyAssignments/${name}`));
  const platformGroup = '/providers/Microsoft.Management/managementGroups/platform';
  const locations = definition('e56962a6-4747-49cd-b67b-bf8b01975c4c');

  test('let an exempted scope do what they deny, for as long as the exemption lasts', async () => {
    const parameters = { listOfAllowedLocations: { value: ['northeurope'] } };
    await assign(platformGroup, 'north', locations, { parameters });
    const policyAssignmentId = authorization(platformGroup, 'policyAssignments/north');
    const exemption = authorization(group, 'policyExemptions/pilot');
    const properties = { policyAssignmentId, exemptionCategory: 'Waiver' };
    expect(errorOf(await admin('GET', exemption))).toBe('PolicyExemptionNotFound');
    expect((await admin('DELETE', exemption)).status).toBe(204);
    expect((await arm('PUT', nsg('exempted'), { location })).status).toBe(403);
    expect((await admin('PUT', exemption, { properties })).status).toBe(201);
    expect((await admin('PUT', exemption, { properties })).status).toBe(200);
    expect((await arm('PUT', nsg('exempted'), { location })).status).toBe(201);
    expect((await admin('GET', exemption)).body).toMatchObject({ name: 'pilot', properties });
    expect((await admin('GET', authorization(group, 'policyExemptions'))).body).toMatchObject({
      value: [{ id: exemption }],
    });
    await admin('PUT', exemption, { properties: { ...properties, expiresOn: '2020-01-01T00:00:00Z' } });
    expect((await arm('PUT', nsg('expired'), { location })).status).toBe(403);
    expect((await admin('DELETE', exemption)).status).toBe(200);
    await unassign(platformGroup, 'north');
  });

  test('deny from a management group, with all that Azure says of why', async () => {
    const parameters = { listOfAllowedLocations: { value: ['northeurope'] } };
    expect((await assign(platformGroup, 'where', locations, { displayName: 'Only north', parameters })).status).toBe(
      201,
    );
    const refused = await arm('PUT', nsg('south'), { location });
    expect([refused.status, refused.body]).toMatchObject([
      403,
      {
        error: {
          code: 'RequestDisallowedByPolicy',
          target: 'south',
          message: `Resource 'south' was disallowed by policy. Policy identifiers: '[{"policyAssignment":{"name":"Only north","id":"${platformGroup}/providers/Microsoft.Authorization/policyAssignments/where"},"policyDefinition":{"name":"Allowed locations","id":"${locations}"}}]'.`,
          additionalInfo: [
            {
              type: 'PolicyViolation',
              info: {
                policyDefinitionDisplayName: 'Allowed locations',
                policyDefinitionEffect: 'deny',
                policyAssignmentName: 'where',
                policyAssignmentScope: platformGroup,
                policyAssignmentParameters: parameters,
                evaluationDetails: {
                  evaluatedExpressions: [
                    { result: 'True', expression: 'location', expressionValue: location, operator: 'NotIn' },
                    {},
                  ],
                },
              },
            },
          ],
        },
      },
    ]);
    expect((await arm('PUT', nsg('north'), { location: 'northeurope' })).status).toBe(201);
    expect((await arm('PUT', `${subscription}/resourceGroups/anywhere`, { location })).status).toBe(201);
    await assign(platformGroup, 'where', locations, { parameters, notScopes: [group] });
    expect((await arm('PUT', nsg('south'), { location })).status).toBe(201);
    await assign(platformGroup, 'where', locations, { parameters, enforcementMode: 'DoNotEnforce' });
    expect(
      (
        await arm(
          'PUT',
          `${subscription}/resourceGroups/anywhere/providers/Microsoft.Network/networkSecurityGroups/a`,
          { location },
        )
      ).status,
    ).toBe(201);
    await unassign(platformGroup, 'where');
  });

  test('require a tag, add one, and take one from the group', async () => {
    await assign(group, 'required', definition('871b6d14-10aa-478d-b590-94f262ecfa99'), {
      parameters: { tagName: { value: 'owner' } },
      nonComplianceMessages: [{ message: 'Say whose it is.' }],
    });
    expect(messageOf(await arm('PUT', nsg('whose'), { location }))).toBe(
      "Resource 'whose' was disallowed by policy. Reasons: 'Say whose it is.'. See error details for policy resource IDs.",
    );
    // What a modify adds satisfies the deny.
    await assign(group, 'added', definition('4f9dc7db-30c1-420c-b61a-e1d640128d26'), {
      parameters: { tagName: { value: 'owner' }, tagValue: { value: 'security' } },
    });
    await arm('PATCH', group, { tags: { cost: '42' } });
    await assign(group, 'inherited', definition('cd3aa116-8754-49c9-a813-ad46512ece54'), {
      parameters: { tagName: { value: 'cost' } },
    });
    expect((await arm('PUT', nsg('whose'), { location, tags: { cost: '1', own: 'yes' } })).body).toMatchObject({
      tags: { cost: '42', own: 'yes', owner: 'security' },
    });
    for (const name of ['required', 'added', 'inherited']) await unassign(group, name);
  });

  test('forbid a type, and public addresses on network interfaces', async () => {
    await assign(subscription, 'types', definition('6c112d4e-5bc7-47ae-a041-ea2d9dccd749'), {
      parameters: { listOfResourceTypesNotAllowed: { value: ['microsoft.network/natgateways'] } },
    });
    await assign(subscription, 'nic', definition('83a86a26-fd1f-447c-b59d-e51f44264114'));
    expect(errorOf(await arm('PUT', network('natGateways/n'), { location, sku: { name: 'Standard' } }))).toBe(
      'RequestDisallowedByPolicy',
    );
    const ipConfiguration = (rest: object): object => ({
      location,
      properties: {
        ipConfigurations: [
          { name: 'one', properties: { subnet: { id: network('virtualNetworks/v/subnets/s') }, ...rest } },
        ],
      },
    });
    const publicIPAddress = { id: network('publicIPAddresses/p') };
    expect(errorOf(await arm('PUT', network('networkInterfaces/n'), ipConfiguration({ publicIPAddress })))).toBe(
      'RequestDisallowedByPolicy',
    );
    expect(errorOf(await arm('PUT', network('networkInterfaces/n'), ipConfiguration({})))).toBe(
      'InvalidResourceReference',
    );
    await unassign(subscription, 'types');
    await unassign(subscription, 'nic');
  });

  test('of one’s own are carried out, or refused in words', async () => {
    const own = authorization(subscription, 'policyDefinitions/no-ssh');
    const rule = (test: object, effect = 'deny'): object => ({
      properties: { displayName: 'No groups called ssh', mode: 'All', policyRule: { if: test, then: { effect } } },
    });
    const test = {
      allOf: [
        { field: 'type', equals: 'Microsoft.Network/networkSecurityGroups' },
        { field: 'name', like: 'ssh-*' },
      ],
    };
    expect((await admin('PUT', own, rule(test))).status).toBe(201);
    await assign(group, 'own', own);
    expect(errorOf(await arm('PUT', nsg('ssh-1'), { location }))).toBe('RequestDisallowedByPolicy');
    expect(errorOf(await admin('DELETE', own))).toBe('InvalidDeletePolicyDefinitionRequest');
    await unassign(group, 'own');
    expect((await admin('DELETE', own)).status).toBe(200);
    expect(errorOf(await admin('PUT', own, rule(test, 'deployIfNotExists')))).toBe('NotSimulated');
    expect(errorOf(await admin('PUT', own, rule({ count: { field: 'x[*]' }, greater: 1 })))).toBe('NotSimulated');
  });

  test('are assigned only whole', async () => {
    expect(errorOf(await assign(group, 'x', locations))).toBe('MissingPolicyParameter');
    expect(errorOf(await assign(group, 'x', definition('none')))).toBe('PolicyDefinitionNotFound');
    const more = { parameters: { listOfAllowedLocations: { value: [] }, other: { value: 1 } } };
    expect(errorOf(await assign(group, 'x', locations, more))).toBe('UndefinedPolicyParameter');
    expect(errorOf(await admin('GET', authorization(group, 'policyAssignments/x')))).toBe('PolicyAssignmentNotFound');
  });
});

describe('tags', () => {
  const tags = (scope: string): string => `${scope}/providers/Microsoft.Resources/tags/default`;
  const given = (of: object, operation?: string): object => ({
    ...(operation === undefined ? {} : { operation }),
    properties: { tags: of },
  });

  test('are read and written beside the resource, whole or in part', async () => {
    await arm('PUT', nsg('tagged'), { location, tags: { a: '1', b: '2' } });
    expect((await arm('GET', tags(nsg('tagged')))).body).toMatchObject({
      name: 'default',
      type: 'Microsoft.Resources/tags',
      properties: { tags: { a: '1', b: '2' } },
    });
    expect((await arm('PATCH', tags(nsg('tagged')), given({ B: '3', c: '4' }, 'Merge'))).body).toMatchObject({
      properties: { tags: { a: '1', B: '3', c: '4' } },
    });
    expect((await arm('PATCH', tags(nsg('tagged')), given({ a: 'other', c: '4' }, 'Delete'))).body).toMatchObject({
      properties: { tags: { a: '1', B: '3' } },
    });
    expect((await arm('PUT', tags(nsg('tagged')), given({ z: '0' }))).status).toBe(200);
    expect((await arm('GET', nsg('tagged'))).body).toMatchObject({ tags: { z: '0' } });
    expect((await arm('DELETE', tags(group))).status).toBe(200);
    expect((await admin('PUT', tags(subscription), given({ owner: 'us' }))).status).toBe(200);
    expect((await admin('GET', subscription)).body).toMatchObject({ tags: { owner: 'us' } });
    expect(errorOf(await arm('GET', tags(nsg('none'))))).toBe('ResourceNotFound');
  });

  test('have limits', async () => {
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`t${index}`, '']));
    expect(errorOf(await arm('PUT', nsg('many'), { location, tags: many }))).toBe('InvalidTagCount');
    expect(errorOf(await arm('PATCH', tags(group), given({ 'a/b': '' }, 'Merge')))).toBe('InvalidTagNameCharacters');
    expect(errorOf(await arm('PUT', tags(group), given({ a: 'x'.repeat(257) })))).toBe('InvalidTagValue');
    expect(errorOf(await arm('PATCH', tags(group), given({}, 'Add')))).toBe('InvalidRequestContent');
  });
});

describe('diagnostic settings', () => {
  const setting = (scope: string, name: string): string =>
    `${scope}/providers/Microsoft.Insights/diagnosticSettings/${name}`;
  const workspaceId = `${group}/providers/Microsoft.OperationalInsights/workspaces/logs`;
  const all = { workspaceId, logs: [{ categoryGroup: 'allLogs', enabled: true }] };
  const codeOf = ({ body }: Answer): unknown => z.looseObject({ code: z.string() }).parse(body).code;

  test('are kept with their resource, one sink to a category', async () => {
    const at = nsg('watched');
    await arm('PUT', at, { location });
    expect((await arm('PUT', setting(at, 'one'), { properties: all })).status).toBe(200);
    const twice = await arm('PUT', setting(at, 'two'), { properties: all });
    expect([twice.status, twice.body]).toEqual([
      409,
      {
        code: 'Conflict',
        message: `Data sink '${workspaceId}' is already used in diagnostic setting 'one' for category 'NetworkSecurityGroupEvent'. Data sinks can't be reused in different settings on the same category for the same resource.`,
      },
    ]);
    expect((await arm('GET', setting(at, '').slice(0, -1))).body).toMatchObject({
      value: [{ name: 'one', properties: { workspaceId } }],
    });
    expect(codeOf(await arm('GET', setting(at, 'two')))).toBe('ResourceNotFound');
    await arm('DELETE', at);
    expect(codeOf(await arm('GET', setting(at, 'one')))).toBe('ResourceNotFound');
  });

  test('name a sink and categories that there are', async () => {
    await arm('PUT', nsg('w2'), { location });
    const put = async (properties: object): Promise<unknown> =>
      z.object({ message: z.string() }).parse((await arm('PUT', setting(nsg('w2'), 'x'), { properties })).body).message;
    expect(await put({ logs: all.logs })).toBe('At least one data sink needs to be specified.');
    expect(await put({ workspaceId, logs: [{ category: 'AuditEvent', enabled: true }] })).toBe(
      "Category 'AuditEvent' is not supported.",
    );
    expect(
      (
        await admin('PUT', setting(subscription, 'activity'), {
          properties: { workspaceId, logs: [{ category: 'Administrative', enabled: true }] },
        })
      ).status,
    ).toBe(200);
    expect(
      (await arm('GET', `${nsg('w2')}/providers/Microsoft.Insights/diagnosticSettingsCategories`)).body,
    ).toMatchObject({ value: [{ name: 'NetworkSecurityGroupEvent' }, {}] });
  });
});

test('resources are listed by type, name and tag', async () => {
  await arm('PUT', nsg('listed'), { location, tags: { team: 'x' } });
  const listed = async (filter: string): Promise<Answer> =>
    admin('GET', `${group}/resources?$filter=${encodeURIComponent(filter)}`);
  for (const filter of [
    "tagName eq 'team' and tagValue eq 'x'",
    "resourceType eq 'microsoft.network/networksecuritygroups' and name eq 'listed'",
  ]) {
    expect((await listed(filter)).body).toMatchObject({ value: [{ id: nsg('listed') }] });
  }
  expect(errorOf(await listed("plan eq 'x'"))).toBe('InvalidFilterInQueryString');
});
