import { type Azure } from '../azure';
import { type Answer, type Call, ok, param, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { paged } from '../http/paging';
import { type Subscription } from '../store/hierarchy';

const ONE = '/subscriptions/:subscriptionId';

/** Subscriptions, the tenant, and where operations are polled. */
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
    // A Contributor of one resource group, who holds nothing above it, sees the operations that he began to their end.
    authorize: false,
    handle: (call) =>
      call.query('monitor') === 'true'
        ? resultOf(azure, call, 'monitor=true&')
        : azure.operations.status(param(call, 'id')),
  },
  {
    method: 'GET',
    path: `${ONE}/providers/:namespace/locations/:location/operationResults/:id`,
    api: 'arm',
    authorize: false,
    handle: (call) => resultOf(azure, call, ''),
  },
  { method: 'GET', path: '/tenants', api: 'arm', authorize: false, handle: () => ok({ value: [tenant(azure)] }) },
];

const resultOf = (azure: Azure, call: Call, query: string): Answer =>
  azure.operations.result(
    param(call, 'id'),
    `${azure.origin}${call.path}?${query}api-version=${call.query('api-version') ?? ''}`,
  );

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
