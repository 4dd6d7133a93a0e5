import { z } from 'zod';
import type { Azure } from '../azure/ports';
import { kinds } from '../domain/resources';
import { armEffects, type Effects } from './effects';
import { mergedInto } from './merge';

const located = z.looseObject({ location: z.string() });

/**
 * Guide: "After you create a Resource group …". An existing one is used as it is and never removed. It may lie in
 * another region than what it holds: that is no difference, and Azure moves no group.
 */
export const resourceGroup = ({ arm }: Azure): Effects<'resourceGroup'> => {
  const effects = armEffects<'resourceGroup'>(arm.resourceGroup);
  return {
    ...effects,
    observe: async (spec) => {
      const observed = await effects.observe(spec);
      return observed && { ...observed, value: { ...observed.value, location: spec.wanted.location } };
    },
    put: async ({ id, wanted }) => {
      const shown = located.safeParse(await arm.resourceGroup.get(id)).data;
      const stays = { ...wanted, location: shown?.location ?? wanted.location };
      return arm.resourceGroup.put(id, mergedInto(shown, stays, kinds.resourceGroup.exact));
    },
  };
};
