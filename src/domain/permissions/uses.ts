/** Each permission that a resource takes, where, and what for. Pure. */
import { applianceOf, type Blueprint, groupId } from '../blueprint/blueprint';
import { isManagedImage } from '../imageId';
import type { PlannedChange } from '../plan/plan';
import type { Resource } from '../resources';
import { BLOBS, COMPUTE, IDENTITY, kindRights, NETWORK } from './kinds';

export interface Use {
  readonly permission: string;
  /** An id of Azure's, or one of these three. */
  readonly scope: string;
  readonly why: string;
}
/** Scopes that have no id of their own, or too many. */
export const DIRECTORY = 'Microsoft Graph';
export const KEY_VAULT = 'the app’s key vault';
export const WATCHED = 'each watched subscription';

export const hostScope = ({ request }: Blueprint): string => `/subscriptions/${request.placement.subscriptionId}`;

/** What is of interest of a resource: also what a plan keeps of it. */
export type Used = Pick<Resource, 'kind' | 'key' | 'id'>;
export type Verb = 'read' | 'write' | 'remove';

/** In their order; a write reads before and after. */
export const verbsOf = (change: PlannedChange): readonly Verb[] =>
  change === 'create' || change === 'change' ? ['read', 'write'] : change === 'remove' ? ['read', 'remove'] : ['read'];

/** What it takes to look at a resource, to make or change it, or to take it away. */
export function usesOf(blueprint: Blueprint, resource: Used, verb: Verb): readonly Use[] {
  const scope = scopeOf(blueprint, resource);
  const why = whyOf(blueprint, resource);
  const rights = kindRights[resource.kind][verb].map((permission) => ({
    permission,
    scope: /^Microsoft\.KeyVault\//.test(permission) ? KEY_VAULT : /^Microsoft\./.test(permission) ? scope : DIRECTORY,
    why,
  }));
  const isPut = verb === 'write' || ['publicIPAssociation', 'vhdCopy'].includes(resource.kind);
  const linked = isPut ? linksOf(blueprint, resource).map(([permission, at]) => ({ permission, scope: at, why })) : [];
  return [...rights, ...linked];
}

/** What the request names is a scope of its own, wherever it lies; what is made is asked of the group that it is made in. */
function scopeOf(blueprint: Blueprint, { kind, id }: Used): string {
  const { identity } = blueprint.request;
  switch (kind) {
    case 'roleAssignment':
      return watchedScope(id.slice(0, id.lastIndexOf('/providers/Microsoft.Authorization/')));
    case 'providerRegistration':
    case 'marketplaceAgreement':
      return hostScope(blueprint);
    case 'existingIdentity':
      return id;
    case 'vhdCopy':
      return id.split('/blobServices/')[0] ?? id;
    case 'identityFederatedCredential':
      return (identity.kind === 'managedIdentity' && identity.resourceId) || groupId(blueprint.request);
    default:
      return groupId(blueprint.request);
  }
}

/** There are too many subscriptions to name them each time; `grants` of a plan lists them. */
export const watchedScope = (scope: string): string => (scope.startsWith('/subscriptions/') ? WATCHED : scope);

/** In words: what it is for, and where the guide asks for it. */
export function whyOf(blueprint: Blueprint, { kind, key }: Used): string {
  const { why, guide } = kindRights[kind];
  if (kind === 'roleAssignment') return whyGranted(blueprint, key.slice(key.lastIndexOf('/') + 1));
  if (key === 'closedInbound') return 'Neighbours in the network are kept out (docs/decisions/0009)';
  return guide !== undefined && applianceOf(blueprint) ? `Guide, ${guide}: ${why}` : `${capital(why)}`;
}

/** The guide knows two roles; another profile has its own. */
function whyGranted(blueprint: Blueprint, role: string): string {
  const { profile } = blueprint;
  const isAlways = profile.roles.always.some(({ name }) => name === role);
  const step = isAlways ? 'step 3' : 'step 3.4, for the controller';
  const list = isAlways ? 'roles.always' : 'roles.controller';
  const guide = applianceOf(blueprint) ? `Guide, "Granting the 'Reader' role", ${step}: ` : '';
  return `${guide}${guide === '' ? 'The' : 'the'} role '${role}', which the profile '${profile.id}' gives each Sentry (${list})`;
}

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

type Link = readonly [permission: string, scope: string];

/** What a write uses of other resources, which Azure asks for at those (`LinkedAuthorizationFailed`). */
function linksOf(blueprint: Blueprint, { kind, id }: Used): readonly Link[] {
  const group = groupId(blueprint.request);
  const appliance = applianceOf(blueprint);
  const subnet = appliance?.network.kind === 'existing' ? appliance.network.subnetId : group;
  const joins: readonly Link[] = [
    [`${NETWORK}/networkSecurityGroups/join/action`, group],
    [`${NETWORK}/virtualNetworks/subnets/join/action`, subnet],
  ];
  switch (kind) {
    case 'providerRegistration':
      return [[`${id.split('/').at(-1) ?? ''}/register/action`, hostScope(blueprint)]];
    case 'natGateway':
      return [[`${NETWORK}/publicIPAddresses/join/action`, group]];
    case 'subnet':
      return [[`${NETWORK}/natGateways/join/action`, group]];
    case 'networkInterface':
      return joins;
    case 'publicIPAssociation':
      return [...joins, [`${NETWORK}/publicIPAddresses/join/action`, group]];
    case 'virtualMachine':
      return [[`${NETWORK}/networkInterfaces/join/action`, group], ...machineLinks(blueprint)];
    case 'vhdCopy':
      return appliance?.image.kind === 'vhd' ? blobRights(appliance.image.storageAccountId) : [];
    default:
      return [];
  }
}

function machineLinks(blueprint: Blueprint): readonly Link[] {
  const { identity } = blueprint.request;
  const group = groupId(blueprint.request);
  const { image, vm } = applianceOf(blueprint) ?? {};
  const set = vm?.osDisk?.diskEncryptionSetId;
  return [
    ...(identity.kind === 'managedIdentity'
      ? [[`${IDENTITY}/assign/action`, identity.resourceId ?? group] as const]
      : []),
    ...(image?.kind === 'image' ? [[imageRight(image.id), image.id] as const] : []),
    ...(image?.kind === 'vhd' ? [[`${COMPUTE}/images/read`, group] as const] : []),
    ...(set === undefined ? [] : [[ENCRYPTION_SET, set] as const]),
  ];
}
export const ENCRYPTION_SET = `${COMPUTE}/diskEncryptionSets/read`;
const imageRight = (id: string): string =>
  `${COMPUTE}/${isManagedImage(id) ? 'images' : 'galleries/images/versions'}/read`;

/** Of the account's data: needed only where it takes no keys, as the finding of preflight says. */
const blobRights = (account: string): readonly Link[] =>
  ['read', 'write', 'delete'].map((verb): Link => [`${BLOBS}/${verb}`, account]);
