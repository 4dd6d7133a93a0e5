/** What-ifs of deployments, and what is found in the templates inside a template before anything is written. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { readTenant } from '../../../local/azure/tenant';
import { compute } from './simulator.compute.support';
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
} from './simulator.support';

const subscription = `/subscriptions/${platform}`;
const group = `${subscription}/resourceGroups/rg`;
const deployment = (name: string, scope = group): string =>
  `${scope}/providers/Microsoft.Resources/deployments/${name}`;
const template = (resources: unknown, rest: object = {}): object => ({
  $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
  contentVersion: '1.0.0.0',
  resources,
  ...rest,
});
const body = (of: unknown, rest: object = {}): object => ({
  properties: { mode: 'Incremental', template: of, ...rest },
});
const resource = (type: string, name: string, rest: object = {}): object => ({
  type,
  apiVersion: '2024-05-01',
  name,
  location,
  ...rest,
});
const nsg = (name: string, rest: object = {}): object =>
  resource('Microsoft.Network/networkSecurityGroups', name, rest);
const rule = (name: string, priority: number, port = '443'): object => ({
  name,
  properties: {
    priority,
    access: 'Allow',
    direction: 'Inbound',
    protocol: 'Tcp',
    sourceAddressPrefix: '*',
    sourcePortRange: '*',
    destinationAddressPrefix: '*',
    destinationPortRange: port,
  },
});
const inner = (name: string, of: unknown, rest: object = {}, parameters: object = {}): object => ({
  type: 'Microsoft.Resources/deployments',
  apiVersion: '2024-11-01',
  name,
  properties: {
    mode: 'Incremental',
    expressionEvaluationOptions: { scope: 'inner' },
    template: of,
    parameters,
  },
  ...rest,
});

let azure: TestAzure;
let arm: Arm;
let admin: Arm;

const start = async (tenant: Parameters<typeof startTestAzure>[0]): Promise<void> => {
  azure = await startTestAzure(tenant);
  arm = await armOf(azure);
  const token = await azure.token('administrator');
  admin = (method, path, sent, rest) => arm(method, path, sent, { token, ...rest });
};
afterEach(async () => azure.stop());

const change = z.looseObject({
  resourceId: z.string(),
  changeType: z.string(),
  before: z.record(z.string(), z.unknown()).optional(),
  after: z.record(z.string(), z.unknown()).optional(),
  delta: z.array(z.unknown()).optional(),
});
const result = z.object({
  status: z.literal('Succeeded'),
  properties: z.object({
    correlationId: z.string(),
    changes: z.array(change),
    potentialChanges: z.array(z.unknown()),
    diagnostics: z.array(z.unknown()),
  }),
});
type Result = z.infer<typeof result>['properties'];

const poll = async (answer: Answer): Promise<Answer> => {
  const { pathname, search } = new URL(answer.header('location'));
  return await azure.ask('GET', `${pathname}${search}`, { token: await azure.token('administrator') });
};

async function whatIf(of: unknown, rest: object = {}, scope = group): Promise<Result> {
  const sent = scope === group ? body(of, rest) : { location, ...body(of, rest) };
  const accepted = await admin('POST', `${deployment('foreseen', scope)}/whatIf`, sent);
  expect([accepted.status, accepted.body]).toEqual([202, undefined]);
  const done = await poll(accepted);
  expect(done.status).toBe(200);
  return result.parse(done.body).properties;
}
const brief = ({ changes }: Result): unknown[] =>
  changes.map(({ resourceId, changeType }) => [resourceId.slice(resourceId.lastIndexOf('/') + 1), changeType]);

describe('a what-if', () => {
  beforeEach(async () => start(instant));

  test('is polled by its Location while it runs', async () => {
    await azure.stop();
    await start({ ...instant, timings: { ...instant.timings, deploymentStart: 5 } });
    const accepted = await arm('POST', `${deployment('w')}/whatIf`, body(template([nsg('a')])));
    expect([accepted.status, accepted.header('azure-asyncoperation'), accepted.header('retry-after')]).toEqual([
      202,
      '',
      '15',
    ]);
    expect((await poll(accepted)).status).toBe(202);
    azure.advance(6);
    expect(brief(result.parse((await poll(accepted)).body).properties)).toEqual([['a', 'Create']]);
    expect((await arm('GET', network('networkSecurityGroups/a'))).status).toBe(404);
    expect(errorOf(await arm('GET', deployment('w')))).toBe('DeploymentNotFound');
  });

  test('tells what is new as the template has it, secure values masked', async () => {
    const tags = { from: "[parameters('name')]", secret: "[parameters('secret')]" };
    const parameters = { name: { type: 'string' }, secret: { type: 'securestring' } };
    const given = { parameters: { name: { value: 'me' }, secret: { value: 'hidden' } } };
    const { changes } = await whatIf(template([nsg("[parameters('name')]", { tags })], { parameters }), given);
    const id = network('networkSecurityGroups/me');
    expect(changes).toEqual([
      {
        resourceId: id,
        changeType: 'Create',
        after: {
          apiVersion: '2024-05-01',
          id,
          type: 'Microsoft.Network/networkSecurityGroups',
          name: 'me',
          location,
          tags: { from: 'me', secret: '*******' },
        },
      },
    ]);
  });

  test('compares what is there: properties that come, go and change, arrays element by element', async () => {
    const spaces = (...addressPrefixes: string[]): object => ({ addressSpace: { addressPrefixes } });
    await arm('PUT', network('virtualNetworks/v'), {
      location,
      tags: { old: '1', kept: 'x' },
      properties: spaces('10.0.0.0/16'),
    });
    await arm('PUT', network('networkSecurityGroups/g'), {
      location,
      properties: { securityRules: [rule('stays', 100), rule('changes', 200), rule('goes', 300)] },
    });
    const { changes } = await whatIf(
      template([
        resource('Microsoft.Network/virtualNetworks', 'v', {
          tags: { kept: 'y', new: '2' },
          properties: spaces('10.0.0.0/15'),
        }),
        nsg('g', {
          properties: { securityRules: [rule('stays', 100), rule('changes', 200, '22'), rule('comes', 400)] },
        }),
      ]),
    );
    expect(changes.map(({ changeType, delta }) => [changeType, delta])).toEqual([
      [
        'Modify',
        expect.arrayContaining([
          { path: 'tags.old', propertyChangeType: 'Delete', before: '1' },
          { path: 'tags.kept', propertyChangeType: 'Modify', before: 'x', after: 'y' },
          { path: 'tags.new', propertyChangeType: 'Create', after: '2' },
          expect.objectContaining({
            path: 'properties.addressSpace.addressPrefixes',
            propertyChangeType: 'Array',
            children: [
              { path: '0', propertyChangeType: 'Delete', before: '10.0.0.0/16' },
              { path: '0', propertyChangeType: 'Create', after: '10.0.0.0/15' },
            ],
          }),
        ]),
      ],
      [
        'Modify',
        [
          expect.objectContaining({
            path: 'properties.securityRules',
            propertyChangeType: 'Array',
            children: [
              expect.objectContaining({
                path: '0',
                propertyChangeType: 'Modify',
                children: [
                  { path: 'properties.destinationPortRange', propertyChangeType: 'Modify', before: '443', after: '22' },
                ],
              }),
              expect.objectContaining({ path: '1', propertyChangeType: 'Delete' }),
              expect.objectContaining({ path: '1', propertyChangeType: 'Create' }),
            ],
          }),
        ],
      ],
    ]);
    const read = await arm('GET', network('virtualNetworks/v'));
    expect(read.body).toMatchObject({ tags: { old: '1' }, properties: spaces('10.0.0.0/16') });
  });

  test('what a service adds itself is no change; what it does not take has no effect', async () => {
    const shape = { sku: { name: 'Standard' }, properties: { publicIPAllocationMethod: 'Static' } };
    const address = (properties: object): object =>
      resource('Microsoft.Network/publicIPAddresses', 'a', {
        ...shape,
        properties: { ...shape.properties, ...properties },
      });
    await arm('PUT', network('publicIPAddresses/a'), { location, ...shape });
    const [same] = (await whatIf(template([address({})]))).changes;
    expect(same).toMatchObject({ changeType: 'NoChange', delta: [] });
    expect(same?.after).toEqual(same?.before);
    const [idle] = (await whatIf(template([address({ ipAddress: '1.2.3.4' })]))).changes;
    expect(idle).toMatchObject({
      changeType: 'NoChange',
      delta: [{ path: 'properties.ipAddress', propertyChangeType: 'NoEffect', after: '1.2.3.4' }],
    });
  });

  test('leaves the rest of the group alone, or in Complete mode deletes it', async () => {
    await arm('PUT', network('networkSecurityGroups/other'), { location });
    const of = template([nsg('mine')]);
    expect(brief(await whatIf(of))).toEqual([
      ['mine', 'Create'],
      ['other', 'Ignore'],
    ]);
    const { changes } = await whatIf(of, { mode: 'Complete' });
    expect(changes[1]).toEqual({
      resourceId: network('networkSecurityGroups/other'),
      changeType: 'Delete',
      before: expect.objectContaining({ name: 'other' }),
    });
  });

  test('by ids alone compares nothing', async () => {
    await arm('PUT', network('networkSecurityGroups/there'), { location });
    await arm('PUT', network('networkSecurityGroups/other'), { location });
    const settings = { whatIfSettings: { resultFormat: 'ResourceIdOnly' } };
    const { changes } = await whatIf(template([nsg('there'), nsg('new')]), settings);
    expect(changes).toEqual([
      { resourceId: network('networkSecurityGroups/there'), changeType: 'Deploy' },
      { resourceId: network('networkSecurityGroups/new'), changeType: 'Create' },
      { resourceId: network('networkSecurityGroups/other'), changeType: 'Ignore' },
    ]);
    const wrong = { whatIfSettings: { resultFormat: 'Everything' } };
    expect(errorOf(await arm('POST', `${deployment('w')}/whatIf`, body(template([]), wrong)))).toBe(
      'InvalidRequestContent',
    );
  });

  test('looks into templates inside templates, also of a group that is only to come', async () => {
    const inside = template([nsg("[parameters('name')]", { location: '[resourceGroup().location]' })], {
      parameters: { name: { type: 'string' } },
    });
    const all = template([
      { type: 'Microsoft.Resources/resourceGroups', apiVersion: '2024-11-01', name: 'coming', location },
      inner('in', inside, { resourceGroup: 'coming', dependsOn: ['coming'] }, { name: { value: 'deep' } }),
      inner('late', template([nsg('x')]), {
        resourceGroup: 'coming',
        dependsOn: ['in'],
        location: "[reference('in').outputs.x.value]",
      }),
    ]);
    const { changes, diagnostics } = await whatIf(all, {}, subscription);
    expect(changes).toMatchObject([
      { resourceId: `${subscription}/resourceGroups/coming`, changeType: 'Create' },
      { changeType: 'Create', after: { name: 'deep', location } },
    ]);
    expect(diagnostics).toMatchObject([{ code: 'NestedDeploymentShortCircuited', level: 'Warning' }]);
    expect((await admin('GET', `${subscription}/resourceGroups/coming`)).status).toBe(404);
  });
});

describe('before anything is written', () => {
  beforeEach(async () => start(instant));

  const both = async (of: unknown): Promise<Answer> => {
    const validation = await arm('POST', `${deployment('no')}/validate`, body(of));
    const put = await arm('PUT', deployment('no'), body(of));
    expect([put.status, errorOf(put)]).toEqual([validation.status, errorOf(validation)]);
    expect((await arm('GET', network('networkSecurityGroups/first'))).status).toBe(404);
    expect(errorOf(await arm('GET', deployment('no')))).toBe('DeploymentNotFound');
    return validation;
  };

  test('a template inside that is not valid', async () => {
    const missing = template([], { parameters: { wanted: { type: 'string' } } });
    const refused = await both(template([nsg('first'), inner('in', template([inner('deeper', missing)]))]));
    expect([refused.status, refused.body]).toMatchObject([
      400,
      { error: { code: 'InvalidTemplate', message: expect.stringContaining("parameter 'wanted'") } },
    ]);
    const complete = template([{ ...inner('in', template([])), properties: { mode: 'Complete', expressionEvaluationOptions: { scope: 'inner' }, template: template([]) } }]); // prettier-ignore
    expect(errorOf(await both(complete))).toBe('NotSimulated');
  });

  test('rights that are missing inside, policies that deny inside, terms inside', async () => {
    const assignment = {
      type: 'Microsoft.Authorization/locks',
      apiVersion: '2020-05-01',
      name: 'l',
      properties: { level: 'CanNotDelete' },
    };
    const refused = await both(template([nsg('first'), inner('in', template([assignment]))]));
    expect([refused.status, refused.body]).toMatchObject([
      403,
      {
        error: {
          code: 'InvalidTemplateDeployment',
          message: expect.stringContaining('Microsoft.Authorization/locks/write'),
        },
      },
    ]);

    const definition = '/providers/Microsoft.Authorization/policyDefinitions/e56962a6-4747-49cd-b67b-bf8b01975c4c';
    const policy = {
      properties: { policyDefinitionId: definition, parameters: { listOfAllowedLocations: { value: [location] } } },
    };
    await admin('PUT', `${group}/providers/Microsoft.Authorization/policyAssignments/p`, policy);
    const denied = await both(template([nsg('first'), inner('in', template([nsg('far', { location: 'eastus' })]))]));
    expect([denied.status, denied.body]).toMatchObject([
      400,
      { error: { code: 'InvalidTemplateDeployment', details: [{ code: 'RequestDisallowedByPolicy' }] } },
    ]);

    const plan = { name: 'sentry_v1_byol0', publisher: 'cloudknox', product: 'cloudknox_sentry_image' };
    const vm = resource('Microsoft.Compute/virtualMachines', 'vm', { plan });
    expect(errorOf(await both(template([nsg('first'), inner('in', template([vm]))])))).toBe(
      'MarketplacePurchaseEligibilityFailed',
    );
  });

  test('a validation tells what it could not look into', async () => {
    const late = inner('late', template([]), {
      dependsOn: ['first'],
      tags: { a: "[reference('first').resourceGuid]" },
    });
    const valid = await arm('POST', `${deployment('v')}/validate`, body(template([nsg('first'), late])));
    expect([valid.status, valid.body]).toMatchObject([
      200,
      { properties: { provisioningState: 'Succeeded', diagnostics: [{ code: 'NestedDeploymentShortCircuited' }] } },
    ]);
  });
});

describe('Complete mode', () => {
  const slow = readTenant('samples/tenant.json');
  beforeEach(async () => start({ ...slow, timings: { ...slow.timings, deploymentStart: 2 } }));

  test('deletes what the template does not name, each after what uses it', async () => {
    const subnet = { name: 's', properties: { addressPrefix: '10.0.0.0/24' } };
    await arm('PUT', network('virtualNetworks/v'), {
      location,
      properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] }, subnets: [subnet] },
    });
    azure.advance(60);
    const ipConfigurations = [{ name: 'ip', properties: { subnet: { id: network('virtualNetworks/v/subnets/s') } } }];
    expect(
      (await arm('PUT', network('networkInterfaces/n'), { location, properties: { ipConfigurations } })).status,
    ).toBe(201);
    azure.advance(60);
    await arm('PUT', compute('disks/d'), { location, sku: { name: 'Standard_LRS' }, properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 4 } }); // prettier-ignore
    azure.advance(60);
    const made = await arm(
      'PUT',
      deployment('all'),
      body(template([nsg('only'), inner('in', template([nsg('inside')]))]), { mode: 'Complete' }),
    );
    expect([made.status, made.body]).toMatchObject([201, { properties: { mode: 'Complete' } }]);
    azure.advance(10);
    await azure.restart();
    azure.advance(600);
    const { body: done } = await arm('GET', deployment('all'));
    expect(done).toMatchObject({ properties: { provisioningState: 'Succeeded' } });
    const left = z.object({ value: z.array(z.looseObject({ name: z.string() })) });
    expect(
      left
        .parse((await arm('GET', `${group}/resources`)).body)
        .value.map(({ name }) => name)
        .sort(),
    ).toEqual(['inside', 'only']);
    const operations = z
      .object({
        value: z.array(
          z.object({
            properties: z.looseObject({
              provisioningOperation: z.string(),
              targetResource: z.looseObject({ resourceName: z.string() }).optional(),
            }),
          }),
        ),
      })
      .parse((await arm('GET', `${deployment('all')}/operations`)).body)
      .value.filter(({ properties }) => properties.provisioningOperation === 'Delete');
    expect(operations.map(({ properties }) => properties.targetResource?.resourceName).sort()).toEqual(['d', 'n', 'v']);
  });

  test('is for groups only, and a lock stops it', async () => {
    const atTop = { location, ...body(template([]), { mode: 'Complete' }) };
    expect(errorOf(await admin('PUT', deployment('no', subscription), atTop))).toBe('InvalidDeployment');
    await arm('PUT', network('networkSecurityGroups/held'), { location });
    await admin('PUT', `${network('networkSecurityGroups/held')}/providers/Microsoft.Authorization/locks/l`, {
      properties: { level: 'CanNotDelete' },
    });
    azure.advance(60);
    await arm('PUT', deployment('held'), body(template([]), { mode: 'Complete' }));
    azure.advance(60);
    expect((await arm('GET', deployment('held'))).body).toMatchObject({
      properties: { provisioningState: 'Failed', error: { details: [{ code: 'ScopeLocked' }] } },
    });
    expect((await arm('GET', network('networkSecurityGroups/held'))).status).toBe(200);
  });
});
