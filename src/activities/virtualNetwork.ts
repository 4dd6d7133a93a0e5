import type { Azure } from '../azure/ports';
import { armEffects } from './effects';

/** Our own network, where the request names no subnet. */
export const virtualNetwork = ({ arm }: Azure) => armEffects<'virtualNetwork'>(arm.virtualNetwork);
