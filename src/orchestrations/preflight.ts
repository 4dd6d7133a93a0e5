import type { OrchestrationContext } from 'durable-functions';
import type { Placement } from '../domain/fleet';
import type { Finding } from '../domain/preflight/finding';
import type { Story } from './call';
import type { DeploymentInput } from './inputs';

/** Finds at once all that would stop the deployment later. It only reads. `before` is where subscriptions were placed. */
// eslint-disable-next-line require-yield -- nothing is looked at yet
export function* preflight(
  _context: OrchestrationContext,
  _input: DeploymentInput,
  _placement: Placement,
  _before: Placement = [],
): Story<readonly Finding[]> {
  return [];
}
