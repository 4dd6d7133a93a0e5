import { z } from 'zod';
import { type Azure } from '../azure';
import { vaultAt } from '../keyVault/vaults';

const ACTIONS = ['read', 'wrap/action', 'unwrap/action'];
const PERMISSIONS = ['get', 'wrapKey', 'unwrapKey'];

const ofKeys = z.object({ keys: z.array(z.string()).catch([]) });

/**
 * Whether a principal may get, wrap and unwrap with a vault's key: by role assignments, or by the vault's own access
 * policies. Keys themselves are not simulated: one of a vault that is there counts as there.
 */
export function mayUseKey(azure: Azure, principalId: string, keyUrl: string): boolean {
  const { host, pathname } = new URL(keyUrl);
  const vault = vaultAt(azure, host);
  if (vault === undefined) return false;
  if (vault.enableRbacAuthorization) {
    const scope = `${vault.id}/keys/${pathname.split('/')[2] ?? ''}`;
    return ACTIONS.every((one) =>
      azure.rbac.permits(principalId, `Microsoft.KeyVault/vaults/keys/${one}`, scope, 'data'),
    );
  }
  const mine = vault.accessPolicies.filter(({ objectId }) => objectId.toLowerCase() === principalId.toLowerCase());
  const granted = mine.flatMap(({ permissions }) => ofKeys.parse(permissions).keys).map((one) => one.toLowerCase());
  return granted.includes('all') || PERMISSIONS.every((one) => granted.includes(one.toLowerCase()));
}
