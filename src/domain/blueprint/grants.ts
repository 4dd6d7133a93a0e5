/** Guide, "Granting the 'Reader' role": one role assignment for each subscription and role. Pure. */
import { ownerMark, type ResourceOf } from '../resources';
import { principal } from './identity';
import type { Blueprint } from './blueprint';

const grantKey = (subscriptionId: string, roleName: string): string => `roleAssignment/${subscriptionId}/${roleName}`;

/** The roles that each subscription is granted: User Access Administrator too when the controller is enabled. */
export const rolesOf = ({ request, profile }: Blueprint) => [
  ...profile.roles.always,
  ...(request.controller.enabled ? profile.roles.controller : []),
];

/** Our grants that the request wants no longer: in subscriptions that left, and the controller's roles. */
export function surplusGrants(
  blueprint: Blueprint,
  n: number,
  subscriptions: readonly string[],
  { known, hadController }: { readonly known: readonly string[]; readonly hadController: boolean },
): readonly ResourceOf<'roleAssignment'>[] {
  const { request } = blueprint;
  const everyRole = { ...blueprint, request: { ...request, controller: { ...request.controller, enabled: true } } };
  const left = known.filter((id) => !subscriptions.includes(id));
  const wanted = new Set(grants(blueprint, n, subscriptions).map(({ key }) => key));
  return grants(everyRole, n, hadController ? [...left, ...subscriptions] : left).filter(({ key }) => !wanted.has(key));
}

/** Guide, "Granting the 'Reader' role", repeated for each subscription and, unlike the guide's text, for each role. */
export function grants(
  plan: Blueprint,
  n: number,
  subscriptions: readonly string[],
): readonly ResourceOf<'roleAssignment'>[] {
  const { request } = plan;
  const { key: principalKey, id: principalId } = principal(request);
  return subscriptions.flatMap((subscriptionId) =>
    rolesOf(plan).map((role): ResourceOf<'roleAssignment'> => {
      const scope = `/subscriptions/${subscriptionId}`;
      return {
        kind: 'roleAssignment',
        key: grantKey(subscriptionId, role.name),
        id: `${scope}/providers/Microsoft.Authorization/roleAssignments (${role.name})`,
        needs: [principalKey],
        wanted: (given) => ({
          scope,
          roleDefinitionId: `${scope}/providers/Microsoft.Authorization/roleDefinitions/${role.id}`,
          principalId: principalId(given),
          principalType: 'ServicePrincipal',
          description: `${ownerMark(request.name)} (Sentry ${n})`,
        }),
      };
    }),
  );
}
