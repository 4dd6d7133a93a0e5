import { z } from 'zod';
import type { Azure } from '../azure/ports';
import { armEffects, type Effects } from './effects';
import { heldByOthers } from './holders';

const shown = z.looseObject({ principalId: z.guid(), clientId: z.guid() });

/** Guide, option 1, steps 1 to 3: the managed identity `CloudKnox`. */
export const userAssignedIdentity = ({ arm, inspection }: Azure): Effects<'userAssignedIdentity'> => {
  const plain = armEffects<'userAssignedIdentity'>(arm.userAssignedIdentity, (body) => {
    const { principalId, clientId } = shown.parse(body);
    return { outputs: { principalId, clientId } };
  });
  return {
    ...plain,
    observe: async (spec) => {
      // At once: where reads are throttled, a second one that waits for the first might never have its turn.
      const [observed, federations] = await Promise.all([plain.observe(spec), inspection.federations(spec.id)]);
      return (
        observed && {
          ...observed,
          obstacle: heldByOthers(`the identity '${spec.id}'`, { federations }, spec.deployment),
        }
      );
    },
  };
};
