import { type Azure } from '../azure';
import { type Call, ok, param, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { notSimulated } from '../http/notSimulated';
import { subscriptionOf } from '../http/paths';
import { roleAssignmentRoutes } from './roleAssignments';
import { roleDefinitionRoutes } from './roleDefinitions';

/** Microsoft.Authorization at any scope; the dispatcher has put the scope into `call.scope`. */
export const authorizationRoutes = (azure: Azure): readonly Route[] => [
  ...roleAssignmentRoutes(azure),
  ...roleDefinitionRoutes(azure),
  {
    method: 'GET',
    path: '/_authorization/permissions',
    api: 'arm',
    handle: (call) => ok({ value: permissions(azure, call) }),
  },
  // Deny assignments are made by managed applications and deployment stacks only, and here are neither.
  { method: 'GET', path: '/_authorization/denyAssignments', api: 'arm', handle: () => ok({ value: [] }) },
  { method: 'GET', path: '/_authorization/denyAssignments/:name', api: 'arm', handle: noDenyAssignment },
  {
    method: 'GET',
    path: '/_authorization/roleAssignmentsUsageMetrics',
    api: 'arm',
    handle: (call) => ok(usage(azure, call)),
  },
];

/** What the caller may do at the scope: one entry for each role that counts there. */
const permissions = (azure: Azure, { caller, scope }: Call): Record<string, unknown>[] =>
  azure.rbac.rolesAt(caller.principalId, scope).map(({ actions, notActions, dataActions, notDataActions }) => ({
    actions,
    notActions,
    dataActions,
    notDataActions,
  }));

function noDenyAssignment(call: Call): never {
  const id = param(call, 'name').replaceAll('-', '');
  throw new AzureError(404, 'DenyAssignmentNotFound', `The deny assignment '${id}' is not found.`);
}

/** How many role assignments a subscription has, and may have. Azure has it at this version alone: 2019-08-01-preview. */
function usage(azure: Azure, { scope }: Call): Record<string, unknown> {
  const subscriptionId = subscriptionOf(scope);
  if (subscriptionId === undefined || scope.split('/').length !== 3)
    throw notSimulated(`The usage of role assignments at '${scope}'`, 'that of subscriptions.');
  const limit = azure.tenant.limits.roleAssignmentsPerSubscription;
  const count = azure.grants.count(`/subscriptions/${subscriptionId}`);
  return {
    subscriptionId,
    roleAssignmentsLimit: limit,
    roleAssignmentsCurrentCount: count,
    roleAssignmentsRemainingCount: Math.max(0, limit - count),
  };
}
