/**
 * Bodies and answers of resources against Azure's own types: each is written as a Bicep literal, and the Bicep CLI
 * says which members do not exist and which have a wrong type. Without that CLI it is skipped, loudly.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { bicepCli, findings, type Shape } from './bicepLiterals';
import { type Answer, instant, location, platform, startTestAzure, type TestAzure } from './simulator.support';

/** Findings that are right as they are. */
const explained: readonly { readonly finding: RegExp; readonly why: string }[] = [
  { finding: /BCP073/, why: 'members that Azure computes are read only, and answers have them' },
  { finding: /BCP121/, why: 'each resource stands here three times: as it was sent, and as two answers' },
];

const group = `/subscriptions/${platform}/resourceGroups/rg`;
const id = (path: string): string => `${group}/providers/${path}`;
const network = (path: string): string => id(`Microsoft.Network/${path}`);
const standard = { name: 'Standard' };
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHRlc3Q test';

/** Path, api-version, body: in the order in which they need each other. */
const resources: readonly (readonly [string, string, Record<string, unknown>])[] = [
  ['Microsoft.Network/networkSecurityGroups/nsg', '2024-05-01', { location }],
  [
    'Microsoft.Network/networkSecurityGroups/nsg/securityRules/Port_22',
    '2024-05-01',
    {
      properties: {
        protocol: 'Tcp',
        sourcePortRange: '*',
        destinationPortRange: '22',
        sourceAddressPrefix: '203.0.113.7/32',
        destinationAddressPrefix: '*',
        access: 'Allow',
        priority: 100,
        direction: 'Inbound',
      },
    },
  ],
  [
    'Microsoft.Network/publicIPAddresses/ip',
    '2024-05-01',
    { location, sku: standard, properties: { publicIPAllocationMethod: 'Static' } },
  ],
  [
    'Microsoft.Network/publicIPAddresses/nat-ip',
    '2024-05-01',
    { location, sku: standard, properties: { publicIPAllocationMethod: 'Static' } },
  ],
  [
    'Microsoft.Network/natGateways/nat',
    '2024-05-01',
    { location, sku: standard, properties: { publicIpAddresses: [{ id: network('publicIPAddresses/nat-ip') }] } },
  ],
  [
    'Microsoft.Network/virtualNetworks/vnet',
    '2024-05-01',
    { location, properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] } } },
  ],
  [
    'Microsoft.Network/virtualNetworks/vnet/subnets/s1',
    '2024-05-01',
    {
      properties: {
        addressPrefix: '10.0.0.0/24',
        defaultOutboundAccess: false,
        natGateway: { id: network('natGateways/nat') },
      },
    },
  ],
  [
    'Microsoft.Network/networkInterfaces/nic',
    '2024-05-01',
    {
      location,
      properties: {
        networkSecurityGroup: { id: network('networkSecurityGroups/nsg') },
        ipConfigurations: [
          {
            name: 'ip',
            properties: {
              subnet: { id: network('virtualNetworks/vnet/subnets/s1') },
              publicIPAddress: { id: network('publicIPAddresses/ip') },
            },
          },
        ],
      },
    },
  ],
  ['Microsoft.ManagedIdentity/userAssignedIdentities/id1', '2023-01-31', { location }],
  [
    'Microsoft.KeyVault/vaults/shape-vault',
    '2023-07-01',
    {
      location,
      properties: { tenantId: instant.tenantId, sku: { family: 'A', name: 'standard' }, enableRbacAuthorization: true },
    },
  ],
  [
    'Microsoft.Compute/virtualMachines/vm',
    '2024-07-01',
    {
      location,
      identity: {
        type: 'UserAssigned',
        userAssignedIdentities: { [id('Microsoft.ManagedIdentity/userAssignedIdentities/id1')]: {} },
      },
      properties: {
        hardwareProfile: { vmSize: 'Standard_D4s_v3' },
        storageProfile: {
          imageReference: {
            publisher: 'Canonical',
            offer: '0001-com-ubuntu-server-jammy',
            sku: '22_04-lts-gen2',
            version: 'latest',
          },
          osDisk: { createOption: 'FromImage', deleteOption: 'Delete' },
        },
        osProfile: {
          computerName: 'vm',
          adminUsername: 'azureuser',
          linuxConfiguration: {
            disablePasswordAuthentication: true,
            ssh: { publicKeys: [{ path: '/home/azureuser/.ssh/authorized_keys', keyData: key }] },
          },
        },
        networkProfile: { networkInterfaces: [{ id: network('networkInterfaces/nic') }] },
      },
    },
  ],
];

let azure: TestAzure;
let token: string;

beforeAll(async () => {
  azure = await startTestAzure();
  token = await azure.token('administrator');
  await azure.ask('PUT', `${group}?api-version=2024-11-01`, { token, body: { location } });
});
afterAll(async () => azure.stop());

const record = z.record(z.string(), z.unknown());

function shapeOf(seen: string, path: string, version: string, body: unknown): Shape {
  const [namespace = '', ...rest] = path.split('/');
  const types = rest.filter((_, index) => index % 2 === 0).join('/');
  const names = rest.filter((_, index) => index % 2 === 1).join('/');
  return { seen, type: `${namespace}/${types}@${version}`, name: names, body: record.parse(body) };
}

/** Makes every resource, and keeps what was sent and what came back. */
async function shapes(): Promise<Shape[]> {
  const found: Shape[] = [];
  for (const [path, version, body] of resources) {
    const ask = async (method: string, sent?: unknown): Promise<Answer> =>
      await azure.ask(method, `${id(path)}?api-version=${version}`, {
        token,
        ...(sent === undefined ? {} : { body: sent }),
      });
    const put = await ask('PUT', body);
    expect([path, put.status, put.body]).toEqual([path, 201, put.body]);
    found.push(shapeOf('body', path, version, body), shapeOf('answer to PUT', path, version, put.body));
    found.push(shapeOf('answer to GET', path, version, (await ask('GET')).body));
  }
  return found;
}

test('bodies and answers have only members that Azure has, of its types', async () => {
  const cli = bicepCli();
  const all = await shapes();
  if (cli === undefined) {
    const bar = '!'.repeat(78);
    console.log(
      `${bar}\nSKIPPED: shapes were NOT checked, because there is no Bicep CLI: node scripts/checkInfra.mjs\n${bar}`,
    );
    return;
  }
  const wrong: Shape = shapeOf('planted', 'Microsoft.Network/natGateways/x', '2024-05-01', {
    location,
    properties: { noSuch: 1 },
  });
  const said = findings(cli, [...all, wrong]);
  expect(said.filter((one) => one.includes('(planted)'))).toEqual([expect.stringContaining('noSuch')]);
  const unexplained = said.filter(
    (one) => !one.includes('(planted)') && !explained.some(({ finding }) => finding.test(one)),
  );
  expect(unexplained).toEqual([]);
  // An explanation that nothing needs any more is one too many.
  for (const { finding, why } of explained) expect([why, said.some((one) => finding.test(one))]).toEqual([why, true]);
});
