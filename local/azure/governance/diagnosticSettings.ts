import { z } from 'zod';
import { type Azure } from '../azure';
import { type Answer, type Call, ok, param, parseBody, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { managementGroupOf } from '../http/paths';
import { type Extension } from '../store/extensions';

const TYPE = 'Microsoft.Insights/diagnosticSettings';
/** At most so many settings for a resource. */
const MOST = 5;
const METRICS = 'AllMetrics';

/** Log categories by what is watched; metrics, where there are any, are the category AllMetrics. */
const categories: Readonly<Record<string, readonly string[]>> = {
  subscription: [
    'Administrative',
    'Security',
    'ServiceHealth',
    'Alert',
    'Recommendation',
    'Policy',
    'Autoscale',
    'ResourceHealth',
  ],
  managementgroup: ['Administrative', 'Policy'],
  'microsoft.network/networksecuritygroups': ['NetworkSecurityGroupEvent', 'NetworkSecurityGroupRuleCounter'],
  'microsoft.network/virtualnetworks': ['VMProtectionAlerts', METRICS],
  'microsoft.network/publicipaddresses': [
    'DDoSProtectionNotifications',
    'DDoSMitigationFlowLogs',
    'DDoSMitigationReports',
    METRICS,
  ],
  'microsoft.network/networkinterfaces': [METRICS],
  'microsoft.network/natgateways': [METRICS],
  'microsoft.compute/virtualmachines': [METRICS],
  'microsoft.storage/storageaccounts': [METRICS],
  'microsoft.keyvault/vaults': ['AuditEvent', 'AzurePolicyEvaluationDetails', METRICS],
};

const SINKS = [
  'workspaceId',
  'storageAccountId',
  'eventHubAuthorizationRuleId',
  'marketplacePartnerId',
  'serviceBusRuleId',
] as const;

const item = z.looseObject({
  category: z.string().nullish(),
  categoryGroup: z.string().nullish(),
  enabled: z.boolean(),
});
const properties = z.looseObject({
  workspaceId: z.string().nullish(),
  storageAccountId: z.string().nullish(),
  eventHubAuthorizationRuleId: z.string().nullish(),
  eventHubName: z.string().nullish(),
  marketplacePartnerId: z.string().nullish(),
  serviceBusRuleId: z.string().nullish(),
  logAnalyticsDestinationType: z.string().nullish(),
  logs: z.array(item).default([]),
  metrics: z.array(item).default([]),
});
type Properties = z.infer<typeof properties>;

/** Diagnostic settings of a resource, a subscription or a management group. Nothing flows to the sinks. */
export const diagnosticRoutes = (azure: Azure): readonly Route[] => {
  const all = '/_insights/diagnosticSettings';
  const one = `${all}/:name`;
  return [
    { method: 'PUT', path: one, api: 'arm', handle: (call) => put(azure, call) },
    { method: 'GET', path: one, api: 'arm', handle: (call) => ok(shown(find(azure, call))) },
    { method: 'DELETE', path: one, api: 'arm', handle: (call) => remove(azure, call) },
    {
      method: 'GET',
      path: all,
      api: 'arm',
      handle: (call) => ok({ value: azure.extensions.at(scopeOf(azure, call), TYPE).map(shown) }),
    },
    {
      method: 'GET',
      path: '/_insights/diagnosticSettingsCategories',
      api: 'arm',
      handle: (call) => ok({ value: listCategories(azure, call) }),
    },
    {
      method: 'GET',
      path: '/_insights/diagnosticSettingsCategories/:name',
      api: 'arm',
      handle: (call) => ok(category(azure, call)),
    },
  ];
};

/** Microsoft.Insights answers without the `error` member around it, as recorded. */
const refused = (status: number, code: string, message: string): AzureError =>
  new AzureError(status, code, message, { bare: true });

/** The watched scope, which must exist. */
function scopeOf(azure: Azure, { scope }: Call): string {
  const isContainer = scope.split('/').length === 3 || managementGroupOf(scope) !== undefined;
  const exists = isContainer ? azure.hierarchy.has(scope) : azure.resources.get(scope) !== undefined;
  if (exists) return scope;
  throw refused(404, 'ResourceNotFound', `The resource '${scope}' could not be found.`);
}

function categoriesOf(azure: Azure, scope: string): readonly string[] {
  const type =
    managementGroupOf(scope) !== undefined
      ? 'managementgroup'
      : scope.split('/').length === 3
        ? 'subscription'
        : (azure.resources.get(scope)?.type.toLowerCase() ?? '');
  const known = categories[type];
  if (known !== undefined) return known;
  throw refused(400, 'ResourceTypeNotSupported', `The resource type '${type}' does not support diagnostic settings.`);
}

const body = z.looseObject({ properties });

function put(azure: Azure, call: Call): Answer {
  const scope = scopeOf(azure, call);
  const name = param(call, 'name');
  const asked = parseBody(body, call).properties;
  const known = categoriesOf(azure, scope);
  if (sinksOf(asked).length === 0) throw refused(400, 'BadRequest', 'At least one data sink needs to be specified.');
  if (categoriesAsked(asked, known).length === 0)
    throw refused(400, 'BadRequest', 'At least one log or metric category has to be enabled.');
  const unknown = [...asked.logs, ...asked.metrics].find(({ category }) => typeof category === 'string' && !includes(known, category)); // prettier-ignore
  if (unknown !== undefined) throw refused(400, 'BadRequest', `Category '${unknown.category ?? ''}' is not supported.`);
  const others = azure.extensions.at(scope, TYPE).filter((one) => one.name.toLowerCase() !== name.toLowerCase());
  if (others.length >= MOST)
    throw refused(
      409,
      'Conflict',
      `The limit of ${MOST} diagnostic settings was reached. To create a new setting, delete an existing one.`,
    );
  demandFreeSinks(asked, known, others);
  const createdBy = call.caller.principalId;
  return ok(shown(azure.extensions.put({ type: TYPE, scope, name, document: asked, createdBy })));
}

const includes = (list: readonly string[], one: string): boolean =>
  list.some((other) => other.toLowerCase() === one.toLowerCase());

const sinksOf = (of: Properties): string[] => SINKS.flatMap((name) => of[name] ?? []);

/** The categories that are enabled; the group allLogs (and audit, near enough) is all that are logs. */
const categoriesAsked = ({ logs, metrics }: Properties, known: readonly string[]): string[] =>
  [...logs, ...metrics]
    .filter(({ enabled }) => enabled)
    .flatMap(({ category, categoryGroup }) =>
      typeof categoryGroup === 'string' ? known.filter((one) => one !== METRICS) : (category ?? []),
    );

function demandFreeSinks(asked: Properties, known: readonly string[], others: readonly Extension[]): void {
  const wanted = categoriesAsked(asked, known);
  for (const other of others) {
    const before = properties.parse(other.document);
    const sink = sinksOf(asked).find((one) => includes(sinksOf(before), one));
    const category = categoriesAsked(before, known).find((one) => includes(wanted, one));
    if (sink === undefined || category === undefined) continue;
    throw refused(
      409,
      'Conflict',
      `Data sink '${sink}' is already used in diagnostic setting '${other.name}' for category '${category}'. Data sinks can't be reused in different settings on the same category for the same resource.`,
    );
  }
}

function find(azure: Azure, call: Call): Extension {
  const found = azure.extensions.get(scopeOf(azure, call), TYPE, param(call, 'name'));
  if (found !== undefined) return found;
  throw refused(404, 'ResourceNotFound', `The diagnostic setting '${param(call, 'name')}' doesn't exist.`);
}

function remove(azure: Azure, call: Call): Answer {
  const found = azure.extensions.get(call.scope, TYPE, param(call, 'name'));
  if (found === undefined) return { status: 204 };
  azure.extensions.remove(found.id);
  return { status: 200 };
}

const shown = ({ id, name, document }: Extension): Record<string, unknown> => ({
  id,
  type: TYPE,
  name,
  properties: document,
});

const listCategories = (azure: Azure, call: Call): Record<string, unknown>[] =>
  categoriesOf(azure, scopeOf(azure, call)).map((name) => ({
    id: `${call.scope}/providers/Microsoft.Insights/diagnosticSettingsCategories/${name}`,
    type: 'Microsoft.Insights/diagnosticSettingsCategories',
    name,
    properties:
      name === METRICS
        ? { categoryType: 'Metrics' }
        : { categoryType: 'Logs', categoryGroups: name === 'AuditEvent' ? ['audit', 'allLogs'] : ['allLogs'] },
  }));

function category(azure: Azure, call: Call): Record<string, unknown> {
  const name = param(call, 'name');
  const found = listCategories(azure, call).find((one) => String(one['name']).toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found;
  throw refused(404, 'ResourceNotFound', `The diagnostic setting category '${name}' doesn't exist.`);
}
