import { z } from 'zod';
import { type Azure } from '../azure';
import { type Answer, type Call, ok, param, parseBody, type Route } from '../http/call';
import { AzureError, badRequest } from '../http/errors';
import { paged } from '../http/paging';
import { subscriptionOf } from '../http/paths';
import { customRole, permission } from './customRoles';

type Known = ReturnType<Azure['roles']['all']>[number];
type Properties = z.infer<typeof customRole>;

/** Role definitions: the built-in ones, and custom ones with the rules that Azure has for them. */
export const roleDefinitionRoutes = (azure: Azure): readonly Route[] => {
  const all = '/_authorization/roleDefinitions';
  const one = `${all}/:name`;
  return [
    { method: 'GET', path: one, api: 'arm', handle: (call) => ok(shown(find(azure, call), call.scope)) },
    { method: 'GET', path: all, api: 'arm', handle: (call) => ok(paged(azure, call, list(azure, call))) },
    { method: 'PUT', path: one, api: 'arm', handle: (call) => put(azure, call) },
    { method: 'DELETE', path: one, api: 'arm', handle: (call) => remove(azure, call) },
  ];
};

function find(azure: Azure, call: Call): Known {
  const role = azure.roles.byId(param(call, 'name'));
  if (role !== undefined && counts(azure, role, call.scope)) return role;
  throw new AzureError(
    404,
    'RoleDefinitionDoesNotExist',
    `The specified role definition with ID '${param(call, 'name').replaceAll('-', '')}' does not exist.`,
  );
}

/** A custom role can be seen and assigned at its assignable scopes and below them. */
const counts = (azure: Azure, { assignableScopes }: Pick<Known, 'assignableScopes'>, scope: string): boolean => {
  const above = azure.hierarchy.scopesAbove(scope);
  return assignableScopes.some((one) => above.includes(one.toLowerCase().replace(/(.)\/$/, '$1')));
};

/** A role may be assigned only within its assignable scopes. */
export function demandAssignable(azure: Azure, role: Known, scope: string): void {
  if (counts(azure, role, scope)) return;
  throw badRequest(
    'RoleAssignmentScopeNotAssignableToRoleDefinition',
    `The scope '${scope}' is not assignable to the role definition '${role.id.replaceAll('-', '')}': its assignable scopes are '${role.assignableScopes.join(', ')}'.`,
  );
}

/** `roleName eq '…'`, `type eq 'CustomRole'`, `atScopeAndBelow()` or nothing. */
function list(azure: Azure, call: Call): Record<string, unknown>[] {
  const filter = call.query('$filter') ?? '';
  const name = /roleName\s+eq\s+'([^']+)'/i.exec(filter)?.[1]?.toLowerCase();
  const type = /\btype\s+eq\s+'([^']+)'/i.exec(filter)?.[1]?.toLowerCase();
  const rest = filter.replace(/(roleName|type)\s+eq\s+'[^']+'|atScopeAndBelow\(\)|\band\b|\s/gi, '');
  if (rest !== '') throw badRequest('InvalidFilter', `The filter '${filter}' is not supported.`);
  return azure.roles
    .all()
    .filter((role) => counts(azure, role, call.scope))
    .filter((role) => name === undefined || role.name.toLowerCase() === name)
    .filter(({ stored }) => type === undefined || type === (stored === undefined ? 'builtinrole' : 'customrole'))
    .map((role) => shown(role, call.scope));
}

const body = z.looseObject({ properties: customRole });

function put(azure: Azure, call: Call): Answer {
  const id = param(call, 'name');
  if (!z.guid().safeParse(id).success)
    throw badRequest('InvalidRoleDefinitionId', `The role definition ID '${id}' is not valid. It must be a GUID.`);
  const { properties } = parseBody(body, call);
  const existing = azure.roles.byId(id);
  if (existing !== undefined && existing.stored === undefined)
    throw badRequest('RoleDefinitionUpdateNotPermitted', 'A built-in role definition cannot be changed.');
  demandScopes(azure, call, properties);
  demandActions(properties);
  const same = azure.roles.byName(properties.roleName);
  if (same !== undefined && same.id.toLowerCase() !== id.toLowerCase())
    throw new AzureError(
      409,
      'RoleDefinitionWithSameNameExists',
      'A custom role with the same name already exists in this directory. Use a different name.',
    );
  const { roleName, description, permissions, assignableScopes } = properties;
  const written = { roleName, description, permissions, assignableScopes };
  return { status: 201, body: shown(azure.roles.put(id, written, call.caller.principalId), call.scope) };
}

/** Who writes a role must be allowed to at each of its assignable scopes; the root is not one of them. */
function demandScopes(azure: Azure, call: Call, { assignableScopes, permissions }: Properties): void {
  for (const scope of assignableScopes) {
    if (!azure.hierarchy.has(scope))
      throw badRequest(
        'InvalidAssignableScope',
        `The assignable scope '${scope}' is not valid: a custom role takes management groups, subscriptions and resource groups.`,
      );
    azure.rbac.demandLinked(call.caller, 'Microsoft.Authorization/roleDefinitions/write', call.path, scope);
  }
  const groups = assignableScopes.filter((scope) => scope.toLowerCase().startsWith('/providers/'));
  const [one = permission.parse({})] = permissions;
  if (groups.length > 1)
    throw badRequest('InvalidAssignableScope', 'A custom role can have only one management group as assignable scope.');
  if (groups.length > 0 && one.dataActions.length > 0)
    throw badRequest(
      'CannotAssignDataActionsAtManagementGroup',
      'A custom role with dataActions cannot have a management group as assignable scope.',
    );
}

/** `*` or `Namespace/…/verb`; a wildcard may stand for any part. */
const ACTION = /^(\*|(\*|[A-Za-z]\w*(\.\w+)+)\/(.*\/)?(\*|read|write|delete|\w*action))$/i;

function demandActions({ permissions: [one = permission.parse({})] }: Properties): void {
  const noneIn = (...list: readonly string[]): string | undefined => list.find((action) => !ACTION.test(action));
  const said = (wrong: string): string => `'${wrong}' does not match any of the actions supported by the providers.`;
  const action = noneIn(...one.actions, ...one.notActions);
  if (action !== undefined) throw badRequest('InvalidActionOrNotAction', said(action));
  const dataAction = noneIn(...one.dataActions, ...one.notDataActions);
  if (dataAction !== undefined) throw badRequest('InvalidDataActionOrNotDataAction', said(dataAction));
}

function remove(azure: Azure, call: Call): Answer {
  const role = azure.roles.byId(param(call, 'name'));
  if (role === undefined) return { status: 204 };
  if (role.stored === undefined)
    throw badRequest('RoleDefinitionDeleteNotPermitted', 'A built-in role definition cannot be deleted.');
  if (azure.grants.ofRole(role.id) > 0)
    throw badRequest('RoleDefinitionHasAssignments', 'There are existing role assignments referencing role.');
  azure.roles.remove(role);
  return ok(shown(role, call.scope));
}

function shown(role: Known, scope: string): Record<string, unknown> {
  const { id, name, description, actions, notActions, dataActions, notDataActions, assignableScopes, stored } = role;
  const subscription = subscriptionOf(scope);
  const iso = (time: number): string => new Date(time).toISOString();
  return {
    id: `${subscription === undefined ? '' : `/subscriptions/${subscription}`}/providers/Microsoft.Authorization/roleDefinitions/${id}`,
    type: 'Microsoft.Authorization/roleDefinitions',
    name: id,
    properties: {
      roleName: name,
      type: stored === undefined ? 'BuiltInRole' : 'CustomRole',
      description,
      assignableScopes,
      permissions: [{ actions, notActions, dataActions, notDataActions }],
      ...(stored === undefined
        ? {}
        : {
            createdOn: iso(stored.createdAt),
            updatedOn: iso(stored.updatedAt),
            createdBy: stored.createdBy,
            updatedBy: stored.createdBy,
          }),
    },
  };
}
