/** Locks, policies, tags and diagnostic settings through their SDKs: every operation, and every refusal. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ManagementLockClient } from '@azure/arm-locks';
import { MonitorClient } from '@azure/arm-monitor';
import { NetworkManagementClient } from '@azure/arm-network';
import { PolicyClient, type PolicyDefinition } from '@azure/arm-policy';
import { ResourceManagementClient } from '@azure/arm-resources';
import { expectRefusal, holding, optionsOf, type RefusalCase } from './simulator.clients.support';
import { all, location, platform, startTestAzure, type TestAzure } from './simulator.support';

const subscription = `/subscriptions/${platform}`;
const group = `${subscription}/resourceGroups/rg`;
const management = '/providers/Microsoft.Management/managementGroups/platform';
const builtIn = '/providers/Microsoft.Authorization/policyDefinitions';
const ALLOWED_LOCATIONS = 'e56962a6-4747-49cd-b67b-bf8b01975c4c';
const nsg = `${group}/providers/Microsoft.Network/networkSecurityGroups/nsg`;

let azure: TestAzure;
let locks: ManagementLockClient;
let monitor: MonitorClient;
let policy: PolicyClient;
let resources: ResourceManagementClient;
let network: NetworkManagementClient;
let reader: { locks: ManagementLockClient; policy: PolicyClient; monitor: MonitorClient };

beforeAll(async () => {
  azure = await startTestAzure();
  const credential = holding(await azure.token('administrator'));
  const options = optionsOf(azure);
  locks = new ManagementLockClient(credential, platform, options);
  monitor = new MonitorClient(credential, platform, options);
  policy = new PolicyClient(credential, platform, options);
  resources = new ResourceManagementClient(credential, platform, options);
  network = new NetworkManagementClient(credential, platform, options);
  const other = holding(await azure.token('sentry-orchestrator'));
  reader = {
    locks: new ManagementLockClient(other, platform, options),
    policy: new PolicyClient(other, platform, options),
    monitor: new MonitorClient(other, platform, options),
  };
  await resources.resourceGroups.createOrUpdate('rg', { location });
  await network.networkSecurityGroups.beginCreateOrUpdateAndWait('rg', 'nsg', { location });
});
afterAll(async () => azure.stop());

const check = async (service: 'arm' | 'insights', cases: readonly RefusalCase[]): Promise<void> => {
  for (const one of cases) await expectRefusal(service, one);
};
const names = async (of: AsyncIterable<{ name?: string }>): Promise<unknown[]> =>
  (await all(of)).map(({ name }) => name);
const denied = (action: string): RegExp => new RegExp(`does not have authorization to perform action '${action}'`);

describe('locks', () => {
  const made = (level: string, notes = 'kept'): { level: string; notes: string } => ({ level, notes });

  test('are put, read, listed and taken away at a subscription, a group and a resource', async () => {
    const { managementLocks } = locks;
    const own = await managementLocks.createOrUpdateAtResourceGroupLevel('rg', 'own', made('CanNotDelete'));
    expect(own).toMatchObject({
      id: `${group}/providers/Microsoft.Authorization/locks/own`,
      type: 'Microsoft.Authorization/locks',
      name: 'own',
      ...made('CanNotDelete'),
    });
    const at = ['rg', 'Microsoft.Network', '', 'networkSecurityGroups', 'nsg'] as const;
    await managementLocks.createOrUpdateAtResourceLevel(...at, 'child', made('CanNotDelete'));
    await managementLocks.createOrUpdateAtSubscriptionLevel('above', made('CanNotDelete'));
    expect(await managementLocks.getAtResourceLevel(...at, 'child')).toMatchObject({ name: 'child' });
    expect(await managementLocks.getAtResourceGroupLevel('rg', 'own')).toMatchObject({ name: 'own' });
    expect(await managementLocks.getByScope(subscription, 'above')).toMatchObject({ name: 'above' });
    expect(await names(managementLocks.listAtResourceGroupLevel('rg'))).toEqual(['own', 'child']);
    expect(await names(managementLocks.listAtResourceLevel(...at, { filter: 'atScope()' }))).toEqual(['above', 'own', 'child']); // prettier-ignore
    expect(await names(managementLocks.listAtSubscriptionLevel())).toEqual(['above', 'own', 'child']);
    const held = /following scope\(s\) are locked: '[^']+'\. Please remove the lock and try again\.$/;
    await check('arm', [
      ['ScopeLocked', 409, held, () => network.networkSecurityGroups.beginDeleteAndWait('rg', 'nsg')],
      ['ScopeLocked', 409, held, () => resources.resourceGroups.beginDeleteAndWait('rg')],
    ]);
    await managementLocks.deleteAtResourceLevel(...at, 'child');
    await managementLocks.deleteAtSubscriptionLevel('above');
    await managementLocks.createOrUpdateAtResourceGroupLevel('rg', 'own', made('ReadOnly'));
    await check('arm', [
      ['ScopeLocked', 409, `The scope '${nsg}' cannot perform write operation because following scope(s) are locked: '${group}'. Please remove the lock and try again.`, () => network.networkSecurityGroups.beginCreateOrUpdateAndWait('rg', 'nsg', { location })], // prettier-ignore
    ]);
    await managementLocks.deleteAtResourceGroupLevel('rg', 'own');
    await managementLocks.deleteAtResourceGroupLevel('rg', 'own');
  });

  test('are refused', async () => {
    const { managementLocks } = locks;
    const put =
      (name: string, body: { level: string; notes?: string }, scope = group) =>
      (): Promise<unknown> =>
        managementLocks.createOrUpdateByScope(scope, name, body);
    await check('arm', [
      ['LockNotFound', 404, "The lock 'none' could not be found.", () => managementLocks.getByScope(group, 'none')],
      ['InvalidLockScope', 400, /locks begin at subscriptions/, put('x', made('ReadOnly'), management)],
      ['InvalidLockName', 400, "The lock name 'a<b' is not valid.", put('a<b', made('ReadOnly'))],
      ['InvalidRequestContent', 400, /'properties.level'/, put('x', made('Never'))],
      ['InvalidRequestContent', 400, /'properties.notes'/, put('x', made('ReadOnly', 'n'.repeat(513)))],
      ['ResourceGroupNotFound', 404, "Resource group 'none' could not be found.", put('x', made('ReadOnly'), `${subscription}/resourceGroups/none`)], // prettier-ignore
      ['InvalidFilter', 400, "The filter 'below()' is not supported.", () => all(managementLocks.listAtSubscriptionLevel({ filter: 'below()' }))], // prettier-ignore
      ['AuthorizationFailed', 403, denied('Microsoft.Authorization/locks/write'), () => reader.locks.managementLocks.createOrUpdateByScope(group, 'x', made('ReadOnly'))], // prettier-ignore
      ['AuthorizationFailed', 403, denied('Microsoft.Authorization/locks/delete'), () => reader.locks.managementLocks.deleteByScope(group, 'x')], // prettier-ignore
    ]);
  });
});

describe('policies', () => {
  const places = { listOfAllowedLocations: { value: ['westeurope'] } };
  const definition: PolicyDefinition = {
    displayName: 'No groups in the north',
    mode: 'All',
    parameters: { where: { type: 'String', allowedValues: ['northeurope', 'norwayeast'] } },
    policyRule: { if: { field: 'location', equals: "[parameters('where')]" }, then: { effect: 'deny' } },
  };

  test('definitions and assignments are made, read, listed and deleted', async () => {
    const { policyDefinitions, policyAssignments } = policy;
    const own = await policyDefinitions.createOrUpdate('north', definition);
    expect(own).toMatchObject({
      id: `${subscription}/providers/Microsoft.Authorization/policyDefinitions/north`,
      type: 'Microsoft.Authorization/policyDefinitions',
      name: 'north',
      policyType: 'Custom',
      displayName: 'No groups in the north',
    });
    expect(await policyDefinitions.get('north')).toMatchObject({ name: 'north' });
    expect(await policyDefinitions.getBuiltIn(ALLOWED_LOCATIONS)).toMatchObject({ policyType: 'BuiltIn', displayName: 'Allowed locations' }); // prettier-ignore
    expect(await names(policyDefinitions.list())).toContain('north');
    expect(await names(policyDefinitions.listBuiltIn())).not.toContain('north');
    await policyDefinitions.createOrUpdateAtManagementGroup('platform', 'north-too', definition);
    expect(await policyDefinitions.getAtManagementGroup('platform', 'north-too')).toMatchObject({ name: 'north-too' });
    expect(await names(policyDefinitions.listByManagementGroup('platform'))).toContain('north-too');

    const assigned = await policyAssignments.create(group, 'no-north', {
      policyDefinitionId: own.id ?? '',
      displayName: 'No north',
      parameters: { where: { value: 'northeurope' } },
      nonComplianceMessages: [{ message: 'It is cold there.' }],
    });
    expect(assigned).toMatchObject({
      id: `${group}/providers/Microsoft.Authorization/policyAssignments/no-north`,
      type: 'Microsoft.Authorization/policyAssignments',
      scope: group,
      enforcementMode: 'Default',
      policyDefinitionId: own.id,
    });
    expect(await policyAssignments.get(group, 'no-north')).toMatchObject({ displayName: 'No north' });
    expect(await names(policyAssignments.list())).toEqual(['no-north']);
    expect(await names(policyAssignments.list({ filter: 'atScope()' }))).toEqual([]);
    expect(await names(policyAssignments.listForResourceGroup('rg', { filter: 'atExactScope()' }))).toEqual(['no-north']); // prettier-ignore
    expect(await names(policyAssignments.listForManagementGroup('platform', { filter: 'atScope()' }))).toEqual([]);
    const { body } = await expectRefusal('arm', ['RequestDisallowedByPolicy', 403, "Resource 'cold' was disallowed by policy. Reasons: 'It is cold there.'. See error details for policy resource IDs.", () => network.networkSecurityGroups.beginCreateOrUpdateAndWait('rg', 'cold', { location: 'northeurope' })]); // prettier-ignore
    expect(body).toMatchObject({ error: { target: 'cold', additionalInfo: [{ type: 'PolicyViolation', info: { policyDefinitionId: own.id, policyAssignmentId: assigned.id, policyDefinitionEffect: 'deny', policyAssignmentParameters: { where: { value: 'northeurope' } } } }] } }); // prettier-ignore
    await check('arm', [
      ['InvalidDeletePolicyDefinitionRequest', 400, `The policy definition 'north' cannot be deleted. It is referenced by the policy assignment '${assigned.id ?? ''}'. Please delete all policy assignments referencing the policy.`, () => policyDefinitions.delete('north')], // prettier-ignore
    ]);
    expect(await policyAssignments.delete(group, 'no-north')).toMatchObject({ name: 'no-north' });
    // A 204 has no body, over which the client itself stumbles.
    await expect(policyAssignments.delete(group, 'no-north')).rejects.toThrow(TypeError);
    await policyDefinitions.delete('north');
    await policyDefinitions.delete('north');
    await policyDefinitions.deleteAtManagementGroup('platform', 'north-too');
  });

  test('are refused', async () => {
    const { policyDefinitions, policyAssignments } = policy;
    const locations = `${builtIn}/${ALLOWED_LOCATIONS}`;
    const assign =
      (name: string, rest: object = {}, scope = group) =>
      (): Promise<unknown> =>
        policyAssignments.create(scope, name, { policyDefinitionId: locations, parameters: places, ...rest });
    const define = (policyRule: unknown) => (): Promise<unknown> =>
      policyDefinitions.createOrUpdate('other', { ...definition, policyRule });
    await policyDefinitions.createOrUpdate('valued', definition);
    const valued = { policyDefinitionId: `${subscription}/providers/Microsoft.Authorization/policyDefinitions/valued` };
    const long = (length: number): string => 'a'.repeat(length);
    await check('arm', [
      ['InvalidPolicyAssignmentName', 400, `The policy assignment name '${long(25)}' is invalid. The policy assignment name length must not exceed '24' characters.`, assign(long(25), {}, management)], // prettier-ignore
      ['InvalidPolicyAssignmentName', 400, `The policy assignment name '${long(65)}' is invalid. The policy assignment name length must not exceed '64' characters.`, assign(long(65))], // prettier-ignore
      ['InvalidPolicyAssignmentName', 400, /^The policy assignment name 'a<b' is invalid/, assign('a<b')],
      ['MissingPolicyParameter', 400, `The policy assignment 'one' is missing the parameter(s) 'listOfAllowedLocations' as defined in the policy definition '${locations}'. Please either provide the missing parameter(s) or define a default value for them in the policy definition.`, assign('one', { parameters: {} })], // prettier-ignore
      ['UndefinedPolicyParameter', 400, `The policy assignment 'one' has defined the parameter(s) 'extra' which are not defined in the policy definition '${locations}'.`, assign('one', { parameters: { ...places, extra: { value: 1 } } })], // prettier-ignore
      ['PolicyParameterValueNotAllowed', 400, /^The value 'uksouth' is not allowed for policy parameter 'where'/, assign('one', { ...valued, parameters: { where: { value: 'uksouth' } } })], // prettier-ignore
      ['PolicyDefinitionNotFound', 404, `The policy definition '${builtIn}/none' could not be found.`, assign('one', { policyDefinitionId: `${builtIn}/none` })], // prettier-ignore
      ['NotSimulated', 400, 'The assignment of an initiative is not simulated.', assign('one', { policyDefinitionId: '/providers/Microsoft.Authorization/policySetDefinitions/x' })], // prettier-ignore
      ['NotSimulated', 400, 'An initiative (policySetDefinitions) is not simulated.', () => all(policy.policySetDefinitions.list())], // prettier-ignore
      ['NotSimulated', 400, 'An initiative (policySetDefinitions) is not simulated.', () => policy.policySetDefinitions.createOrUpdate('x', { policyDefinitions: [] })], // prettier-ignore
      ['PolicyAssignmentNotFound', 404, "The policy assignment 'none' is not found.", () => policyAssignments.get(group, 'none')], // prettier-ignore
      ['PolicyDefinitionNotFound', 404, "The policy definition 'none' could not be found.", () => policyDefinitions.get('none')], // prettier-ignore
      ['InvalidFilter', 400, /^The filter 'category/, () => all(policyAssignments.list({ filter: "category eq 'x'" }))],
      ['NotSimulated', 400, /^The effect 'deployIfNotExists' in a policy rule/, define({ if: { field: 'type', equals: 'x' }, then: { effect: 'deployIfNotExists' } })], // prettier-ignore
      ['NotSimulated', 400, /^The condition .* in a policy rule/, define({ if: { field: 'type', matches: 'x' }, then: { effect: 'deny' } })], // prettier-ignore
      ['NotSimulated', 400, 'This form of condition in a policy rule is not simulated.', define({ if: { allOf: 'x' }, then: { effect: 'deny' } })], // prettier-ignore
      ['NotSimulated', 400, /^This form of modify/, define({ if: { field: 'type', equals: 'x' }, then: { effect: 'modify' } })], // prettier-ignore
      ['NotSimulated', 400, /^This form of append/, define({ if: { field: 'type', equals: 'x' }, then: { effect: 'append', details: 1 } })], // prettier-ignore
      ['NotSimulated', 400, /^The change of the field 'location'/, define({ if: { field: 'type', equals: 'x' }, then: { effect: 'append', details: [{ field: 'location', value: 'x' }] } })], // prettier-ignore
      ['InvalidRequestContent', 400, /'properties.policyRule.then'/, define({ if: {} })],
      ['NotFound', 404, /managementGroups\/none' cannot be found/, assign('one', {}, '/providers/Microsoft.Management/managementGroups/none')], // prettier-ignore
      ['AuthorizationFailed', 403, denied('Microsoft.Authorization/policyAssignments/write'), () => reader.policy.policyAssignments.create(group, 'x', { policyDefinitionId: locations })], // prettier-ignore
      ['AuthorizationFailed', 403, denied('Microsoft.Authorization/policyDefinitions/delete'), () => reader.policy.policyDefinitions.delete('valued')], // prettier-ignore
    ]);
  });
});

describe('tags', () => {
  test('are refused in all their forms', async () => {
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`tag${index}`, 'x']));
    const put =
      (tags: Record<string, string>, scope = group) =>
      (): Promise<unknown> =>
        resources.tagsOperations.createOrUpdateAtScope(scope, { properties: { tags } });
    await check('arm', [
      ['InvalidTagCount', 400, /'51' exceeds the maximum number of tags allowed '50'/, put(many)],
      ['InvalidTagCount', 400, /'51'/, () => resources.resourceGroups.createOrUpdate('rg', { location, tags: many })],
      ['InvalidTagNameCharacters', 400, "The tag names 'a<b,c?' have reserved characters '<,>,%,&,\\,?,/' or control characters.", put({ 'a<b': 'x', 'c?': 'y' })], // prettier-ignore
      ['InvalidTagName', 400, /^Tag key too large\. Following tag key 'n+…' exceeded the maximum length\. Maximum allowed length for tag key - '512' characters\.$/, put({ ['n'.repeat(513)]: 'x' })], // prettier-ignore
      ['InvalidTagValue', 400, /^Tag value too large\. Following tag value of the tag 'a' exceeded the maximum length\. Maximum allowed length for tag value - '256' characters\.$/, put({ a: 'v'.repeat(257) })], // prettier-ignore
      ['InvalidTagScope', 400, /has no tags/, put({ a: 'x' }, management)],
      ['ResourceGroupNotFound', 404, "Resource group 'none' could not be found.", put({ a: 'x' }, `${subscription}/resourceGroups/none`)], // prettier-ignore
      ['ResourceNotFound', 404, /networkSecurityGroups\/none' under resource group 'rg' was not found/, () => resources.tagsOperations.getAtScope(nsg.replace(/nsg$/, 'none'))], // prettier-ignore
      ['InvalidRequestContent', 400, /'operation'/, () => resources.tagsOperations.updateAtScope(group, { operation: 'Burn', properties: {} })], // prettier-ignore
    ]);
  });
});

describe('diagnostic settings', () => {
  const sink = (name: string): string => `${group}/providers/Microsoft.OperationalInsights/workspaces/${name}`;
  const logs = [{ category: 'NetworkSecurityGroupEvent', enabled: true }];

  test('are put, read, listed and deleted, and their categories told', async () => {
    const { diagnosticSettings, diagnosticSettingsCategory } = monitor;
    const made = await diagnosticSettings.createOrUpdate(nsg, 'audit', { workspaceId: sink('a'), logs });
    expect(made).toMatchObject({
      id: `${nsg}/providers/Microsoft.Insights/diagnosticSettings/audit`,
      name: 'audit',
      workspaceId: sink('a'),
      logs,
      metrics: [],
    });
    expect(await diagnosticSettings.get(nsg, 'audit')).toMatchObject({ workspaceId: sink('a') });
    expect(await names(diagnosticSettings.list(nsg))).toEqual(['audit']);
    expect(await names(diagnosticSettingsCategory.list(nsg))).toEqual(['NetworkSecurityGroupEvent', 'NetworkSecurityGroupRuleCounter']); // prettier-ignore
    expect(await diagnosticSettingsCategory.get(nsg, 'NetworkSecurityGroupEvent')).toMatchObject({ categoryType: 'Logs', categoryGroups: ['allLogs'] }); // prettier-ignore
    await diagnosticSettings.createOrUpdate(subscription, 'activity', { workspaceId: sink('a'), logs: [{ category: 'Administrative', enabled: true }] }); // prettier-ignore
    await diagnosticSettings.delete(subscription, 'activity');
    await diagnosticSettings.delete(nsg, 'audit');
    await diagnosticSettings.delete(nsg, 'audit');
  });

  test('are refused, with no error member around it', async () => {
    const { diagnosticSettings, diagnosticSettingsCategory } = monitor;
    const put =
      (name: string, rest: object = {}, scope = nsg) =>
      (): Promise<unknown> =>
        diagnosticSettings.createOrUpdate(scope, name, { workspaceId: sink(name), logs, ...rest });
    const none = `${group}/providers/Microsoft.Network/networkSecurityGroups/none`;
    await put('first')();
    await resources.resourceGroups.createOrUpdate('other', { location });
    const rows: readonly RefusalCase[] = [
      ['BadRequest', 400, 'At least one data sink needs to be specified.', put('x', { workspaceId: undefined })],
      ['BadRequest', 400, 'At least one log or metric category has to be enabled.', put('x', { logs: [] })],
      ['BadRequest', 400, "Category 'Gossip' is not supported.", put('x', { logs: [{ category: 'Gossip', enabled: true }] })], // prettier-ignore
      ['Conflict', 409, `Data sink '${sink('first')}' is already used in diagnostic setting 'first' for category 'NetworkSecurityGroupEvent'. Data sinks can't be reused in different settings on the same category for the same resource.`, put('x', { workspaceId: sink('first') })], // prettier-ignore
      ['ResourceNotFound', 404, `The resource '${none}' could not be found.`, put('x', {}, none)],
      ['ResourceTypeNotSupported', 400, "The resource type 'microsoft.resources/resourcegroups' does not support diagnostic settings.", put('x', {}, `${subscription}/resourceGroups/other`)], // prettier-ignore
      ['ResourceNotFound', 404, "The diagnostic setting 'none' doesn't exist.", () => diagnosticSettings.get(nsg, 'none')], // prettier-ignore
      ['ResourceNotFound', 404, "The diagnostic setting category 'none' doesn't exist.", () => diagnosticSettingsCategory.get(nsg, 'none')], // prettier-ignore
    ];
    await check('insights', rows);
    for (const name of ['second', 'third', 'fourth', 'fifth']) await put(name)();
    await check('insights', [
      ['Conflict', 409, 'The limit of 5 diagnostic settings was reached. To create a new setting, delete an existing one.', put('sixth')], // prettier-ignore
    ]);
    const theirs = reader.monitor.diagnosticSettings;
    await check('arm', [
      ['AuthorizationFailed', 403, denied('Microsoft.Insights/diagnosticSettings/write'), () => theirs.createOrUpdate(management, 'x', { workspaceId: sink('x'), logs: [{ category: 'Administrative', enabled: true }] })], // prettier-ignore
    ]);
  });
});
