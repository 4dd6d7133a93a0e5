import { z } from 'zod';
import type { Azure } from '../azure/ports';
import { armEffects, bearsMark } from './effects';

const rule = z.looseObject({ description: z.string().optional() });

/** Guide, "Create a network security group", steps 3 to 6: `Port_22` from the given addresses, for a while only. */
export const securityRule = ({ arm }: Azure) =>
  armEffects<'securityRule'>(arm.securityRule, (body, { deployment }) => ({
    ours: bearsMark(rule.parse(body).description, deployment),
  }));
