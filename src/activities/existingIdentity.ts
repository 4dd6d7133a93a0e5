import { z } from 'zod';
import { AzureError, type Azure } from '../azure/ports';
import type { Refused } from '../domain/outcome';
import type { SpecOf } from '../domain/resources';
import type { Effects } from './effects';

const shown = z.looseObject({ id: z.string(), principalId: z.guid(), clientId: z.guid() });

/** Guide, option 1, with an identity that the customer made: it is read, and nothing else is ever done to it. */
export const existingIdentity = ({ arm }: Azure): Effects<'existingIdentity'> => ({
  observe: async (spec) => {
    const body = await arm.userAssignedIdentity.get(spec.id);
    if (!body) return undefined;
    const { id, principalId, clientId } = shown.parse(body);
    return { value: {}, ours: false, outputs: { id, principalId, clientId } };
  },
  put: (spec) => Promise.reject(new AzureError(notFound(spec), 404)),
  absent: notFound,
  remove: () => Promise.resolve({ ours: false }),
});

const notFound = ({ id }: SpecOf<'existingIdentity'>): Refused => ({
  kind: 'refused',
  code: 'IdentityNotFound',
  reason: `The managed identity '${id}' does not exist`,
  remedy: 'Correct identity.resourceId, or leave it out: then one is made.',
});
