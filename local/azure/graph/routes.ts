import { type Azure } from '../azure';
import { type Method, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { applicationRoutes } from './applications';
import { appPolicyRoutes } from './appPolicies';
import { appRoleAssignmentRoutes } from './appRoleAssignments';
import { batchRoute } from './batch';
import { consentRoutes } from './consent';
import { deletedItemRoutes } from './deletedItems';
import { directoryRoleRoutes } from './directoryRoles';
import { federatedCredentialRoutes } from './federatedCredentials';
import { ownerRoutes } from './owners';
import { passwordRoutes } from './passwords';
import { peopleRoutes } from './people';
import { servicePrincipalRoutes } from './servicePrincipals';

/** Microsoft Graph v1.0, as far as applications and their rights go. */
export function graphRoutes(azure: Azure): readonly Route[] {
  const routes = [
    ...applicationRoutes(azure),
    ...passwordRoutes(azure),
    ...appPolicyRoutes(azure),
    ...ownerRoutes(azure),
    ...federatedCredentialRoutes(azure),
    ...servicePrincipalRoutes(azure),
    ...appRoleAssignmentRoutes(azure),
    ...deletedItemRoutes(azure),
    ...directoryRoleRoutes(azure),
    ...consentRoutes(azure),
    ...peopleRoutes(azure),
  ];
  return [...routes, batchRoute(azure, routes), ...notSimulatedRoutes];
}

const METHODS: readonly Method[] = ['GET', 'POST', 'PATCH', 'PUT', 'DELETE'];

/** What Graph has and this Azure has not. */
const notSimulatedRoutes: readonly Route[] = ['/v1.0/*', '/beta/*'].flatMap((path) =>
  METHODS.map((method): Route => ({
    method,
    path,
    api: 'graph',
    handle: (call) => {
      const message =
        path === '/beta/*'
          ? 'The beta version of Microsoft Graph is not simulated: use v1.0.'
          : `Resource not found for the segment '${call.path.split('/')[2] ?? ''}' with ${call.method}.`;
      throw new AzureError(400, 'BadRequest', message, { members: { details: [NOT_SIMULATED] } });
    },
  })),
);

const NOT_SIMULATED = {
  code: 'NotSimulated',
  message:
    'Simulated are applications, servicePrincipals (their owners, passwords, federated credentials and app role assignments), app management policies, oauth2PermissionGrants, directoryRoles, roleManagement/directory, users, groups, directoryObjects, directory/deletedItems and $batch.',
};
