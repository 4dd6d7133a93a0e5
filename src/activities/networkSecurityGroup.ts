import type { Azure } from '../azure/ports';
import { armEffects } from './effects';

/**
 * Guide, "Create a network security group", steps 1 and 2. A PUT that left its rules out would take them away, so
 * they are put back as they were read.
 */
export const networkSecurityGroup = ({ arm }: Azure) => armEffects<'networkSecurityGroup'>(arm.networkSecurityGroup);
