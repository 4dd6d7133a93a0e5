/** What takes time in the simulated Azure: operations, replication, propagation, and the limits on asking. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { readTenant } from '../../../local/azure/tenant';
import {
  type Answer,
  type Arm,
  armOf,
  errorOf,
  location,
  network,
  pathOf,
  platform,
  startTestAzure,
  watched,
  type TestAzure,
} from './simulator.support';

const READER = 'acdd72a7-3385-48ef-bd42-f606fba81ae7';
const slow = readTenant('samples/tenant.json');

let azure: TestAzure;
let arm: Arm;

const start = async (tenant: Parameters<typeof startTestAzure>[0]): Promise<void> => {
  azure = await startTestAzure(tenant);
  arm = await armOf(azure);
};

describe('by the clock', () => {
  beforeAll(async () => start(slow));
  afterAll(async () => azure.stop());
  afterEach(() => azure.advance(600));

  test('an operation runs for as long as it takes, over a restart too', async () => {
    const made = await arm('PUT', network('networkSecurityGroups/slow'), { location });
    expect([made.status, made.header('retry-after'), made.header('location')]).toEqual([201, '', '']);
    expect(made.body).toMatchObject({ properties: { provisioningState: 'Updating' } });
    const operation = pathOf(made.header('azure-asyncoperation'));
    azure.advance(1);
    await azure.restart();
    expect((await arm('GET', operation)).body).toMatchObject({ status: 'InProgress' });
    azure.advance(3);
    expect((await arm('GET', operation)).body).toMatchObject({ status: 'Succeeded' });
    expect((await arm('GET', network('networkSecurityGroups/slow'))).body).toMatchObject({
      properties: { provisioningState: 'Succeeded' },
    });
    const deleted = await arm('DELETE', network('networkSecurityGroups/slow'));
    expect(deleted.status).toBe(202);
    expect((await arm('GET', pathOf(deleted.header('location')))).status).toBe(202);
    expect((await arm('GET', network('networkSecurityGroups/slow'))).body).toMatchObject({
      properties: { provisioningState: 'Deleting' },
    });
    azure.advance(5);
    expect((await arm('GET', pathOf(deleted.header('location')))).status).toBe(204);
    expect((await arm('GET', network('networkSecurityGroups/slow'))).status).toBe(404);
    expect((await arm('DELETE', network('networkSecurityGroups/slow'))).status).toBe(204);
  });

  test('a rule is refused while its group is being written', async () => {
    await arm('PUT', network('networkSecurityGroups/busy'), { location });
    const properties = {
      protocol: 'Tcp',
      sourcePortRange: '*',
      destinationPortRange: '22',
      sourceAddressPrefix: '*',
      destinationAddressPrefix: '*',
      access: 'Deny',
      priority: 100,
      direction: 'Inbound',
    };
    const early = await arm('PUT', network('networkSecurityGroups/busy/securityRules/x'), { properties });
    expect([early.status, errorOf(early), early.header('retry-after')]).toEqual([
      429,
      'RetryableErrorDueToAnotherOperation',
      '3',
    ]);
    azure.advance(3);
    expect((await arm('PUT', network('networkSecurityGroups/busy/securityRules/x'), { properties })).status).toBe(201);
  });

  test('a machine without its plan is accepted, and then fails', async () => {
    await arm('PUT', network('virtualNetworks/v'), {
      location,
      properties: {
        addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
        subnets: [{ name: 's', properties: { addressPrefix: '10.0.0.0/24' } }],
      },
    });
    azure.advance(10);
    const nic = await arm('PUT', network('networkInterfaces/n'), {
      location,
      properties: {
        ipConfigurations: [{ name: 'ip', properties: { subnet: { id: network('virtualNetworks/v/subnets/s') } } }],
      },
    });
    expect(nic.status).toBe(201);
    azure.advance(10);
    const image = {
      publisher: 'cloudknox',
      offer: 'cloudknox_sentry_image',
      sku: 'sentry_v1_byol0',
      version: 'latest',
    };
    const vm = `/subscriptions/${platform}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm`;
    const properties = {
      hardwareProfile: { vmSize: 'Standard_D4s_v3' },
      storageProfile: { imageReference: image },
      osProfile: { adminUsername: 'me', adminPassword: 'Only-4-tests', computerName: 'vm' },
      networkProfile: { networkInterfaces: [{ id: network('networkInterfaces/n') }] },
    };
    const made = await arm('PUT', vm, { location, properties });
    expect([made.status, made.header('retry-after')]).toEqual([201, '5']);
    azure.advance(60);
    expect((await arm('GET', pathOf(made.header('azure-asyncoperation')))).body).toMatchObject({
      status: 'Failed',
      error: { code: 'VMMarketplaceInvalidInput' },
    });
    expect((await arm('GET', vm)).body).toMatchObject({ properties: { provisioningState: 'Failed' } });
    const small = { ...properties, hardwareProfile: { vmSize: 'Standard_B2s' } };
    expect(errorOf(await arm('PUT', vm, { location, properties: small }))).toBe('SkuNotAvailable');
    const renamed = { ...properties, osProfile: { adminUsername: 'you' } };
    const changed = await arm('PUT', vm, { location, properties: renamed });
    expect([changed.status, errorOf(changed)]).toEqual([409, 'PropertyChangeNotAllowed']);
    expect(
      (
        await azure.ask('POST', '/_simulator/vms/token', {
          body: { vmId: vm, resource: 'https://graph.microsoft.com' },
        })
      ).status,
    ).toBe(400);
  });

  test('a new identity is not found at once, and a grant does not count at once', async () => {
    const answer = await arm(
      'PUT',
      `/subscriptions/${platform}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/fresh`,
      { location },
    );
    const { principalId } = z
      .looseObject({ principalId: z.string() })
      .parse(z.looseObject({ properties: z.unknown() }).parse(answer.body).properties);
    const token = await azure.token('sentry-orchestrator', 'https://graph.microsoft.com');
    const found = z
      .object({ value: z.array(z.looseObject({ id: z.string() })) })
      .parse(
        (await azure.ask('GET', "/v1.0/servicePrincipals?$filter=displayName eq 'Microsoft Graph'", { token })).body,
      );
    const body = { principalId, resourceId: found.value[0]?.id, appRoleId: 'b0afded3-3588-46d8-8b3d-9842eff778da' };
    const grant = (): Promise<Answer> =>
      azure.ask('POST', `/v1.0/servicePrincipals/${found.value[0]?.id ?? ''}/appRoleAssignedTo`, { token, body });
    expect((await grant()).body).toMatchObject({ error: { message: 'Not a valid reference update.' } });
    expect((await azure.ask('GET', `/v1.0/servicePrincipals/${principalId}`, { token })).status).toBe(404);
    const assignment = `/subscriptions/${watched(2)}/providers/Microsoft.Authorization/roleAssignments/`;
    const properties = {
      principalId,
      roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${READER}`,
    };
    expect(errorOf(await arm('PUT', `${assignment}${randomUUID()}`, { properties }))).toBe('PrincipalNotFound');
    azure.advance(21);
    expect((await grant()).status).toBe(201);
    expect((await arm('PUT', `${assignment}${randomUUID()}`, { properties })).status).toBe(201);
  });

  test('the buckets of a subscription and of Microsoft.Authorization run dry, and fill again', async () => {
    const group = `/subscriptions/${platform}/resourceGroups/rg`;
    const reads = await Promise.all(Array.from({ length: 260 }, () => arm('HEAD', group)));
    const limited = reads.filter(({ status }) => status === 429);
    expect(limited).toHaveLength(10);
    expect(limited[0]?.header('retry-after')).toBe('1');
    azure.advance(20);
    expect((await arm('HEAD', group)).status).toBe(204);

    const put = (index: number): Promise<Answer> =>
      arm(
        'PUT',
        `/subscriptions/${watched(1 + (index % 5))}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`,
        {
          properties: {
            principalId: randomUUID(),
            principalType: 'ServicePrincipal',
            roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${READER}`,
          },
        },
      );
    const writes = await Promise.all(Array.from({ length: 121 }, (_, index) => put(index)));
    const refused = writes.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(1);
    expect(refused.map(errorOf)).toEqual(['ResourceRequestsThrottled']);
    azure.advance(61);
    expect((await put(1)).status).toBe(201);
    const { body } = await azure.ask('GET', '/_simulator/requests?full=true');
    const row = z.object({ method: z.string(), path: z.string(), status: z.number(), caller: z.string() });
    const rows = z
      .array(row)
      .parse(body)
      .filter(({ status, path }) => status === 429 && path.includes('roleAssignments'));
    expect(rows).toMatchObject([{ method: 'PUT', caller: slow.principals[0]?.principalId }]);
  });
});
