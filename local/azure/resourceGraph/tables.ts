/** The queries over role assignments and policy definitions that this Azure answers, each whole or not at all. */
import { type Azure } from '../azure';
import { builtInDefinitions } from '../governance/policy/definitions';
import { subscriptionOf } from '../http/paths';
import { type Caller } from '../http/call';

type Rows = readonly Record<string, unknown>[];
type Answering = (azure: Azure, caller: Caller, parts: readonly string[]) => Rows;

const ASSIGNMENTS = "authorizationresources \\| where type =~ 'microsoft\\.authorization/roleassignments'";
const TYPES = "'microsoft\\.authorization/policydefinitions', 'microsoft\\.authorization/policysetdefinitions'";

const queries: readonly (readonly [shape: RegExp, answer: Answering])[] = [
  [shape(`${ASSIGNMENTS} \\| where properties\\.principalId =~ '([^']*)' \\| project properties`), ofPrincipal],
  [
    shape(
      `${ASSIGNMENTS} \\| where isnotempty\\(subscriptionId\\) \\| summarize assignments = count\\(\\) by subscriptionId \\| where assignments >= (\\d+)`,
    ),
    crowded,
  ],
  [
    shape(
      `policyresources \\| where type in~ \\(${TYPES}\\) \\| where id in~ \\(([^)]*)\\) \\| project id, name, properties`,
    ),
    definitions,
  ],
];

function shape(text: string): RegExp {
  return new RegExp(`^${text}$`, 'i');
}

/** The rows of one of these queries; undefined for any other. */
export function tableRows(azure: Azure, caller: Caller, query: string): Rows | undefined {
  const text = query.trim().replace(/\s+/g, ' ');
  for (const [pattern, answer] of queries) {
    const match = pattern.exec(text);
    if (match !== null) return answer(azure, caller, match.slice(1));
  }
  return undefined;
}

const readable = (azure: Azure, caller: Caller): ReadonlySet<string> =>
  new Set(azure.rbac.visible(caller.principalId).map(({ id }) => id.toLowerCase()));

/** Cut to what the caller may read: assignments at management groups are shown with any subscription below them. */
function ofPrincipal(azure: Azure, caller: Caller, [principalId = '']: readonly string[]): Rows {
  const visible = readable(azure, caller);
  return azure.grants
    .of(principalId.toLowerCase())
    .filter(({ scope }) => {
      const subscription = subscriptionOf(scope);
      return subscription === undefined ? visible.size > 0 : visible.has(subscription.toLowerCase());
    })
    .map(({ scope, roleId, principalType, document }) => ({
      properties: {
        scope,
        roleDefinitionId: `/providers/Microsoft.Authorization/RoleDefinitions/${roleId}`,
        principalId,
        principalType,
        ...document,
      },
    }));
}

function crowded(azure: Azure, caller: Caller, [least = '0']: readonly string[]): Rows {
  return [...readable(azure, caller)].flatMap((subscriptionId) => {
    const assignments = azure.grants.count(`/subscriptions/${subscriptionId}`);
    return assignments > 0 && assignments >= Number(least) ? [{ subscriptionId, assignments }] : [];
  });
}

function definitions(azure: Azure, _caller: Caller, [list = '']: readonly string[]): Rows {
  const wanted = new Set(list.split(',').map((one) => one.trim().replace(/^'|'$/g, '').toLowerCase()));
  const builtIn = builtInDefinitions.map(({ id, name, policyType, properties }) => ({
    id,
    name,
    properties: { policyType, ...properties },
  }));
  const custom = azure.extensions
    .all('Microsoft.Authorization/policyDefinitions')
    .map(({ id, name, document }) => ({ id, name, properties: { policyType: 'Custom', ...document } }));
  return [...builtIn, ...custom].filter(({ id }) => wanted.has(id.toLowerCase()));
}
