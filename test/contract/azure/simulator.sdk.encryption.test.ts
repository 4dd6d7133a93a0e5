/** Disk encryption sets, encryption at host and the feature that it needs, by the client of Microsoft.Compute. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { machine, makeMachine, makeNetwork, nic } from './simulator.sdk.machines';
import { drained, group, TestClients, within } from './simulator.sdk.support';
import { all, type Answer, instant, location, platform, startTestAzure, type TestAzure, watched } from './simulator.support'; // prettier-ignore

const CUSTOMER = 'EncryptionAtRestWithCustomerKey';
const DOUBLE = 'EncryptionAtRestWithPlatformAndCustomerKeys';
const CONFIDENTIAL = 'ConfidentialVmEncryptedWithCustomerKey';
const ENCRYPTION_USER = 'e147488a-f6f5-4113-8e2d-b22465e65bf6';
const FEATURE = 'Microsoft.Compute/EncryptionAtHost';
const PROPERTY = 'securityProfile.encryptionAtHost';

const rg = `/subscriptions/${platform}/resourceGroups/${group}`;
/** May do everything in the machines' group, and nothing outside it. */
const builder = { name: 'builder', principalId: randomUUID(), clientId: randomUUID(), graphRoles: [], roles: [{ role: 'Contributor', scope: rg }] }; // prettier-ignore
const tenant = {
  ...instant,
  principals: [...instant.principals, builder],
  unregisteredFeatures: [FEATURE],
  vmSizes: { ...instant.vmSizes, Standard_A2_v2: { cores: 2, family: 'standardAv2Family', memoryGb: 4, encryptionAtHost: false } },
  timings: { ...instant.timings, featureRegistration: 60 },
}; // prettier-ignore

let azure: TestAzure;
let of: TestClients;
let asked: (method: string, path: string, body?: object, version?: string) => Promise<Answer>;

const vault = `/subscriptions/${platform}/resourceGroups/${tenant.vault.resourceGroup}/providers/Microsoft.KeyVault/vaults/${tenant.vault.name}`;
const keyOf = (name: string, version = '1', of = tenant.vault.name): string =>
  `https://${of}.vault.azure.net/keys/${name}/${version}`;
const setId = (name: string): string => within(`Microsoft.Compute/diskEncryptionSets/${name}`);
const set = (more: object = {}) => ({
  location,
  identity: { type: 'SystemAssigned' },
  encryptionType: CUSTOMER,
  activeKey: { keyUrl: keyOf('disks'), sourceVault: { id: vault } },
  ...more,
});
const make = (name: string, more: object = {}) => of.compute.diskEncryptionSets.createOrUpdate(group, name, set(more));

/** The vault's owner lets the set in. */
async function letIn(name: string, scope = vault): Promise<void> {
  const { identity } = await of.compute.diskEncryptionSets.get(group, name);
  await grant(identity?.principalId ?? '', scope);
}
async function grant(principalId: string, scope: string): Promise<void> {
  const roleDefinitionId = `/providers/Microsoft.Authorization/roleDefinitions/${ENCRYPTION_USER}`;
  const properties = { roleDefinitionId, principalId, principalType: 'ServicePrincipal' };
  const path = `${scope}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`;
  expect((await asked('PUT', path, { properties }, '2022-04-01')).status).toBe(201);
}

const encrypted = (name: string, id: string, more: object = {}) => {
  const { storageProfile, ...rest } = machine(name);
  const osDisk = { ...storageProfile.osDisk, name, managedDisk: { diskEncryptionSet: { id } } };
  return { ...rest, storageProfile: { ...storageProfile, osDisk }, ...more };
};
async function putMachine(name: string, id: string, by = of): Promise<unknown> {
  await of.network.networkInterfaces.createOrUpdate(group, name, nic());
  return await by.compute.virtualMachines.createOrUpdate(group, name, encrypted(name, id));
}

beforeAll(async () => {
  azure = await startTestAzure(tenant);
  of = await TestClients.of(azure);
  const token = await azure.token('administrator');
  asked = (method, path, body, version = '2021-07-01') =>
    azure.ask(method, `${path}?api-version=${version}`, { token, ...(body === undefined ? {} : { body }) });
  await makeNetwork(of);
});
afterAll(async () => azure.stop());

describe('a disk encryption set', () => {
  const sets = () => of.compute.diskEncryptionSets;

  test('is made with an identity of its own, read, listed, changed and removed', async () => {
    expect(await of.statusOf(() => sets().beginCreateOrUpdate(group, 'one', set()))).toBe(202);
    const made = await sets().get(group, 'one');
    expect(made).toMatchObject({
      id: setId('one'),
      encryptionType: CUSTOMER,
      activeKey: { keyUrl: keyOf('disks'), sourceVault: { id: vault } },
      previousKeys: [],
      rotationToLatestKeyVersionEnabled: false,
      provisioningState: 'Succeeded',
      identity: { type: 'SystemAssigned', tenantId: tenant.tenantId },
    });
    expect(await drained(sets().listByResourceGroup(group))).toBe(1);
    expect(await drained(sets().list())).toBe(1);
    const change = { activeKey: { keyUrl: keyOf('disks', '2') }, rotationToLatestKeyVersionEnabled: true };
    expect(await of.statusOf(() => sets().beginUpdate(group, 'one', { ...change, tags: { of: 'ours' } }))).toBe(202);
    const changed = await sets().get(group, 'one');
    expect(changed).toMatchObject({ ...change, tags: { of: 'ours' }, lastKeyRotationTimestamp: expect.any(Date) });
    expect(changed.identity?.principalId).toBe(made.identity?.principalId);
    expect(await of.statusOf(() => sets().beginDelete(group, 'one'))).toBe(202);
    expect(await of.statusOf(() => sets().beginDelete(group, 'one'))).toBe(204);
    const missed = { status: 404, code: 'ResourceNotFound' };
    expect(await of.refusal(() => sets().get(group, 'one'))).toMatchObject(missed);
    expect(await of.refusal(() => sets().beginUpdate(group, 'one', {}))).toMatchObject(missed);
    expect(await of.refusal(() => drained(sets().listAssociatedResources(group, 'one')))).toMatchObject(missed);
  });

  test('has an identity that is given it, and goes to another', async () => {
    const id = within('Microsoft.ManagedIdentity/userAssignedIdentities/keys');
    const { principalId = '' } = await of.identities.userAssignedIdentities.createOrUpdate(group, 'keys', { location });
    const identity = { type: 'UserAssigned', userAssignedIdentities: { [id]: {} } };
    const barred = `Unable to access key vault resource '${keyOf('disks')}' to enable encryption at rest. Please grant get, wrap and unwrap key permissions to user-assigned identity '${id}'. Please visit https://aka.ms/keyvaultaccessssecmk for more information.`;
    await expect(make('given', { identity })).rejects.toThrow(`KeyVaultAccessForbidden. ${barred}`);
    await grant(principalId, vault);
    expect(await make('given', { identity })).toMatchObject({
      provisioningState: 'Succeeded',
      identity: { userAssignedIdentities: { [id]: { principalId } } },
    });
    // What it has of its own goes with it.
    const { identity: own } = await make('given', { encryptionType: undefined });
    const servicePrincipal = own?.principalId ?? '';
    expect(servicePrincipal).not.toBe('');
    expect((await make('given', { identity })).identity?.principalId).toBeUndefined();
    await sets().delete(group, 'given');
  }); // prettier-ignore

  test('takes a key with its version only, and keeps its kind', async () => {
    const bare = 'https://v.vault.azure.net/keys/disks';
    expect(await of.refusal(() => make('bare', { activeKey: { keyUrl: bare } }))).toMatchObject({
      status: 400,
      code: 'InvalidParameter',
      message: `The value '${bare}' of parameter 'activeKey.keyUrl' is invalid: a key's url with its version is expected.`,
    });
    expect(await of.refusal(() => make('kind', { encryptionType: 'Other' }))).toMatchObject({ status: 400 });
    await make('kind');
    expect(await of.refusal(() => make('kind', { encryptionType: DOUBLE }))).toMatchObject({
      status: 409,
      code: 'PropertyChangeNotAllowed',
      message: "Changing property 'encryptionType' is not allowed.",
    });
    await sets().delete(group, 'kind');
  });
});

describe('a disk is encrypted with a set', () => {
  const refused = (name: string, id: string, by = of) =>
    of === by
      ? of.refusal(() => of.compute.disks.createOrUpdate(group, name, disk(id)))
      : by.refusal(() => by.compute.disks.createOrUpdate(group, name, disk(id)));
  const disk = (diskEncryptionSetId?: string) => ({
    location,
    diskSizeGB: 8,
    creationData: { createOption: 'Empty' },
    ...(diskEncryptionSetId === undefined ? {} : { encryption: { type: CUSTOMER, diskEncryptionSetId } }),
  });

  test('a machine’s, which shows it; neither goes while the other needs it', async () => {
    await make('machines', { encryptionType: DOUBLE });
    await letIn('machines');
    const id = setId('machines');
    expect(await putMachine('kept', id)).toMatchObject({
      storageProfile: { osDisk: { managedDisk: { diskEncryptionSet: { id } } } },
    });
    const made = await of.compute.disks.get(group, 'kept');
    expect(made.encryption).toEqual({ type: DOUBLE, diskEncryptionSetId: id });
    const users = await all(of.compute.diskEncryptionSets.listAssociatedResources(group, 'machines'));
    expect(users).toEqual([made.id]);
    expect(await of.refusal(() => of.compute.diskEncryptionSets.delete(group, 'machines'))).toMatchObject({
      status: 409,
      code: 'OperationNotAllowed',
      message: `Disk encryption set 'machines' cannot be deleted because it is used by resource '${made.id ?? ''}'.`,
    });
    await make('others');
    expect(await of.refusal(() => putMachine('kept', setId('others')))).toMatchObject({
      code: 'PropertyChangeNotAllowed',
      message: "Changing property 'osDisk.managedDisk.diskEncryptionSet' is not allowed.",
    });
    await of.compute.virtualMachines.delete(group, 'kept');
    await of.compute.disks.delete(group, 'kept');
    expect(await of.statusOf(() => of.compute.diskEncryptionSets.beginDelete(group, 'machines'))).toBe(202);
  });

  test('one of its own, before or after; without one, with a key of the platform', async () => {
    await make('data');
    await letIn('data', `${vault}/keys/disks`);
    const plain = await of.compute.disks.createOrUpdate(group, 'plain', disk());
    expect(plain.encryption).toEqual({ type: 'EncryptionAtRestWithPlatformKey' });
    const encryption = { type: CUSTOMER, diskEncryptionSetId: setId('data') };
    expect((await of.compute.disks.createOrUpdate(group, 'own', disk(setId('data')))).encryption).toEqual(encryption);
    expect((await of.compute.disks.update(group, 'plain', { encryption })).encryption).toEqual(encryption);
    expect((await of.compute.disks.update(group, 'plain', { diskSizeGB: 9 })).encryption).toEqual(encryption);
  });

  test('of a confidential machine, with a set for those', async () => {
    await make('confidential', { encryptionType: CONFIDENTIAL });
    await letIn('confidential');
    await make('plainly');
    const body = (id: string) => {
      const { storageProfile, ...rest } = machine('secret');
      const securityProfile = { securityEncryptionType: 'DiskWithVMGuestState', diskEncryptionSet: { id } };
      const osDisk = { ...storageProfile.osDisk, name: 'secret', managedDisk: { securityProfile } };
      return { ...rest, storageProfile: { ...storageProfile, osDisk } };
    };
    await of.network.networkInterfaces.createOrUpdate(group, 'secret', nic());
    const put = (name: string) => of.compute.virtualMachines.createOrUpdate(group, 'secret', body(setId(name)));
    const wrong = { status: 400, code: 'InvalidParameter' };
    expect(await of.refusal(() => put('plainly'))).toMatchObject({
      ...wrong,
      message: `DiskEncryptionSet '${setId('plainly')}' has encryption type '${CUSTOMER}', which is not '${CONFIDENTIAL}'.`,
    });
    expect(await refused('any', setId('confidential'))).toMatchObject({
      ...wrong,
      message: `DiskEncryptionSet '${setId('confidential')}' has encryption type '${CONFIDENTIAL}', which is for confidential virtual machines only.`,
    });
    await put('confidential');
    expect((await of.compute.disks.get(group, 'secret')).securityProfile).toEqual({
      securityType: 'ConfidentialVM_DiskEncryptedWithCustomerKey',
      secureVMDiskEncryptionSetId: setId('confidential'),
    });
  });

  test('not with one that is missing, elsewhere, or not the caller’s to read', async () => {
    expect(await refused('any', setId('none'))).toMatchObject({
      status: 400,
      code: 'BadRequest',
      message: `DiskEncryptionSet '${setId('none')}' was not found.`,
    });
    const elsewhere = (subscription: string, name: string) =>
      `/subscriptions/${subscription}/resourceGroups/keys/providers/Microsoft.Compute/diskEncryptionSets/${name}`;
    const { activeKey, encryptionType, identity } = set();
    const properties = { activeKey, encryptionType };
    for (const [id, at] of [
      [elsewhere(watched(1), 'far'), location],
      [elsewhere(platform, 'north'), 'northeurope'],
    ] as const) {
      await asked('PUT', id.split('/providers/')[0] ?? '', { location }, '2021-04-01');
      expect((await asked('PUT', id, { location: at, identity, properties }, '2024-03-02')).status).toBe(202);
    }
    const disk = within('Microsoft.Compute/disks/any');
    expect((await refused('any', elsewhere(watched(1), 'far'))).message).toBe(
      `DiskEncryptionSet '${elsewhere(watched(1), 'far')}' is in another subscription than resource '${disk}'. Both must be in the same subscription.`,
    );
    expect((await refused('any', elsewhere(platform, 'north'))).message).toBe(
      `DiskEncryptionSet '${elsewhere(platform, 'north')}' is in location 'northeurope', and resource '${disk}' is in location '${location}'. Both must be in the same location.`,
    );
    const theirs = await TestClients.of(azure, 'builder');
    const linked = await refused('any', elsewhere(platform, 'north'), theirs);
    expect(linked).toMatchObject({ status: 403, code: 'LinkedAuthorizationFailed' });
    expect(linked.message).toContain(`perform action(s) 'Microsoft.Compute/diskEncryptionSets/read' on the linked scope(s) '${elsewhere(platform, 'north')}'`); // prettier-ignore
  });

  test('not while the key’s vault lets the set not in, by roles or by policies of its own', async () => {
    const url = keyOf('disks', '1', 'policies');
    const policies = within('Microsoft.KeyVault/vaults/policies');
    const putVault = async (accessPolicies: readonly object[]) => {
      const properties = { tenantId: tenant.tenantId, sku: { family: 'A', name: 'standard' }, accessPolicies };
      expect((await asked('PUT', policies, { location, properties }, '2023-07-01')).status).toBeLessThan(202);
    };
    await make('barred', { activeKey: { keyUrl: url } });
    const { identity } = await of.compute.diskEncryptionSets.get(group, 'barred');
    const message = `Unable to access key vault resource '${url}' to enable encryption at rest. Please grant get, wrap and unwrap key permissions to disk encryption set 'barred'. Please visit https://aka.ms/keyvaultaccessssecmk for more information.`;
    const forbidden = `KeyVaultAccessForbidden. ${message}`;
    await expect(putMachine('barred', setId('barred'))).rejects.toThrow(forbidden);
    await putVault([]);
    await expect(putMachine('barred', setId('barred'))).rejects.toThrow(forbidden);
    const policy = { tenantId: tenant.tenantId, objectId: identity?.principalId, permissions: { keys: ['get', 'wrapKey', 'unwrapKey'] } }; // prettier-ignore
    await putVault([policy]);
    expect(await putMachine('barred', setId('barred'))).toMatchObject({ provisioningState: 'Succeeded' });
  });
});

describe('encryption at host', () => {
  const features = `/subscriptions/${platform}/providers/Microsoft.Features`;
  const ofCompute = `${features}/providers/Microsoft.Compute/features`;
  const withIt = (name: string, encryptionAtHost: boolean, more: object = {}) => ({
    ...machine(name),
    securityProfile: { encryptionAtHost },
    ...more,
  });
  const put = (name: string, encryptionAtHost: boolean, more: object = {}) =>
    of.compute.virtualMachines.createOrUpdate(group, name, withIt(name, encryptionAtHost, more));
  const stateOf = ({ body }: Answer): string =>
    z.object({ properties: z.object({ state: z.string() }) }).parse(body).properties.state;

  test('is refused, said or denied, until the subscription has registered the feature', async () => {
    await makeMachine(of, 'host');
    const refusal = {
      status: 400,
      code: 'InvalidParameter',
      message: `The property '${PROPERTY}' is not valid because the '${FEATURE}' feature is not enabled for this subscription.`,
    };
    for (const said of [true, false]) expect(await of.refusal(() => put('host', said))).toMatchObject(refusal);
    expect((await asked('GET', `${ofCompute}/EncryptionAtHost`)).body).toEqual({
      id: `${ofCompute}/EncryptionAtHost`,
      name: FEATURE,
      type: 'Microsoft.Features/providers/features',
      properties: { state: 'NotRegistered' },
    });
    expect(stateOf(await asked('POST', `${ofCompute}/EncryptionAtHost/register`))).toBe('Registering');
    expect(await of.refusal(() => put('host', true))).toMatchObject(refusal);
    azure.advance(60);
    expect(stateOf(await asked('GET', `${ofCompute}/encryptionathost`))).toBe('Registered');
    expect(stateOf(await asked('POST', `${ofCompute}/EncryptionAtHost/register`))).toBe('Registered');
  });

  test('its machine takes a change only while it is deallocated, and needs a size that can', async () => {
    expect(await of.refusal(() => put('host', true))).toMatchObject({
      status: 409,
      code: 'OperationNotAllowed',
      message: `'${PROPERTY}' can be updated only when VM is in deallocated state.`,
    });
    await of.compute.virtualMachines.deallocate(group, 'host');
    expect(await put('host', true)).toMatchObject({ securityProfile: { encryptionAtHost: true } });
    expect(await of.refusal(() => put('host', true, { hardwareProfile: { vmSize: 'Standard_A2_v2' } }))).toMatchObject({
      status: 400,
      code: 'InvalidParameter',
      message: "The VM size 'Standard_A2_v2' does not support encryption at host.",
    });
    const skus = await all(of.compute.resourceSkus.list({ filter: `location eq '${location}'` }));
    const told = skus.map(({ name, capabilities = [] }) => [name, capabilities.find((one) => one.name === 'EncryptionAtHostSupported')?.value]); // prettier-ignore
    expect(Object.fromEntries(told)).toMatchObject({ Standard_A2_v2: 'False', Standard_D4s_v3: 'True' });
  });

  test('features are listed, missed, and taken back; a reader registers none', async () => {
    const one = { name: FEATURE, properties: { state: 'Registered' } };
    for (const path of [`${features}/features`, ofCompute])
      expect((await asked('GET', path)).body).toMatchObject({ value: [one] });
    expect((await asked('GET', `${features}/providers/Microsoft.Network/features`)).body).toEqual({ value: [] });
    for (const [method, action] of [
      ['GET', ''],
      ['POST', '/register'],
      ['POST', '/unregister'],
    ] as const)
      expect(await asked(method, `${ofCompute}/Nothing${action}`)).toMatchObject({
        status: 404,
        body: {
          error: {
            code: 'FeatureNotFound',
            message: "The feature 'Nothing' could not be found.",
            details: [{ code: 'NotSimulated', message: `Simulated are the features ${FEATURE}.` }],
          },
        },
      });
    const token = await azure.token('builder');
    const { body } = await azure.ask('POST', `${ofCompute}/EncryptionAtHost/register?api-version=2021-07-01`, {
      token,
    });
    expect(body).toMatchObject({
      error: {
        code: 'AuthorizationFailed',
        message: expect.stringContaining(`perform action 'Microsoft.Features/providers/features/register/action' over scope '${ofCompute}/EncryptionAtHost'`), // prettier-ignore
      },
    });
    expect(stateOf(await asked('POST', `${ofCompute}/EncryptionAtHost/unregister`))).toBe('Unregistering');
    azure.advance(60);
    expect(stateOf(await asked('GET', `${ofCompute}/EncryptionAtHost`))).toBe('Unregistered');
  });
});
