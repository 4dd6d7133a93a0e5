/** The subscriptions of a deployment, as preflight sees them: the host's and the watched ones. Pure. */
import { isReadOnly } from '../subscriptions';
import type { RoleFacts } from './assignableRoles';
import { finding } from './codes';
import type { Finding } from './finding';
import {
  allows,
  GRANT,
  isLimiting,
  type Limits,
  limitsAt,
  missingActions,
  type OwnAssignment,
  type Permission,
} from './rights';

/** A subscription as Resource Graph tells of it. */
interface SubscriptionFacts {
  readonly id: string;
  readonly tenantId: string;
  readonly state: string;
  /** Names of the management groups above it. */
  readonly managementGroups: readonly string[];
}
/** What is known of all subscriptions at once. */
export interface TenantFacts {
  readonly subscriptions: readonly SubscriptionFacts[];
  /** The app's own role assignments. */
  readonly own: readonly OwnAssignment[];
  /** Of the roles that were asked about, those that there are. */
  readonly roles: readonly RoleFacts[];
  /** Role assignments in each subscription that is close to the limit. */
  readonly crowded: Readonly<Record<string, number>>;
}
export interface Role {
  readonly name: string;
  readonly id: string;
}

/** azure-docs, "Azure RBAC limits": fixed. */
export const ROLE_ASSIGNMENT_LIMIT = 4_000;
const ENABLE = 'Enable it in the portal, under Cost Management + Billing: https://aka.ms/azure-subscription-disabled.';

export const subscriptionScope = (id: string): string => `/subscriptions/${id}`;
/** The subscription in an ARM id, in lower case. */
export const parseSubscription = (id: string): string => (id.split('/')[2] ?? '').toLowerCase();
export const groupScope = (name: string): string => `/providers/Microsoft.Management/managementGroups/${name}`;

/** Elsewhere or read-only: two codes for the host, two for what is watched. */
function standing(
  { tenantId, state }: SubscriptionFacts,
  home: string,
): { readonly kind: 'Elsewhere' | 'Disabled'; readonly reason: string; readonly remedy: string } | undefined {
  if (tenantId.toLowerCase() !== home.toLowerCase()) {
    return {
      kind: 'Elsewhere',
      reason: `It belongs to the tenant ${tenantId}`,
      remedy: `Ask for one of the tenant ${home}.`,
    };
  }
  return isReadOnly(state) ? { kind: 'Disabled', reason: `Its state is ${state}`, remedy: ENABLE } : undefined;
}

/** What lies above a subscription, the tenant's root group last; empty where Azure does not know it. */
export const groupsAbove = (id: string, { subscriptions }: TenantFacts): readonly string[] =>
  (subscriptions.find((one) => one.id === id)?.managementGroups ?? []).map(groupScope);

export function checkHost(id: string, home: string, { subscriptions }: TenantFacts): readonly Finding[] {
  const found = subscriptions.find((one) => one.id === id);
  const bad = found && standing(found, home);
  return bad ? [finding(`HostSubscription${bad.kind}`, subscriptionScope(id), bad.reason, bad.remedy)] : [];
}

/** What all subscriptions at once tell of the watched ones, before each is looked at. */
export function checkWatched(
  watched: readonly string[],
  home: string,
  roles: readonly Role[],
  { subscriptions, crowded }: TenantFacts,
): readonly Finding[] {
  const known = new Map(subscriptions.map((one) => [one.id, one]));
  return watched.flatMap((id) => {
    const facts = known.get(id);
    const bad = facts && standing(facts, home);
    if (bad)
      return [
        finding(
          `Subscription${bad.kind}`,
          subscriptionScope(id),
          bad.reason,
          `${bad.remedy} Or take it out of the request.`,
        ),
      ];
    return checkRoom(id, crowded[id] ?? 0, roles.length);
  });
}

function checkRoom(id: string, used: number, wanted: number): readonly Finding[] {
  if (used + wanted <= ROLE_ASSIGNMENT_LIMIT) return [];
  const reason = `It has ${used} of ${ROLE_ASSIGNMENT_LIMIT} role assignments, and ${wanted} are to come`;
  const remedy = `Remove those of principals that are gone, with \`az role assignment delete --ids <id>\`: \`az role assignment list --all --subscription ${id} --query "[?principalName==''].id"\` lists them.`;
  return [finding('RoleAssignmentLimit', subscriptionScope(id), reason, remedy)];
}

/** A scope at which roles are to be granted, and what the app's own conditions say of it. */
export interface WatchedScope {
  readonly scope: string;
  readonly limits?: Limits | undefined;
}

export function watchedSubscriptions(
  ids: readonly string[],
  roles: readonly Role[],
  facts: TenantFacts,
): readonly WatchedScope[] {
  const known = new Map(facts.subscriptions.map((one) => [one.id, one]));
  return ids.map((id) => {
    const scope = subscriptionScope(id);
    const above = (known.get(id)?.managementGroups ?? []).map(groupScope);
    return limited(scope, [scope, ...above, '/'], roles, facts);
  });
}

export const watchedGroups = (
  names: readonly string[],
  roles: readonly Role[],
  facts: TenantFacts,
): readonly WatchedScope[] => names.map((name) => limited(groupScope(name), [groupScope(name), '/'], roles, facts));

function limited(scope: string, scopes: readonly string[], roles: readonly Role[], { own }: TenantFacts): WatchedScope {
  const limits = limitsAt(
    own,
    scopes,
    roles.map(({ id }) => id),
  );
  return limits ? { scope, limits } : { scope };
}

/** What a look at a scope gave: the app's permissions there, or why there are none. */
export type Look =
  | { readonly kind: 'seen'; readonly permissions: readonly Permission[] }
  | { readonly kind: 'absent' }
  | { readonly kind: 'forbidden'; readonly reason: string };

/** May the app grant these roles at a scope, find its grants there, and take them back? */
export function checkScope(
  { scope, limits }: WatchedScope,
  look: Look,
  roles: readonly Role[],
  appId: string,
): readonly Finding[] {
  if (look.kind === 'absent') {
    const remedy =
      'Check the id: `az account list --all` and `az account management-group list` show what there is. Or take it out of the request.';
    return [finding('SubscriptionUnknown', scope, 'Azure knows no such subscription or management group', remedy)];
  }
  if (look.kind === 'forbidden') return [notGrantable(scope, look.reason, appId)];
  const missing = missingActions(look.permissions, [GRANT, 'Microsoft.Authorization/roleAssignments/read']);
  if (missing.length > 0) return [notGrantable(scope, `The app may not ${missing.join(', ')}`, appId)];
  const stays = !allows(look.permissions, 'Microsoft.Authorization/roleAssignments/delete');
  return [
    ...(limits && isLimiting(limits, look.permissions) ? conditional(scope, limits, roles) : []),
    ...(stays
      ? [finding('GrantsStay', scope, 'The app may grant there and not take back', grantCommand(scope, appId))]
      : []),
  ];
}

function conditional(scope: string, { refused, depends }: Limits, roles: readonly Role[]): readonly Finding[] {
  const names = roles.filter(({ id }) => refused.includes(id)).map(({ name }) => name);
  const widen = 'Widen the condition of the app’s own role assignment: docs/deploy.md, step 2, has it whole.';
  const what = `The condition of the app’s own role does not let it grant ${names.join(', ')}`;
  return [
    ...(names.length > 0 ? [finding('GrantNotAllowed', scope, what, widen)] : []),
    ...(depends
      ? [finding('GrantConditional', scope, 'The condition of the app’s own role names principals', widen)]
      : []),
  ];
}

const notGrantable = (scope: string, reason: string, appId: string): Finding =>
  finding('SubscriptionNotGrantable', scope, reason, grantCommand(scope, appId));

const grantCommand = (scope: string, appId: string): string =>
  `An owner runs \`az role assignment create --assignee-object-id ${appId} --assignee-principal-type ServicePrincipal --role "Role Based Access Control Administrator" --scope ${scope}\` (docs/deploy.md, step 2, has the condition for it).`;

/** Codes after which a subscription is set aside by the run. */
const SETS_ASIDE = [
  'SubscriptionUnknown',
  'SubscriptionDisabled',
  'SubscriptionElsewhere',
  'SubscriptionNotGrantable',
  'GrantNotAllowed',
  'GrantDenied',
];
/** The scopes that would be set aside. */
export const setAside = (findings: readonly Finding[]): ReadonlySet<string> =>
  new Set(findings.filter(({ code }) => SETS_ASIDE.includes(code)).map(({ where }) => where));

/**
 * Where all that is watched would be set aside, a run would make an appliance that collects nothing. `granted` were
 * placed by an earlier run: what was granted then is kept, whatever the app may do now.
 */
export function checkAnyLeft(
  scopes: readonly string[],
  granted: readonly string[],
  findings: readonly Finding[],
): readonly Finding[] {
  const aside = setAside(findings);
  if (scopes.some((scope) => granted.includes(scope))) return [];
  if (scopes.length === 0 || scopes.some((scope) => !aside.has(scope))) return [];
  const reason = `None of the ${scopes.length} watched scopes can be granted`;
  return [
    finding('NoSubscriptionLeft', '/subscriptions/include', reason, 'Mend what the findings on each of them say.'),
  ];
}
