import { neededFor } from '../authorization/actions';
import { sidesOf } from '../authorization/sides';
import { type Azure } from '../azure';
import { gated } from '../governance/gate';
import { demandSubscription } from '../resources/subscriptions';
import { afterWrite, beforeWrite } from '../simulator/exposures';
import { merged, type OutsideRequest, outsideHand } from '../simulator/outsideHand';
import { type Pasts } from '../simulator/pasts';
import { type Answer, type Call, type Caller, type Guarded, type Method, isRead } from './call';
import { type Inner, innerCall, type InnerRequest } from './inner';
import { type NotSimulated } from './notSimulated';
import { subscriptionOf } from './paths';
import { failed } from './refusal';
import { type Router } from './router';

/** What every write has to pass, a deployment's own too: RBAC, locks, policies. */
export function permitted(azure: Azure, route: Guarded, call: Call): Call {
  if (route.authorize === false) return call;
  const { action, scope } = neededFor(call.method, call.path);
  azure.rbac.demand(call.caller, action, scope, sidesOf(azure, call));
  return gated(azure, call, scope);
}

/**
 * Requests that nobody sent: a deployment's own, the outside hand's, and the look at what is there before a write.
 * No token, no throttling, no fault.
 */
export class Inside implements Inner {
  constructor(
    private readonly azure: Azure,
    private readonly router: Router,
    private readonly notSimulated: NotSimulated,
    private readonly pasts: Pasts,
  ) {}

  serves(method: Method, path: string): boolean {
    return this.router.find(method, path) !== undefined;
  }

  perform(request: InnerRequest): Answer {
    const { route, call } = this.routed(request);
    const allowed = permitted(this.azure, route, call);
    if (isRead(call.method)) return route.handle(allowed);
    const answer = this.azure.db.savepoint(() => this.written(call, () => route.handle(allowed)));
    this.azure.shapes?.note(call, answer);
    return answer;
  }

  check(request: InnerRequest): void {
    const { route, call } = this.routed(request);
    permitted(this.azure, route, call);
  }

  /** A write with what is noted of each: what was there before, who made it, which ports it opened. */
  written(call: Call, handle: () => Answer): Answer {
    this.keepPast(call);
    beforeWrite(this.azure, call.path);
    const answer = handle();
    this.azure.creations.note(call, answer);
    afterWrite(this.azure, call.path);
    return answer;
  }

  /** What somebody else does. */
  outside({ method, path, body }: OutsideRequest): Answer {
    return this.azure.db.transaction(() => {
      if (!isRead(method)) beforeWrite(this.azure, path);
      const merges = method === 'PATCH' && /^\/subscriptions\//i.test(path);
      const current = merges ? this.carriedOut('GET', path, undefined, outsideHand) : undefined;
      const answer =
        current === undefined
          ? this.carriedOut(method, path, body, outsideHand)
          : current.status === 200
            ? this.carriedOut('PUT', path, merged(current.body, body), outsideHand)
            : current;
      if (!isRead(method)) afterWrite(this.azure, path);
      return answer;
    });
  }

  private keepPast(call: Call): void {
    if (this.azure.chaos === undefined && !this.azure.faults.wantsPast) return;
    if (call.method === 'POST' || this.router.find('GET', call.path) === undefined) return;
    this.pasts.keep(call.path, this.carriedOut('GET', call.path, undefined, call.caller));
  }

  private carriedOut(method: string, path: string, body: unknown, caller: Caller): Answer {
    const found = this.router.find(method, path);
    if (found === undefined || found.route.api === 'open') return this.notSimulated.answer(method, path);
    const { route, scope, params } = found;
    const call = innerCall({ method, path, apiVersion: '2024-05-01', body, caller }, scope, params);
    try {
      const isGated = route.api === 'arm' && caller === outsideHand;
      return route.handle(isGated ? permitted(this.azure, route, call) : call);
    } catch (error) {
      return failed(this.azure, route.api, error);
    }
  }

  /** As it would have been read off the wire. */
  private routed(request: InnerRequest): { readonly route: Guarded; readonly call: Call } {
    const { method, path } = request;
    const found = this.router.find(method, path);
    if (found === undefined || found.route.api === 'open') throw this.notSimulated.error(method, path);
    const subscription = subscriptionOf(path);
    if (subscription !== undefined) demandSubscription(this.azure, subscription);
    return { route: found.route, call: innerCall(request, found.scope, found.params) };
  }
}
