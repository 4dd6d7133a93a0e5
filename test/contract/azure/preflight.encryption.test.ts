/** What preflight finds of disk encryption sets and encryption at host in the simulated Azure, with the app's adapters. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { outputsOf } from '../../../src/domain/graph';
import { request } from '../../support/requests';
import { deploy, startWorld, type World } from './adapters.support';
import { askedWhile, findingsOf, inputFor } from './preflight.support';
import { instant, location, platform } from './simulator.support';

let world: World;
beforeAll(async () => {
  world = await startWorld({
    ...instant,
    unregisteredFeatures: ['Microsoft.Compute/EncryptionAtHost'],
    vmSizes: {
      ...instant.vmSizes,
      Standard_A2_v2: { cores: 2, family: 'standardAv2Family', memoryGb: 4, encryptionAtHost: false },
    },
  });
  await world.demand('PUT', keys, { location });
});
afterAll(async () => world.azure.stop());

const keys = `/subscriptions/${platform}/resourceGroups/keys`;
const vault = `/subscriptions/${platform}/resourceGroups/${instant.vault.resourceGroup}/providers/Microsoft.KeyVault/vaults/${instant.vault.name}`;
const idOf = (name: string): string => `${keys}/providers/Microsoft.Compute/diskEncryptionSets/${name}`;
const { vm } = request();
const encrypted = (name: string) => ({ vm: { ...vm, osDisk: { diskEncryptionSetId: idOf(name) } } });
const features = `/subscriptions/${platform}/providers/Microsoft.Features/providers/Microsoft.Compute/features`;

async function makeSet(name: string, at = location, encryptionType = 'EncryptionAtRestWithCustomerKey') {
  const activeKey = {
    keyUrl: `https://${instant.vault.name}.vault.azure.net/keys/disks/1`,
    sourceVault: { id: vault },
  };
  const body = { location: at, identity: { type: 'SystemAssigned' }, properties: { encryptionType, activeKey } };
  await world.demand('PUT', idOf(name), body);
  return (await world.demand('GET', idOf(name))) as { identity: { principalId: string } };
}

test('a set that is fit, missing, elsewhere, for others, and not the app’s to read', async () => {
  await makeSet('fit');
  await makeSet('far', 'northeurope');
  await makeSet('confidential', location, 'ConfidentialVmEncryptedWithCustomerKey');
  const codesOf = async (name: string) =>
    (await findingsOf(world, inputFor('sets', encrypted(name)))).map(({ code, where }) => [code, where]);
  expect(await codesOf('fit')).toEqual([]);
  expect(await codesOf('none')).toEqual([['NoSuchResource', idOf('none')]]);
  expect(await codesOf('far')).toEqual([['EncryptionSetElsewhere', idOf('far')]]);
  expect(await codesOf('confidential')).toEqual([['EncryptionSetUnusable', idOf('confidential')]]);
  // Where the app has no role at all, Resource Graph does not show it either.
  const hidden = idOf('fit').replace(platform, '5b000000-0000-4000-9000-000000000001');
  await world.demand('PUT', hidden.replace(/\/providers.*/, ''), { location });
  const found = await findingsOf(world, inputFor('sets', { vm: { ...vm, osDisk: { diskEncryptionSetId: hidden } } }));
  expect(found).toMatchObject([{ code: 'MissingPermission', where: hidden }]);
});

test('a feature that is not registered, a size that cannot, and what each costs to read', async () => {
  const plain = (await askedWhile(world, () => findingsOf(world, inputFor('plain')))).length;
  const asked = { vm: { ...vm, ...encrypted('fit').vm, encryptionAtHost: true } };
  const read = await askedWhile(world, async () => {
    expect(await findingsOf(world, inputFor('host', asked))).toMatchObject([
      { severity: 'error', code: 'FeatureNotRegistered', where: '/vm/encryptionAtHost' },
    ]);
  });
  // One for the feature, and the set in one query with all else that the request names.
  expect(read.length - plain).toBe(2);
  await world.demand('POST', `${features}/EncryptionAtHost/register`);
  expect(await findingsOf(world, inputFor('host', asked))).toEqual([]);
  const small = { vm: { ...vm, encryptionAtHost: true, size: 'Standard_A2_v2' } };
  expect(await findingsOf(world, inputFor('host', small))).toMatchObject([
    { code: 'SizeNotCapable', where: '/vm/encryptionAtHost' },
  ]);
});

test('a set that its vault bars fails the VM, says what to do, and once it is let in the VM is made', async () => {
  const { identity } = await makeSet('barred');
  const { name, resources } = deploy('barred', 'managedIdentity', encrypted('barred'));
  const barred = await world.carryOut('ensure', name, resources);
  expect(barred['virtualMachine']).toMatchObject({
    state: 'refused',
    code: 'KeyVaultAccessForbidden',
    remedy: expect.stringContaining('Key Vault Crypto Service Encryption User'),
  });
  const roleDefinitionId = '/providers/Microsoft.Authorization/roleDefinitions/e147488a-f6f5-4113-8e2d-b22465e65bf6';
  const properties = { roleDefinitionId, principalId: identity.principalId, principalType: 'ServicePrincipal' };
  const grant = `${vault}/providers/Microsoft.Authorization/roleAssignments/11111111-2222-4333-8444-555555555555`;
  await world.demand('PUT', grant, { properties });
  const made = await world.carryOut('ensure', name, resources, outputsOf(barred));
  expect(made['virtualMachine']).toMatchObject({ state: 'done' });
  // Another set afterwards is refused before Azure is asked.
  await makeSet('other');
  const other = deploy('barred', 'managedIdentity', encrypted('other'));
  const changed = await world.carryOut('ensure', name, other.resources, outputsOf(made));
  expect(changed['virtualMachine']).toMatchObject({ state: 'refused', code: 'Immutable' });
});
