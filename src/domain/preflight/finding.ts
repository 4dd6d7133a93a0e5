/** What preflight finds: everything at once, each with what mends it. Pure. */

import type { Refusal } from '../outcome';

/** An `error` stops the deployment before anything is written; a `warning` says what will go wrong later. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  /** Stable: docs/operations.md lists each. */
  readonly code: string;
  /** Where: an ARM scope, a host name, a field of the request. */
  readonly where: string;
  readonly reason: string;
  /** A command or link that mends it. */
  readonly remedy: string;
}

/** An error, among a deployment's problems. */
export const toRefusal = ({ code, where, reason, remedy }: Finding): Refusal => ({
  code,
  reason: `${where}: ${reason}`,
  remedy,
});
