/** The real Azure SDKs, unmodified, against the simulated Azure over HTTPS. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AuthorizationManagementClient } from '@azure/arm-authorization';
import { ComputeManagementClient } from '@azure/arm-compute';
import { MarketplaceOrderingAgreements } from '@azure/arm-marketplaceordering';
import { ManagedServiceIdentityClient } from '@azure/arm-msi';
import { NetworkManagementClient } from '@azure/arm-network';
import { ResourceGraphClient } from '@azure/arm-resourcegraph';
import { ResourceManagementClient } from '@azure/arm-resources';
import { ClientSecretCredential, ManagedIdentityCredential } from '@azure/identity';
import { SecretClient } from '@azure/keyvault-secrets';
import { Client } from '@microsoft/microsoft-graph-client';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { all, platform, startTestAzure, type TestAzure, watched } from './simulator.support';

const READER = 'acdd72a7-3385-48ef-bd42-f606fba81ae7';
const group = 'cloudknox';
const location = 'westeurope';
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHRlc3Q test';
const retryOptions = { maxRetries: 0 };

let azure: TestAzure;
let credential: ManagedIdentityCredential;
let options: { endpoint: string; retryOptions: typeof retryOptions };

beforeAll(async () => {
  azure = await startTestAzure();
  Object.assign(process.env, {
    IDENTITY_ENDPOINT: azure.environment['IDENTITY_ENDPOINT'],
    IDENTITY_HEADER: azure.environment['IDENTITY_HEADER'],
  });
  credential = new ManagedIdentityCredential({ retryOptions });
  options = { endpoint: azure.url, retryOptions };
  const resources = new ResourceManagementClient(credential, platform, options);
  await resources.resourceGroups.createOrUpdate(group, { location });
});
afterAll(async () => {
  await azure.stop();
});

const graphClient = (): Client =>
  Client.init({
    baseUrl: azure.url,
    defaultVersion: 'v1.0',
    customHosts: new Set(['127.0.0.1']),
    authProvider: (done) => {
      credential.getToken('https://graph.microsoft.com/.default').then(
        ({ token }) => done(null, token),
        (error: unknown) => done(error, null),
      );
    },
  });

test('a machine with its network, identity and terms is made, read and taken away', async () => {
  const network = new NetworkManagementClient(credential, platform, options);
  const compute = new ComputeManagementClient(credential, platform, options);
  const identities = new ManagedServiceIdentityClient(credential, platform, options);
  const terms = new MarketplaceOrderingAgreements(credential, platform, options);

  const nsg = await network.networkSecurityGroups.createOrUpdate(group, 'cloudknox-nsg', { location });
  expect(nsg.provisioningState).toBe('Succeeded');
  expect(nsg.defaultSecurityRules).toHaveLength(6);
  const rule = {
    protocol: 'Tcp',
    sourcePortRange: '*',
    destinationPortRange: '22',
    sourceAddressPrefix: '203.0.113.7/32',
    destinationAddressPrefix: '*',
    access: 'Allow',
    priority: 100,
    direction: 'Inbound',
  };
  await network.securityRules.createOrUpdate(group, 'cloudknox-nsg', 'Port_22', rule);
  await network.publicIPAddresses.createOrUpdate(group, 'nat-ip', {
    location,
    sku: { name: 'Standard' },
    publicIPAllocationMethod: 'Static',
  });
  const publicIp = await network.publicIPAddresses.createOrUpdate(group, 'sentry-ip', {
    location,
    sku: { name: 'Standard' },
    publicIPAllocationMethod: 'Static',
  });
  expect(publicIp.ipAddress).toMatch(/^20\.50\./);
  const natIp = await network.publicIPAddresses.get(group, 'nat-ip');
  const nat = await network.natGateways.createOrUpdate(group, 'nat', {
    location,
    sku: { name: 'Standard' },
    publicIpAddresses: [{ id: natIp.id ?? '' }],
  });
  await network.virtualNetworks.createOrUpdate(group, 'vnet', {
    location,
    addressSpace: { addressPrefixes: ['10.90.0.0/24'] },
  });
  const subnet = await network.subnets.createOrUpdate(group, 'vnet', 'sentries', {
    addressPrefix: '10.90.0.0/26',
    defaultOutboundAccess: false,
    natGateway: { id: nat.id ?? '' },
  });
  const nic = await network.networkInterfaces.createOrUpdate(group, 'nic', {
    location,
    networkSecurityGroup: { id: nsg.id ?? '' },
    ipConfigurations: [{ name: 'ip', subnet: { id: subnet.id ?? '' }, publicIPAddress: { id: publicIp.id ?? '' } }],
  });
  expect(nic.ipConfigurations?.[0]?.privateIPAddress).toBe('10.90.0.4');

  const identity = await identities.userAssignedIdentities.createOrUpdate(group, 'CloudKnox', { location });
  const plan = ['cloudknox', 'cloudknox_sentry_image', 'sentry_v1_byol0'] as const;
  const machine = {
    location,
    plan: { publisher: plan[0], product: plan[1], name: plan[2] },
    identity: { type: 'UserAssigned', userAssignedIdentities: { [identity.id ?? '']: {} } },
    hardwareProfile: { vmSize: 'Standard_D4s_v3' },
    storageProfile: {
      imageReference: { publisher: plan[0], offer: plan[1], sku: plan[2], version: 'latest' },
      osDisk: { createOption: 'FromImage', deleteOption: 'Delete' },
    },
    osProfile: {
      computerName: 'sentry',
      adminUsername: 'cloudknox',
      linuxConfiguration: {
        disablePasswordAuthentication: true,
        ssh: { publicKeys: [{ path: '/home/cloudknox/.ssh/authorized_keys', keyData: key }] },
      },
    },
    networkProfile: { networkInterfaces: [{ id: nic.id ?? '' }] },
  } as const;
  await expect(
    compute.virtualMachines.createOrUpdate(group, 'sentry', structuredClone(machine) as never),
  ).rejects.toMatchObject({ statusCode: 400, code: 'ResourcePurchaseValidationFailed' });
  const agreement = await terms.marketplaceAgreements.get('virtualmachine', ...plan);
  await terms.marketplaceAgreements.create('virtualmachine', ...plan, { ...agreement, accepted: true });
  const vm = await compute.virtualMachines.createOrUpdate(group, 'sentry', structuredClone(machine) as never);
  expect(vm).toMatchObject({ provisioningState: 'Succeeded', name: 'sentry' });
  const view = await compute.virtualMachines.instanceView(group, 'sentry');
  expect(view.statuses?.map(({ code }) => code)).toEqual(['ProvisioningState/succeeded', 'PowerState/running']);

  const { body } = await azure.ask('GET', `/_simulator/vms?id=${vm.id ?? ''}`);
  expect(body).toMatchObject({
    adminUsername: 'cloudknox',
    sshPublicKeys: [key],
    powerState: 'running',
    privateIp: '10.90.0.4',
    publicIp: publicIp.ipAddress,
    identities: [{ principalId: identity.principalId }],
  });
  const reach = async (source: string): Promise<unknown> =>
    (await azure.ask('GET', `/_simulator/reach?address=${publicIp.ipAddress ?? ''}&port=22&source=${source}`)).body;
  expect(await reach('203.0.113.7')).toEqual({ vmId: vm.id, allowed: true, rule: 'Port_22' });
  expect(await reach('203.0.113.8')).toEqual({ vmId: vm.id, allowed: false, rule: 'DenyAllInBound' });

  await expect(network.networkInterfaces.delete(group, 'nic')).rejects.toMatchObject({ code: 'NicInUse' });
  await expect(network.subnets.delete(group, 'vnet', 'sentries')).rejects.toMatchObject({
    code: 'InUseSubnetCannotBeDeleted',
  });
  await expect(network.publicIPAddresses.delete(group, 'sentry-ip')).rejects.toMatchObject({
    code: 'PublicIPAddressCannotBeDeleted',
  });
  await network.securityRules.delete(group, 'cloudknox-nsg', 'Port_22');
  expect((await azure.ask('GET', '/_simulator/windows')).body).toMatchObject([
    { networkSecurityGroupId: nsg.id, rule: 'Port_22', ports: ['22'], sources: ['203.0.113.7/32'] },
  ]);
  await compute.virtualMachines.delete(group, 'sentry');
  await network.networkInterfaces.delete(group, 'nic');
  await network.publicIPAddresses.delete(group, 'sentry-ip');
  const left = await all(
    new ResourceManagementClient(credential, platform, options).resources.listByResourceGroup(group),
  );
  expect(left.map(({ name }) => name).sort()).toEqual(['CloudKnox', 'cloudknox-nsg', 'nat', 'nat-ip', 'vnet']);
});

test('a resource group goes with all that is in it', async () => {
  const resources = new ResourceManagementClient(credential, platform, options);
  const identities = new ManagedServiceIdentityClient(credential, platform, options);
  const scope = (await resources.resourceGroups.createOrUpdate('short-lived', { location })).id ?? '';
  const identity = await identities.userAssignedIdentities.createOrUpdate('short-lived', 'gone', { location });
  const authorization = new AuthorizationManagementClient(credential, platform, options);
  const roleDefinitionId = `/providers/Microsoft.Authorization/roleDefinitions/${READER}`;
  const principalId = identity.principalId ?? '';
  await authorization.roleAssignments.create(scope, randomUUID(), { roleDefinitionId, principalId });
  await resources.resourceGroups.delete('short-lived');
  expect((await resources.resourceGroups.checkExistence('short-lived')).body).toBe(false);
  await resources.resourceGroups.createOrUpdate('short-lived', { location });
  expect(await all(resources.resources.listByResourceGroup('short-lived'))).toEqual([]);
  const left = await all(
    authorization.roleAssignments.listForScope(scope, { filter: `principalId eq '${principalId}'` }),
  );
  expect(left).toEqual([]);
});

test('a role is granted once, and the grant counts', async () => {
  const principalId = randomUUID();
  const authorization = new AuthorizationManagementClient(credential, platform, options);
  const scope = `/subscriptions/${watched(1)}`;
  const properties = {
    principalId,
    principalType: 'ServicePrincipal',
    roleDefinitionId: `${scope}/providers/Microsoft.Authorization/roleDefinitions/${READER}`,
  };
  const name = randomUUID();
  const made = await authorization.roleAssignments.create(scope, name, properties);
  expect(made).toMatchObject({ name, principalId, scope });
  await authorization.roleAssignments.create(scope, name, properties);
  const existing = `The role assignment already exists. The ID of the existing role assignment is ${name.replaceAll('-', '')}.`;
  await expect(authorization.roleAssignments.create(scope, randomUUID(), properties)).rejects.toMatchObject({
    code: 'RoleAssignmentExists',
    statusCode: 409,
    message: expect.stringContaining(existing),
  });
  await expect(
    authorization.roleAssignments.create(scope, name, { ...properties, principalId: randomUUID() }),
  ).rejects.toMatchObject({ code: 'RoleAssignmentUpdateNotPermitted' });
  const { principalType: _, ...untyped } = properties;
  await expect(
    authorization.roleAssignments.create(scope, randomUUID(), { ...untyped, principalId: randomUUID() }),
  ).rejects.toMatchObject({ code: 'PrincipalNotFound', statusCode: 400 });
  const listed = await all(
    authorization.roleAssignments.listForScope(scope, { filter: `principalId eq '${principalId}'` }),
  );
  expect(listed.map((one) => one.name)).toEqual([name]);
  await authorization.roleAssignments.delete(scope, name);
  await expect(authorization.roleAssignments.get(scope, name)).rejects.toMatchObject({ statusCode: 404 });
});

test('Resource Graph lists what the caller can read, page by page', async () => {
  const graph = new ResourceGraphClient(credential, options);
  const query =
    "resourcecontainers | where type =~ 'microsoft.resources/subscriptions' | where properties.managementGroupAncestorsChain has 'landing-zones' | project subscriptionId, name, state = properties.state";
  const first = await graph.resources({ query, options: { top: 3 } });
  expect(first).toMatchObject({
    totalRecords: 5,
    count: 3,
    data: [{ subscriptionId: watched(1), name: 'landing-zone-0001', state: 'Enabled' }, {}, {}],
  });
  const second = await graph.resources({ query, options: { top: 3, skipToken: first.skipToken ?? '' } });
  expect(second).toMatchObject({ count: 2, data: [{ subscriptionId: watched(4) }, { subscriptionId: watched(5) }] });
  await expect(graph.resources({ query: 'resources | mv-expand tags' })).rejects.toMatchObject({ statusCode: 400 });
});

describe('Microsoft Graph', () => {
  const object = z.looseObject({ id: z.string() });

  test('an application gets a secret, a principal and a permission, and signs in', async () => {
    const graph = graphClient();
    const app = z
      .looseObject({ id: z.string(), appId: z.string() })
      .parse(await graph.api('/applications').post({ displayName: 'CloudKnox-App', signInAudience: 'AzureADMyOrg' }));
    const principal = object.parse(await graph.api('/servicePrincipals').post({ appId: app.appId }));
    const secret = z
      .object({ secretText: z.string(), keyId: z.string() })
      .parse(
        await graph.api(`/applications/${app.id}/addPassword`).post({ passwordCredential: { displayName: 'sentry' } }),
      );
    const found = z
      .object({ value: z.array(object) })
      .parse(await graph.api('/servicePrincipals').filter("appId eq '00000003-0000-0000-c000-000000000000'").get());
    const grant = {
      principalId: principal.id,
      resourceId: found.value[0]?.id,
      appRoleId: '7ab1d382-f21e-4acd-a863-ba3e13f7da61',
    };
    const made = object.parse(await graph.api(`/servicePrincipals/${principal.id}/appRoleAssignments`).post(grant));
    await expect(graph.api(`/servicePrincipals/${principal.id}/appRoleAssignments`).post(grant)).rejects.toMatchObject({
      statusCode: 400,
      message: 'Permission being assigned already exists on the object',
    });

    const signIn = (clientSecret: string): ClientSecretCredential =>
      new ClientSecretCredential(azure.environment['AZURE_TENANT_ID'] ?? '', app.appId, clientSecret, {
        authorityHost: azure.url,
        disableInstanceDiscovery: true,
        retryOptions,
      });
    const { token } = await signIn(secret.secretText).getToken('https://graph.microsoft.com/.default');
    expect(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())).toMatchObject({
      appid: app.appId,
      oid: principal.id,
      roles: ['Directory.Read.All'],
    });
    await expect(signIn('wrong').getToken('https://graph.microsoft.com/.default')).rejects.toThrow('AADSTS7000215');

    await graph.api(`/servicePrincipals/${principal.id}/appRoleAssignments/${made.id}`).delete();
    await graph.api(`/applications(appId='${app.appId}')/removePassword`).post({ keyId: secret.keyId });
    await expect(signIn(secret.secretText).getToken('https://graph.microsoft.com/.default')).rejects.toThrow(
      'AADSTS7000215',
    );
    await graph.api(`/applications/${app.id}`).delete();
    await expect(graph.api(`/servicePrincipals/${principal.id}`).get()).rejects.toMatchObject({
      statusCode: 404,
      code: 'Request_ResourceNotFound',
    });
  });
});

test('Key Vault keeps, lists, deletes, recovers and purges a secret', async () => {
  const vault = new SecretClient(azure.environment['KEY_VAULT_URI'] ?? '', credential, {
    disableChallengeResourceVerification: true,
    retryOptions,
  });
  const set = await vault.setSecret('sentry-pin', 'first', { contentType: 'text/plain', tags: { deployment: 'prod' } });
  await vault.setSecret('sentry-pin', 'second');
  expect((await vault.getSecret('sentry-pin')).value).toBe('second');
  expect(await vault.getSecret('sentry-pin', { version: set.properties.version ?? '' })).toMatchObject({
    value: 'first',
    properties: { contentType: 'text/plain', tags: { deployment: 'prod' } },
  });
  expect(await all(vault.listPropertiesOfSecretVersions('sentry-pin'))).toHaveLength(2);
  await vault.updateSecretProperties('sentry-pin', set.properties.version ?? '', { tags: { deployment: 'test' } });
  const deleted = await vault.beginDeleteSecret('sentry-pin', { intervalInMs: 1 });
  await deleted.pollUntilDone();
  await expect(vault.getSecret('sentry-pin')).rejects.toMatchObject({ statusCode: 404, code: 'SecretNotFound' });
  await expect(vault.setSecret('sentry-pin', 'x')).rejects.toMatchObject({ statusCode: 409 });
  await (await vault.beginRecoverDeletedSecret('sentry-pin', { intervalInMs: 1 })).pollUntilDone();
  await (await vault.beginDeleteSecret('sentry-pin', { intervalInMs: 1 })).pollUntilDone();
  await vault.purgeDeletedSecret('sentry-pin');
  expect(await all(vault.listDeletedSecrets())).toEqual([]);
});
