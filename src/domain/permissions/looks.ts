/** What preflight reads: which permissions that takes, and how many calls it is. One row each. Pure. */
import { applianceOf, type Blueprint, clientSecretOf, existingIdentityOf, groupId } from '../blueprint/blueprint';
import { isManagedImage } from '../imageId';
import { assignableRoles } from '../preflight/assignableRoles';
import { networkIdOf } from '../preflight/network';
import { hostNeeds } from './host';
import { ACCOUNT, AGREEMENTS, COMPUTE, IDENTITY, NETWORK, PROVIDERS, VAULT } from './kinds';
import { DIRECTORY, ENCRYPTION_SET, hostScope, KEY_VAULT, type Use, WATCHED } from './uses';

interface Look {
  readonly what: string;
  readonly permissions: readonly string[];
  readonly scopes: readonly string[];
  /** Zero where another look's call reads it too, or it is seldom made. */
  readonly calls: number;
}

const AUTHORIZATION = 'Microsoft.Authorization';
const POLICIES = ['policyAssignments', 'policyDefinitions', 'policySetDefinitions', 'policyExemptions'];

/** `granted` are the scopes that roles are granted at, as a plan names them. */
function looksOf(blueprint: Blueprint, granted: readonly string[]): readonly Look[] {
  const host = hostScope(blueprint);
  const everywhere = [host, ...granted];
  const own = hostNeeds(blueprint, true).map(({ scope }) => scope);
  const appliance = applianceOf(blueprint);
  const secret = clientSecretOf(blueprint.request);
  const group = groupId(blueprint.request);
  const identity = existingIdentityOf(blueprint);
  const assignable = assignableRoles(blueprint).length > 0;
  return [
    look('the subscriptions and the app’s own roles', everywhere, 1, [
      'Microsoft.Resources/subscriptions/read',
      `${AUTHORIZATION}/roleAssignments/read`,
    ]),
    look('the policies above', everywhere, 1, POLICIES.map((type) => `${AUTHORIZATION}/${type}/read`)), // prettier-ignore
    // Of each watched scope one call, counted there; below the subscription only where its roles do not give all.
    look('what the app may do', [...new Set([host, ...own, ...granted])], 1, [`${AUTHORIZATION}/permissions/read`]),
    look('what lies in the group', [group], 1, ['Microsoft.Resources/subscriptions/resourceGroups/resources/read']),
    // Only where the app may not register what is missing.
    look('the registered providers', [host], 0, [`${PROVIDERS}/read`]),
    look('locks', [group], 1, [`${AUTHORIZATION}/locks/read`]),
    ...(appliance
      ? applianceLooks(blueprint, appliance)
      : [look('the regions', [host], 1, ['Microsoft.Resources/subscriptions/locations/read'])]),
    ...(identity === undefined ? [] : [look('the managed identity', [identity], 0, [`${IDENTITY}/read`])]),
    ...(identity !== undefined && blueprint.request.identity.federatedCredential
      ? [look('what the identity trusts', [identity], 1, [`${IDENTITY}/federatedIdentityCredentials/read`])]
      : []),
    ...(assignable ? [look('the roles that may be given', [host], 0, [`${AUTHORIZATION}/roleDefinitions/read`])] : []),
    ...(isNamed(blueprint) ? [look('what the request names', [host], 1, [])] : []),
    ...(appliance || secret ? [look('whether the vault lets the app in', [KEY_VAULT], 1, VAULT.read)] : []),
    ...(secret ? [look('the tenant’s rules for secrets', [DIRECTORY], 1, ['Policy.Read.All'])] : []), // prettier-ignore
  ];
}

function applianceLooks(
  blueprint: Blueprint,
  { network, image, vm, access, configuration }: NonNullable<ReturnType<typeof applianceOf>>,
): readonly Look[] {
  const host = hostScope(blueprint);
  const set = vm.osDisk?.diskEncryptionSetId;
  const addresses =
    network.kind === 'managed' || (access.kind === 'temporaryPublicIp' && configuration.kind !== 'runCommand');
  return [
    look('the quota of the region', [host], 1, [`${COMPUTE}/locations/usages/read`]),
    look('the VM size', [host], 1, [`${COMPUTE}/skus/read`]),
    // Only where there are machines.
    look('the sizes of machines that exist', [groupId(blueprint.request)], 0, [`${COMPUTE}/virtualMachines/read`]),
    ...(addresses ? [look('the quota of addresses', [host], 1, [`${NETWORK}/locations/usages/read`])] : []),
    ...(image.kind === 'marketplace' ? [look('the image’s terms', [host], 1, [`${AGREEMENTS}/read`])] : []),
    ...(vm.encryptionAtHost === undefined
      ? []
      : [look('the feature EncryptionAtHost', [host], 1, ['Microsoft.Features/providers/features/read'])]),
    ...(set === undefined ? [] : [look('the disk encryption set', [set], 0, [ENCRYPTION_SET])]),
    network.kind === 'managed'
      ? look('networks that ours could meet', [host], 1, [`${NETWORK}/virtualNetworks/read`])
      : look('the subnet’s network, its security group and its route table', [networkIdOf(blueprint) ?? ''], 0, [
          ...['virtualNetworks', 'networkSecurityGroups', 'routeTables'].map((type) => `${NETWORK}/${type}/read`),
        ]),
    ...(image.kind === 'image' ? [look('the image', [image.id], 0, imageReads(image.id))] : []),
    ...(image.kind === 'vhd'
      ? [
          look('the VHD’s container', [image.storageAccountId], 2, [
            `${ACCOUNT}/read`,
            `${ACCOUNT}/blobServices/containers/read`,
          ]),
        ]
      : []),
  ];
}

/** Of a version its definition is read too. */
const imageReads = (id: string): readonly string[] =>
  (isManagedImage(id) ? ['images'] : ['galleries/images', 'galleries/images/versions']).map(
    (type) => `${COMPUTE}/${type}/read`,
  );

/** What the request names of others, all of it is read in one query. */
function isNamed(blueprint: Blueprint): boolean {
  const { network, image, vm } = applianceOf(blueprint) ?? {};
  return (
    existingIdentityOf(blueprint) !== undefined ||
    network?.kind === 'existing' ||
    (image !== undefined && image.kind !== 'marketplace') ||
    vm?.osDisk !== undefined
  );
}

const look = (what: string, scopes: readonly string[], calls: number, permissions: readonly string[]): Look => ({
  what,
  permissions,
  scopes,
  calls,
});

export const lookUses = (blueprint: Blueprint, granted: readonly string[]): readonly Use[] =>
  looksOf(blueprint, granted).flatMap(({ what, permissions, scopes }) =>
    permissions.flatMap((permission) => scopes.map((scope): Use => ({ permission, scope, why: `Preflight: ${what}` }))),
  );

/** The calls of preflight, those beside the one for each watched scope. */
export const lookCalls = (blueprint: Blueprint): number =>
  looksOf(blueprint, [WATCHED]).reduce((sum, { calls }) => sum + calls, 0);
