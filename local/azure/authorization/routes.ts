import { type Azure } from '../azure';
import { type Call, ok, type Route } from '../http/call';
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
];

/** What the caller may do at the scope: one entry for each role that counts there. */
const permissions = (azure: Azure, { caller, scope }: Call): Record<string, unknown>[] =>
  azure.rbac.rolesAt(caller.principalId, scope).map(({ actions, notActions, dataActions, notDataActions }) => ({
    actions,
    notActions,
    dataActions,
    notDataActions,
  }));
