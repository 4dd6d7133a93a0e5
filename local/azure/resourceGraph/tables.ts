import { type Azure } from '../azure';
import { builtInDefinitions } from '../governance/policy/definitions';
import { AzureError } from '../http/errors';
import { nameOf, resourceGroupOf, subscriptionOf } from '../http/paths';
import { outsideHand } from '../simulator/outsideHand';
import { type Subscription } from '../store/hierarchy';
import { type Columns, type Row } from './expressions';
import { type Tables } from './query';

const columns: Columns = new Map([
  ...['id', 'name', 'type', 'tenantId', 'kind', 'location', 'resourceGroup', 'subscriptionId', 'managedBy'].map(
    (name) => [name, 'text'] as const,
  ),
  ...['sku', 'plan', 'properties', 'tags', 'identity', 'zones'].map((name) => [name, 'dynamic'] as const),
]);

/** A row with all columns: those that it has none of are empty. */
const rowOf = (azure: Azure, id: string, type: string, of: Row): Row => ({
  id,
  name: nameOf(id),
  type: type.toLowerCase(),
  tenantId: azure.tenant.tenantId,
  kind: '',
  location: '',
  resourceGroup: (resourceGroupOf(id) ?? '').toLowerCase(),
  subscriptionId: subscriptionOf(id) ?? '',
  managedBy: '',
  sku: null,
  plan: null,
  properties: null,
  tags: null,
  identity: null,
  zones: null,
  ...of,
});

/** Which scopes count, beside the subscriptions asked for, where a table holds what is inherited. */
export const scopeFilters = ['AtScopeAndBelow', 'AtScopeAndAbove', 'AtScopeAboveAndBelow', 'AtScopeExact'] as const;
type ScopeFilter = (typeof scopeFilters)[number];

/** The tables as a principal sees them, of the subscriptions asked for. */
export const tablesOf = (
  azure: Azure,
  principalId: string,
  within: readonly Subscription[],
  filter: ScopeFilter = 'AtScopeAndBelow',
): Tables => ({
  resourcecontainers: () => ({ columns, rows: containers(azure, principalId, within) }),
  resources: () => ({ columns, rows: resources(azure, principalId, within) }),
  authorizationresources: () => ({ columns, rows: authorization(azure, principalId, within) }),
  policyresources: () => ({ columns, rows: policies(azure, principalId, within, filter) }),
});

function containers(azure: Azure, principalId: string, within: readonly Subscription[]): Row[] {
  const chains = new Map<string, { name: string; displayName: string }[]>();
  const subscriptions = within.map(({ id, name, tags, state, managementGroup }) => {
    const chain =
      chains.get(managementGroup) ??
      azure.hierarchy.chain(managementGroup).map((one) => ({ name: one.name, displayName: one.displayName }));
    chains.set(managementGroup, chain);
    const properties = { state, managementGroupAncestorsChain: chain };
    return rowOf(azure, `/subscriptions/${id}`, 'microsoft.resources/subscriptions', { name, tags, properties });
  });
  const isWithin = inOneOf(within);
  const groups = azure.resources
    .list('Microsoft.Resources/resourceGroups', '/subscriptions/')
    .filter(isWithin)
    .filter(({ id }) => azure.rbac.permits(principalId, 'Microsoft.Resources/subscriptions/resourceGroups/read', id))
    .map(({ id, document: { location, tags } }) =>
      rowOf(azure, id, 'microsoft.resources/subscriptions/resourcegroups', {
        location,
        tags: tags ?? null,
        properties: { provisioningState: 'Succeeded' },
      }),
    );
  return [...subscriptions, ...groups];
}

const resources = (azure: Azure, principalId: string, within: readonly Subscription[]): Row[] =>
  azure.resources
    .below('/subscriptions')
    .filter(inOneOf(within))
    .filter(({ id, type }) => isListed(type) && resourceGroupOf(id) !== undefined)
    .filter(({ id, type }) => azure.rbac.permits(principalId, `${type}/read`, id))
    .map(({ id, type }) => rowOf(azure, id, type, shownColumns(azure, id)));

/** Whether something is in one of the subscriptions. */
const inOneOf = (subscriptions: readonly Subscription[]): ((of: { readonly id: string }) => boolean) => {
  const ids = new Set(subscriptions.map(({ id }) => id.toLowerCase()));
  return ({ id }) => ids.has(subscriptionOf(id)?.toLowerCase() ?? '');
};

const IS_GROUP = /^microsoft\.resources\/resourcegroups$/i;
/** Children that the table has too (azure-docs, "Azure Resource Graph table and resource type reference"). */
const CHILDREN = /^microsoft\.compute\/galleries\/images(\/versions)?$/i;
const isListed = (type: string): boolean => (type.split('/').length === 2 ? !IS_GROUP.test(type) : CHILDREN.test(type));

/** What a GET gives, without what is no column. */
function shownColumns(azure: Azure, path: string): Row {
  try {
    const { body } = azure.inner.perform({ method: 'GET', path, apiVersion: '2024-05-01', caller: outsideHand });
    const shown = typeof body === 'object' && body !== null ? Object.entries(body) : [];
    const own = shown.filter(([name]) => columns.has(name) && name !== 'id' && name !== 'type');
    return Object.fromEntries(own.map(([name, value]) => [name, name === 'location' ? String(value).toLowerCase().replaceAll(' ', '') : value])); // prettier-ignore
  } catch (error) {
    if (error instanceof AzureError) return {};
    throw error;
  }
}

const ROLES = '/providers/Microsoft.Authorization/RoleDefinitions';

/** Role assignments at what the caller may read, and the role definitions, Azure's own and the tenant's. */
function authorization(azure: Azure, principalId: string, within: readonly Subscription[]): Row[] {
  const wanted = new Set(within.map(({ id }) => id.toLowerCase()));
  const iso = (time: number): string => new Date(time).toISOString();
  const assignments = azure.grants
    .below('')
    .filter(
      ({ scope }) => wanted.has(subscriptionOf(scope)?.toLowerCase() ?? '') || subscriptionOf(scope) === undefined,
    )
    .filter(({ scope }) => azure.rbac.permits(principalId, 'Microsoft.Authorization/roleAssignments/read', scope))
    .map(({ name, scope, roleId, principalId: holder, principalType, document, createdAt, createdBy }) =>
      rowOf(
        azure,
        `${scope === '/' ? '' : scope}/providers/Microsoft.Authorization/RoleAssignments/${name}`,
        'microsoft.authorization/roleassignments',
        {
          properties: {
            principalId: holder,
            principalType,
            roleDefinitionId: `${ROLES}/${roleId}`,
            scope,
            ...document,
            createdOn: iso(createdAt),
            updatedOn: iso(createdAt),
            createdBy,
            updatedBy: createdBy,
          },
        },
      ),
    );
  return [...assignments, ...definitions(azure, within)];
}

/** A custom role is seen where it can be assigned. */
function definitions(azure: Azure, within: readonly Subscription[]): Row[] {
  const scopes = new Set(['/', ...within.flatMap(({ id }) => azure.hierarchy.scopesAbove(`/subscriptions/${id}`))]);
  const isSeen = (scope: string): boolean =>
    scopes.has(scope.toLowerCase()) || scopes.has(scope.toLowerCase().split('/').slice(0, 3).join('/'));
  return azure.roles
    .all()
    .filter(({ assignableScopes }) => assignableScopes.some(isSeen))
    .map(({ id, name, description, actions, notActions, dataActions, notDataActions, assignableScopes, stored }) =>
      rowOf(azure, `${ROLES}/${id}`, 'microsoft.authorization/roledefinitions', {
        properties: {
          roleName: name,
          type: stored === undefined ? 'BuiltInRole' : 'CustomRole',
          description,
          assignableScopes,
          permissions: [{ actions, notActions, dataActions, notDataActions }],
          isServiceRole: false,
        },
      }),
    );
}

const POLICY_DEFINITIONS = 'microsoft.authorization/policydefinitions';
const POLICY_EXTENSIONS = ['Microsoft.Authorization/policyAssignments', 'Microsoft.Authorization/policyExemptions'];

/** Policy definitions, Azure's own and the tenant's, assignments and exemptions. States are not among these rows. */
const policies = (azure: Azure, principalId: string, within: readonly Subscription[], filter: ScopeFilter): Row[] => [
  ...builtInDefinitions.map(({ id, policyType, properties }) =>
    rowOf(azure, id, POLICY_DEFINITIONS, { properties: { policyType, ...properties } }),
  ),
  ...azure.extensions
    .all('Microsoft.Authorization/policyDefinitions')
    .map(({ id, document }) =>
      rowOf(azure, id, POLICY_DEFINITIONS, { properties: { policyType: 'Custom', ...document } }),
    ),
  ...POLICY_EXTENSIONS.flatMap((type) => azure.extensions.all(type))
    .filter(isSeen(azure, principalId, within, filter))
    .map(({ id, type, scope, document }) => rowOf(azure, id, type, { properties: { ...document, scope } })),
];

/** What lies above a subscription is inherited by it: `…Above…` shows it to whoever reads the subscription. */
function isSeen(
  azure: Azure,
  principalId: string,
  within: readonly Subscription[],
  filter: ScopeFilter,
): (of: { readonly type: string; readonly scope: string }) => boolean {
  const at = new Set(within.map(({ id }) => `/subscriptions/${id}`.toLowerCase()));
  const above = new Set([...at].flatMap((scope) => azure.hierarchy.scopesAbove(scope).slice(1)));
  return ({ type, scope }) => {
    if (subscriptionOf(scope) === undefined)
      return (
        (filter.includes('Above') && above.has(scope.toLowerCase())) ||
        (filter.includes('Below') && azure.rbac.permits(principalId, `${type}/read`, scope))
      );
    const [, , subscription = '', ...rest] = scope.toLowerCase().split('/');
    const reached = rest.length === 0 || filter.includes('Below');
    return (
      reached && at.has(`/subscriptions/${subscription}`) && azure.rbac.permits(principalId, `${type}/read`, scope)
    );
  };
}
