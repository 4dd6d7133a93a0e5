/** PATCH of storage accounts and vaults: what Azure lets be changed, and what it does not. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type TokenCredential } from '@azure/core-auth';
import { KeyVaultManagementClient } from '@azure/arm-keyvault';
import { StorageManagementClient } from '@azure/arm-storage';
import { account, accounts } from './simulator.storage.support';
import {
  type Answer,
  type Arm,
  armOf,
  errorOf,
  location,
  platform,
  startTestAzure,
  type TestAzure,
} from './simulator.support';

let azure: TestAzure;
let arm: Arm;
let credential: TokenCredential;
let tenantId: string;

beforeAll(async () => {
  azure = await startTestAzure();
  arm = await armOf(azure);
  const token = await azure.token('administrator');
  credential = { getToken: async () => Promise.resolve({ token, expiresOnTimestamp: Infinity }) };
  tenantId = azure.environment['AZURE_TENANT_ID'] ?? '';
});
afterAll(async () => azure.stop());

describe('a storage account', () => {
  const id = accounts('patched');
  const patch = async (body: object): Promise<Answer> => arm('PATCH', id, body);
  beforeAll(async () => {
    await arm('PUT', id, { ...account, tags: { a: '1' }, properties: { isHnsEnabled: true } });
  });

  test('takes settings one by one, and keeps the others', async () => {
    const client = new StorageManagementClient(credential, platform, { endpoint: azure.url });
    const changed = await client.storageAccounts.update('rg', 'patched', {
      minimumTlsVersion: 'TLS1_2',
      allowSharedKeyAccess: false,
      accessTier: 'Cool',
      networkRuleSet: { defaultAction: 'Deny', bypass: 'None' },
      sku: { name: 'Standard_GRS' },
      tags: { b: '2' },
    });
    const settings = { minimumTlsVersion: 'TLS1_2', allowSharedKeyAccess: false, accessTier: 'Cool' };
    expect(changed).toMatchObject({ ...settings, sku: { name: 'Standard_GRS', tier: 'Standard' }, tags: { b: '2' } });
    const again = await patch({ properties: { publicNetworkAccess: 'Disabled' } });
    expect([again.status, again.body]).toMatchObject([
      200,
      {
        tags: { b: '2' },
        properties: {
          ...settings,
          isHnsEnabled: true,
          publicNetworkAccess: 'Disabled',
          networkAcls: { defaultAction: 'Deny', bypass: 'None' },
          provisioningState: 'Succeeded',
        },
      },
    ]);
    expect((await arm('GET', id)).body).toEqual(again.body);
  });

  test.each([
    ['isHnsEnabled', { properties: { isHnsEnabled: false } }, 'AccountPropertyCannotBeUpdated'],
    ['isNfsV3Enabled', { properties: { isNfsV3Enabled: true } }, 'AccountPropertyCannotBeUpdated'],
    ['its kind', { kind: 'BlobStorage' }, 'AccountPropertyCannotBeUpdated'],
    ['a zonal SKU', { sku: { name: 'Standard_ZRS' } }, 'InvalidValuesForRequestParameters'],
    ['a premium SKU', { sku: { name: 'Premium_LRS' } }, 'StorageAccountTypeConversionNotAllowed'],
    ['a tier that there is not', { properties: { accessTier: 'Tepid' } }, 'InvalidAccessTier'],
    ['a SKU that there is not', { sku: { name: 'Standard_XYZ' } }, 'InvalidRequestContent'],
  ])('%s is refused', async (_, body, code) => {
    const refused = await patch(body);
    expect([refused.status, errorOf(refused)]).toEqual([400, code]);
  });

  test('a v1 account becomes a v2 one; large file shares stay on', async () => {
    const old = accounts('patchedold');
    await arm('PUT', old, { ...account, kind: 'Storage' });
    expect((await arm('PATCH', old, { kind: 'StorageV2' })).body).toMatchObject({ kind: 'StorageV2' });
    const shares = async (largeFileSharesState: string): Promise<Answer> =>
      arm('PATCH', old, { properties: { largeFileSharesState } });
    expect((await shares('Enabled')).status).toBe(200);
    expect(errorOf(await shares('Disabled'))).toBe('AccountPropertyCannotBeUpdated');
    expect(errorOf(await arm('PATCH', accounts('missing1'), {}))).toBe('ResourceNotFound');
  });
});

describe('a vault', () => {
  const id = `/subscriptions/${platform}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/patched-vault`;
  const patch = async (properties: object): Promise<Answer> => arm('PATCH', id, { properties });
  beforeAll(async () => {
    const properties = {
      tenantId,
      sku: { name: 'standard', family: 'A' },
      accessPolicies: [],
      softDeleteRetentionInDays: 7,
    };
    expect((await arm('PUT', id, { location, properties })).status).toBe(201);
  });

  test('takes settings one by one, and keeps the others', async () => {
    const client = new KeyVaultManagementClient(credential, platform, { endpoint: azure.url });
    const changed = await client.vaults.update('rg', 'patched-vault', {
      tags: { a: '1' },
      properties: { enableRbacAuthorization: true, sku: { name: 'premium', family: 'A' } },
    });
    const settings = { enableRbacAuthorization: true, softDeleteRetentionInDays: 7, sku: { name: 'premium' } };
    expect(changed).toMatchObject({ tags: { a: '1' }, properties: settings });
    const policy = { tenantId, objectId: 'a0000000-0000-4000-8000-000000000001', permissions: { secrets: ['get'] } };
    expect((await patch({ accessPolicies: [policy] })).status).toBe(200);
    const last = await patch({ enablePurgeProtection: true, publicNetworkAccess: 'Disabled' });
    expect([last.status, last.body]).toMatchObject([
      200,
      { properties: { ...settings, accessPolicies: [policy], enablePurgeProtection: true, enableSoftDelete: true } },
    ]);
  });

  test.each([
    ['another retention', { softDeleteRetentionInDays: 30 }, "can't be modified"],
    ['no purge protection', { enablePurgeProtection: false }, 'cannot be set to false'],
    ['no soft delete', { enableSoftDelete: false }, 'only for creating new vault'],
  ])('%s is refused', async (_, properties, text) => {
    const refused = await patch(properties);
    expect([refused.status, refused.body]).toMatchObject([
      400,
      { error: { code: 'BadRequest', message: expect.stringContaining(text) } },
    ]);
  });
});
