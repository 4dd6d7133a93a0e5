import type { Azure } from '../azure/ports';
import { armEffects } from './effects';

/** A managed image of the copied VHD: what all Sentries' VMs are made from. */
export const image = ({ arm }: Azure) => armEffects<'image'>(arm.image);
