/** Guide, "Granting the 'Reader' role": one role assignment for each scope and role. Pure. */
import { ownerMark, type ResourceOf } from '../resources';
import type { Blueprint } from './blueprint';
import { principal } from './identity';

/** The roles that are granted at each scope: User Access Administrator too when the controller is enabled. */
export const rolesOf = ({ request, profile }: Blueprint) => [
  ...profile.roles.always.map((role) => ({ ...role, condition: '' })),
  ...(request.controller.enabled
    ? profile.roles.controller.map((role) => ({ ...role, condition: conditionOf(request.controller.assignableRoles) }))
    : []),
];

/** Our grants that the request wants no longer: at scopes that left, and the controller's roles. */
export function surplusGrants(
  blueprint: Blueprint,
  n: number,
  scopes: readonly string[],
  before: { readonly scopes: readonly string[]; readonly hadController: boolean },
): readonly ResourceOf<'roleAssignment'>[] {
  const { request } = blueprint;
  const everyRole = { ...blueprint, request: { ...request, controller: { ...request.controller, enabled: true } } };
  const left = before.scopes.filter((scope) => !scopes.includes(scope));
  const wanted = new Set(grants(blueprint, n, scopes).map(({ key }) => key));
  const all = grants(everyRole, n, before.hadController ? [...left, ...scopes] : left);
  return all.filter(({ key }) => !wanted.has(key));
}

/**
 * The grants of the principal that the Sentry had before, where the request gives it another: nothing needs them any
 * more, and by the new principal they could not be named.
 */
export function formerGrants(
  blueprint: Blueprint,
  n: number,
  current: string | undefined,
  { scopes, hadController, principalId }: Former,
): readonly ResourceOf<'roleAssignment'>[] {
  if (principalId === null || principalId === current) return [];
  const { request } = blueprint;
  const then = { ...blueprint, request: { ...request, controller: { ...request.controller, enabled: hadController } } };
  return grants(then, n, scopes).map((one) => ({
    ...one,
    key: `${FORMER}${one.key}`,
    needs: [],
    wanted: () => one.wanted(() => principalId),
  }));
}
const FORMER = 'former/';
export const isFormer = (key: string): boolean => key.startsWith(FORMER);
interface Former {
  readonly scopes: readonly string[];
  readonly hadController: boolean;
  readonly principalId: string | null;
}

/**
 * Lets the Sentry give and take these roles and no others, as the portal's "constrain roles" writes it
 * (azure-docs, role-based-access-control/delegate-role-assignments-examples). Empty where nothing limits it.
 */
function conditionOf(roles: readonly string[] | undefined): string {
  if (!roles) return '';
  const only = (source: '@Request' | '@Resource', action: 'write' | 'delete'): string =>
    `((!(ActionMatches{'Microsoft.Authorization/roleAssignments/${action}'})) OR (${source}[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${roles.join(', ')}}))`;
  return `${only('@Request', 'write')} AND ${only('@Resource', 'delete')}`;
}

const subscriptionScope = (id: string): string => `/subscriptions/${id}`;
const groupScope = (id: string): string => `/providers/Microsoft.Management/managementGroups/${id}`;

/** The management groups that are granted at; empty where each subscription is. */
const grantedGroups = ({ request: { subscriptions } }: Blueprint): readonly string[] =>
  subscriptions.grantAt === 'managementGroup'
    ? subscriptions.include.flatMap((rule) => (rule.kind === 'managementGroup' ? [rule.id] : []))
    : [];

/** Where a subscription is granted: at itself, or at every management group that the request lists. */
export function scopesFor(blueprint: Blueprint, subscriptionId: string): readonly string[] {
  const groups = grantedGroups(blueprint);
  return groups.length > 0 ? groups.map(groupScope) : [subscriptionScope(subscriptionId)];
}

/** All scopes that a Sentry with these subscriptions is granted at. */
export const scopesOf = (blueprint: Blueprint, subscriptions: readonly string[]): readonly string[] => [
  ...new Set(subscriptions.flatMap((id) => scopesFor(blueprint, id))),
];

export const grantKey = (scope: string, roleName: string): string =>
  `roleAssignment/${scope.slice(scope.lastIndexOf('/') + 1)}/${roleName}`;

/** Guide, "Granting the 'Reader' role", repeated for each scope and, unlike the guide's text, for each role. */
export function grants(
  blueprint: Blueprint,
  n: number,
  scopes: readonly string[],
): readonly ResourceOf<'roleAssignment'>[] {
  const { request } = blueprint;
  const { key: principalKey, id: principalId } = principal(request);
  return scopes.flatMap((scope) =>
    rolesOf(blueprint).map(({ name, id, condition }): ResourceOf<'roleAssignment'> => ({
      kind: 'roleAssignment',
      key: grantKey(scope, name),
      id: `${scope}/providers/Microsoft.Authorization/roleAssignments (${name})`,
      needs: [principalKey],
      wanted: (given) => ({
        scope,
        roleDefinitionId: `${scope}/providers/Microsoft.Authorization/roleDefinitions/${id}`,
        principalId: principalId(given),
        principalType: 'ServicePrincipal',
        description: `${ownerMark(request.name)} (Sentry ${n})`,
        condition,
      }),
    })),
  );
}
