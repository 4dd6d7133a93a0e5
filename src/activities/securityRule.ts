import { z } from 'zod';
import type { Azure } from '../azure/ports';
import { armEffects, bearsMark, type Effects } from './effects';

const rule = z.looseObject({ description: z.string().optional() });

/** Guide, "Create a network security group", steps 3 to 6: `Port_22` from the given addresses, for a while only. */
export const securityRule = ({ arm }: Azure): Effects<'securityRule'> => ({
  ...armEffects<'securityRule'>(arm.securityRule, (body, { deployment }) => ({
    ours: bearsMark(rule.parse(body).description, deployment),
  })),
  // Replaced, not merged: a source or port that another hand let in must not come back with it.
  put: ({ id, wanted }, observed) => arm.securityRule.put(id, wanted, observed?.etag),
});
