/** Without options: as recorded, but for the oddities of Azure that are listed. */
import { conformance } from './conformance';

conformance('default');
