import { z } from 'zod';
import { AzureError, type Azure } from '../azure/ports';
import { OWNER_TAG } from '../domain/resources';
import { armEffects, bearsMark, type Effects } from './effects';

const rule = z.looseObject({ description: z.string().optional(), access: z.string().optional() });
/** Forbidden by a lock (409), by a policy, a deny assignment or a missing right (403). */
const FORBIDDEN = [403, 409];

const effectsOf = (arm: Azure['arm']) =>
  armEffects<'securityRule'>(arm.securityRule, (body, { deployment }) => ({
    ours: bearsMark(rule.parse(body).description, deployment),
  }));

/** Guide, "Create a network security group", steps 3 to 6: `Port_22` from the given addresses, for a while only. */
export const securityRule = ({ arm }: Azure): Effects<'securityRule'> => ({
  ...effectsOf(arm),
  observe: async (spec) => {
    const observed = await effectsOf(arm).observe(spec);
    if (!observed || observed.ours) return observed;
    // Somebody edited its description. In a security group of ours a rule of this name is still ours to close.
    const group = await arm.networkSecurityGroup.get(spec.id.slice(0, spec.id.indexOf('/securityRules/')));
    return { ...observed, ours: group?.tags?.[OWNER_TAG] === spec.deployment };
  },
  // Replaced, not merged: a source or port that another hand let in must not come back with it.
  put: ({ id, wanted }, observed) => arm.securityRule.put(id, wanted, observed?.etag),
  remove: async ({ id, wanted }, observed) => {
    try {
      return await arm.securityRule.delete(id);
    } catch (error) {
      if (!(error instanceof AzureError) || !FORBIDDEN.includes(error.status ?? 0)) throw error;
      const { outcome, status } = error;
      if (rule.parse(observed.value).access === 'Deny') {
        const reason = `${outcome.reason.replace(/\.$/, '')}. Meanwhile it lets nobody in`;
        throw new AzureError({ ...outcome, reason }, status, { cause: error });
      }
      // What a lock keeps may still be changed: it lets nobody in any more, whoever is to lift the lock.
      const denying = { ...wanted, ...observed.value, access: 'Deny' as const };
      await arm.securityRule.put(id, denying, observed.etag).catch(() => undefined);
      throw error;
    }
  },
});
