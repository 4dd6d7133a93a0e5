/** What a deployment's resources are made from: the request, its profile, and all defaults settled. Pure. */
import type { Profile } from '../profile';
import { DEFAULT_SECRET } from '../request/identity';
import type { DeploymentRequest } from '../request/request';
import { OWNER_TAG, type Tags } from '../resources';

export interface Blueprint {
  readonly request: DeploymentRequest;
  readonly profile: Profile;
}

export const groupId = ({ placement }: DeploymentRequest): string =>
  `/subscriptions/${placement.subscriptionId}/resourceGroups/${placement.resourceGroup}`;
export const armId = (request: DeploymentRequest, type: string, name: string): string =>
  `${groupId(request)}/providers/${type}/${name}`;
export const tagsOf = (request: DeploymentRequest): Tags => ({ ...request.tags, [OWNER_TAG]: request.name });
export const tracked = (request: DeploymentRequest) => ({
  location: request.placement.location,
  tags: tagsOf(request),
});

/** Names in the vault: one vault may serve several deployments. */
export const secretName = (deployment: string, n: number, what: 'ssh' | 'client' | 'registration'): string =>
  `sentry-${deployment}-${n}-${what}`;

export const staticAddress = (request: DeploymentRequest) =>
  ({ ...tracked(request), sku: { name: 'Standard' }, publicIPAllocationMethod: 'Static' }) as const;

/** What is asked of the appliance, with the profile's defaults in place. */
export type ApplianceChoice = NonNullable<ReturnType<typeof applianceOf>>;

/** Undefined where the profile has no appliance: identity and roles are all there is to make. */
export function applianceOf({ request, profile }: Blueprint) {
  const { vm, network, access } = request;
  if (!profile.appliance || !vm || !network || !access) return undefined;
  return {
    ...profile.appliance,
    vm: {
      ...vm,
      size: vm.size ?? profile.appliance.vm.size,
      adminUsername: vm.adminUsername ?? profile.appliance.vm.adminUsername,
    },
    network,
    access: { ...access, ports: access.ports ?? profile.appliance.ports.slice(0, 1) },
    /** The marketplace's image. */
    offer: profile.appliance.image,
    image: request.image ?? ({ kind: 'marketplace' } as const),
    configuration: request.configuration ?? ({ kind: 'ssh' } as const),
  };
}

/** An identity of the customer's; undefined where we make one, or an app registration. */
export const existingIdentityOf = ({ request: { identity } }: Blueprint): string | undefined =>
  identity.kind === 'managedIdentity' ? identity.resourceId : undefined;

/** The client secret that is wanted; undefined where there is none: a managed identity, or a federated credential. */
export function clientSecretOf({ identity }: DeploymentRequest): typeof DEFAULT_SECRET | undefined {
  return identity.kind === 'appRegistration' && !identity.federatedCredential
    ? (identity.secret ?? DEFAULT_SECRET)
    : undefined;
}
