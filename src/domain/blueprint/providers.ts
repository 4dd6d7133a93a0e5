/** The resource providers that the host subscription must be registered for. Pure. */
import type { Resource, ResourceOf } from '../resources';
import { type Blueprint, groupId } from './blueprint';

const providerKey = (namespace: string): string => `provider/${namespace}`;

/** The namespace of a resource in the deployment's own group, which its subscription must be registered for. */
function namespaceOf({ request }: Blueprint, { id }: Resource): string | undefined {
  const start = `${groupId(request)}/providers/`;
  return id.startsWith(start) ? id.slice(start.length).split('/')[0] : undefined;
}

/**
 * The first PUT of a type in a subscription that never had one is refused until its provider is registered
 * (MissingSubscriptionRegistration): the portal does it unasked, ARM does not.
 */
export function providerRegistrations(
  blueprint: Blueprint,
  resources: readonly Resource[],
): readonly ResourceOf<'providerRegistration'>[] {
  const namespaces = new Set(resources.flatMap((resource) => namespaceOf(blueprint, resource) ?? []));
  const { subscriptionId } = blueprint.request.placement;
  return [...namespaces].map((namespace) => ({
    kind: 'providerRegistration',
    key: providerKey(namespace),
    id: `/subscriptions/${subscriptionId}/providers/${namespace}`,
    needs: [],
    wanted: () => ({ registrationState: 'Registered' }),
  }));
}

/** The same resources, each waiting for its provider. */
export const needingProviders = (blueprint: Blueprint, resources: readonly Resource[]): readonly Resource[] =>
  resources.map((resource) => {
    const namespace = namespaceOf(blueprint, resource);
    return namespace === undefined ? resource : { ...resource, needs: [...resource.needs, providerKey(namespace)] };
  });
