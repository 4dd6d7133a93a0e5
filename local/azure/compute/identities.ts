import { z } from 'zod';
import { type Put } from '../arm/kind';
import { type Azure } from '../azure';
import { badRequest } from '../http/errors';
import { type vmIdentity } from './shapes';

const identityIds = z.looseObject({ principalId: z.string(), clientId: z.string() });

/** The user-assigned identities that a PUT names, which must exist and be the caller's to assign, with their ids filled in. */
export function assignedIdentities(
  azure: Azure,
  put: Put,
  identity: z.infer<typeof vmIdentity>,
): { shown: Record<string, unknown>; ids: string[] } {
  const assigned = Object.keys(identity.userAssignedIdentities).map((id) => {
    azure.rbac.demandLinked(
      put.call.caller,
      'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action',
      put.id,
      id,
    );
    const found = azure.resources.get(id);
    if (found === undefined) {
      throw badRequest(
        'FailedIdentityOperation',
        `Identity operation for resource '${put.id}' failed with error 'Failed to perform resource identity operation. Status: 'BadRequest'. Response: '{"error":{"code":"BadRequest","message":"Resource '${id}' was not found."}}'.'.`,
      );
    }
    const { principalId, clientId } = identityIds.parse(found.document.properties);
    return [id, { principalId, clientId }] as const;
  });
  const { userAssignedIdentities: _, ...rest } = identity;
  return {
    shown: { ...rest, ...(assigned.length > 0 ? { userAssignedIdentities: Object.fromEntries(assigned) } : {}) },
    ids: assigned.map(([id]) => id),
  };
}
