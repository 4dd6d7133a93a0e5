/** With `--strict`: as recorded, the oddities too. */
import { describe } from '@jest/globals';
import { conformance } from './conformance';

/** Whether the host has all of the oddities; while it has not, there is nothing to compare with. */
const IS_WHOLE: boolean = false;

(IS_WHOLE ? describe : describe.skip)('strict', () => conformance('strict'));
