/** Template deployments: what Bicep and the Azure CLI send, carried out step by step, and what is refused. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { readTenant } from '../../../local/azure/tenant';
import {
  type Answer,
  type Arm,
  armOf,
  errorOf,
  instant,
  location,
  network,
  pathOf,
  platform,
  startTestAzure,
  type TestAzure,
  version,
  watched,
} from './simulator.support';

/** Built by Bicep 0.49.2 from network.bicep beside it. */
const bicep: unknown = JSON.parse(readFileSync('test/contract/azure/templates/network.json', 'utf8'));
const slow = readTenant('samples/tenant.json');
const subscription = `/subscriptions/${platform}`;
const group = `${subscription}/resourceGroups/rg`;
const deployment = (name: string, scope = group): string =>
  `${scope}/providers/Microsoft.Resources/deployments/${name}`;

const schema = 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#';
const literal = (resources: unknown, rest: object = {}): object => ({
  $schema: schema,
  contentVersion: '1.0.0.0',
  resources,
  ...rest,
});
const body = (template: unknown, rest: object = {}): object => ({
  properties: { mode: 'Incremental', template, ...rest },
});
const nsg = (name: string, rest: object = {}): object => ({
  type: 'Microsoft.Network/networkSecurityGroups',
  apiVersion: '2024-05-01',
  name,
  location,
  ...rest,
});

let azure: TestAzure;
let arm: Arm;
let admin: Arm;

const start = async (tenant: Parameters<typeof startTestAzure>[0]): Promise<void> => {
  azure = await startTestAzure(tenant);
  arm = await armOf(azure);
  const token = await azure.token('administrator');
  admin = (method, path, sent) =>
    azure.ask(method, `${path}${version}`, { token, ...(sent === undefined ? {} : { body: sent }) });
};
afterEach(async () => azure.stop());

const messageOf = ({ body: of }: Answer): string =>
  z.object({ error: z.object({ message: z.string() }) }).parse(of).error.message;
const stateOf = async (name: string): Promise<string> =>
  z
    .looseObject({ properties: z.looseObject({ provisioningState: z.string() }) })
    .parse((await admin('GET', deployment(name))).body).properties.provisioningState;

describe('in their own time', () => {
  beforeEach(async () => start({ ...slow, timings: { ...slow.timings, deploymentStart: 2 } }));

  test('a template of Bicep is carried out, each resource after those it needs', async () => {
    const made = await admin('PUT', deployment('net'), body(bicep));
    expect([made.status, made.body]).toMatchObject([
      201,
      { properties: { provisioningState: 'Accepted', parameters: { secret: { type: 'Securestring' } } } },
    ]);
    const polled = pathOf(made.header('azure-asyncoperation'));
    expect((await admin('GET', polled)).body).toEqual({ status: 'Accepted' });
    expect((await admin('PUT', deployment('net'), body(bicep))).body).toMatchObject({
      error: { code: 'DeploymentActive' },
    });
    azure.advance(3);
    expect((await admin('GET', polled)).body).toEqual({ status: 'Running' });
    await azure.restart();
    azure.advance(120);
    expect((await admin('GET', polled)).body).toEqual({ status: 'Succeeded' });
    const { body: done } = await admin('GET', deployment('net'));
    expect(done).toMatchObject({
      properties: {
        provisioningState: 'Succeeded',
        // Its own start, the groups, the network, the interface inside.
        duration: 'PT12S',
        outputs: {
          nic: { type: 'String', value: network('networkInterfaces/nic') },
          all: {
            type: 'Array',
            value: [expect.stringMatching(/^net-[a-z2-7]{13}-one$/), expect.stringMatching(/-two$/)],
          },
        },
        dependencies: expect.arrayContaining([
          expect.objectContaining({ resourceType: 'Microsoft.Network/virtualNetworks' }),
        ]),
      },
    });
    expect(JSON.stringify(done)).not.toContain('hidden');
    const { body: operations } = await admin('GET', `${deployment('net')}/operations`);
    const targets = z
      .object({
        value: z.array(
          z.looseObject({ properties: z.looseObject({ provisioningState: z.string(), statusCode: z.string() }) }),
        ),
      })
      .parse(operations).value;
    expect(targets.map(({ properties }) => properties.provisioningState)).toEqual(
      Array.from({ length: 7 }, () => 'Succeeded'),
    );
    expect((await admin('GET', network('networkInterfaces/nic'))).body).toMatchObject({
      properties: { ipConfigurations: [{ properties: { privateIPAddress: '10.0.1.4' } }] },
    });
    expect((await admin('GET', deployment('inner'))).body).toMatchObject({
      properties: { provisioningState: 'Succeeded' },
    });
  });

  test('one can be cancelled; what it began stays', async () => {
    await arm('PUT', deployment('stopped'), body(literal([nsg('a'), nsg('b', { dependsOn: ['a'] })])));
    azure.advance(3);
    expect((await arm('POST', `${deployment('stopped')}/cancel`)).status).toBe(204);
    azure.advance(60);
    expect(await stateOf('stopped')).toBe('Canceled');
    expect((await arm('GET', network('networkSecurityGroups/a'))).status).toBe(200);
    expect((await arm('GET', network('networkSecurityGroups/b'))).status).toBe(404);
    expect(errorOf(await arm('POST', `${deployment('stopped')}/cancel`))).toBe('DeploymentCannotBeCancelled');
    expect((await arm('DELETE', deployment('stopped'))).status).toBe(202);
    expect(errorOf(await arm('GET', deployment('stopped')))).toBe('DeploymentNotFound');
  });
});

describe('at once', () => {
  beforeEach(async () => start(instant));

  test('what the Azure CLI sends for a VM is deployed in order', async () => {
    const ids = (type: string, name: string): string => `Microsoft.Network/${type}/${name}`;
    const template = literal([
      {
        type: 'Microsoft.Compute/virtualMachines',
        apiVersion: '2024-11-01',
        name: 'vm1',
        location,
        dependsOn: [ids('networkInterfaces', 'nic1')],
        properties: {
          hardwareProfile: { vmSize: 'Standard_D2s_v3' },
          networkProfile: {
            networkInterfaces: [{ id: network('networkInterfaces/nic1'), properties: { deleteOption: null } }],
          },
          storageProfile: {
            osDisk: { createOption: 'fromImage', caching: 'ReadWrite', managedDisk: { storageAccountType: null } },
            imageReference: {
              publisher: 'Canonical',
              offer: '0001-com-ubuntu-server-jammy',
              sku: '22_04-lts-gen2',
              version: 'latest',
            },
          },
          osProfile: {
            computerName: 'vm1',
            adminUsername: 'azureuser',
            linuxConfiguration: {
              disablePasswordAuthentication: true,
              ssh: {
                publicKeys: [{ keyData: 'ssh-rsa AAAAB3NzaC1yc2E=', path: '/home/azureuser/.ssh/authorized_keys' }],
              },
            },
          },
        },
      },
      {
        type: 'Microsoft.Network/networkInterfaces',
        apiVersion: '2015-06-15',
        name: 'nic1',
        location,
        dependsOn: [ids('virtualNetworks', 'vnet1'), ids('networkSecurityGroups', 'nsg1')],
        properties: {
          ipConfigurations: [
            { name: 'one', properties: { subnet: { id: network('virtualNetworks/vnet1/subnets/s1') } } },
          ],
          networkSecurityGroup: { id: network('networkSecurityGroups/nsg1') },
        },
      },
      nsg('nsg1', { tags: {}, dependsOn: [] }),
      {
        type: 'Microsoft.Network/virtualNetworks',
        apiVersion: '2015-06-15',
        name: 'vnet1',
        location,
        dependsOn: [],
        properties: {
          addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
          subnets: [{ name: 's1', properties: { addressPrefix: '10.0.0.0/24' } }],
        },
      },
    ]);
    const validated = await arm('POST', `${deployment('vm')}/validate`, body(template));
    expect([validated.status, validated.body]).toMatchObject([200, { properties: { provisioningState: 'Succeeded' } }]);
    // The CLI writes the mode in lower case.
    await arm('PUT', deployment('vm'), body(template, { mode: 'incremental' }));
    const { body: done } = await arm('GET', deployment('vm'));
    expect(done).toMatchObject({
      properties: { provisioningState: 'Succeeded', outputResources: [{}, {}, {}, {}] },
    });
    expect((await arm('GET', `${group}/providers/Microsoft.Compute/virtualMachines/vm1`)).body).toMatchObject({
      properties: { provisioningState: 'Succeeded' },
    });
  });

  test('a subscription deploys a group, and a module into it', async () => {
    const inner = literal([nsg('inside', { location: '[resourceGroup().location]' })], {
      outputs: { id: { type: 'string', value: "[resourceId('Microsoft.Network/networkSecurityGroups', 'inside')]" } },
    });
    const template = literal(
      [
        { type: 'Microsoft.Resources/resourceGroups', apiVersion: '2024-11-01', name: 'made', location },
        {
          type: 'Microsoft.Resources/deployments',
          apiVersion: '2024-11-01',
          name: 'module',
          resourceGroup: 'made',
          dependsOn: ["[subscriptionResourceId('Microsoft.Resources/resourceGroups', 'made')]"],
          properties: { mode: 'Incremental', expressionEvaluationOptions: { scope: 'inner' }, template: inner },
        },
      ],
      {
        outputs: {
          id: {
            type: 'string',
            value:
              "[reference(extensionResourceId(format('/subscriptions/{0}/resourceGroups/{1}', subscription().subscriptionId, 'made'), 'Microsoft.Resources/deployments', 'module'), '2024-11-01').outputs.id.value]",
          },
        },
      },
    );
    expect(errorOf(await arm('PUT', deployment('sub', subscription), body(template)))).toBe('LocationRequired');
    await arm('PUT', deployment('sub', subscription), { location, ...body(template) });
    const { body: done } = await arm('GET', deployment('sub', subscription));
    expect(done).toMatchObject({
      location,
      properties: {
        provisioningState: 'Succeeded',
        outputs: {
          id: { value: `${subscription}/resourceGroups/made/providers/Microsoft.Network/networkSecurityGroups/inside` },
        },
      },
    });
  });

  test('a step that is refused fails the deployment, with the reason', async () => {
    await arm(
      'PUT',
      deployment('bad'),
      body(
        literal([
          nsg('first'),
          nsg('second', {
            dependsOn: ['first'],
            properties: {
              securityRules: [
                {
                  name: 'x',
                  properties: {
                    priority: 1,
                    direction: 'Inbound',
                    access: 'Allow',
                    protocol: '*',
                    sourcePortRange: '*',
                    destinationPortRange: '*',
                    sourceAddressPrefix: '*',
                    destinationAddressPrefix: '*',
                  },
                },
              ],
            },
          }),
          nsg('third', { dependsOn: ['second'] }),
        ]),
      ),
    );
    const { body: done } = await arm('GET', deployment('bad'));
    expect(done).toMatchObject({
      properties: {
        provisioningState: 'Failed',
        error: {
          code: 'DeploymentFailed',
          target: deployment('bad'),
          message:
            'At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-deployment-operations for usage details.',
          details: [{ code: 'SecurityRuleInvalidPriority' }],
        },
      },
    });
    expect((await arm('GET', network('networkSecurityGroups/first'))).status).toBe(200);
    expect((await arm('GET', network('networkSecurityGroups/second'))).status).toBe(404);
    expect((await arm('GET', network('networkSecurityGroups/third'))).status).toBe(404);
  });

  test('the caller’s rights and policies are asked before anything is deployed', async () => {
    const assignment = {
      type: 'Microsoft.Authorization/roleAssignments',
      apiVersion: '2022-04-01',
      name: '5d000000-0000-4000-8000-000000000001',
      properties: {
        principalId: '5d000000-0000-4000-8000-000000000002',
        principalType: 'ServicePrincipal',
        roleDefinitionId: '/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7',
      },
    };
    const foreign = deployment('x', `/subscriptions/${watched(1)}`);
    expect(errorOf(await arm('PUT', foreign, { location, ...body(literal([])) }))).toBe('AuthorizationFailed');
    const scoped = { ...assignment, scope: '/subscriptions/5b000000-0000-4000-9000-000000000001' };
    const refused = await arm('PUT', deployment('rights'), body(literal([scoped])));
    expect([refused.status, errorOf(refused)]).toEqual([403, 'InvalidTemplateDeployment']);
    expect(messageOf(refused)).toContain(
      `Authorization failed for template resource '${assignment.name}' of type 'Microsoft.Authorization/roleAssignments'.`,
    );
    await admin('PUT', `${group}/providers/Microsoft.Authorization/policyAssignments/where`, {
      properties: {
        policyDefinitionId: '/providers/Microsoft.Authorization/policyDefinitions/e56962a6-4747-49cd-b67b-bf8b01975c4c',
        parameters: { listOfAllowedLocations: { value: ['northeurope'] } },
      },
    });
    const denied = await arm('PUT', deployment('denied'), body(literal([nsg('n')])));
    expect([denied.status, denied.body]).toMatchObject([
      400,
      {
        error: {
          code: 'InvalidTemplateDeployment',
          details: [{ code: 'RequestDisallowedByPolicy', target: 'n', additionalInfo: [{ type: 'PolicyViolation' }] }],
        },
      },
    ]);
  });

  test.each([
    [
      'a parameter without a value',
      literal([], { parameters: { name: { type: 'string' } } }),
      {},
      'InvalidTemplate',
      "The value for the template parameter 'name'",
    ],
    [
      'a parameter that is not in it',
      literal([]),
      { parameters: { name: { value: 1 } } },
      'InvalidTemplate',
      "The template parameters 'name'",
    ],
    [
      'a value of another type',
      literal([], { parameters: { name: { type: 'string' } } }),
      { parameters: { name: { value: 1 } } },
      'InvalidTemplate',
      "Expected 'string'",
    ],
    [
      'a dependency on nothing',
      literal([nsg('a', { dependsOn: ['b'] })]),
      {},
      'InvalidTemplate',
      "The resource 'b' is not defined in the template",
    ],
    [
      'a circle',
      literal([nsg('a', { dependsOn: ['b'] }), nsg('b', { dependsOn: ['a'] })]),
      {},
      'InvalidTemplate',
      'Circular dependency',
    ],
    ['a resource twice', literal([nsg('a'), nsg('a')]), {}, 'InvalidTemplate', 'defined multiple times'],
    [
      'a function that there is not',
      literal([nsg("[nonsense('a')]")]),
      {},
      'InvalidTemplate',
      "The template function 'nonsense' is not valid",
    ],
    ['a broken expression', literal([nsg("[concat('a']")]), {}, 'InvalidTemplate', 'is not valid'],
    [
      'a type that is not simulated',
      literal([{ ...nsg('a'), type: 'Microsoft.Web/sites' }]),
      {},
      'NotSimulated',
      'Microsoft.Web/sites',
    ],
    ['a template by link', undefined, { templateLink: { uri: 'https://example.com' } }, 'NotSimulated', 'by link'],
  ])('%s is refused', async (_, template, rest, code, text) => {
    for (const answer of [
      await arm('PUT', deployment('no'), body(template, rest)),
      await arm('POST', `${deployment('no')}/validate`, body(template, rest)),
    ]) {
      expect([answer.status, errorOf(answer)]).toEqual([400, code]);
      expect(messageOf(answer)).toContain(text);
    }
  });

  test('terms that are not accepted stop it before it begins', async () => {
    const plan = { name: 'sentry_v1_byol0', publisher: 'cloudknox', product: 'cloudknox_sentry_image' };
    const vm = { ...nsg('vm'), type: 'Microsoft.Compute/virtualMachines', plan };
    const refused = await arm('PUT', deployment('terms'), body(literal([vm])));
    expect([refused.status, refused.body]).toMatchObject([
      400,
      { error: { code: 'MarketplacePurchaseEligibilityFailed', details: [{ code: 'BadRequest' }] } },
    ]);
  });
});
