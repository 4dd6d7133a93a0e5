/** Policies of the watched subscriptions that would deny the grants there. Pure. */
import type { Blueprint } from '../blueprint/blueprint';
import { grants } from '../blueprint/grants';
import type { ResourceOf } from '../resources';
import { finding } from './codes';
import type { Finding } from './finding';
import { appliedAt, policyNamed, type Policies, type Reached, verdictsOf } from './policies';
import type { Subject } from './policyRule';

/** Azure Policy looks at what is put into subscriptions: a grant at a management group is asked of none. */
export function checkGrantPolicies(
  blueprint: Blueprint,
  watched: readonly Reached[],
  policies: Policies,
): readonly Finding[] {
  const uncertain = new Map<string, { readonly reason: string; readonly scopes: string[] }>();
  const denied = watched.flatMap((place) => {
    const subjects = grants(blueprint, 1, [place.scope]).map(subjectOf);
    return appliedAt(place, policies).flatMap((one) => {
      const { certain, maybe } = verdictsOf(one, subjects);
      const [{ id }, policy] = [one.assignment, policyNamed(one)];
      if (certain.length > 0) return [finding('GrantDenied', place.scope, `${policy} denies the role assignment`, how(id, place.scope))]; // prettier-ignore
      const before = uncertain.get(id) ?? { reason: `${policy} may deny the role assignments`, scopes: [] };
      if (maybe.length > 0) uncertain.set(id, { ...before, scopes: [...before.scopes, place.scope] });
      return [];
    });
  });
  const open = [...uncertain].map(([id, { reason, scopes }]) =>
    finding('GrantMayBeDenied', id, `${reason} in ${scopes.length} watched subscriptions`, how(id, scopes[0] ?? id)),
  );
  return [...denied, ...open];
}

const how = (id: string, scope: string): string =>
  `\`az policy assignment show --ids ${id}\` shows it. Its owner runs \`az policy exemption create --name sentry --policy-assignment ${id} --exemption-category Waiver --scope ${scope}\`.`;

/** The principal does not exist yet: what a rule says of it cannot be known. */
function subjectOf({ id, key, wanted }: ResourceOf<'roleAssignment'>): Subject {
  const { principalId: _, ...body } = wanted(() => '');
  return { id, name: key, type: 'Microsoft.Authorization/roleAssignments', body };
}
