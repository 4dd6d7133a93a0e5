/** Every operation that the simulator serves, off its own route tables, and which of them an answer was of. */
import { compose } from '../../../../local/azure/compose';
import { Router } from '../../../../local/azure/http/router';
import { normalisePath } from '../../../../local/azure/http/paths';
import { keysInMemory } from '../../../../local/azure/keys';
import { kinds, routes } from '../../../../local/azure/products';
import { Database } from '../../../../local/azure/store/database';
import { blobOperations } from '../../../../local/azure/storage/blobRoutes';
import { readTenant } from '../../../../local/azure/tenant';
import { type SeenAnswer } from './record';

export interface Operation {
  /** The folder of local/azure that serves it. */
  readonly folder: string;
  /** `PUT /subscriptions/…`, or `blob: PUT blob page` */
  readonly name: string;
}

/** The first that fits names the folder. A route that fits none is an error: a new product is one more row. */
const places: readonly (readonly [folder: string, path: RegExp])[] = [
  ['simulator', /^\/_simulator/],
  ['storage', /^\/_blob\/|\/providers\/Microsoft\.Storage\//],
  ['metrics', /\/providers\/Microsoft\.Insights\/metric/],
  ['marketplace', /\/publishers(\/:publisher\/artifacttypes\/vmimage\/offers(\/:offer\/skus(\/:sku)?)?)?$|\/providers\/Microsoft\.MarketplaceOrdering\//],
  ['compute', /\/providers\/Microsoft\.Compute\//],
  ['network', /\/providers\/Microsoft\.Network\//],
  ['identity', /\/providers\/Microsoft\.ManagedIdentity\//],
  ['keyVault', /\/providers\/Microsoft\.KeyVault\/|^\/(deleted)?(secrets|keys|certificates|storage)/],
  ['deployments', /^\/_resources\/deployments/],
  ['governance', /^\/_resources\/tags|^\/_insights\/|^\/_authorization\/(locks|policy)|\/tagNames|\/providers\/Microsoft\.Insights\//],
  ['authorization', /^\/_authorization\//],
  ['management', /\/providers\/Microsoft\.Management\//],
  ['resourceGraph', /\/providers\/Microsoft\.ResourceGraph\//],
  ['graph', /^\/(v1\.0|beta|api)\//],
  ['resources', /^\/(subscriptions|providers|tenants)(\/|$)/],
  ['entra', /./],
]; // prettier-ignore

const tenant = readTenant('samples/tenant.json');
const parts = { db: new Database(':memory:'), tenant, keys: keysInMemory(), origin: 'https://127.0.0.1', now: () => 0, seed: '' }; // prettier-ignore
const all = routes(compose(parts).azure, () => undefined);
const router = new Router(all);

const folderOf = (path: string): string => {
  const found = places.find(([, pattern]) => pattern.test(path));
  if (found === undefined)
    throw new Error(`No folder of local/azure is known to serve ${path}: add a row to 'places'.`);
  return found[0];
};

const BLOB = '/_blob/';
/** Routes of whole families that are not simulated, which they are refused for: their words are held, not their statuses. */
const REFUSED = /^\/(keys|certificates|storage)$|\/\*$/;

export const operations: readonly Operation[] = [
  ...all
    .filter(({ path }) => !path.startsWith(BLOB) && !REFUSED.test(path))
    .map(({ method, path }) => ({ folder: folderOf(path), name: `${method} ${path}` })),
  ...blobOperations.map((name) => ({ folder: 'storage', name: `blob: ${name}` })),
];

/** The name of the operation that was answered; undefined for what is not served. */
export function operationOf({ method, url, host, blob }: SeenAnswer): string | undefined {
  const path = normalisePath(url);
  const found = router.find(method, path);
  if (found !== undefined) return `${method} ${found.route.path}`;
  return blob ? blobOperationOf(method, path, url, host) : undefined;
}

/** The host names the account, or the first part of the path does. */
function blobOperationOf(method: string, path: string, url: string, host: string): string | undefined {
  const names = path.split('/').filter((part) => part !== '');
  const [container, ...name] = /\.blob\./.test(host) ? names : names.slice(1);
  const level = container === undefined ? 'service' : name.length === 0 ? 'container' : 'blob';
  const query = new URLSearchParams(url.split('?')[1] ?? '');
  const parameters = [query.get('restype'), query.get('comp')].filter((one) => one !== null);
  const asked = [method, level, ...parameters].join(' ');
  return blobOperations.includes(asked) ? `blob: ${asked}` : undefined;
}

/** The statuses that an operation has to be seen with: it succeeds in every way that it can, and misses what is not there. */
export function statusesOf(name: string): readonly number[] {
  const own = Object.entries(special)
    .filter(([end]) => name.endsWith(end))
    .sort(([a], [b]) => b.length - a.length)[0];
  if (own !== undefined) return own[1];
  const [method = '', path = ''] = name.split(' ');
  const kind = kinds.find(({ type }) => path.replace(/\/:\w+/g, '').endsWith(`/providers/${type}`));
  const isOne = /\/:\w+$/.test(path);
  if (kind !== undefined && isOne) {
    if (method === 'PUT') return kind.accepted === undefined ? [200, 201] : [202, ...(kind.accepted === 'location' ? [200] : [])];
    if (method === 'DELETE') return [kind.timing?.remove === undefined ? 200 : 202, 204];
    return [kind.accepted === 'resource' && method === 'PATCH' ? 202 : 200, 404];
  }
  if (path.startsWith('/v1.0/')) {
    const ofGraph: Readonly<Record<string, readonly number[]>> = { GET: isOne ? [200, 404] : [200], POST: /\$ref$/.test(path) ? [204, 404] : [201], PATCH: [204, 404], DELETE: [204, 404] };
    return ofGraph[method] ?? [];
  }
  const general: Readonly<Record<string, readonly number[]>> = { PUT: [200, 201], DELETE: [202, 204], HEAD: [204, 404], GET: isOne ? [200, 404] : [200], PATCH: [200, 404], POST: [200, 404] };
  return general[method] ?? [];
} // prettier-ignore

/** Operations that answer otherwise, by the end of their names. */
const special: Readonly<Record<string, readonly number[]>> = {
  // Not simulated, and refused in words that say what is.
  '/exportTemplate': [400],
  '/moveResources': [400],
  '/validateMoveResources': [400],
  '/aliases/:alias': [400],
  'Microsoft.Subscription/cancel': [400],
  '/retrieveBootDiagnosticsData': [404, 409, 400],
  // An operation is polled until it has ended: 202 meanwhile, then 200 or 204.
  'DELETE /_authorization/policyExemptions/:name': [200, 204],
  '/operations/:id': [200, 202, 404],
  '/operationResults/:id': [200, 202, 204, 404],
  'DELETE /subscriptions/:subscriptionId/resourceGroups/:resourceGroup': [202, 404],
  '/providers/:namespace/register': [200, 404],
  // Accepted.
  '/virtualMachines/:name/start': [202, 404],
  '/virtualMachines/:name/restart': [202, 404],
  '/virtualMachines/:name/powerOff': [202, 404],
  '/virtualMachines/:name/deallocate': [202, 404],
  '/virtualMachines/:name/runCommand': [202, 404],
  '/deployments/:name/cancel': [204, 404, 409],
  '/deployments/:name/exportTemplate': [200, 404],
  '/deployments/:name/validate': [200, 400],
  '/deployments/:name/whatIf': [202, 400],
  // Answers what it is asked of, whatever there is.
  '/checkNameAvailability': [200],
  '/subscriptions/:subscriptionId/resourceGroups': [200],
  // Synchronous.
  'DELETE /subscriptions/:subscriptionId/resourceGroups/:resourceGroup/providers/Microsoft.Storage/storageAccounts/:name/blobServices/default/containers/:container': [200, 204],
  // Made or replaced, it is 201; deleted, it comes back.
  'DELETE /_authorization/roleAssignments/:name': [200, 204],
  'PUT /_authorization/roleDefinitions/:name': [201],
  'DELETE /_authorization/roleDefinitions/:name': [200, 204],
  // Only Azure itself makes any.
  '/_authorization/denyAssignments/:name': [404],
  '/_authorization/roleAssignmentsUsageMetrics': [200, 400],
  'DELETE /_authorization/locks/:name': [200, 204],
  'PUT /_authorization/policyAssignments/:name': [201],
  'DELETE /_authorization/policyAssignments/:name': [200, 204],
  'PUT /_authorization/policyDefinitions/:name': [201],
  'DELETE /_authorization/policyDefinitions/:name': [200, 204],
  // Not simulated, and refused in words that say what is.
  'PUT /_authorization/policySetDefinitions/:name': [400],
  'GET /_authorization/policySetDefinitions': [400],
  // The tags of a scope are always there.
  'GET /_resources/tags/default': [200, 404],
  'PUT /_resources/tags/default': [200, 404],
  'PATCH /_resources/tags/default': [200],
  'DELETE /_resources/tags/default': [200],
  'PUT /_insights/diagnosticSettings/:name': [200, 404],
  'DELETE /_insights/diagnosticSettings/:name': [200, 204],
  '/Microsoft.Management/getEntities': [200],
  'PUT /providers/Microsoft.Management/managementGroups/:name': [200, 404],
  'DELETE /providers/Microsoft.Management/managementGroups/:name': [204],
  'PUT /providers/Microsoft.Management/managementGroups/:name/subscriptions/:subscription': [200, 404],
  'DELETE /providers/Microsoft.Management/managementGroups/:name/subscriptions/:subscription': [200, 204],
  // An offer that is unknown is a 400.
  'GET /subscriptions/:subscriptionId/providers/Microsoft.MarketplaceOrdering/offerTypes/:offerType/publishers/:publisher/offers/:offer/plans/:plan/agreements/current': [200, 400],
  'PUT /subscriptions/:subscriptionId/providers/Microsoft.MarketplaceOrdering/offerTypes/:offerType/publishers/:publisher/offers/:offer/plans/:plan/agreements/current': [200, 400],
  '/offers/:offer/plans/:plan/sign': [200, 400],
  '/offers/:offer/plans/:plan/cancel': [200, 400],
  '/Microsoft.ResourceGraph/resources': [200, 400, 429],
  // Purged in time, and never with purge protection.
  '/deletedVaults/:name/purge': [202, 404, 405],
  'PUT /subscriptions/:subscriptionId/resourceGroups/:resourceGroup/providers/Microsoft.KeyVault/vaults/:name/accessPolicies/:operation': [200, 404],
  '/Microsoft.KeyVault/deletedManagedHSMs': [200],
  'PUT /secrets/:name': [200],
  'DELETE /secrets/:name': [200, 404],
  'DELETE /deletedsecrets/:name': [204, 404],
  // Not simulated, and refused in words that say what is.
  '/secrets/:name/backup': [404],
  '/secrets/restore': [404],
  // Microsoft Graph. An application may be made by a PATCH of its unique name.
  'PATCH /v1.0/applications/:id': [201, 204, 404],
  '/addPassword': [200, 404],
  '/removePassword': [204, 404],
  'PATCH /v1.0/policies/defaultAppManagementPolicy': [204],
  '/v1.0/directoryObjects/getByIds': [200],
  'POST /v1.0/directoryRoles/:id/members/$ref': [204, 400],
  'DELETE /v1.0/servicePrincipals/:id/appRoleAssignments/:assignment': [204, 400],
  'DELETE /v1.0/servicePrincipals/:id/appRoleAssignedTo/:assignment': [204, 400],
  '/v1.0/directory/deletedItems/:id/restore': [200, 404],
  // Nobody is signed in.
  '/v1.0/me': [400],
  '/v1.0/$batch': [200, 400],
  '/RegisteredApplications/:appId/Consent': [204],
  // Entra. What is not simulated of it is refused in words.
  'POST /:tenant/oauth2/v2.0/token': [200, 400, 401],
  'POST /:tenant/oauth2/token': [200, 400],
  'GET /:tenant/v2.0/.well-known/openid-configuration': [200, 400],
  '/devicecode': [400],
  'GET /:tenant/oauth2/v2.0/authorize': [400],
  'GET /msi/token': [200, 400],
  'GET /metadata/identity/oauth2/token': [200, 400],
  'GET /metadata/endpoints': [200, 400],
  // The blob service has codes of its own.
  'blob: POST service service userdelegationkey': [200, 400, 403],
  'blob: GET service list': [200, 401],
  'blob: PUT container container': [201, 409],
  'blob: GET container container': [200, 404],
  'blob: HEAD container container': [200, 404],
  'blob: DELETE container container': [202, 404],
  'blob: GET container container list': [200, 404],
  'blob: PUT blob': [201, 202, 404],
  'blob: PUT blob page': [201, 404],
  'blob: PUT blob copy': [204, 404],
  'blob: PUT blob metadata': [200, 404],
  'blob: GET blob': [200, 206, 404],
  'blob: HEAD blob': [200, 404],
  'blob: GET blob metadata': [200, 404],
  'blob: DELETE blob': [202, 404],
}; // prettier-ignore
