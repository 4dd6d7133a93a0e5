/** Key Vault through its SDKs, control and data plane: every operation, and every refusal in its own words. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { KeyVaultManagementClient, type VaultCreateOrUpdateParameters } from '@azure/arm-keyvault';
import { ResourceManagementClient } from '@azure/arm-resources';
import { type PipelinePolicy } from '@azure/core-rest-pipeline';
import { SecretClient } from '@azure/keyvault-secrets';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { additionalPolicies, expectRefusal, holding, optionsOf, type RefusalCase, retryOptions } from './simulator.clients.support'; // prettier-ignore
import { all, instant, location, platform, startTestAzure, type TestAzure } from './simulator.support';

const nobody = { name: 'nobody', principalId: randomUUID(), clientId: randomUUID(), roles: [], graphRoles: [] };
const group = `/subscriptions/${platform}/resourceGroups/rg`;
const vaultId = (name: string): string => `${group}/providers/Microsoft.KeyVault/vaults/${name}`;
const { tenantId } = instant;
const identity = ({ clientId, principalId }: { clientId: string; principalId: string }): string =>
  `appid=${clientId};oid=${principalId};iss=https://sts.windows.net/${tenantId}/`;

let azure: TestAzure;
let vaults: KeyVaultManagementClient['vaults'];
let theirs: KeyVaultManagementClient['vaults'];

beforeAll(async () => {
  azure = await startTestAzure({ ...instant, principals: [...instant.principals, nobody] });
  const credential = holding(await azure.token('administrator'));
  ({ vaults } = new KeyVaultManagementClient(credential, platform, optionsOf(azure)));
  ({ vaults: theirs } = new KeyVaultManagementClient(holding(await azure.token('nobody')), platform, optionsOf(azure)));
  const { resourceGroups } = new ResourceManagementClient(credential, platform, optionsOf(azure));
  for (const name of ['rg', 'other']) await resourceGroups.createOrUpdate(name, { location });
});
afterAll(async () => azure.stop());

const of = (rest: Partial<VaultCreateOrUpdateParameters['properties']> = {}): VaultCreateOrUpdateParameters => ({
  location,
  properties: { tenantId, sku: { family: 'A', name: 'standard' }, enableRbacAuthorization: true, ...rest },
});
const create =
  (name: string, rest: Parameters<typeof of>[0] = {}, by = (): typeof vaults => vaults, in_ = 'rg') =>
  async (): Promise<unknown> =>
    await by().createOrUpdate(in_, name, of(rest));

/** The client of a vault's secrets: by its name where it is not the app's own. */
async function secretsOf(name: string, by = 'administrator'): Promise<SecretClient> {
  const named: PipelinePolicy = {
    name: 'named',
    sendRequest: (request, next) => {
      request.headers.set('host', `${name}.vault.localhost`);
      return next(request);
    },
  };
  return new SecretClient(azure.url, holding(await azure.token(by, 'https://vault.azure.net')), {
    disableChallengeResourceVerification: true,
    retryOptions,
    additionalPolicies: [...additionalPolicies, { policy: named, position: 'perCall' }],
  });
}

const check = async (service: 'arm' | 'vault', cases: readonly RefusalCase[]): Promise<void> => {
  for (const one of cases) await expectRefusal(service, one);
};

describe('vaults', () => {
  const taken = (name: string): RegExp => new RegExp(`^The vault name '${name}' is already in use\\. Vault names are globally unique`); // prettier-ignore

  test('are made, changed, listed, deleted, recovered and purged', async () => {
    expect(await vaults.createOrUpdate('rg', 'first-vault', of({ softDeleteRetentionInDays: 7 }))).toMatchObject({
      id: vaultId('first-vault'),
      name: 'first-vault',
      type: 'Microsoft.KeyVault/vaults',
      location,
      properties: { tenantId, enableSoftDelete: true, softDeleteRetentionInDays: 7, provisioningState: 'Succeeded' },
    });
    const changed = await vaults.update('rg', 'first-vault', { tags: { a: 'b' }, properties: { enabledForDeployment: true } }); // prettier-ignore
    expect(changed).toMatchObject({ tags: { a: 'b' }, properties: { enabledForDeployment: true, softDeleteRetentionInDays: 7 } }); // prettier-ignore
    expect(await vaults.get('rg', 'first-vault')).toMatchObject({ tags: { a: 'b' } });
    const again = { ...of({ softDeleteRetentionInDays: 7, enabledForDeployment: true }), tags: { a: 'b' } };
    expect(await vaults.createOrUpdate('rg', 'first-vault', again)).toMatchObject(again);
    for (const list of [vaults.listByResourceGroup('rg'), vaults.listBySubscription(), vaults.list()])
      expect((await all<{ name?: string }>(list)).map(({ name }) => name)).toContain('first-vault');
    const policy = { tenantId, objectId: nobody.principalId, permissions: { secrets: ['get', 'list'] } };
    const kept = async (kind: 'add' | 'replace' | 'remove', secrets: string[]): Promise<unknown> => {
      const accessPolicies = [{ ...policy, permissions: { secrets } }];
      const { properties } = await vaults.updateAccessPolicy('rg', 'first-vault', kind, { properties: { accessPolicies } }); // prettier-ignore
      return properties.accessPolicies?.map(({ permissions }) => permissions.secrets);
    };
    expect(await kept('add', ['get'])).toEqual([['get']]);
    expect(await kept('add', ['list'])).toEqual([['get', 'list']]);
    expect(await kept('remove', ['get'])).toEqual([['list']]);
    expect(await kept('replace', ['set'])).toEqual([['set']]);
    await vaults.delete('rg', 'first-vault');
    await vaults.delete('rg', 'first-vault');
    expect((await all(vaults.listDeleted())).map(({ name }) => name)).toEqual(['first-vault']);
    expect(await vaults.getDeleted('first-vault', location)).toMatchObject({
      id: `/subscriptions/${platform}/providers/Microsoft.KeyVault/locations/${location}/deletedVaults/first-vault`,
      type: 'Microsoft.KeyVault/deletedVaults',
      properties: { vaultId: vaultId('first-vault'), location, tags: { a: 'b' } },
    });
    const asked = { name: 'first-vault', type: 'Microsoft.KeyVault/vaults' as const };
    expect(await vaults.checkNameAvailability(asked)).toMatchObject({ nameAvailable: false, reason: 'AlreadyExists', message: expect.stringMatching(taken('first-vault')) }); // prettier-ignore
    await vaults.createOrUpdate('rg', 'first-vault', of({ createMode: 'recover' }));
    expect(await vaults.get('rg', 'first-vault')).toMatchObject({ tags: { a: 'b' } });
    await vaults.delete('rg', 'first-vault');
    await vaults.purgeDeleted('first-vault', location);
    expect(await vaults.checkNameAvailability(asked)).toMatchObject({ nameAvailable: true });
  });

  test('are refused', async () => {
    for (const name of ['known-vault', 'gone-vault', 'safe-vault'])
      await create(name, name === 'safe-vault' ? { enablePurgeProtection: true } : { softDeleteRetentionInDays: 7 })();
    for (const name of ['gone-vault', 'safe-vault']) await vaults.delete('rg', name);
    const denied = `The client '${nobody.clientId}' with object id '${nobody.principalId}' does not have authorization to perform action 'Microsoft.KeyVault/vaults/write' over scope '${vaultId('x-vault')}' or the scope is invalid. If access was recently granted, please refresh your credentials.`;
    await check('arm', [
      ['VaultNameNotValid', 400, "The vault name 'bad--name' is invalid. A vault's name must be between 3-24 alphanumeric characters. The name must begin with a letter, end with a letter or digit, and not contain consecutive hyphens. Follow this link for more information: https://go.microsoft.com/fwlink/?linkid=2147742", create('bad--name')], // prettier-ignore
      ['VaultAlreadyExists', 409, taken('known-vault'), create('known-vault', {}, undefined, 'other')],
      ['VaultAlreadyExists', 409, taken('gone-vault'), create('gone-vault', {}, undefined, 'other')],
      ['ConflictError', 409, 'A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft delete.', create('gone-vault')], // prettier-ignore
      ['VaultNotFound', 404, 'No deleted Vault or HSM was found with name: never-vault.', create('never-vault', { createMode: 'recover' })], // prettier-ignore
      ['BadRequest', 400, 'The property "enablePurgeProtection" cannot be set to false. Enabling the purge protection for a vault is an irreversible action.', create('x-vault', { enablePurgeProtection: false })], // prettier-ignore
      ['BadRequest', 400, /^The property "enableSoftDelete" can be set to false only for creating new vault\./, create('x-vault', { enableSoftDelete: false })], // prettier-ignore
      ['BadRequest', 400, /^The property "softDeleteRetentionInDays" must be between 7 and 90 days/, create('x-vault', { softDeleteRetentionInDays: 5 })], // prettier-ignore
      ['BadRequest', 400, 'The property "softDeleteRetentionInDays" has been set already and it can\'t be modified.', create('known-vault', { softDeleteRetentionInDays: 8 })], // prettier-ignore
      ['BadRequest', 400, 'The parameter accessPolicies is not specified.', create('x-vault', { enableRbacAuthorization: false })], // prettier-ignore
      ['InvalidRequestContent', 400, /'properties.tenantId'/, create('x-vault', { tenantId: 'mine' })],
      ['InvalidResourceLocation', 409, /^The resource 'known-vault' already exists in location 'westeurope'/, async () => await vaults.createOrUpdate('rg', 'known-vault', { ...of(), location: 'northeurope' })], // prettier-ignore
      ['ResourceNotFound', 404, "The Resource 'Microsoft.KeyVault/vaults/never-vault' under resource group 'rg' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix", () => vaults.get('rg', 'never-vault')], // prettier-ignore
      ['ResourceNotFound', 404, /vaults\/never-vault/, () => vaults.update('rg', 'never-vault', { tags: {} })],
      ['ResourceNotFound', 404, /vaults\/never-vault/, () => vaults.updateAccessPolicy('rg', 'never-vault', 'add', { properties: { accessPolicies: [] } })], // prettier-ignore
      ['DeletedVaultNotFound', 404, "The specified deleted vault 'never-vault' does not exist.", async () => await vaults.purgeDeleted('never-vault', location)], // prettier-ignore
      ['ResourceGroupNotFound', 404, "Resource group 'none' could not be found.", () => vaults.get('none', 'x-vault')],
      ['DeletedVaultNotFound', 404, "The specified deleted vault 'never-vault' does not exist.", () => vaults.getDeleted('never-vault', location)], // prettier-ignore
      ['DeletedVaultNotFound', 404, "The specified deleted vault 'gone-vault' does not exist.", () => vaults.getDeleted('gone-vault', 'northeurope')], // prettier-ignore
      ['MethodNotAllowed', 405, "Operation 'DeletedVaultPurge' is not allowed.", async () => await vaults.purgeDeleted('safe-vault', location)], // prettier-ignore
      ['AuthorizationFailed', 403, denied, create('x-vault', {}, () => theirs)],
    ]);
    const token = await azure.token('administrator');
    const ask = (method: string, path: string, body?: object) => azure.ask(method, `${path}?api-version=2023-07-01`, { token, ...(body === undefined ? {} : { body }) }); // prettier-ignore
    expect(await ask('PUT', `${vaultId('known-vault')}/accessPolicies/none`, { properties: { accessPolicies: [] } })).toMatchObject({ status: 400, body: { error: { code: 'BadRequest', message: "The operation 'none' is none of add, replace, remove." } } }); // prettier-ignore
    expect(await ask('GET', `/subscriptions/${platform}/providers/Microsoft.KeyVault/deletedManagedHSMs`)).toMatchObject({ status: 200, body: { value: [] } }); // prettier-ignore
  });
});

describe('secrets', () => {
  const notFound = (what: string): string =>
    `A secret with (name/id) ${what} was not found in this key vault. If you recently deleted this secret you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182`;

  test('are set, changed, listed, deleted, recovered and purged', async () => {
    const admin = await secretsOf('sentry-vault');
    const { properties } = await admin.setSecret('kept', 'first');
    const { version = '' } = properties;
    expect(await admin.updateSecretProperties('kept', version, { tags: { a: 'b' } })).toMatchObject({ version, tags: { a: 'b' } }); // prettier-ignore
    expect(await admin.updateSecretProperties('kept', '', { contentType: 'text' })).toMatchObject({ version, contentType: 'text' }); // prettier-ignore
    expect(await admin.getSecret('kept', { version })).toMatchObject({ value: 'first', properties: { version } });
    expect(await admin.getSecret('kept')).toMatchObject({ value: 'first' });
    expect((await all(admin.listPropertiesOfSecrets())).map(({ name }) => name)).toContain('kept');
    expect(await all(admin.listPropertiesOfSecretVersions('kept'))).toMatchObject([{ version }]);
    await (await admin.beginDeleteSecret('kept', { intervalInMs: 1 })).pollUntilDone();
    expect(await admin.getDeletedSecret('kept')).toMatchObject({ name: 'kept' });
    expect((await all(admin.listDeletedSecrets())).map(({ name }) => name)).toContain('kept');
    expect(await (await admin.beginRecoverDeletedSecret('kept', { intervalInMs: 1 })).pollUntilDone()).toMatchObject({ name: 'kept' }); // prettier-ignore
    await (await admin.beginDeleteSecret('kept', { intervalInMs: 1 })).pollUntilDone();
    await admin.purgeDeletedSecret('kept');
    expect((await all(admin.listDeletedSecrets())).map(({ name }) => name)).not.toContain('kept');
  });

  test('are refused', async () => {
    const admin = await secretsOf('sentry-vault');
    const other = await secretsOf('sentry-vault', 'nobody');
    await admin.setSecret('off', 'x', { enabled: false });
    await admin.setSecret('gone', 'x');
    await (await admin.beginDeleteSecret('gone', { intervalInMs: 1 })).pollUntilDone();
    const vault = `/subscriptions/${platform}/resourcegroups/sentry-orchestrator/providers/microsoft.keyvault/vaults/sentry-vault`;
    const forbidden = (action: string, resource: string): string =>
      `Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\nCaller: ${identity(nobody)}\r\nAction: 'Microsoft.KeyVault/vaults/secrets/${action}'\r\nResource: '${vault}${resource}'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: null \r\nVault: sentry-vault;location=westeurope\r\n`;
    const list = (of_: AsyncIterable<unknown>) => (): Promise<unknown> => all(of_);
    const rows: readonly (readonly [RefusalCase, string?])[] = [
      [['SecretNotFound', 404, notFound('none'), () => admin.getSecret('none')]],
      [['SecretNotFound', 404, notFound('off/0123'), () => admin.getSecret('off', { version: '0123' })]],
      [['SecretNotFound', 404, notFound('none'), () => admin.updateSecretProperties('none', '', { enabled: true })]],
      [
        [
          'SecretNotFound',
          404,
          notFound('off/0123'),
          () => admin.updateSecretProperties('off', '0123', { enabled: true }),
        ],
      ],
      [['SecretNotFound', 404, notFound('none'), () => admin.beginDeleteSecret('none')]],
      [['SecretNotFound', 404, 'Deleted Secret not found: none', () => admin.beginRecoverDeletedSecret('none')]],
      [['SecretNotFound', 404, 'Deleted Secret not found: none', () => admin.getDeletedSecret('none')]],
      [['SecretNotFound', 404, 'Deleted Secret not found: none', () => admin.purgeDeletedSecret('none')]],
      [['Forbidden', 403, 'Operation get is not allowed on a disabled secret.', () => admin.getSecret('off')], 'SecretDisabled'], // prettier-ignore
      [['Conflict', 409, 'Secret gone is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the secret can only be recovered or purged.', () => admin.setSecret('gone', 'y')], 'ObjectIsDeletedButRecoverable'], // prettier-ignore
      [['BadParameter', 400, 'The request URI contains an invalid name: a.b', () => admin.setSecret('a.b', 'x')]],
      [['BadParameter', 400, /^Property 'value' of the request body/, () => admin.setSecret('long', 'x'.repeat(25_601))]], // prettier-ignore
      [
        ['Forbidden', 403, forbidden('setSecret/action', '/secrets/x'), () => other.setSecret('x', 'y')],
        'ForbiddenByRbac',
      ],
      [['Forbidden', 403, forbidden('getSecret/action', '/secrets/x'), () => other.getSecret('x')], 'ForbiddenByRbac'],
      [['Forbidden', 403, forbidden('update/action', '/secrets/x'), () => other.updateSecretProperties('x', '', { enabled: true })], 'ForbiddenByRbac'], // prettier-ignore
      [['Forbidden', 403, forbidden('delete', '/secrets/x'), () => other.beginDeleteSecret('x')], 'ForbiddenByRbac'],
      [
        ['Forbidden', 403, forbidden('readMetadata/action', ''), list(other.listPropertiesOfSecrets())],
        'ForbiddenByRbac',
      ],
      [['Forbidden', 403, forbidden('readMetadata/action', '/secrets/x'), list(other.listPropertiesOfSecretVersions('x'))], 'ForbiddenByRbac'], // prettier-ignore
      [['Forbidden', 403, forbidden('readMetadata/action', ''), list(other.listDeletedSecrets())], 'ForbiddenByRbac'],
      [['Forbidden', 403, forbidden('readMetadata/action', '/secrets/x'), () => other.getDeletedSecret('x')], 'ForbiddenByRbac'], // prettier-ignore
      [
        ['Forbidden', 403, forbidden('purge/action', '/secrets/x'), () => other.purgeDeletedSecret('x')],
        'ForbiddenByRbac',
      ],
      [['Forbidden', 403, forbidden('recover/action', '/secrets/x'), () => other.beginRecoverDeletedSecret('x')], 'ForbiddenByRbac'], // prettier-ignore
      [['NotFound', 404, 'POST /secrets/off/backup is not simulated.', () => admin.backupSecret('off')]],
      [
        [
          'NotFound',
          404,
          'POST /secrets/restore is not simulated.',
          () => admin.restoreSecretBackup(new Uint8Array(8)),
        ],
      ],
    ];
    for (const [one, inner] of rows) {
      const { body } = await expectRefusal('vault', one);
      if (inner !== undefined) expect(body).toMatchObject({ error: { innererror: { code: inner } } });
    }
  });

  test('by access policies, of a protected vault, and of none', async () => {
    const policy = { tenantId, objectId: nobody.principalId, permissions: { secrets: ['list'] } };
    await create('policy-vault', { enableRbacAuthorization: false, accessPolicies: [policy] })();
    const other = await secretsOf('policy-vault', 'nobody');
    expect(await all(other.listPropertiesOfSecrets())).toEqual([]);
    const { body } = await expectRefusal('vault', ['Forbidden', 403, `The user, group or application '${identity(nobody)}' does not have secrets get permission on key vault 'policy-vault;location=westeurope'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287`, () => other.getSecret('x')]); // prettier-ignore
    expect(body).toMatchObject({ error: { innererror: { code: 'AccessDenied' } } });
    await create('held-vault', { enablePurgeProtection: true })();
    const held = await secretsOf('held-vault');
    await held.setSecret('one', 'x');
    await (await held.beginDeleteSecret('one', { intervalInMs: 1 })).pollUntilDone();
    await check('vault', [
      ['Forbidden', 403, 'Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault service will automatically purge it after the retention period has passed.\r\nVault: held-vault;location=westeurope', () => held.purgeDeletedSecret('one')], // prettier-ignore
      ['VaultNotFound', 404, 'The vault of this host does not exist.', async () => (await secretsOf('no-vault')).getSecret('x')], // prettier-ignore
    ]);
  });

  test('a version of the API that there is not, and a token that is not for it', async () => {
    const token = await azure.token('administrator', 'https://vault.azure.net');
    const said = async (path: string, of_?: string): Promise<unknown[]> => {
      const { status, body, header } = await azure.ask('GET', path, of_ === undefined ? {} : { token: of_ });
      const { code, message } = z.object({ error: z.looseObject({ code: z.string(), message: z.string() }) }).parse(body).error; // prettier-ignore
      return [status, code, message, header('www-authenticate').split(',')[0]];
    };
    const challenge = `Bearer authorization="${azure.url}/${tenantId}"`;
    const good = '/secrets?api-version=7.6';
    expect(await said('/secrets', token)).toEqual([400, 'BadParameter', 'api-version must be specified', '']);
    expect(await said('/secrets?api-version=9.9', token)).toEqual([400, 'BadParameter', 'The specified version (9.9) is not recognized. Consider using the latest supported version (7.6).', '']); // prettier-ignore
    expect(await said('/secrets?api-version=7.6&maxresults=26', token)).toEqual([400, 'BadParameter', 'Invalid maxresults: 26', '']); // prettier-ignore
    expect(await said('/secrets?api-version=7.6&$skiptoken=!', token)).toEqual([400, 'BadParameter', 'Invalid skiptoken: !', '']); // prettier-ignore
    expect(await said(good)).toEqual([401, 'Unauthorized', 'AKV10000: Request is missing a Bearer or PoP token.', challenge]); // prettier-ignore
    expect(await said(good, await azure.token('administrator'))).toEqual([401, 'Unauthorized', 'AKV10022: Invalid audience. Expected https://vault.azure.net.', challenge]); // prettier-ignore
    expect((await said(good, `${token.slice(0, -4)}AAAA`)).slice(0, 2)).toEqual([401, 'Unauthorized']);
    azure.advance(3600);
    expect((await said(good, token))[2]).toContain('IDX10223: Lifetime validation failed');
  });
});
