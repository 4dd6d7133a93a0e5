import { z } from 'zod';
import type { Azure } from '../azure/ports';
import { armEffects } from './effects';

const shown = z.looseObject({ principalId: z.guid(), clientId: z.guid() });

/** Guide, option 1, steps 1 to 3: the managed identity `CloudKnox`. */
export const userAssignedIdentity = ({ arm }: Azure) =>
  armEffects<'userAssignedIdentity'>(arm.userAssignedIdentity, (body) => {
    const { principalId, clientId } = shown.parse(body);
    return { outputs: { principalId, clientId } };
  });
