import type { Azure } from '../azure/ports';
import { armEffects } from './effects';

/** Guide, "Create a network security group", steps 1 and 2. Its rules are children, so a PUT here keeps them away. */
export const networkSecurityGroup = ({ arm }: Azure) => armEffects<'networkSecurityGroup'>(arm.networkSecurityGroup);
