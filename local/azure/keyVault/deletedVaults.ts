import { z } from 'zod';
import { find } from '../arm/resourceRoutes';
import { type Azure } from '../azure';
import { type Answer, type Call, ok, param, parseBody, type Route } from '../http/call';
import { AzureError, badRequest } from '../http/errors';
import { type DeletedVault } from '../store/deletedVaults';
import { type AccessPolicy, accessPolicies, nameTaken, vaultNamed, vaults } from './vaults';

const PROVIDER = '/subscriptions/:subscriptionId/providers/Microsoft.KeyVault';
const DELETED = `${PROVIDER}/locations/:location/deletedVaults/:name`;
const POLICIES =
  '/subscriptions/:subscriptionId/resourceGroups/:resourceGroup/providers/Microsoft.KeyVault/vaults/:name/accessPolicies/:operation';

/** The control plane of Key Vault besides the vaults themselves: deleted ones, names, access policies. */
export const vaultRoutes = (azure: Azure): readonly Route[] => [
  { method: 'GET', path: `${PROVIDER}/deletedVaults`, api: 'arm', handle: (call) => ok(list(azure, call)) },
  // `az keyvault list-deleted` asks for both kinds. Managed HSMs are not simulated, so none was ever deleted.
  { method: 'GET', path: `${PROVIDER}/deletedManagedHSMs`, api: 'arm', handle: () => ok({ value: [] }) },
  { method: 'GET', path: DELETED, api: 'arm', handle: (call) => ok(shown(demandDeleted(azure, call))) },
  { method: 'POST', path: `${DELETED}/purge`, api: 'arm', handle: (call) => purge(azure, call) },
  { method: 'POST', path: `${PROVIDER}/checkNameAvailability`, api: 'arm', handle: (call) => available(azure, call) },
  { method: 'PUT', path: POLICIES, api: 'arm', handle: (call) => setPolicies(azure, call) },
];

const isProtected = ({ document }: DeletedVault): boolean => document.properties['enablePurgeProtection'] === true;

function shown(deleted: DeletedVault): Record<string, unknown> {
  const { name, id, document, deletedAt, purgeAt } = deleted;
  const [, , subscriptionId = ''] = id.split('/');
  const location = document.location ?? '';
  return {
    id: `/subscriptions/${subscriptionId}/providers/Microsoft.KeyVault/locations/${location}/deletedVaults/${name}`,
    name,
    type: 'Microsoft.KeyVault/deletedVaults',
    properties: {
      vaultId: id,
      location,
      tags: document.tags ?? {},
      deletionDate: new Date(deletedAt).toISOString(),
      scheduledPurgeDate: new Date(purgeAt).toISOString(),
      ...(isProtected(deleted) ? { purgeProtectionEnabled: true } : {}),
    },
  };
}

const list = (azure: Azure, call: Call): Record<string, unknown> => ({
  value: azure.deletedVaults.list(param(call, 'subscriptionId')).map(shown),
});

function demandDeleted(azure: Azure, call: Call): DeletedVault {
  const name = param(call, 'name');
  const found = azure.deletedVaults
    .list(param(call, 'subscriptionId'))
    .find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (found?.document.location?.toLowerCase() === param(call, 'location').toLowerCase()) return found;
  throw new AzureError(404, 'DeletedVaultNotFound', `The specified deleted vault '${name}' does not exist.`);
}

function purge(azure: Azure, call: Call): Answer {
  const deleted = demandDeleted(azure, call);
  if (isProtected(deleted))
    throw new AzureError(405, 'MethodNotAllowed', "Operation 'DeletedVaultPurge' is not allowed.");
  azure.deletedVaults.remove(deleted.name);
  azure.secrets.purgeVault(deleted.name);
  const headers = azure.operations.accepted({
    subscriptionId: param(call, 'subscriptionId'),
    namespace: 'Microsoft.KeyVault',
    location: param(call, 'location'),
    apiVersion: call.query('api-version') ?? '',
    endsAt: azure.now(),
    failure: null,
  });
  return { status: 202, headers };
}

function available(azure: Azure, call: Call): Answer {
  const { name } = parseBody(z.looseObject({ name: z.string(), type: z.string() }), call);
  const taken = vaultNamed(azure, name) !== undefined || azure.deletedVaults.get(name) !== undefined;
  return ok(
    taken ? { nameAvailable: false, reason: 'AlreadyExists', message: nameTaken(name) } : { nameAvailable: true },
  );
}

const asked = z.looseObject({ properties: z.looseObject({ accessPolicies }) });

/** `add` joins permissions of the same object, `remove` takes them away, `replace` sets them all. */
function setPolicies(azure: Azure, call: Call): Answer {
  const vault = find(azure, vaults, call);
  const given = parseBody(asked, call).properties.accessPolicies;
  const known = accessPolicies.catch([]).parse(vault.document.properties['accessPolicies']);
  const operation = param(call, 'operation').toLowerCase();
  const combine = operations[operation];
  if (combine === undefined)
    throw badRequest('BadRequest', `The operation '${operation}' is none of add, replace, remove.`);
  const policies = combine(known, given);
  azure.resources.setDocument(vault, {
    ...vault.document,
    properties: { ...vault.document.properties, accessPolicies: policies },
  });
  return ok({
    id: `${vault.id}/accessPolicies/`,
    type: 'Microsoft.KeyVault/vaults/accessPolicies',
    location: vault.document.location,
    properties: { accessPolicies: policies },
  });
}

type Combine = (known: readonly AccessPolicy[], given: readonly AccessPolicy[]) => readonly AccessPolicy[];

const same = (a: AccessPolicy, b: AccessPolicy): boolean => a.objectId.toLowerCase() === b.objectId.toLowerCase();
const secretsOf = ({ permissions }: AccessPolicy): readonly string[] => permissions.secrets ?? [];
const withSecrets = (one: AccessPolicy, secrets: readonly string[]): AccessPolicy => ({
  ...one,
  permissions: { ...one.permissions, secrets: [...new Set(secrets)] },
});

const operations: Readonly<Record<string, Combine>> = {
  replace: (_, given) => given,
  add: (known, given) => [
    ...known.map((one) => {
      const more = given.find((other) => same(one, other));
      return more === undefined ? one : withSecrets(one, [...secretsOf(one), ...secretsOf(more)]);
    }),
    ...given.filter((one) => !known.some((other) => same(one, other))),
  ],
  remove: (known, given) =>
    known.flatMap((one) => {
      const less = given.find((other) => same(one, other));
      if (less === undefined) return [one];
      const left = secretsOf(one).filter((permission) => !secretsOf(less).includes(permission));
      return left.length === 0 ? [] : [withSecrets(one, left)];
    }),
};
