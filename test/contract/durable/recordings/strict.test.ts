/** With `--strict`: as recorded, the oddities too. */
import { conformance } from './conformance';

conformance('strict');
