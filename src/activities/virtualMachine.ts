import type { Azure } from '../azure/ports';
import { armEffects } from './effects';

/** Guide, "Creating the CloudKnox Sentry from the image": the appliance, its identity attached from the first boot. */
export const virtualMachine = ({ arm }: Azure) => armEffects<'virtualMachine'>(arm.virtualMachine);
