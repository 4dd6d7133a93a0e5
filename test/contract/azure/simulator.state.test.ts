/** Quotas, round trips of what was read, and what the state folder holds. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
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
  version,
  type TestAzure,
} from './simulator.support';

let azure: TestAzure;
let arm: Arm;

const start = async (tenant: Parameters<typeof startTestAzure>[0]): Promise<void> => {
  azure = await startTestAzure(tenant);
  arm = await armOf(azure);
};

describe('each with its own', () => {
  afterEach(async () => azure.stop());

  test('cores are counted against the quota of their family and region', async () => {
    await start({ ...instant, quotas: { default: 100, families: { standardDSv3Family: 4 } } });
    const vnet = {
      addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
      subnets: [{ name: 's', properties: { addressPrefix: '10.0.0.0/24' } }],
    };
    await arm('PUT', network('virtualNetworks/v'), { location, properties: vnet });
    const machine = async (name: string): Promise<Answer> => {
      const subnet = { id: network('virtualNetworks/v/subnets/s') };
      await arm('PUT', network(`networkInterfaces/${name}`), {
        location,
        properties: { ipConfigurations: [{ name: 'ip', properties: { subnet } }] },
      });
      const imageReference = {
        publisher: 'Canonical',
        offer: '0001-com-ubuntu-server-jammy',
        sku: '22_04-lts-gen2',
        version: 'latest',
      };
      const properties = {
        hardwareProfile: { vmSize: 'Standard_D4s_v3' },
        storageProfile: { imageReference },
        osProfile: { adminUsername: 'me', adminPassword: 'Only-4-tests' },
        networkProfile: { networkInterfaces: [{ id: network(`networkInterfaces/${name}`) }] },
      };
      return await arm(
        'PUT',
        `/subscriptions/${platform}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/${name}`,
        { location, properties },
      );
    };
    expect((await machine('one')).status).toBe(201);
    const refused = await machine('two');
    expect([refused.status, errorOf(refused)]).toEqual([409, 'OperationNotAllowed']);
    expect(refused.body).toMatchObject({
      error: {
        message: expect.stringContaining(
          'Current Limit: 4, Current Usage: 4, Additional Required: 4, (Minimum) New Limit Required: 8',
        ),
      },
    });
  });

  test('what was read can be put back, changed and with its etag', async () => {
    await start(instant);
    const group = `/subscriptions/${platform}/resourceGroups/rg/providers`;
    const identity = `${group}/Microsoft.ManagedIdentity/userAssignedIdentities/id`;
    const vm = `${group}/Microsoft.Compute/virtualMachines/vm`;
    const ref = (path: string): { id: string } => ({ id: network(path) });
    const rule = {
      protocol: 'Tcp',
      sourcePortRange: '*',
      destinationPortRange: '22',
      sourceAddressPrefix: '198.51.100.7',
      destinationAddressPrefix: '*',
      access: 'Allow',
      priority: 100,
      direction: 'Inbound',
    };
    const publicAddress = { location, sku: { name: 'Standard' }, properties: { publicIPAllocationMethod: 'Static' } };
    const subnet = {
      addressPrefix: '10.0.0.0/24',
      natGateway: ref('natGateways/nat'),
      networkSecurityGroup: ref('networkSecurityGroups/nsg'),
    };
    const ip = { subnet: ref('virtualNetworks/v/subnets/s'), publicIPAddress: ref('publicIPAddresses/vm') };
    const imageReference = {
      publisher: 'Canonical',
      offer: '0001-com-ubuntu-server-jammy',
      sku: '22_04-lts-gen2',
      version: 'latest',
    };
    const machine = {
      hardwareProfile: { vmSize: 'Standard_D4s_v3' },
      storageProfile: { imageReference },
      osProfile: { adminUsername: 'me', adminPassword: 'Only-4-tests', computerName: 'vm' },
      networkProfile: { networkInterfaces: [ref('networkInterfaces/nic')] },
    };
    const made: readonly (readonly [path: string, body: object])[] = [
      [
        network('networkSecurityGroups/nsg'),
        { location, properties: { securityRules: [{ name: 'r', properties: rule }] } },
      ],
      [network('publicIPAddresses/nat'), publicAddress],
      [network('publicIPAddresses/vm'), publicAddress],
      [
        network('natGateways/nat'),
        { location, sku: { name: 'Standard' }, properties: { publicIpAddresses: [ref('publicIPAddresses/nat')] } },
      ],
      [
        network('virtualNetworks/v'),
        {
          location,
          properties: {
            addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
            subnets: [{ name: 's', properties: subnet }],
          },
        },
      ],
      [
        network('networkInterfaces/nic'),
        {
          location,
          properties: {
            networkSecurityGroup: ref('networkSecurityGroups/nsg'),
            ipConfigurations: [{ name: 'ip', properties: ip }],
          },
        },
      ],
      [identity, { location }],
      [
        vm,
        {
          location,
          identity: { type: 'UserAssigned', userAssignedIdentities: { [identity]: {} } },
          properties: machine,
        },
      ],
    ];
    for (const [path, body] of made) expect([path, (await arm('PUT', path, body)).status]).toEqual([path, 201]);
    const shape = z.looseObject({ etag: z.string().optional(), properties: z.record(z.string(), z.unknown()) });
    for (const [path] of made) {
      const before = shape.parse((await arm('GET', path)).body);
      const headers = before.etag === undefined ? {} : { 'if-match': before.etag };
      const answer = await arm('PUT', path, { ...before, tags: { deployment: 'prod' } }, { headers });
      expect([path, answer.status, JSON.stringify(answer.body).includes('"p"')]).toEqual([path, 200, false]);
      const after = shape.parse((await arm('GET', path)).body);
      const stripped = (text: string): unknown => JSON.parse(text.replace(/"etag":"(?:[^"\\]|\\.)*",?/g, ''));
      expect(stripped(JSON.stringify(after))).toEqual({
        ...Object(stripped(JSON.stringify(before))),
        tags: { deployment: 'prod' },
      });
    }
    const nic = shape.parse((await arm('GET', network('networkInterfaces/nic'))).body);
    const address = (await azure.ask('GET', '/_simulator/vms')).body;
    expect(address).toMatchObject([{ publicIp: expect.stringMatching(/^20\.50\./) }]);
    const without = { ...nic.properties, ipConfigurations: [{ name: 'ip', properties: { subnet: ip.subnet } }] };
    await arm('PUT', network('networkInterfaces/nic'), { ...nic, properties: without });
    expect((await azure.ask('GET', '/_simulator/vms')).body).toMatchObject([{ publicIp: null, privateIp: '10.0.0.4' }]);
    expect((await arm('DELETE', network('publicIPAddresses/vm'))).status).toBe(202);
    const stopped = await arm('POST', `${vm}/deallocate`);
    expect(stopped.status).toBe(202);
    expect((await arm('GET', `${vm}/instanceView`)).body).toMatchObject({
      statuses: [{}, { code: 'PowerState/deallocated' }],
    });
    const token = await azure.ask('POST', '/_simulator/vms/token', {
      body: { vmId: vm, resource: 'https://management.azure.com/' },
    });
    const { access_token: own } = z.object({ access_token: z.string() }).parse(token.body);
    expect((await azure.ask('GET', `/subscriptions${version}`, { token: own })).body).toMatchObject({ value: [] });
  });

  test('no secret stands in clear in the state folder, and keys are their owner’s alone', async () => {
    await start(instant);
    const vault = await azure.token('sentry-orchestrator', 'https://vault.azure.net');
    const value = 'the-value-that-nobody-may-read';
    await azure.ask('PUT', '/secrets/quiet?api-version=7.4', { token: vault, body: { value } });
    await azure.restart();
    expect((await azure.ask('GET', '/secrets/quiet/?api-version=7.4', { token: vault })).body).toMatchObject({ value });
    const files = readdirSync(azure.state).map((name) => join(azure.state, name));
    for (const file of files) expect(readFileSync(file).includes(value)).toBe(false);
    const open = files.filter((file) => /key|header|environment/.test(file) && (statSync(file).mode & 0o077) !== 0);
    expect(open).toEqual([]);
  });
});
