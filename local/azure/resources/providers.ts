import { type Kind } from '../arm/kind';
import { doneAt, type Azure } from '../azure';
import { type Answer, type Call, ok, param, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { paged } from '../http/paging';
import { shownType } from './providerTypes';

/** Namespaces with types that are no `Kind`: extension resources, and what is served by routes of its own. */
const others: Readonly<Record<string, readonly string[]>> = {
  'Microsoft.Authorization': [
    'roleAssignments',
    'roleDefinitions',
    'permissions',
    'denyAssignments',
    'locks',
    'policyAssignments',
    'policyDefinitions',
    'policyExemptions',
  ],
  'Microsoft.Features': ['features', 'providers'],
  'Microsoft.Insights': ['diagnosticSettings', 'diagnosticSettingsCategories', 'metrics', 'metricDefinitions'],
  'Microsoft.Management': ['managementGroups'],
  'Microsoft.MarketplaceOrdering': ['agreements', 'offertypes'],
  'Microsoft.ResourceGraph': ['resources'],
  'Microsoft.Network': ['locations', 'locations/operations', 'locations/usages'],
  'Microsoft.Compute': ['locations', 'locations/operations', 'locations/publishers', 'locations/usages', 'locations/vmSizes', 'skus'], // prettier-ignore
  'Microsoft.Storage': ['checkNameAvailability', 'storageAccounts/blobServices/containers'],
  'Microsoft.KeyVault': ['checkNameAvailability', 'deletedVaults', 'vaults/accessPolicies', 'vaults/secrets'],
  'Microsoft.Resources': ['deployments', 'resourceGroups', 'subscriptions', 'tags', 'tenants'],
};

/** These need no registration and cannot lose it. */
const FREE = /^Microsoft\.(Authorization|Features|Resources|MarketplaceOrdering|ResourceGraph|Management)$/i;

/** Resource providers: what a subscription is registered for. */
export function providerRoutes(azure: Azure, kinds: readonly Kind[]): readonly Route[] {
  const known = typesByNamespace(kinds);
  const all = '/subscriptions/:subscriptionId/providers';
  const one = `${all}/:namespace`;
  const provider = (call: Call): Record<string, unknown> => shown(azure, known, call, demandNamespace(known, call));
  const names = (call: Call) =>
    ok(
      paged(
        azure,
        call,
        [...known.keys()].sort().map((name) => shown(azure, known, call, name)),
      ),
    );
  return [
    { method: 'GET', path: all, api: 'arm', handle: names },
    { method: 'GET', path: '/providers', api: 'arm', authorize: false, handle: names },
    { method: 'GET', path: one, api: 'arm', handle: (call) => ok(provider(call)) },
    {
      method: 'GET',
      path: '/providers/:namespace',
      api: 'arm',
      authorize: false,
      handle: (call) => ok(provider(call)),
    },
    { method: 'POST', path: `${one}/register`, api: 'arm', handle: (call) => register(azure, call, provider) },
    { method: 'POST', path: `${one}/unregister`, api: 'arm', handle: (call) => unregister(azure, call, provider) },
  ];
}

function typesByNamespace(kinds: readonly Kind[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map(Object.entries(others));
  for (const { type } of kinds) {
    const [namespace = '', ...rest] = type.split('/');
    found.set(namespace, [...(found.get(namespace) ?? []), rest.join('/')]);
  }
  return found;
}

function demandNamespace(known: ReadonlyMap<string, unknown>, call: Call): string {
  const namespace = param(call, 'namespace');
  const found = [...known.keys()].find((name) => name.toLowerCase() === namespace.toLowerCase());
  // One that a tenant file names as unregistered need not be simulated.
  if (found !== undefined || /^Microsoft\.\w+$/i.test(namespace)) return found ?? namespace;
  throw new AzureError(404, 'InvalidResourceNamespace', `The resource namespace '${namespace}' is invalid.`);
}

function shown(
  azure: Azure,
  known: ReadonlyMap<string, readonly string[]>,
  call: Call,
  namespace: string,
): Record<string, unknown> {
  const { subscriptionId } = call.params;
  const resourceTypes = (known.get(namespace) ?? []).map((type) => shownType(namespace, type));
  if (subscriptionId === undefined) return { namespace, resourceTypes };
  return {
    id: `/subscriptions/${subscriptionId}/providers/${namespace}`,
    namespace,
    resourceTypes,
    registrationState: azure.registrations.state(subscriptionId, namespace),
    registrationPolicy: FREE.test(namespace) ? 'RegistrationFree' : 'RegistrationRequired',
  };
}

function register(azure: Azure, call: Call, provider: (call: Call) => unknown): Answer {
  const [subscriptionId, namespace] = [param(call, 'subscriptionId'), param(call, 'namespace')];
  if (azure.registrations.state(subscriptionId, namespace) !== 'Registered') {
    azure.registrations.register(subscriptionId, namespace, doneAt(azure, 'providerRegistration'));
  }
  return ok(provider(call));
}

function unregister(azure: Azure, call: Call, provider: (call: Call) => unknown): Answer {
  const [subscriptionId, namespace] = [param(call, 'subscriptionId'), param(call, 'namespace')];
  const users = azure.resources
    .below(`/subscriptions/${subscriptionId}`)
    .filter(({ type }) => type.toLowerCase().startsWith(`${namespace.toLowerCase()}/`));
  if (users.length > 0 || FREE.test(namespace))
    throw new AzureError(
      409,
      'Conflict',
      `The subscription '${subscriptionId}' cannot be unregistered from the resource provider '${namespace}', which ${users.length > 0 ? 'has resources in it' : 'needs no registration'}.`,
    );
  azure.registrations.unregister(subscriptionId, namespace, doneAt(azure, 'providerRegistration'));
  return ok(provider(call));
}
