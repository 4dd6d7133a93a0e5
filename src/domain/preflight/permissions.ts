/** Which actions a request needs at which scope of the host, and whether the app has them. Pure. */
import { applianceOf, type Blueprint, groupId } from '../blueprint/blueprint';
import { principal } from '../blueprint/identity';
import type { Terms } from './capacity';
import { finding } from './codes';
import type { Finding } from './finding';
import { allows, missingActions, type Permission } from './rights';
import { subscriptionScope } from './subscriptions';
import { DELEGATION } from './vhd';

export interface ScopeNeeds {
  readonly scope: string;
  readonly actions: readonly string[];
  /** At least one of these too. */
  readonly oneOf?: readonly string[];
  /** A built-in role that has them all. */
  readonly role: string;
}

const all = (type: string, ...more: readonly string[]): readonly string[] =>
  ['read', 'write', 'delete', ...more].map((verb) => `${type}/${verb}`);

const NETWORK = 'Microsoft.Network';
const MACHINE = [
  ...all('Microsoft.Compute/virtualMachines'),
  ...all(`${NETWORK}/networkSecurityGroups`, 'join/action'),
  ...all(`${NETWORK}/networkSecurityGroups/securityRules`),
  ...all(`${NETWORK}/networkInterfaces`, 'join/action'),
];
const PUBLIC_ADDRESS = all(`${NETWORK}/publicIPAddresses`, 'join/action');
const OWN_NETWORK = [
  ...all(`${NETWORK}/virtualNetworks`),
  ...all(`${NETWORK}/virtualNetworks/subnets`, 'join/action'),
  ...all(`${NETWORK}/natGateways`, 'join/action'),
  ...PUBLIC_ADDRESS,
];
const PROVIDERS = 'Microsoft.Resources/subscriptions/providers/read';
const TERMS = 'Microsoft.MarketplaceOrdering/offertypes/publishers/offers/plans/agreements';
const ACCEPT = `${TERMS}/write`;
const IDENTITY = 'Microsoft.ManagedIdentity/userAssignedIdentities';

/** Where everything is made and set up, the right to make it may have been taken back since. */
const readsOf = ({ scope, actions }: ScopeNeeds): ScopeNeeds => ({
  scope,
  actions: actions.filter((action) => action.endsWith('/read')),
  role: 'Reader',
});

/** What the request needs in its resource group and on what it only uses. An existing group need not be made. */
export function hostNeeds(blueprint: Blueprint, groupExists: boolean, standing = false): readonly ScopeNeeds[] {
  const { request } = blueprint;
  const appliance = applianceOf(blueprint);
  /** What a VM was made from, and where it was put, may be gone once it stands: a run looks at neither again. */
  const making = standing ? undefined : appliance;
  const identityId = request.identity.kind === 'managedIdentity' ? request.identity.resourceId : undefined;
  const ownIdentity = principal(request).key === 'userAssignedIdentity' && identityId === undefined;
  const federation = request.identity.federatedCredential ? all(`${IDENTITY}/federatedIdentityCredentials`) : [];
  const inGroup = [
    ...(groupExists ? [] : ['Microsoft.Resources/subscriptions/resourceGroups/write']),
    ...(appliance ? MACHINE : []),
    ...(appliance?.access.kind === 'temporaryPublicIp' ? PUBLIC_ADDRESS : []),
    ...(appliance?.network.kind === 'managed' ? OWN_NETWORK : []),
    ...(appliance?.image.kind === 'vhd' ? all('Microsoft.Compute/images') : []),
    ...(appliance?.configuration.kind === 'runCommand' ? all('Microsoft.Compute/virtualMachines/runCommands') : []),
    ...(ownIdentity ? all(IDENTITY) : []),
    ...(ownIdentity ? federation : []),
    ...(ownIdentity && appliance ? [`${IDENTITY}/assign/action`] : []),
  ];
  const host = subscriptionScope(request.placement.subscriptionId);
  const group = groupExists ? groupId(request) : host;
  const needs: readonly (ScopeNeeds | undefined)[] = [
    { scope: group, actions: [...new Set(inGroup)], role: 'Contributor' },
    // Registrations and terms are the subscription's own, whoever makes the group.
    {
      scope: host,
      actions: [PROVIDERS, ...(appliance?.image.kind === 'marketplace' ? [`${TERMS}/read`] : [])],
      role: 'Reader',
    },
    making?.network.kind === 'existing'
      ? {
          scope: making.network.subnetId,
          actions: ['read', 'join/action'].map((verb) => `${NETWORK}/virtualNetworks/subnets/${verb}`),
          role: 'Network Contributor',
        }
      : undefined,
    identityId === undefined
      ? undefined
      : {
          scope: identityId,
          actions: [`${IDENTITY}/read`, ...(appliance ? [`${IDENTITY}/assign/action`] : []), ...federation],
          role: federation.length > 0 ? 'Managed Identity Contributor' : 'Managed Identity Operator',
        },
    ...imageNeeds(blueprint, standing),
  ];
  return needs
    .filter((one) => one !== undefined)
    .map((one) => (standing ? readsOf(one) : one))
    .filter(({ actions }) => actions.length > 0);
}

function imageNeeds(blueprint: Blueprint, standing: boolean): readonly ScopeNeeds[] {
  const image = applianceOf(blueprint)?.image;
  if (image?.kind === 'vhd') {
    const account = 'Microsoft.Storage/storageAccounts';
    // Where the account allows no keys, the copy goes by a SAS that the app's own identity signs.
    const oneOf = [`${account}/listKeys/action`, DELEGATION];
    const role = 'Storage Account Contributor';
    return [{ scope: image.storageAccountId, actions: [`${account}/read`], oneOf, role }];
  }
  if (image?.kind !== 'image' || standing) return [];
  const type = /\/galleries\//i.test(image.id) ? 'galleries/images/versions' : 'images';
  return [{ scope: image.id, actions: [`Microsoft.Compute/${type}/read`], role: 'Reader' }];
}

/** The marketplace's terms are the subscription's own. Those that are accepted already need no right to it. */
export function checkTerms(
  { request }: Blueprint,
  terms: Terms | undefined,
  held: readonly Permission[],
  appId: string,
): readonly Finding[] {
  if (!terms || terms.accepted || allows(held, ACCEPT)) return [];
  const scope = subscriptionScope(request.placement.subscriptionId);
  return [missingPermission(scope, [ACCEPT], 'Contributor', appId)];
}

/** An account that takes no keys is written with a SAS that the app signs. */
export function checkDelegation(accountId: string, held: readonly Permission[], appId: string): readonly Finding[] {
  return allows(held, DELEGATION)
    ? []
    : [missingPermission(accountId, [DELEGATION], 'Storage Blob Data Contributor', appId)];
}

export function checkHostScope({ request }: Blueprint): readonly Finding[] {
  const remedy = 'Correct placement.subscriptionId: `az account list --all` shows what there is.';
  const scope = subscriptionScope(request.placement.subscriptionId);
  return [finding('HostSubscriptionUnknown', scope, 'Azure knows no such subscription', remedy)];
}

export function checkNeeds(
  { scope, actions, oneOf = [], role }: ScopeNeeds,
  held: readonly Permission[] | undefined,
  appId: string,
): readonly Finding[] {
  if (!held)
    return [finding('NoSuchResource', scope, 'Azure knows no such resource', 'Correct its id in the request.')];
  const none = oneOf.length > 0 && !oneOf.some((action) => allows(held, action));
  const missing = [...missingActions(held, actions), ...(none ? [oneOf.join(' or ')] : [])];
  return missing.length === 0 ? [] : [missingPermission(scope, missing, role, appId)];
}

export const missingPermission = (scope: string, missing: readonly string[], role: string, appId: string): Finding =>
  finding(
    'MissingPermission',
    scope,
    `The app may not ${missing.join(', ')}`,
    `An owner runs \`az role assignment create --assignee-object-id ${appId} --assignee-principal-type ServicePrincipal --role "${role}" --scope ${scope}\` (docs/deploy.md has narrower roles).`,
  );
