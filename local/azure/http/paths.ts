/** Reads paths and resource ids. Ids keep the caller's casing; whatever compares them lowers it first. */

/** What real clients send in odd forms (azure-clients.md), in one form: no query, no `//`, no trailing slash. */
export function normalisePath(url: string): string {
  const path = decodeScope(url.split('?', 1)[0] ?? '/');
  const single = path.replace(/\/{2,}/g, '/').replace(/(.)\/+$/, '$1');
  // OData keys become a segment, so that the router needs no parentheses: /applications(appId='x') → /applications/appId=x
  return decodeOData(single).replace(/^(\/v1\.0\/\w+)\((\w+)='([^']*)'\)/i, '$1/$2=$3');
}

/** SDKs that do not know better send a scope as one segment, `/%2Fsubscriptions%2F…/providers/…`; ARM takes it (pulumi-azure-native#3118). */
const decodeScope = (path: string): string =>
  /^\/+(?:%2F)*(?:subscriptions|providers)(?:\/|%2F)/i.test(path) ? path.replace(/%2F/gi, '/') : path;

const decodeOData = (path: string): string =>
  /^\/v1\.0\//i.test(path) ? path.replace(/%28/gi, '(').replace(/%29/g, ')').replace(/%27/g, "'") : path;

/** What may follow any scope: `/{scope}/providers/{one of these}/{rest}` is routed by its end alone; a registration is a subscription's own. */
const EXTENSION =
  /^(.*)\/providers\/microsoft\.(authorization(?!\/(?:un)?register$)|insights(?=\/diagnosticsettings)|resources(?=\/(?:tags|deployments)(?:\/|$)))\/(.+)$/i;

export function splitExtension(path: string): { readonly scope: string; readonly route: string } {
  const [, scope, namespace, rest] = EXTENSION.exec(path) ?? [];
  if (scope === undefined || namespace === undefined || rest === undefined) return { scope: '', route: path };
  return { scope: scope === '' ? '/' : scope, route: `/_${namespace.toLowerCase()}/${rest}` };
}

const ROOT_GROUP = '/providers/microsoft.management/managementgroups/';

export const managementGroupId = (name: string): string => `/providers/Microsoft.Management/managementGroups/${name}`;

/** The management group of a scope that is one, in the caller's casing. */
export const managementGroupOf = (scope: string): string | undefined =>
  scope.toLowerCase().startsWith(ROOT_GROUP) ? scope.split('/')[4] : undefined;

export const subscriptionOf = (path: string): string | undefined => /^\/subscriptions\/([^/]+)/i.exec(path)?.[1];

export const resourceGroupOf = (path: string): string | undefined =>
  /^\/subscriptions\/[^/]+\/resourcegroups\/([^/]+)/i.exec(path)?.[1];

export const nameOf = (id: string): string => id.slice(id.lastIndexOf('/') + 1);

/** `/a/{type}/{name}/{childType}/{child}` → `/a/{type}/{name}`. */
export const parentOf = (id: string): string => id.split('/').slice(0, -2).join('/');

/** The id of a subscription's resource group or resource and every scope above it inside the subscription, lowered. */
export function scopesWithin(scope: string): readonly string[] {
  const parts = scope
    .toLowerCase()
    .split('/')
    .filter((part) => part !== '');
  const scopes: string[] = [];
  for (let length = 2; length <= parts.length; length += 2) {
    // `…/providers/{namespace}` alone is no scope: the next is two segments on.
    if (parts[length - 2] === 'providers') continue;
    scopes.push(`/${parts.slice(0, length).join('/')}`);
  }
  return scopes;
}
