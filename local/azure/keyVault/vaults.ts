import { z } from 'zod';
import { type Kind, type Put } from '../arm/kind';
import { type Azure } from '../azure';
import { type Call } from '../http/call';
import { AzureError, badRequest } from '../http/errors';
import { nameOf } from '../http/paths';
import { type Document, type Resource } from '../store/resources';

const DAY_MS = 86_400_000;

const accessPolicy = z.looseObject({
  tenantId: z.string(),
  objectId: z.string(),
  permissions: z.looseObject({ secrets: z.array(z.string()).nullish() }),
});
export type AccessPolicy = z.infer<typeof accessPolicy>;
export const accessPolicies = z.array(accessPolicy);

const shape = z.looseObject({
  location: z.string(),
  tags: z
    .record(z.string(), z.string())
    .nullish()
    .transform((tags) => tags ?? undefined),
  properties: z.looseObject({
    tenantId: z.guid(),
    sku: z.looseObject({ name: z.string(), family: z.string().optional() }),
    accessPolicies: accessPolicies.nullish(),
    createMode: z.enum(['default', 'recover']).nullish(),
    softDeleteRetentionInDays: z.number().int().nullish(),
    enablePurgeProtection: z.boolean().nullish(),
    enableRbacAuthorization: z.boolean().nullish(),
  }),
});

/** A vault as an ARM resource. Synchronous here. */
export const vaults: Kind = {
  type: 'Microsoft.KeyVault/vaults',
  plain: true,
  listsTop: true,
  merges: true,
  schema: shape,
  prepare: (azure, put) => ({ document: prepared(azure, put) }),
  computed: () => ({ provisioningState: 'Succeeded' }),
  removed: softDelete,
};

function prepared(azure: Azure, put: Put): Document {
  const { name, body, existing } = put;
  const { properties } = shape.parse(body);
  if (properties.createMode === 'recover') return recovered(azure, put);
  demandName(azure, put);
  demandSettings(properties, existing);
  if ((properties.accessPolicies ?? undefined) === undefined && properties.enableRbacAuthorization !== true)
    throw badRequest('BadRequest', 'The parameter accessPolicies is not specified.');
  // Secrets of an older vault of this name, purged by its own clock.
  if (existing === undefined) azure.secrets.purgeVault(name);
  const { createMode: _, ...rest } = properties;
  return { ...body, properties: vaultProperties(azure, name, { ...existing?.document.properties, ...given(rest) }) };
}

const given = (properties: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== null && value !== undefined));

function recovered(azure: Azure, { id, name, existing }: Put): Document {
  const deleted = azure.deletedVaults.get(name);
  if (existing !== undefined) return existing.document;
  if (deleted?.id.toLowerCase() !== id.toLowerCase())
    throw new AzureError(404, 'VaultNotFound', `No deleted Vault or HSM was found with name: ${name}.`);
  azure.deletedVaults.remove(name);
  return deleted.document;
}

/** Names are unique in all of Azure; those of deleted vaults are not free. */
function demandName(azure: Azure, { id, name, existing }: Put): void {
  if (existing !== undefined) return;
  if (!/^[a-z](?!.*--)[a-z0-9-]{1,22}[a-z0-9]$/i.test(name))
    throw badRequest(
      'VaultNameNotValid',
      `The vault name '${name}' is invalid. A vault's name must be between 3-24 alphanumeric characters. The name must begin with a letter, end with a letter or digit, and not contain consecutive hyphens. Follow this link for more information: https://go.microsoft.com/fwlink/?linkid=2147742`,
    );
  const deleted = azure.deletedVaults.get(name);
  if (deleted?.id.toLowerCase() === id.toLowerCase())
    throw new AzureError(
      409,
      'ConflictError',
      'A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft delete.',
    );
  if (deleted !== undefined || vaultNamed(azure, name) !== undefined)
    throw new AzureError(409, 'VaultAlreadyExists', nameTaken(name));
}

export const nameTaken = (name: string): string =>
  `The vault name '${name}' is already in use. Vault names are globally unique so it is possible that the name is already taken. If you are sure that the vault name was not taken then it is possible that a vault with the same name was recently deleted but not purged after being placed in a recoverable state. If the vault is in a recoverable state then the vault will need to be purged before reusing the name. For more information about VaultAlreadyExists, soft delete and purging a vault follow this link https://go.microsoft.com/fwlink/?linkid=2147740.`;

function demandSettings(properties: z.infer<typeof shape>['properties'], existing: Resource | undefined): void {
  if (properties.enablePurgeProtection === false)
    throw badRequest(
      'BadRequest',
      'The property "enablePurgeProtection" cannot be set to false. Enabling the purge protection for a vault is an irreversible action.',
    );
  if (properties['enableSoftDelete'] === false)
    throw badRequest(
      'BadRequest',
      'The property "enableSoftDelete" can be set to false only for creating new vault. Enabling the \'soft delete\' functionality is an irreversible action.',
    );
  const days = properties.softDeleteRetentionInDays ?? undefined;
  if (days === undefined) return;
  if (days < 7 || days > 90)
    throw badRequest('BadRequest', 'The property "softDeleteRetentionInDays" must be between 7 and 90 days.');
  const was = existing?.document.properties['softDeleteRetentionInDays'];
  if (was !== undefined && was !== days)
    throw badRequest(
      'BadRequest',
      'The property "softDeleteRetentionInDays" has been set already and it can\'t be modified.',
    );
}

export const vaultProperties = (
  azure: Azure,
  name: string,
  properties: Record<string, unknown>,
): Record<string, unknown> => ({
  accessPolicies: [],
  enabledForDeployment: false,
  softDeleteRetentionInDays: 90,
  enableRbacAuthorization: false,
  publicNetworkAccess: 'Enabled',
  ...properties,
  enableSoftDelete: true,
  vaultUri: vaultUri(azure, name),
});

/** The tenant's own vault is the simulator's origin; others are `name.vault.localhost`. */
function vaultUri({ origin, tenant }: Azure, name: string): string {
  const { port } = new URL(origin);
  return name === tenant.vault.name ? `${origin}/` : `https://${name}.vault.localhost:${port}/`;
}

const settings = z.object({
  enableRbacAuthorization: z.boolean().catch(false),
  enablePurgeProtection: z.boolean().catch(false),
  softDeleteRetentionInDays: z.number().catch(90),
  accessPolicies: accessPolicies.catch([]),
});

function softDelete(azure: Azure, { id, document }: Resource, goneAt: number): void {
  const days = settings.parse(document.properties).softDeleteRetentionInDays;
  azure.deletedVaults.add(nameOf(id), id, document, goneAt, goneAt + days * DAY_MS);
}

export interface Vault extends z.infer<typeof settings> {
  readonly name: string;
  /** ARM id: the scope that data plane permissions are asked at. */
  readonly id: string;
  readonly location: string;
  /** `https://host[:port]`, as the caller said it: ids of secrets begin with it. */
  readonly uri: string;
}

export const vaultNamed = (azure: Azure, name: string): Resource | undefined =>
  azure.resources.list(vaults.type).find(({ id }) => id.toLowerCase().endsWith(`/${name.toLowerCase()}`));

/** The vault that a request's host names. */
export const vaultOf = (azure: Azure, call: Call): Vault | undefined =>
  vaultAt(azure, call.header('host') ?? new URL(azure.origin).host);

/** The vault of a host, as it is said: `host[:port]`. */
export function vaultAt(azure: Azure, host: string): Vault | undefined {
  const named = /^([^.]+)\.vault\.(?:localhost|azure\.net)/i.exec(host)?.[1];
  const name = (named ?? azure.tenant.vault.name).toLowerCase();
  const found = vaultNamed(azure, name);
  if (found === undefined) return undefined;
  const location = found.document.location ?? azure.tenant.location;
  return { name, id: found.id, location, uri: `https://${host}`, ...settings.parse(found.document.properties) };
}
