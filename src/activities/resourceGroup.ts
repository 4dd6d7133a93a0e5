import type { Azure } from '../azure/ports';
import { armEffects, type Effects } from './effects';

/** Guide: "After you create a Resource group …". An existing one is used as it is and never removed. */
export const resourceGroup = ({ arm }: Azure): Effects<'resourceGroup'> => {
  const effects = armEffects<'resourceGroup'>(arm.resourceGroup);
  return {
    ...effects,
    observe: async (spec) => {
      const observed = await effects.observe(spec);
      // A group may lie in another region than what it holds: that is no difference.
      return observed && { ...observed, value: { ...(observed.value as object), location: spec.wanted.location } };
    },
  };
};
