/** Somebody else in the tenant, who may do everything, and does what a rehearsal tells them to. */
import { graphAppRoles } from '../graph/permissions';
import { type Answer, type Caller } from '../http/call';

export const outsideHand: Caller = {
  principalId: '0e000000-0000-4000-8000-0000000000ff',
  clientId: '0e000000-0000-4000-8000-0000000000fe',
  roles: Object.keys(graphAppRoles),
};

/** A request as the outside hand makes it: no token, no throttling, no fault. `PATCH` of an ARM resource merges and puts. */
export interface OutsideRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
}

/** Set by the dispatcher, which alone can carry a request out. */
export class OutsideHand {
  act: (request: OutsideRequest) => Answer = () => {
    throw new Error('The dispatcher is not there yet.');
  };
}

/** JSON merge patch (RFC 7396). */
export function merged(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = merged(result[name], value);
  }
  return result;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
