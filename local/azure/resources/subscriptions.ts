import { doneAt, type Azure } from '../azure';
import { type Answer, type Call, ok, param, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { paged } from '../http/paging';
import { managementGroupId } from '../http/paths';
import { type Subscription } from '../store/hierarchy';

const ONE = '/subscriptions/:subscriptionId';

/** Subscriptions, management groups, provider registrations, and where operations are polled. */
export const subscriptionRoutes = (azure: Azure): readonly Route[] => [
  { method: 'GET', path: '/subscriptions', api: 'arm', authorize: false, handle: (call) => list(azure, call) },
  {
    method: 'GET',
    path: ONE,
    api: 'arm',
    handle: (call) => ok(shown(azure, demandSubscription(azure, param(call, 'subscriptionId')))),
  },
  {
    method: 'GET',
    path: `${ONE}/providers/:namespace/locations/:location/operations/:id`,
    api: 'arm',
    handle: (call) => azure.operations.status(param(call, 'id')),
  },
  {
    method: 'GET',
    path: `${ONE}/providers/:namespace/locations/:location/operationResults/:id`,
    api: 'arm',
    handle: (call) =>
      azure.operations.result(
        param(call, 'id'),
        `${azure.origin}${call.path}?api-version=${call.query('api-version') ?? ''}`,
      ),
  },
  { method: 'GET', path: `${ONE}/providers/:namespace`, api: 'arm', handle: (call) => ok(provider(azure, call)) },
  { method: 'POST', path: `${ONE}/providers/:namespace/register`, api: 'arm', handle: (call) => register(azure, call) },
  { method: 'GET', path: '/tenants', api: 'arm', authorize: false, handle: () => ok({ value: [tenant(azure)] }) },
  {
    method: 'GET',
    path: '/providers/Microsoft.Management/managementGroups',
    api: 'arm',
    authorize: false,
    handle: (call) => ok(paged(azure, call, visibleGroups(azure, call))),
  },
  {
    method: 'GET',
    path: '/providers/Microsoft.Management/managementGroups/:name',
    api: 'arm',
    handle: (call) => ok(group(azure, param(call, 'name'))),
  },
  {
    method: 'GET',
    path: '/providers/Microsoft.Management/managementGroups/:name/descendants',
    api: 'arm',
    handle: (call) => ok(paged(azure, call, descendants(azure, call))),
  },
];

/** The subscription, or 404 in Azure's words. */
export function demandSubscription(azure: Azure, id: string): Subscription {
  const found = azure.hierarchy.subscription(id);
  if (found !== undefined) return found;
  throw new AzureError(404, 'SubscriptionNotFound', `The subscription '${id}' could not be found.`);
}

function list(azure: Azure, call: Call): Answer {
  const visible = azure.rbac.visible(call.caller.principalId);
  const { value, ...next } = paged(azure, call, visible);
  const count = { type: 'Total', value: visible.length };
  return ok({ value: value.map((one) => shown(azure, one)), count, ...next });
}

const shown = (azure: Azure, { id, name, state, tags }: Subscription): Record<string, unknown> => ({
  id: `/subscriptions/${id}`,
  authorizationSource: 'RoleBased',
  managedByTenants: [],
  subscriptionId: id,
  tenantId: azure.tenant.tenantId,
  displayName: name,
  state,
  tags,
  subscriptionPolicies: {
    locationPlacementId: 'Public_2014-09-01',
    quotaId: 'PayAsYouGo_2014-09-01',
    spendingLimit: 'Off',
  },
});

const tenant = ({ tenant: { tenantId, displayName, domain } }: Azure): Record<string, unknown> => ({
  id: `/tenants/${tenantId}`,
  tenantId,
  displayName,
  defaultDomain: domain,
  domains: [domain],
  tenantCategory: 'Home',
});

function provider(azure: Azure, call: Call): Record<string, unknown> {
  const namespace = param(call, 'namespace');
  const subscriptionId = param(call, 'subscriptionId');
  return {
    id: `/subscriptions/${subscriptionId}/providers/${namespace}`,
    namespace,
    registrationState: azure.registrations.state(subscriptionId, namespace),
    registrationPolicy: 'RegistrationRequired',
    resourceTypes: [],
  };
}

function register(azure: Azure, call: Call): Answer {
  azure.registrations.register(
    param(call, 'subscriptionId'),
    param(call, 'namespace'),
    doneAt(azure, 'providerRegistration'),
  );
  return ok(provider(azure, call));
}

function demandGroup(azure: Azure, name: string): { name: string; displayName: string; parent: string | null } {
  const found = azure.hierarchy.managementGroup(name);
  if (found !== undefined) return found;
  throw new AzureError(404, 'NotFound', `The management group '${name}' could not be found.`);
}

const shownGroup = (azure: Azure, name: string, displayName: string): Record<string, unknown> => ({
  id: managementGroupId(name),
  type: 'Microsoft.Management/managementGroups',
  name,
  properties: { tenantId: azure.tenant.tenantId, displayName },
});

function group(azure: Azure, name: string): Record<string, unknown> {
  const { name: own, displayName, parent } = demandGroup(azure, name);
  const above = parent === null ? null : demandGroup(azure, parent);
  const details =
    above === null
      ? {}
      : { parent: { id: managementGroupId(above.name), name: above.name, displayName: above.displayName } };
  const shownOne = shownGroup(azure, own, displayName);
  return { ...shownOne, properties: { tenantId: azure.tenant.tenantId, displayName, details } };
}

const visibleGroups = (azure: Azure, { caller }: Call): unknown[] =>
  azure.hierarchy
    .managementGroups()
    .filter(({ name }) =>
      azure.rbac.permits(caller.principalId, 'Microsoft.Management/managementGroups/read', managementGroupId(name)),
    )
    .map(({ name, displayName }) => shownGroup(azure, name, displayName));

function descendants(azure: Azure, call: Call): unknown[] {
  const root = demandGroup(azure, param(call, 'name')).name;
  const known = new Map<string, boolean>();
  const under = (name: string): boolean => {
    const found = known.get(name) ?? azure.hierarchy.chain(name).some((one) => one.name === root);
    known.set(name, found);
    return found;
  };
  const groups = azure.hierarchy.managementGroups().filter(({ name }) => name !== root && under(name));
  const subscriptions = azure.hierarchy.subscriptions().filter(({ managementGroup }) => under(managementGroup));
  const child = (id: string, type: string, name: string, displayName: string, parent: string): unknown => ({
    id,
    type,
    name,
    properties: { displayName, parent: { id: managementGroupId(parent) } },
  });
  return [
    ...groups.map(({ name, displayName, parent }) =>
      child(managementGroupId(name), 'Microsoft.Management/managementGroups', name, displayName, parent ?? ''),
    ),
    ...subscriptions.map(({ id, name, managementGroup }) =>
      child(`/subscriptions/${id}`, 'Microsoft.Management/managementGroups/subscriptions', id, name, managementGroup),
    ),
  ];
}
