import { z } from 'zod';
import { doneAt, type Azure } from '../azure';
import { type Answer, type Call, type Method, ok, param, parseBody, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { randomUUID } from '../random';
import { type Secret } from '../store/secrets';
import { type Vault, vaultOf } from './vaults';

const RETENTION_DAYS = 90;

type Handle = (azure: Azure, vault: Vault, call: Call) => Answer;

/** Secrets of Key Vault: method, path, the data action that it needs, what does it. */
const table: readonly (readonly [Method, string, string, Handle])[] = [
  ['PUT', '/secrets/:name', 'setSecret', set],
  ['GET', '/secrets/:name', 'getSecret', get],
  ['GET', '/secrets/:name/versions', 'readMetadata', listVersions],
  ['GET', '/secrets/:name/:version', 'getSecret', get],
  ['PATCH', '/secrets/:name', 'update', update],
  ['PATCH', '/secrets/:name/:version', 'update', update],
  ['DELETE', '/secrets/:name', 'delete', remove],
  ['GET', '/secrets', 'readMetadata', list],
  ['GET', '/deletedsecrets', 'readMetadata', listDeleted],
  ['GET', '/deletedsecrets/:name', 'readMetadata', getDeleted],
  ['DELETE', '/deletedsecrets/:name', 'purge', purge],
  ['POST', '/deletedsecrets/:name/recover', 'recover', recover],
];

export const keyVaultRoutes = (azure: Azure): readonly Route[] =>
  table.map(([method, path, action, handle]) => ({
    method,
    path,
    api: 'vault',
    handle: (call) => handle(azure, demandVault(azure, call, action), call),
  }));

function demandVault(azure: Azure, call: Call, action: string): Vault {
  const vault = vaultOf(azure, call);
  if (vault === undefined) throw new AzureError(404, 'VaultNotFound', 'The vault of this host does not exist.');
  const { principalId, clientId } = call.caller;
  const name = call.params['name'];
  const resource = `${vault.id}/secrets${name === undefined ? '' : `/${name}`}`;
  const needed = `Microsoft.KeyVault/vaults/secrets/${action}/action`;
  if (azure.rbac.permits(principalId, needed, name === undefined ? vault.id : resource, 'data')) return vault;
  const { location, tenantId } = azure.tenant;
  throw new AzureError(
    403,
    'Forbidden',
    `Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\nCaller: appid=${clientId};oid=${principalId};iss=https://sts.windows.net/${tenantId}/\r\nAction: '${needed}'\r\nResource: '${resource}'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: null \r\nVault: ${vault.name};location=${location}\r\n`,
    { members: { innererror: { code: 'ForbiddenByRbac' } } },
  );
}

const settings = z.looseObject({
  contentType: z.string().optional(),
  tags: z.record(z.string(), z.string()).optional(),
  attributes: z
    .looseObject({ enabled: z.boolean().optional(), nbf: z.number().optional(), exp: z.number().optional() })
    .optional(),
});
const setting = settings.extend({ value: z.string().max(25_600) });

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
  const { value, contentType, tags, attributes } = parseBody(setting, call);
  const at = Math.floor(azure.now() / 1000);
  const document = {
    ...(contentType === undefined ? {} : { contentType }),
    ...(tags === undefined ? {} : { tags }),
    attributes: {
      enabled: true,
      ...attributes,
      created: at,
      updated: at,
      recoveryLevel: 'Recoverable+Purgeable',
      recoverableDays: RETENTION_DAYS,
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
  const { contentType, tags, attributes } = parseBody(settings, call);
  const document = {
    ...secret.document,
    ...(contentType === undefined ? {} : { contentType }),
    ...(tags === undefined ? {} : { tags }),
    attributes: { ...attributesOf(secret), ...attributes, updated: Math.floor(azure.now() / 1000) },
  };
  azure.secrets.setDocument(secret, document);
  return ok({ id: idOf(vault, secret), ...document });
}

function list(azure: Azure, vault: Vault): Answer {
  const value = azure.secrets
    .latest(vault.name, false)
    .map(({ name, document }) => ({ id: `${vault.uri}/secrets/${name}`, ...document }));
  return ok({ value, nextLink: null });
}

function listVersions(azure: Azure, vault: Vault, call: Call): Answer {
  const all = azure.secrets.versions(vault.name, param(call, 'name')).filter(({ deletedAt }) => deletedAt === null);
  return ok({ value: all.map((one) => ({ id: idOf(vault, one), ...one.document })), nextLink: null });
}

function shownDeleted(vault: Vault, secret: Secret): Record<string, unknown> {
  const deletedDate = Math.floor((secret.deletedAt ?? 0) / 1000);
  return {
    recoveryId: `${vault.uri}/deletedsecrets/${secret.name}`,
    deletedDate,
    scheduledPurgeDate: deletedDate + RETENTION_DAYS * 86_400,
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

function listDeleted(azure: Azure, vault: Vault): Answer {
  const done = azure.secrets.latest(vault.name, true).filter(({ deletedAt }) => (deletedAt ?? 0) <= azure.now());
  return ok({ value: done.map((one) => shownDeleted(vault, one)), nextLink: null });
}

function purge(azure: Azure, vault: Vault, call: Call): Answer {
  azure.secrets.purge(vault.name, demandDeleted(azure, vault, call).name);
  return { status: 204 };
}

function recover(azure: Azure, vault: Vault, call: Call): Answer {
  const secret = demandDeleted(azure, vault, call);
  azure.secrets.setDeleted(vault.name, secret.name, null);
  return ok({ id: idOf(vault, secret), ...secret.document });
}
