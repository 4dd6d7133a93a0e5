/** What a deployment's resources are made from, and how they are named. Pure. */
import type { Profile } from '../profile';
import type { DeploymentRequest } from '../request';
import { OWNER_TAG, type Tags } from '../resources';

export interface Plan {
  readonly request: DeploymentRequest;
  readonly profile: Profile;
}

/** Sentry 1 has the guide's plain names, Sentry n > 1 has them with `-n`, so one never touches another's rules. */
export const numbered = (name: string, n: number): string => (n === 1 ? name : `${name}-${n}`);

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
