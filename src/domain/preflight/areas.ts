/** What preflight looks at of the host and of the tenant, each by itself: one that cannot be read hides no other. Pure. */
import { applianceOf, type Blueprint, clientSecretOf, existingIdentityOf } from '../blueprint/blueprint';
import { finding } from './codes';
import type { Finding } from './finding';
import { type AppIdentity, giveGraph, isOfGraph } from './graphRights';
import { subscriptionScope } from './subscriptions';

interface Looked {
  /** In words, for the finding where it could not be read. */
  readonly what: string;
  /** The field of the request that it is about. */
  readonly where: string;
  /** The permission that reading it needs: an action of Azure, which the role Reader has, or one of Graph. */
  readonly right: string;
  /** Where the app needs it; without it the host subscription. */
  readonly scope?: (blueprint: Blueprint) => string | undefined;
}

/** By name, what is looked at. */
const areas = {
  tenant: {
    what: 'The state of the subscriptions, and the app’s own role assignments',
    where: '/subscriptions',
    right: 'Microsoft.Authorization/roleAssignments/read',
    scope: () => '/providers/Microsoft.Management/managementGroups/<group>',
  },
  region: {
    what: 'The region',
    where: '/placement/location',
    right: 'Microsoft.Resources/subscriptions/locations/read',
  },
  permissions: {
    what: 'The app’s permissions in the host subscription',
    where: '/placement/subscriptionId',
    right: 'Microsoft.Authorization/permissions/read',
  },
  graph: {
    what: 'The app’s permissions in Microsoft Graph',
    where: '/identity',
    right: 'Application.Read.All',
  },
  providers: {
    what: 'The registered resource providers',
    where: '/placement/subscriptionId',
    right: 'Microsoft.Resources/subscriptions/providers/read',
  },
  quota: {
    what: 'The quota of the region',
    where: '/placement/location',
    right: 'Microsoft.Compute/locations/usages/read',
  },
  size: { what: 'The VM size in the region and zone', where: '/vm/size', right: 'Microsoft.Compute/skus/read' },
  image: {
    what: 'The image',
    where: '/image/id',
    right: 'Microsoft.Compute/images/read',
    scope: (blueprint) => {
      const image = applianceOf(blueprint)?.image;
      return image?.kind === 'image' ? image.id : undefined;
    },
  },
  identity: {
    what: 'The managed identity',
    where: '/identity/resourceId',
    right: 'Microsoft.ManagedIdentity/userAssignedIdentities/read',
    scope: existingIdentityOf,
  },
  encryptionAtHost: {
    what: 'The feature EncryptionAtHost of the host subscription',
    where: '/vm/encryptionAtHost',
    right: 'Microsoft.Features/providers/features/read',
  },
  encryptionSet: {
    what: 'The disk encryption set',
    where: '/vm/osDisk/diskEncryptionSetId',
    right: 'Microsoft.Compute/diskEncryptionSets/read',
    scope: (blueprint) => applianceOf(blueprint)?.vm.osDisk?.diskEncryptionSetId,
  },
  offer: {
    what: 'The marketplace’s terms',
    where: '/image',
    right: 'Microsoft.MarketplaceOrdering/offertypes/publishers/offers/plans/agreements/read',
  },
  names: {
    what: 'The names that are taken in the resource group',
    where: '/placement/resourceGroup',
    right: 'Microsoft.Resources/subscriptions/resourceGroups/resources/read',
  },
  locks: {
    what: 'The locks on the resource group',
    where: '/placement/resourceGroup',
    right: 'Microsoft.Authorization/locks/read',
  },
  policies: {
    what: 'The policies assigned above the resource group and in the watched subscriptions',
    where: '/placement/resourceGroup',
    right: 'Microsoft.Authorization/policyAssignments/read',
  },
  network: {
    what: 'The network',
    where: '/network',
    right: 'Microsoft.Network/virtualNetworks/read',
    scope: (blueprint) => {
      const network = applianceOf(blueprint)?.network;
      return network?.kind === 'existing' ? network.subnetId.split('/subnets/')[0] : undefined;
    },
  },
  vhd: {
    what: 'The VHD and the storage account',
    where: '/image',
    right: 'Microsoft.Storage/storageAccounts/read',
    scope: (blueprint) => {
      const image = applianceOf(blueprint)?.image;
      return image?.kind === 'vhd' ? image.storageAccountId : undefined;
    },
  },
  vault: {
    what: 'The Key Vault',
    where: 'KEY_VAULT_URI',
    right: 'Microsoft.KeyVault/vaults/secrets/readMetadata/action',
    scope: () => '<id of the vault>',
  },
  secretRules: {
    what: 'The tenant’s rules for client secrets',
    where: '/identity/secret',
    right: 'Policy.Read.All',
  },
} as const satisfies Readonly<Record<string, Looked>>;
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

/** One read, and what it needs where it is refused. */
export interface Read extends Omit<Looked, 'scope'> {
  readonly scope: string;
}

export function readOf(area: Area, blueprint: Blueprint): Read {
  const { what, where, right, scope }: Looked = areas[area];
  return {
    what,
    where,
    right,
    scope: scope?.(blueprint) ?? subscriptionScope(blueprint.request.placement.subscriptionId),
  };
}

/** What the app may do at a scope, one by one. */
export const readOfScope = (scope: string): Read => ({
  what: 'The app’s permissions',
  where: scope,
  right: 'Microsoft.Authorization/permissions/read',
  scope,
});

/** Whoever asks, as far as that is known: a read may fail before it is. */
type Asker = Pick<AppIdentity, 'objectId' | 'graphEndpoint'>;
const UNKNOWN: Asker = { objectId: '<object id of the app>', graphEndpoint: 'https://graph.microsoft.com' };

export const notChecked = ({ what, where, right, scope }: Read, reason: string, app: Asker = UNKNOWN): Finding =>
  finding(
    'CouldNotBeChecked',
    where,
    `${what} could not be read: ${reason}`,
    `Where Azure was only busy, ask again. Else the app needs ${right}. ${giveRead(app, right, scope)} Or go on: the run says what it meets.`,
  );

const giveRead = (app: Asker, right: string, scope: string): string =>
  isOfGraph(right)
    ? giveGraph(app, [right])
    : `An owner runs \`az role assignment create --assignee-object-id ${app.objectId} --assignee-principal-type ServicePrincipal --role "${right.startsWith('Microsoft.KeyVault') ? 'Key Vault Secrets Officer' : 'Reader'}" --scope ${scope}\`.`;

/** About what lies in the host subscription: where that is not there, it says no more that nothing in it could be read. */
export const isOfHost = ({ where }: Finding): boolean => /^\/(?:placement|vm|image|network)\b/.test(where);
