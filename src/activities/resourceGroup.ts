import type { Azure } from '../azure/ports';
import { armEffects } from './effects';

/** Guide: "After you create a Resource group …". An existing one is used as it is and never removed. */
export const resourceGroup = ({ arm }: Azure) => armEffects<'resourceGroup'>(arm.resourceGroup);
