import { z } from 'zod';
import type { Azure } from '../azure/ports';
import { armEffects } from './effects';

const shown = z.looseObject({ ipAddress: z.string().optional() });

/** A static address: the NAT gateway's, or the Sentry's while its window is open. */
export const publicIPAddress = ({ arm }: Azure) =>
  armEffects<'publicIPAddress'>(arm.publicIPAddress, (body) => {
    const { ipAddress } = shown.parse(body);
    return ipAddress === undefined ? {} : { outputs: { ipAddress } };
  });
