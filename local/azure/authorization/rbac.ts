import { AzureError } from '../http/errors';
import { type Caller } from '../http/call';
import { outsideHand } from '../simulator/outsideHand';
import { type Grant, type Grants } from '../store/grants';
import { type Hierarchy, type Subscription } from '../store/hierarchy';
import { conditionOf } from './conditions/demand';
import { type Facts, fulfilled } from './conditions/evaluate';
import { type Roles } from './customRoles';
import { DemandRecord } from './demanded';
import { allows, type Role } from './roles';

type Plane = 'control' | 'data';
/** What a condition may look at. */
export type Sides = Pick<Facts, 'request' | 'resource'>;

const nothing: Sides = { request: {}, resource: {} };

/** Decides who may do what where, from role assignments that have become effective. */
export class Rbac {
  constructor(
    private readonly grants: Grants,
    private readonly hierarchy: Hierarchy,
    private readonly roles: Roles,
    private readonly now: () => number,
    readonly demanded = new DemandRecord(),
  ) {}

  permits(principalId: string, action: string, scope: string, plane: Plane = 'control', sides = nothing): boolean {
    if (principalId === outsideHand.principalId) return true;
    return this.granting(principalId, action, scope, plane).some((grant) => holds(grant, { action, ...sides }));
  }

  /** Throws 403 AuthorizationFailed in Azure's words (azure-facts §2); a condition that fails has its own. */
  demand(caller: Caller, action: string, scope: string, sides = nothing): void {
    if (caller.principalId === outsideHand.principalId) return;
    this.demanded.note(caller.principalId, action, scope);
    const granting = this.granting(caller.principalId, action, scope, 'control');
    if (granting.some((grant) => holds(grant, { action, ...sides }))) return;
    throw new AzureError(403, 'AuthorizationFailed', refusal(caller, action, scope, granting.length > 0));
  }

  /** What is used by a write must be usable by its caller: the subnet that a NIC joins, the identity that a VM takes. */
  demandLinked({ principalId, clientId }: Caller, action: string, scope: string, linkedTo: string): void {
    this.demanded.note(principalId, action, linkedTo);
    if (this.permits(principalId, action, linkedTo)) return;
    throw new AzureError(
      403,
      'LinkedAuthorizationFailed',
      `The client '${clientId}' with object id '${principalId}' has permission to perform action on scope '${scope}'; however, it does not have permission to perform action(s) '${action}' on the linked scope(s) '${linkedTo}' (respectively) or the linked scope(s) are invalid.`,
    );
  }

  /** The roles that count for the principal at a scope, one for each assignment: what `permissions` lists. */
  rolesAt(principalId: string, scope: string): Role[] {
    const scopes = this.hierarchy.scopesAbove(scope);
    return this.effective(principalId)
      .filter(({ grant }) => scopes.includes(grant.scope.toLowerCase()))
      .map(({ role }) => role);
  }

  /** Subscriptions that the principal can read, or anything in them. */
  visible(principalId: string): Subscription[] {
    const grants = this.allowing(principalId, 'Microsoft.Resources/subscriptions/read', 'control');
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

  private granting(principalId: string, action: string, scope: string, plane: Plane): Grant[] {
    const scopes = this.hierarchy.scopesAbove(scope);
    return this.allowing(principalId, action, plane).filter((grant) => scopes.includes(grant.scope.toLowerCase()));
  }

  private allowing(principalId: string, action: string, plane: Plane): Grant[] {
    return this.effective(principalId).flatMap(({ grant, role }) => (allows(role, action, plane) ? [grant] : []));
  }

  private effective(principalId: string): { grant: Grant; role: Role }[] {
    const now = this.now();
    return this.grants.of(principalId).flatMap((grant) => {
      const role = grant.effectiveAt <= now ? this.roles.byId(grant.roleId) : undefined;
      return role === undefined ? [] : [{ grant, role }];
    });
  }
}

function holds(grant: Grant, facts: Facts): boolean {
  const condition = grant.document['condition'];
  return typeof condition !== 'string' || fulfilled(conditionOf(condition), facts);
}

function refusal({ principalId, clientId }: Caller, action: string, scope: string, byCondition: boolean): string {
  const what = byCondition
    ? 'has an authorization with ABAC condition that is not fulfilled'
    : 'does not have authorization';
  return `The client '${clientId}' with object id '${principalId}' ${what} to perform action '${action}' over scope '${scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`;
}
