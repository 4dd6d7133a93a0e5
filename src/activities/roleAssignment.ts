import { v5 } from 'uuid';
import { z } from 'zod';
import { AzureError, type Azure } from '../azure/ports';
import type { SpecOf } from '../domain/resources';
import { bearsMark, type Effects, observedArm } from './effects';

/** Ours: any fixed GUID does, as long as it never changes. */
const NAMESPACE = '6c0f6f0e-5f2b-5c55-9a53-0d8ad6a9a7b1';
const shown = z.looseObject({ description: z.string().nullish(), condition: z.string().nullish() });

/**
 * Guide, "Granting the 'Reader' role". The name is made of scope, principal and role, so the same grant always has
 * the same name (a second PUT changes nothing), and an identity made anew gets a new one: Azure refuses to change
 * the principal of an existing assignment.
 */
export const roleAssignment = ({ arm, grants }: Azure): Effects<'roleAssignment'> => ({
  observe: async (spec) => {
    const body = await arm.roleAssignment.get(assignmentId(spec));
    if (!body) return undefined;
    const { description, condition } = shown.parse(body);
    const ours = bearsMark(description, spec.deployment);
    // Without our mark, another's description is as good. A condition that nobody wants is a difference.
    const value = { ...body, condition: condition ?? '', ...(ours ? {} : { description: spec.wanted.description }) };
    return observedArm(value, spec, { ours });
  },
  put: async (spec) => {
    try {
      return await arm.roleAssignment.put(assignmentId(spec), spec.wanted);
    } catch (error) {
      // Somebody granted the same before, under another name: it does the job, and it is not ours to remove.
      if (error instanceof AzureError && error.outcome.code === 'RoleAssignmentExists')
        return { ours: false, outputs: {} };
      throw error;
    }
  },
  remove: (spec) => arm.roleAssignment.delete(assignmentId(spec)),
  findTwin: async ({ wanted: { scope, principalId, roleDefinitionId } }) => {
    const held = await grants.of(scope, principalId);
    return held.some(
      (one) =>
        one.scope.toLowerCase() === scope.toLowerCase() &&
        lastName(one.roleDefinitionId) === lastName(roleDefinitionId),
    );
  },
});

const lastName = (id: string): string => id.slice(id.lastIndexOf('/') + 1).toLowerCase();

function assignmentId({ wanted: { scope, principalId, roleDefinitionId } }: SpecOf<'roleAssignment'>): string {
  const role = lastName(roleDefinitionId);
  const name = v5(`${scope}|${principalId}|${role}`.toLowerCase(), NAMESPACE);
  return `${scope}/providers/Microsoft.Authorization/roleAssignments/${name}`;
}
