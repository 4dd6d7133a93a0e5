import type { Azure } from '../azure/ports';
import { armEffects } from './effects';

/** Guide, "Port requirements": outbound 443. New subnets are private, so the way out has to be made. */
export const natGateway = ({ arm }: Azure) => armEffects<'natGateway'>(arm.natGateway);
