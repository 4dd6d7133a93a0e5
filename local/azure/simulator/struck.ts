/** What a fault makes of a request: an answer instead of its own, or something done to its own. */
import { neededFor } from '../authorization/actions';
import { type Azure } from '../azure';
import { type Answer, type Api, type Caller } from '../http/call';
import { expired, faultAnswer, locked, policyDenied } from './faultAnswers';
import { type Aimed, type Mode, type Strike } from './faults';
import { type Pasts } from './pasts';
import { kindOf } from './record';

/** An answer, and what a fault does to the connection that it is sent on. */
export interface Outcome extends Answer {
  /** `reset`: cut, nothing sent. `truncate`: cut after half of the body. `hang`: nothing, until `seconds` are over. */
  readonly cut?: 'reset' | 'truncate' | 'hang';
  readonly seconds?: number;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: (name: string) => string | undefined;
}

/** The fault that strikes a request, if one does: asked for, or out of chaos. */
export function strikeOf(
  azure: Azure,
  pasts: Pasts,
  api: Api,
  { principalId, clientId }: Caller,
  { method, path }: Asked,
): Strike | undefined {
  const { faults, chaos } = azure;
  if (!faults.any && chaos === undefined) return undefined;
  const name = azure.tenant.principals.find((one) => one.principalId === principalId)?.name;
  const aimed: Aimed = {
    method,
    path,
    operations: [...(api === 'arm' ? [neededFor(method, path).action] : []), `${method} ${kindOf(path)}`],
    callers: [principalId, clientId, ...(name === undefined ? [] : [name])],
    canBeStale: method === 'GET' && pasts.knows(path),
  };
  return faults.take(aimed) ?? chaos?.take(aimed);
}

/** What a fault answers instead of letting the call be done; undefined where it is done first. */
export function instead(
  azure: Azure,
  pasts: Pasts,
  { fault }: Strike,
  api: Api,
  { method, path }: Asked,
): Outcome | undefined {
  const struck = { azure, api, path };
  const outcomes: Partial<Record<Mode, () => Outcome | undefined>> = {
    before: () => faultAnswer(struck, fault),
    reset: () => ({ status: 0, cut: 'reset' }),
    hang: () => ({ status: 0, cut: 'hang', ...(fault.seconds === undefined ? {} : { seconds: fault.seconds }) }),
    staleRead: () => pasts.of(path),
    expiredToken: () => expired(struck, fault),
    policyDenied: () => policyDenied(struck),
    locked: () => locked(struck, method),
  };
  return outcomes[fault.mode]?.();
}

/** What a fault makes of the answer to a call that was done. */
export function after(
  azure: Azure,
  pasts: Pasts,
  strike: Strike | undefined,
  api: Api,
  { path, query }: Asked,
  answer: Answer,
): Outcome {
  if (strike === undefined) return answer;
  const { fault } = strike;
  const { hand } = azure;
  const target = fault.target ?? path;
  const outcomes: Partial<Record<Mode, () => Outcome>> = {
    afterEffect: () => faultAnswer({ azure, api, path }, fault),
    resetAfterEffect: () => ({ status: 0, cut: 'reset' }),
    truncate: () => ({ ...answer, cut: 'truncate' }),
    staleRead: () => pasts.list(path, query('$filter'), answer),
    changedByOther: () => (hand.act({ method: 'PATCH', path: target, body: fault.change }), answer),
    deletedByOther: () => (hand.act({ method: 'DELETE', path: target }), answer),
  };
  return outcomes[fault.mode]?.() ?? answer;
}
