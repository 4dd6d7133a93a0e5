import { AzureError } from '../http/errors';
import { type Caller } from '../http/call';
import { outsideHand } from '../simulator/outsideHand';
import { type Grant, type Grants } from '../store/grants';
import { type Hierarchy, type Subscription } from '../store/hierarchy';
import { allows, roleById } from './roles';

type Plane = 'control' | 'data';

/** Decides who may do what where, from role assignments that have become effective. */
export class Rbac {
  constructor(
    private readonly grants: Grants,
    private readonly hierarchy: Hierarchy,
    private readonly now: () => number,
  ) {}

  permits(principalId: string, action: string, scope: string, plane: Plane = 'control'): boolean {
    if (principalId === outsideHand.principalId) return true;
    const scopes = this.hierarchy.scopesAbove(scope);
    return this.effective(principalId, action, plane).some((grant) => scopes.includes(grant.scope.toLowerCase()));
  }

  /** Throws 403 AuthorizationFailed in Azure's words (azure-facts §2). */
  demand({ principalId, clientId }: Caller, action: string, scope: string): void {
    if (this.permits(principalId, action, scope)) return;
    throw new AzureError(
      403,
      'AuthorizationFailed',
      `The client '${clientId}' with object id '${principalId}' does not have authorization to perform action '${action}' over scope '${scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
    );
  }

  /** What is used by a write must be usable by its caller: the subnet that a NIC joins, the identity that a VM takes. */
  demandLinked({ principalId, clientId }: Caller, action: string, scope: string, linkedTo: string): void {
    if (this.permits(principalId, action, linkedTo)) return;
    throw new AzureError(
      403,
      'LinkedAuthorizationFailed',
      `The client '${clientId}' with object id '${principalId}' has permission to perform action on scope '${scope}'; however, it does not have permission to perform action(s) '${action}' on the linked scope(s) '${linkedTo}' (respectively) or the linked scope(s) are invalid.`,
    );
  }

  /** Subscriptions that the principal can read, or anything in them. */
  visible(principalId: string): Subscription[] {
    const grants = this.effective(principalId, 'Microsoft.Resources/subscriptions/read', 'control');
    const scopes = new Set(grants.map(({ scope }) => scope.toLowerCase()));
    const inside = new Set([...scopes].map((scope) => scope.split('/').slice(0, 3).join('/')));
    const above = new Map<string, boolean>();
    return this.hierarchy.subscriptions().filter(({ id, managementGroup }) => {
      const known = above.get(managementGroup);
      const fromAbove = known ?? this.groupScopes(managementGroup).some((scope) => scopes.has(scope));
      if (known === undefined) above.set(managementGroup, fromAbove);
      return fromAbove || inside.has(`/subscriptions/${id.toLowerCase()}`);
    });
  }

  private groupScopes(managementGroup: string): readonly string[] {
    return this.hierarchy.scopesAbove(`/providers/Microsoft.Management/managementGroups/${managementGroup}`);
  }

  private effective(principalId: string, action: string, plane: Plane): Grant[] {
    const now = this.now();
    return this.grants.of(principalId).filter(({ effectiveAt, roleId }) => {
      const role = roleById(roleId);
      return effectiveAt <= now && role !== undefined && allows(role, action, plane);
    });
  }
}
