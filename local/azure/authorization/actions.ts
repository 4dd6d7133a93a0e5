/** Names the permission that a request needs, from its method and path, as Azure Resource Manager does. */
const verbs: Readonly<Record<string, string>> = {
  GET: 'read',
  HEAD: 'read',
  PUT: 'write',
  PATCH: 'write',
  DELETE: 'delete',
};

export interface Needed {
  readonly action: string;
  readonly scope: string;
}

/** A feature's path names a provider inside another: the outer one is asked. */
const FEATURE = /^(\/subscriptions\/[^/]+)\/providers\/microsoft\.features\/providers\/(.+)$/i;

/** @param path as asked for, without query */
export function neededFor(method: string, path: string): Needed {
  const at = path.toLowerCase().lastIndexOf('/providers/');
  const isManagementGroup = path.toLowerCase().startsWith('/providers/microsoft.management/');
  if (at < 0 && !isManagementGroup) return container(method, path);
  const [, subscription, feature] = FEATURE.exec(path) ?? [];
  if (subscription !== undefined && feature !== undefined)
    return provider(method, path, subscription, 'Microsoft.Features', ['providers', ...feature.split('/')]);
  const scope = path.slice(0, at);
  const [namespace = '', ...rest] = path.slice(at + '/providers/'.length).split('/');
  return provider(method, path, scope, namespace, rest);
}

/** Subscriptions and resource groups are Microsoft.Resources, though their paths do not say so. */
function container(method: string, path: string): Needed {
  const [, , , ...rest] = path.split('/');
  const verb = verbs[method] ?? 'action';
  const type = 'Microsoft.Resources/subscriptions';
  if (rest.length === 0) return { action: `${type}/${verb}`, scope: path };
  const last = rest.at(-1)?.toLowerCase();
  const scope = rest.length % 2 === 0 ? path : path.split('/').slice(0, -1).join('/');
  if (last === 'resources') return { action: `${type}/resourceGroups/resources/read`, scope };
  if (rest[0]?.toLowerCase() === 'resourcegroups') return { action: `${type}/resourceGroups/${verb}`, scope };
  return { action: `${type}/${rest[0] ?? ''}/${verb}`, scope };
}

function provider(method: string, path: string, scope: string, namespace: string, rest: readonly string[]): Needed {
  const types = rest.filter((_, index) => index % 2 === 0).join('/');
  const isNamed = rest.length % 2 === 0;
  const verb = verbs[method];
  // To look at a subscription's registration; to register is an action of the provider's own.
  if (rest.length === 0) return { action: `Microsoft.Resources/subscriptions/providers/${verb ?? 'action'}`, scope };
  if (verb !== undefined)
    return { action: `${namespace}/${types}/${verb}`, scope: isNamed ? path : above(path, scope, rest) };
  return { action: `${namespace}/${types}/action`, scope: isNamed ? path : above(path, scope, rest) };
}

/** A collection or an action is asked of the resource before it, or of the scope if there is none. */
const above = (path: string, scope: string, rest: readonly string[]): string =>
  rest.length === 1 ? (scope === '' ? '/' : scope) : path.slice(0, path.lastIndexOf('/'));
