/** Whether the app may read its own Key Vault: everything secret goes through it. Pure. */
import { finding } from './codes';
import type { Finding } from './finding';

export type VaultAnswer = { readonly kind: 'open' } | { readonly kind: 'forbidden'; readonly reason: string };

/** The vault's own words tell its firewall and its roles apart. */
export function checkVault(answer: VaultAnswer, appId: string): readonly Finding[] {
  if (answer.kind === 'open') return [];
  const firewall = /firewall|not authorized|client address|public network access/i.test(answer.reason);
  const remedy = firewall
    ? 'Let the app’s subnet through: `az keyvault network-rule add --name <vault> --subnet <id of the subnet>`, or with --ip-address its address.'
    : `An owner of the vault runs \`az role assignment create --assignee-object-id ${appId} --assignee-principal-type ServicePrincipal --role "Key Vault Secrets Officer" --scope <id of the vault>\`.`;
  return [finding('VaultForbidden', 'KEY_VAULT_URI', answer.reason, remedy)];
}

export const vaultUnreachable = (reason: string): Finding =>
  finding(
    'VaultUnreachable',
    'KEY_VAULT_URI',
    `The Key Vault does not answer: ${reason}`,
    'Check the setting KEY_VAULT_URI, and that the app’s subnet reaches the vault (docs/deploy.md).',
  );
