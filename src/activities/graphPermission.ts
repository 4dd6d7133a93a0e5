import { GRAPH_APP_ID } from '../domain/blueprint/identity';
import { consentNeeded } from '../domain/consent';
import { AzureError, type Azure } from '../azure/ports';
import type { Effects } from './effects';

/** Graph has no code of its own for it, but `Request_BadRequest`. */
const EXISTS = /permission being assigned already exists/i;

/** Without AppRoleAssignment.ReadWrite.All, and with an administrator who forbids this app to consent to it. */
const FORBIDDEN = 'Authorization_RequestDenied';

/**
 * Guide, option 1 step 11 and option 2 steps 7 and 8: one application permission of Microsoft Graph, granted to the
 * principal. For an app role, assigning it is the admin consent.
 */
export const graphPermission = ({ directory }: Azure): Effects<'graphPermission'> => {
  const graphId = async (): Promise<string> => {
    const graph = await directory.findServicePrincipal(GRAPH_APP_ID);
    if (!graph) throw new Error('The tenant has no service principal of Microsoft Graph.');
    return graph.id;
  };
  return {
    observe: async ({ wanted }) => {
      const assigned = await directory.appRoleAssignments(wanted.principalId);
      const match = assigned.find(({ appRoleId }) => appRoleId === wanted.appRoleId);
      return match && { value: wanted, ours: true, outputs: { id: match.id } };
    },
    put: async ({ wanted }) => {
      try {
        await directory.assignAppRole(wanted.principalId, await graphId(), wanted.appRoleId);
      } catch (error) {
        if (!(error instanceof AzureError)) throw error;
        if (error.outcome.code === FORBIDDEN)
          throw new AzureError(consentNeeded(wanted.permission), error.status, { cause: error });
        // Graph may list what it has a little later.
        if (!EXISTS.test(error.outcome.reason)) throw error;
      }
      return { outputs: {} };
    },
    remove: async ({ wanted }, { outputs }) => {
      await directory.removeAppRoleAssignment(wanted.principalId, outputs['id'] ?? '');
      return {};
    },
  };
};
