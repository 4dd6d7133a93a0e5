import { z } from 'zod';
import { doneAt, type Azure } from '../azure';
import { type Answer, type Call, type Method, ok, param, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { randomUUID } from '../random';
import { type Secret } from '../store/secrets';
import { type Vault, vaultOf } from './vaults';

type Handle = (azure: Azure, vault: Vault, call: Call) => Answer;

/** Secrets of Key Vault: method, path, the data action and the access policy permission that it needs, what does it. */
const table: readonly (readonly [Method, string, string, string, Handle])[] = [
  ['PUT', '/secrets/:name', 'setSecret/action', 'set', set],
  ['GET', '/secrets/:name', 'getSecret/action', 'get', get],
  ['GET', '/secrets/:name/versions', 'readMetadata/action', 'list', listVersions],
  ['GET', '/secrets/:name/:version', 'getSecret/action', 'get', get],
  ['PATCH', '/secrets/:name', 'update/action', 'set', update],
  ['PATCH', '/secrets/:name/:version', 'update/action', 'set', update],
  ['DELETE', '/secrets/:name', 'delete', 'delete', remove],
  ['GET', '/secrets', 'readMetadata/action', 'list', list],
  ['GET', '/deletedsecrets', 'readMetadata/action', 'list', listDeleted],
  ['GET', '/deletedsecrets/:name', 'readMetadata/action', 'get', getDeleted],
  ['DELETE', '/deletedsecrets/:name', 'purge/action', 'purge', purge],
  ['POST', '/deletedsecrets/:name/recover', 'recover/action', 'recover', recover],
];

/** `7.4` and the like, and since 2025 dates. */
const VERSION = /^(7\.[0-6]|20\d\d-\d\d-\d\d)$/;

export const keyVaultRoutes = (azure: Azure): readonly Route[] => [
  ...table.map(([method, path, action, permission, handle]): Route => ({
    method,
    path,
    api: 'vault',
    handle: (call) => handle(azure, demandVault(azure, call, action, permission), call),
  })),
  ...notSimulated.map(([method, path]): Route => ({ method, path, api: 'vault', handle: refuse })),
];

/** What Key Vault has and this Azure has not. */
const notSimulated = [
  ['POST', '/secrets/:name/backup'],
  ['POST', '/secrets/restore'],
  ...(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const).flatMap((method) =>
    ['/keys', '/keys/*', '/certificates', '/certificates/*', '/storage', '/storage/*'].map(
      (path) => [method, path] as const,
    ),
  ),
] as const;

function refuse({ method, path }: Call): never {
  throw new AzureError(404, 'NotFound', `${method} ${path} is not simulated.`, {
    members: {
      details: [{ code: 'NotSimulated', message: 'Simulated are secrets and deleted secrets, without backup.' }],
    },
  });
}

function demandVault(azure: Azure, call: Call, action: string, permission: string): Vault {
  const vault = vaultOf(azure, call);
  if (vault === undefined) throw new AzureError(404, 'VaultNotFound', 'The vault of this host does not exist.');
  demandAccess(azure, call, vault, action, permission);
  const version = call.query('api-version');
  if (version === undefined) throw new AzureError(400, 'BadParameter', 'api-version must be specified');
  if (!VERSION.test(version))
    throw new AzureError(
      400,
      'BadParameter',
      `The specified version (${version}) is not recognized. Consider using the latest supported version (7.6).`,
    );
  return vault;
}

/** Role assignments decide, or the vault's own access policies: never both. */
function demandAccess(azure: Azure, call: Call, vault: Vault, action: string, permission: string): void {
  const { principalId, clientId } = call.caller;
  const { tenantId } = azure.tenant;
  if (!vault.enableRbacAuthorization) {
    const mine = vault.accessPolicies.filter(({ objectId }) => objectId.toLowerCase() === principalId.toLowerCase());
    const granted = mine.flatMap(({ permissions }) => permissions.secrets ?? []).map((one) => one.toLowerCase());
    if (granted.includes(permission) || (granted.includes('all') && permission !== 'purge')) return;
    throw new AzureError(
      403,
      'Forbidden',
      `The user, group or application 'appid=${clientId};oid=${principalId};iss=https://sts.windows.net/${tenantId}/' does not have secrets ${permission} permission on key vault '${vault.name};location=${vault.location}'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287`,
      { members: { innererror: { code: 'AccessDenied' } } },
    );
  }
  const name = call.params['name'];
  // A list is asked of the vault itself, and all of it is told in lower case, as logged.
  const resource = (name === undefined ? vault.id : `${vault.id}/secrets/${name}`).toLowerCase();
  const needed = `Microsoft.KeyVault/vaults/secrets/${action}`;
  azure.rbac.demanded.note(principalId, needed, resource);
  if (azure.rbac.permits(principalId, needed, resource, 'data')) return;
  throw new AzureError(
    403,
    'Forbidden',
    `Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\nCaller: appid=${clientId};oid=${principalId};iss=https://sts.windows.net/${tenantId}/\r\nAction: '${needed}'\r\nResource: '${resource}'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: null \r\nVault: ${vault.name};location=${vault.location}\r\n`,
    { members: { innererror: { code: 'ForbiddenByRbac' } } },
  );
}

/** Shorter retention than 90 days is `Customized`; with purge protection nothing can be purged early. */
const recoveryOf = (vault: Vault): { readonly recoveryLevel: string; readonly recoverableDays: number } => ({
  recoveryLevel: `${vault.softDeleteRetentionInDays < 90 ? 'CustomizedRecoverable' : 'Recoverable'}${vault.enablePurgeProtection ? '' : '+Purgeable'}`,
  recoverableDays: vault.softDeleteRetentionInDays,
});

const settings = z.looseObject({
  contentType: z.string().optional(),
  tags: z.record(z.string(), z.string()).optional(),
  attributes: z
    .looseObject({ enabled: z.boolean().optional(), nbf: z.number().optional(), exp: z.number().optional() })
    .optional(),
});
const setting = settings.extend({ value: z.string().max(25_600) });

/** The body in the shape of `schema`, or 400 in Key Vault's words. */
function vaultBody<S extends z.ZodType>(schema: S, { body }: Call): z.infer<S> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const property = result.error.issues[0]?.path.join('.') ?? '';
  throw new AzureError(400, 'BadParameter', `Property '${property}' of the request body is missing or has an invalid value.`); // prettier-ignore
}

function set(azure: Azure, vault: Vault, call: Call): Answer {
  const name = param(call, 'name');
  if (!/^[0-9a-zA-Z-]{1,127}$/.test(name)) {
    throw new AzureError(400, 'BadParameter', `The request URI contains an invalid name: ${name}`);
  }
  const deleted = azure.secrets.versions(vault.name, name)[0];
  if (deleted !== undefined && deleted.deletedAt !== null) {
    throw new AzureError(
      409,
      'Conflict',
      `Secret ${name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the secret can only be recovered or purged.`,
      { members: { innererror: { code: 'ObjectIsDeletedButRecoverable' } } },
    );
  }
  const { value, contentType, tags, attributes } = vaultBody(setting, call);
  const at = Math.floor(azure.now() / 1000);
  const document = {
    ...(contentType === undefined ? {} : { contentType }),
    ...(tags === undefined ? {} : { tags }),
    attributes: {
      enabled: true,
      ...attributes,
      created: at,
      updated: at,
      ...recoveryOf(vault),
    },
  };
  const version = randomUUID().replaceAll('-', '');
  azure.secrets.add({ vault: vault.name, name, version, document, createdAt: azure.now() }, value);
  return ok({ value, id: idOf(vault, { name, version }), ...document });
}

const idOf = ({ uri }: Vault, { name, version }: { name: string; version: string }): string =>
  `${uri}/secrets/${name}/${version}`;

function demandSecret(azure: Azure, vault: Vault, call: Call): Secret {
  const name = param(call, 'name');
  const { version } = call.params;
  const all = azure.secrets.versions(vault.name, name).filter(({ deletedAt }) => deletedAt === null);
  const found = version === undefined ? all[0] : all.find((one) => one.version === version);
  if (found !== undefined) return found;
  throw new AzureError(
    404,
    'SecretNotFound',
    `A secret with (name/id) ${name}${version === undefined ? '' : `/${version}`} was not found in this key vault. If you recently deleted this secret you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182`,
  );
}

const attributesOf = ({ document }: Secret): z.infer<typeof settings>['attributes'] =>
  settings.parse(document).attributes;

function get(azure: Azure, vault: Vault, call: Call): Answer {
  const secret = demandSecret(azure, vault, call);
  if (attributesOf(secret)?.enabled === false) {
    throw new AzureError(403, 'Forbidden', 'Operation get is not allowed on a disabled secret.', {
      members: { innererror: { code: 'SecretDisabled' } },
    });
  }
  return ok({ value: azure.secrets.open(secret), id: idOf(vault, secret), ...secret.document });
}

function update(azure: Azure, vault: Vault, call: Call): Answer {
  const secret = demandSecret(azure, vault, call);
  const { contentType, tags, attributes } = vaultBody(settings, call);
  const document = {
    ...secret.document,
    ...(contentType === undefined ? {} : { contentType }),
    ...(tags === undefined ? {} : { tags }),
    attributes: { ...attributesOf(secret), ...attributes, updated: Math.floor(azure.now() / 1000) },
  };
  azure.secrets.setDocument(secret, document);
  return ok({ id: idOf(vault, secret), ...document });
}

/** A page of at most 25, and the address of the next. */
function page(vault: Vault, call: Call, all: readonly Record<string, unknown>[]): Answer {
  const size = Number(call.query('maxresults') ?? 25);
  if (!Number.isInteger(size) || size < 1 || size > 25)
    throw new AzureError(400, 'BadParameter', `Invalid maxresults: ${call.query('maxresults') ?? ''}`);
  const skip = call.query('$skiptoken');
  const text = skip === undefined ? '0' : Buffer.from(skip, 'base64url').toString();
  if (!/^\d+$/.test(text)) throw new AzureError(400, 'BadParameter', `Invalid skiptoken: ${skip ?? ''}`);
  const from = Number(text);
  const token = Buffer.from(String(from + size)).toString('base64url');
  const next = `${vault.uri}${call.path}?api-version=${call.query('api-version') ?? ''}&$skiptoken=${token}&maxresults=${size}`;
  return ok({ value: all.slice(from, from + size), nextLink: from + size < all.length ? next : null });
}

function list(azure: Azure, vault: Vault, call: Call): Answer {
  const all = azure.secrets.latest(vault.name, false);
  return page(
    vault,
    call,
    all.map(({ name, document }) => ({ id: `${vault.uri}/secrets/${name}`, ...document })),
  );
}

function listVersions(azure: Azure, vault: Vault, call: Call): Answer {
  const all = azure.secrets.versions(vault.name, param(call, 'name')).filter(({ deletedAt }) => deletedAt === null);
  return page(
    vault,
    call,
    all.map((one) => ({ id: idOf(vault, one), ...one.document })),
  );
}

function shownDeleted(vault: Vault, secret: Secret): Record<string, unknown> {
  const deletedDate = Math.floor((secret.deletedAt ?? 0) / 1000);
  return {
    recoveryId: `${vault.uri}/deletedsecrets/${secret.name}`,
    deletedDate,
    scheduledPurgeDate: deletedDate + vault.softDeleteRetentionInDays * 86_400,
    id: idOf(vault, secret),
    ...secret.document,
  };
}

function remove(azure: Azure, vault: Vault, call: Call): Answer {
  const secret = demandSecret(azure, vault, call);
  const deletedAt = doneAt(azure, 'secretDelete');
  azure.secrets.setDeleted(vault.name, secret.name, deletedAt);
  return ok(shownDeleted(vault, { ...secret, deletedAt }));
}

/** A deleted secret is found among the deleted only once the deletion has ended; until then it is in neither place. */
function demandDeleted(azure: Azure, vault: Vault, call: Call): Secret {
  const secret = azure.secrets.versions(vault.name, param(call, 'name'))[0];
  if (secret !== undefined && secret.deletedAt !== null && secret.deletedAt <= azure.now()) return secret;
  throw new AzureError(404, 'SecretNotFound', `Deleted Secret not found: ${param(call, 'name')}`);
}

function getDeleted(azure: Azure, vault: Vault, call: Call): Answer {
  return ok(shownDeleted(vault, demandDeleted(azure, vault, call)));
}

function listDeleted(azure: Azure, vault: Vault, call: Call): Answer {
  const done = azure.secrets.latest(vault.name, true).filter(({ deletedAt }) => (deletedAt ?? 0) <= azure.now());
  return page(
    vault,
    call,
    done.map((one) => shownDeleted(vault, one)),
  );
}

function purge(azure: Azure, vault: Vault, call: Call): Answer {
  if (vault.enablePurgeProtection)
    throw new AzureError(
      403,
      'Forbidden',
      `Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault service will automatically purge it after the retention period has passed.\r\nVault: ${vault.name};location=${vault.location}`,
    );
  azure.secrets.purge(vault.name, demandDeleted(azure, vault, call).name);
  return { status: 204 };
}

function recover(azure: Azure, vault: Vault, call: Call): Answer {
  const secret = demandDeleted(azure, vault, call);
  azure.secrets.setDeleted(vault.name, secret.name, null);
  return ok({ id: idOf(vault, secret), ...secret.document });
}
