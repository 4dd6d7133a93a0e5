import { z } from 'zod';
import { type Kind } from '../arm/kind';
import { type Azure } from '../azure';
import { type Call } from '../http/call';

/** A vault as an ARM resource. Synchronous here; access is by role assignments only. */
export const vaults: Kind = {
  type: 'Microsoft.KeyVault/vaults',
  schema: z.looseObject({
    location: z.string(),
    tags: z.record(z.string(), z.string()).optional(),
    properties: z.looseObject({ tenantId: z.string(), sku: z.looseObject({ name: z.string() }) }),
  }),
  prepare(azure, { name, body }) {
    return { document: { ...body, properties: vaultProperties(azure, name, body.properties) } };
  },
};

export const vaultProperties = (
  azure: Azure,
  name: string,
  properties: Record<string, unknown>,
): Record<string, unknown> => ({
  accessPolicies: [],
  enabledForDeployment: false,
  softDeleteRetentionInDays: 90,
  ...properties,
  enableSoftDelete: true,
  enableRbacAuthorization: true,
  vaultUri: vaultUri(azure, name),
});

/** The tenant's own vault is the simulator's origin; others are `name.vault.localhost`. */
function vaultUri({ origin, tenant }: Azure, name: string): string {
  const { port } = new URL(origin);
  return name === tenant.vault.name ? `${origin}/` : `https://${name}.vault.localhost:${port}/`;
}

export interface Vault {
  readonly name: string;
  /** ARM id: the scope that data plane permissions are asked at. */
  readonly id: string;
  /** `https://host[:port]`, as the caller said it: ids of secrets begin with it. */
  readonly uri: string;
}

/** The vault that a request's host names. */
export function vaultOf(azure: Azure, call: Call): Vault | undefined {
  const host = call.header('host') ?? new URL(azure.origin).host;
  const name = /^([^.]+)\.vault\.localhost/i.exec(host)?.[1]?.toLowerCase() ?? azure.tenant.vault.name;
  const found = azure.resources.list(vaults.type).find(({ id }) => id.toLowerCase().endsWith(`/${name.toLowerCase()}`));
  return found === undefined ? undefined : { name, id: found.id, uri: `https://${host}` };
}
