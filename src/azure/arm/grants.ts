/** The roles that a principal holds, from Azure's own list of assignments. */
import { AuthorizationManagementClient } from '@azure/arm-authorization';
import { armOptions, type Connection } from '../client';
import type { Azure } from '../ports';

/** Assignments are listed by scope; the client wants a subscription that it never uses. */
const NO_SUBSCRIPTION = '00000000-0000-0000-0000-000000000000';

export function grants(connection: Connection): Azure['grants'] {
  const client = new AuthorizationManagementClient(connection.credential, NO_SUBSCRIPTION, armOptions(connection));
  return {
    of: async (scope, principalId) => {
      const found: { scope: string; roleDefinitionId: string }[] = [];
      // Azure takes no other condition beside this one: what lies above and below the scope is listed as well.
      const all = client.roleAssignments.listForScope(scope.replace(/^\//, ''), {
        filter: `principalId eq '${principalId}'`,
      });
      for await (const { scope: at = '', roleDefinitionId } of all) {
        if (roleDefinitionId !== undefined) found.push({ scope: at, roleDefinitionId });
      }
      return found;
    },
  };
}
