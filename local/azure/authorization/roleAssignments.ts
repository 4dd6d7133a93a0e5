import { z } from 'zod';
import { doneAt, type Azure } from '../azure';
import { type Answer, type Call, ok, param, parseBody, type Route } from '../http/call';
import { AzureError, badRequest } from '../http/errors';
import { paged } from '../http/paging';
import { nameOf } from '../http/paths';
import { type Grant } from '../store/grants';
import { demandCondition } from './conditions/demand';
import { principalTypeOf } from './principals';
import { demandAssignable } from './roleDefinitions';
import { type Role } from './roles';

/** Role assignments at any scope; the dispatcher has put the scope into `call.scope`. */
export const roleAssignmentRoutes = (azure: Azure): readonly Route[] => [
  { method: 'PUT', path: '/_authorization/roleAssignments/:name', api: 'arm', handle: (call) => put(azure, call) },
  {
    method: 'GET',
    path: '/_authorization/roleAssignments/:name',
    api: 'arm',
    handle: (call) => ok(shown(find(azure, call))),
  },
  {
    method: 'DELETE',
    path: '/_authorization/roleAssignments/:name',
    api: 'arm',
    handle: (call) => remove(azure, call),
  },
  {
    method: 'GET',
    path: '/_authorization/roleAssignments',
    api: 'arm',
    handle: (call) => ok(paged(azure, call, list(azure, call))),
  },
];

const schema = z.looseObject({
  properties: z.looseObject({
    roleDefinitionId: z.string(),
    principalId: z.guid(),
    principalType: z.enum(['User', 'Group', 'ServicePrincipal', 'ForeignGroup', 'Device']).optional(),
    description: z.string().max(2048).nullish(),
    condition: z.string().max(8192).nullish(),
    conditionVersion: z.string().nullish(),
  }),
});

const slash = (scope: string): string => (scope === '/' ? '' : scope);

function put(azure: Azure, call: Call): Answer {
  const name = param(call, 'name');
  if (!z.guid().safeParse(name).success)
    throw badRequest(
      'InvalidRoleAssignmentId',
      `The role assignment ID '${name}' is not valid. The role assignment ID must be a GUID.`,
    );
  const { principalId, principalType, roleDefinitionId, ...rest } = parseBody(schema, call).properties;
  const role = azure.roles.byId(nameOf(roleDefinitionId));
  if (role === undefined)
    throw badRequest(
      'RoleDefinitionDoesNotExist',
      `The specified role definition with ID '${nameOf(roleDefinitionId).replaceAll('-', '')}' does not exist.`,
    );
  demandAssignable(azure, role, call.scope);
  demandPrincipal(azure, principalId, principalType);
  const { description = null, condition = null } = rest;
  // A condition without a version has the current one, 2.0.
  const conditionVersion = condition === null ? null : (rest.conditionVersion ?? '2.0');
  demandCondition(condition, conditionVersion);
  const document = { description, condition, conditionVersion };
  const same = azure.grants.byName(name);
  if (same !== undefined) return ok(shown(update(azure, same, call.scope, role, principalId, document)));
  demandNew(azure, call.scope, role, principalId);
  demandRoom(azure, call.scope);
  const grant: Grant = {
    name,
    scope: call.scope,
    roleId: role.id,
    principalId,
    principalType: principalType ?? principalTypeOf(azure, principalId) ?? 'ServicePrincipal',
    document,
    createdAt: azure.now(),
    effectiveAt: doneAt(azure, 'roleAssignmentPropagation'),
    createdBy: call.caller.principalId,
  };
  azure.grants.add(grant);
  return { status: 201, body: shown(grant) };
}

/** With principalType given, Azure does not look the principal up: that is what it is for (azure-facts §2). */
function demandPrincipal(azure: Azure, id: string, type: string | undefined): void {
  const found = principalTypeOf(azure, id);
  if (found === undefined && type === undefined) {
    throw badRequest(
      'PrincipalNotFound',
      `Principal ${id.replaceAll('-', '')} does not exist in the directory ${azure.tenant.tenantId}. Check that you have the correct principal ID. If you are creating this principal and then immediately assigning a role, this error might be related to a replication delay. In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group. See https://aka.ms/docs-principaltype`,
    );
  }
  if (found !== undefined && type !== undefined && type !== found) {
    throw badRequest(
      'UnmatchedPrincipalType',
      `The PrincipalId '${id.replaceAll('-', '')}' has type '${found}' , which is different from specified PrinciaplType '${type}'.`,
    );
  }
}

/** The same name again: the same grant is given back, another is refused. */
function update(
  azure: Azure,
  same: Grant,
  scope: string,
  role: Role,
  principalId: string,
  document: Grant['document'],
): Grant {
  const equal = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  if (!equal(same.scope, scope) || !equal(same.principalId, principalId) || !equal(same.roleId, role.id)) {
    throw badRequest(
      'RoleAssignmentUpdateNotPermitted',
      'Tenant ID, application ID, principal ID, and scope are not allowed to be updated.',
    );
  }
  azure.grants.setDocument(same.name, document);
  return { ...same, document };
}

function demandNew(azure: Azure, scope: string, role: Role, principalId: string): void {
  const other = azure.grants.byTriple(scope, role.id, principalId);
  if (other === undefined) return;
  // The id is printed without dashes, as recorded.
  throw new AzureError(
    409,
    'RoleAssignmentExists',
    `The role assignment already exists. The ID of the existing role assignment is ${other.name.replaceAll('-', '')}.`,
  );
}

/** 4,000 in a subscription and what it contains, 500 at a management group. */
function demandRoom(azure: Azure, scope: string): void {
  const { roleAssignmentsPerSubscription, roleAssignmentsPerManagementGroup } = azure.tenant.limits;
  const subscription = /^\/subscriptions\/[^/]+/i.exec(scope)?.[0];
  const [used, limit] =
    subscription === undefined
      ? [azure.grants.at(scope).length, roleAssignmentsPerManagementGroup]
      : [azure.grants.count(subscription), roleAssignmentsPerSubscription];
  if (used >= limit) throw badRequest('RoleAssignmentLimitExceeded', 'No more role assignments can be created.');
}

function find(azure: Azure, call: Call): Grant {
  const found = azure.grants.byName(param(call, 'name'));
  if (found?.scope.toLowerCase() === call.scope.toLowerCase()) return found;
  throw new AzureError(
    404,
    'RoleAssignmentNotFound',
    `The role assignment '${param(call, 'name').replaceAll('-', '')}' is not found.`,
  );
}

function remove(azure: Azure, call: Call): Answer {
  const found = azure.grants.byName(param(call, 'name'));
  if (found?.scope.toLowerCase() !== call.scope.toLowerCase()) return { status: 204 };
  azure.grants.remove(found.name);
  return ok(shown(found));
}

/**
 * Without a filter: what counts at the scope and what is below it. `atScope()`: only at it and above.
 * `principalId eq '…'` and `assignedTo('…')`: of one principal.
 */
function list(azure: Azure, call: Call): Record<string, unknown>[] {
  const above = azure.hierarchy.scopesAbove(call.scope);
  const filter = call.query('$filter') ?? '';
  const principal = /(?:principalId\s+eq\s+|assignedTo\()'([^']+)'/i.exec(filter)?.[1];
  const atScope = /atScope\(\)/i.test(filter);
  const rest = filter.replace(/atScope\(\)|principalId\s+eq\s+'[^']+'|assignedTo\('[^']+'\)|\band\b|\s/gi, '');
  if (rest !== '') throw badRequest('InvalidFilter', `The filter '${filter}' is not supported.`);
  const inherited = [...above].reverse().flatMap((scope) => azure.grants.at(scope));
  const all = atScope ? inherited : [...inherited, ...azure.grants.below(slash(call.scope))];
  return all
    .filter((grant) => principal === undefined || grant.principalId.toLowerCase() === principal.toLowerCase())
    .map(shown);
}

function shown(grant: Grant): Record<string, unknown> {
  const { name, scope, roleId, principalId, principalType, document, createdAt, createdBy } = grant;
  const time = new Date(createdAt).toISOString();
  const subscription = /^\/subscriptions\/[^/]+/i.exec(scope)?.[0] ?? '';
  return {
    id: `${slash(scope)}/providers/Microsoft.Authorization/roleAssignments/${name}`,
    type: 'Microsoft.Authorization/roleAssignments',
    name,
    properties: {
      roleDefinitionId: `${subscription}/providers/Microsoft.Authorization/roleDefinitions/${roleId}`,
      principalId,
      principalType,
      scope,
      ...document,
      createdOn: time,
      updatedOn: time,
      createdBy,
      updatedBy: createdBy,
      delegatedManagedIdentityResourceId: null,
    },
  };
}
