/** What preflight looks at of the host and of the tenant, each by itself: one that cannot be read hides no other. Pure. */
import { applianceOf, type Blueprint, clientSecretOf, existingIdentityOf } from '../blueprint/blueprint';
import { finding } from './codes';
import type { Finding } from './finding';

/** By name, what is looked at, in words for the finding where it could not be. */
export const areas = {
  tenant: 'The state of the subscriptions, and the app’s own role assignments',
  region: 'The region',
  permissions: 'The app’s permissions in the host subscription',
  graph: 'The app’s permissions in Microsoft Graph',
  providers: 'The registered resource providers',
  quota: 'The quota of the region',
  size: 'The VM size in the region and zone',
  image: 'The image',
  identity: 'The managed identity',
  encryptionAtHost: 'The feature EncryptionAtHost of the host subscription',
  encryptionSet: 'The disk encryption set',
  offer: 'The marketplace’s terms',
  names: 'The names that are taken in the resource group',
  locks: 'The locks on the resource group',
  policies: 'The policies assigned above the resource group and in the watched subscriptions',
  network: 'The network',
  vhd: 'The VHD and the storage account',
  vault: 'The Key Vault',
  secretRules: 'The tenant’s rules for client secrets',
} as const;
export type Area = keyof typeof areas;

/** Without an appliance or a secret there is less to ask. */
export function areasOf(blueprint: Blueprint): readonly Area[] {
  const appliance = applianceOf(blueprint);
  const secret = clientSecretOf(blueprint.request);
  const always: readonly Area[] = [
    'tenant',
    'region',
    'permissions',
    'graph',
    'providers',
    'names',
    'locks',
    'policies',
  ];
  const ofAppliance: readonly Area[] = ['quota', 'size', 'network'];
  return [
    ...always,
    ...(appliance ? ofAppliance : []),
    ...(appliance?.vm.encryptionAtHost === undefined ? [] : (['encryptionAtHost'] as const)),
    ...(appliance?.vm.osDisk ? (['encryptionSet'] as const) : []),
    ...(appliance?.image.kind === 'image' ? (['image'] as const) : []),
    ...(existingIdentityOf(blueprint) === undefined ? [] : (['identity'] as const)),
    ...(appliance?.image.kind === 'marketplace' ? (['offer'] as const) : []),
    ...(appliance?.image.kind === 'vhd' ? (['vhd'] as const) : []),
    ...(appliance || secret ? (['vault'] as const) : []),
    ...(secret ? (['secretRules'] as const) : []),
  ];
}

export const notChecked = (what: string, where: string, reason: string): Finding =>
  finding(
    'CouldNotBeChecked',
    where,
    `${what} could not be read: ${reason}`,
    'Give the app the right to read it (docs/operations.md, Preflight), or go on: the run says what it meets.',
  );
