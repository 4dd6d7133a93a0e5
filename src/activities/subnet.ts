import type { Azure } from '../azure/ports';
import { armEffects } from './effects';

/** The Sentries' subnet in our own network. It has no tags: it is ours, because only ours are put or removed. */
export const subnet = ({ arm }: Azure) => armEffects<'subnet'>(arm.subnet, () => ({ ours: true }));
