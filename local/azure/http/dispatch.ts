import { neededFor } from '../authorization/actions';
import { sidesOf } from '../authorization/sides';
import { type Azure } from '../azure';
import { gated } from '../governance/gate';
import { randomly, type Seeded } from '../random';
import { demandSubscription } from '../resources/subscriptions';
import { spoiled, spoils } from '../simulator/effects';
import { afterWrite, beforeWrite } from '../simulator/exposures';
import { expired, faultAnswer, locked, policyDenied } from '../simulator/faultAnswers';
import { type Aimed, type Mode, type Strike } from '../simulator/faults';
import { merged, type OutsideRequest, outsideHand } from '../simulator/outsideHand';
import { kindOf } from '../simulator/record';
import { blobPath } from '../storage/addresses';
import { unauthorized } from './authenticate';
import { type Answer, type Api, type Call, type Caller, type Method, type Route } from './call';
import { AzureError, badRequest } from './errors';
import { type Inner, innerCall, type InnerRequest } from './inner';
import { NotSimulated } from './notSimulated';
import { normalisePath, subscriptionOf } from './paths';
import { queryOf } from './query';
import { refusal } from './refusal';
import { Router } from './router';
import { type Throttle } from './throttle/throttle';

/** A request as the server got it. The body is read only when it is wanted: Key Vault's challenge comes before it. */
export interface Incoming {
  readonly method: string;
  readonly url: string;
  readonly header: (name: string) => string | undefined;
  readonly headerNames: () => readonly string[];
  readonly body: () => Promise<unknown>;
}

/** An answer, and what a fault does to the connection that it is sent on. */
export interface Outcome extends Answer {
  /** `reset`: cut, nothing sent. `truncate`: cut after half of the body. `hang`: nothing, until `seconds` are over. */
  readonly cut?: 'reset' | 'truncate' | 'hang';
  readonly seconds?: number;
}

/** A routed call whose body has not been read. */
type Unread = Omit<Call, 'body' | 'caller'> & Incoming;
type Guarded = Exclude<Route, { api: 'open' }>;

const nobody: Caller = { principalId: '', clientId: '', roles: [] };
const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD';
/** Paths whose state before a write is kept for stale reads. */
const PASTS = 5_000;

/** Takes a request through routing, token, faults, throttling and permission to its handler, and records it. */
export class Dispatcher implements Inner {
  private readonly router: Router;
  private readonly notSimulated: NotSimulated;
  private readonly pasts = new Map<string, Answer>();

  constructor(
    private readonly azure: Azure,
    private readonly throttle: Throttle,
    routes: readonly Route[],
    private readonly seeded: Seeded | undefined,
    /** Does what has become due since the last request. */
    private readonly advance: () => void,
  ) {
    this.router = new Router(routes);
    this.notSimulated = new NotSimulated(routes);
    azure.hand.act = (request) => this.outside(request);
  }

  dispatch(incoming: Incoming): Promise<Outcome> {
    return randomly(this.seeded, () => this.take(incoming));
  }

  private async take(incoming: Incoming): Promise<Outcome> {
    this.advance();
    const path = normalisePath(incoming.url);
    const found = this.router.find(incoming.method, blobPath(this.azure, incoming.header('host'), path));
    if (found === undefined)
      return this.recorded(incoming.method, path, nobody, this.notSimulated.answer(incoming.method, path));
    const { route } = found;
    const call: Unread = { ...incoming, path, scope: found.scope, params: found.params, query: queryOf(incoming.url) };
    if (path.startsWith('/_simulator')) return await this.open(route, call);
    const verdict = await this.identify(route.api, incoming);
    if ('status' in verdict) return this.recorded(call.method, path, nobody, verdict);
    return await this.struck(route, verdict, call);
  }

  /** Whom the token names, or the refusal. */
  private async identify(api: Api, incoming: Incoming): Promise<Caller | Answer> {
    if (api === 'open') return nobody;
    const verdict = await this.azure.tokens.check(incoming.header('authorization'), api);
    return verdict.kind === 'valid' ? verdict.caller : unauthorized(this.azure, api, verdict);
  }

  /** Answers under the fault that strikes, if one does. */
  private async struck(route: Route, caller: Caller, call: Unread): Promise<Outcome> {
    const { faults, chaos } = this.azure;
    if (!faults.any && chaos === undefined) return await this.performed(route, caller, call, undefined);
    const aimed = this.aimed(route.api, caller, call);
    const strike = faults.take(aimed) ?? chaos?.take(aimed);
    const instead = strike === undefined ? undefined : this.instead(strike, route.api, call);
    if (instead !== undefined) return this.recorded(call.method, call.path, caller, instead, strike);
    return await this.performed(route, caller, call, strike);
  }

  private aimed(api: Api, { principalId, clientId }: Caller, { method, path }: Unread): Aimed {
    const name = this.azure.tenant.principals.find((one) => one.principalId === principalId)?.name;
    return {
      method,
      path,
      operations: [...(api === 'arm' ? [neededFor(method, path).action] : []), `${method} ${kindOf(path)}`],
      callers: [principalId, clientId, ...(name === undefined ? [] : [name])],
      canBeStale: method === 'GET' && this.pasts.has(path.toLowerCase()),
    };
  }

  /** What a fault answers instead of letting the call be done; undefined where it is done first. */
  private instead({ fault }: Strike, api: Api, { method, path }: Unread): Outcome | undefined {
    const struck = { azure: this.azure, api, path };
    const outcomes: Partial<Record<Mode, () => Outcome | undefined>> = {
      before: () => faultAnswer(struck, fault),
      reset: () => ({ status: 0, cut: 'reset' }),
      hang: () => ({ status: 0, cut: 'hang', ...(fault.seconds === undefined ? {} : { seconds: fault.seconds }) }),
      staleRead: () => this.pasts.get(path.toLowerCase()),
      expiredToken: () => expired(struck, fault),
      policyDenied: () => policyDenied(struck),
      locked: () => locked(struck, method),
    };
    return outcomes[fault.mode]?.();
  }

  /** What a fault makes of the answer to a call that was done. */
  private after(strike: Strike | undefined, api: Api, { path }: Unread, answer: Answer): Outcome {
    if (strike === undefined) return answer;
    const { fault } = strike;
    const { hand } = this.azure;
    const target = fault.target ?? path;
    const outcomes: Partial<Record<Mode, () => Outcome>> = {
      afterEffect: () => faultAnswer({ azure: this.azure, api, path }, fault),
      resetAfterEffect: () => ({ status: 0, cut: 'reset' }),
      truncate: () => ({ ...answer, cut: 'truncate' }),
      changedByOther: () => (hand.act({ method: 'PATCH', path: target, body: fault.change }), answer),
      deletedByOther: () => (hand.act({ method: 'DELETE', path: target }), answer),
    };
    return outcomes[fault.mode]?.() ?? answer;
  }

  private async performed(route: Route, caller: Caller, call: Unread, strike: Strike | undefined): Promise<Outcome> {
    if (route.api === 'open') {
      const answer = await this.open(route, call);
      return this.recorded(call.method, call.path, caller, this.after(strike, route.api, call, answer), strike);
    }
    try {
      return this.guarded(route, { ...call, body: await call.body(), caller }, call, strike);
    } catch (error) {
      // What was refused has given nothing to spoil.
      const isVain = strike !== undefined && spoils(strike.fault);
      if (isVain) strike.giveBack();
      const by = isVain ? undefined : strike;
      const outcome = this.after(by, route.api, call, this.refused(route.api, error));
      return this.recorded(call.method, call.path, caller, outcome, by);
    }
  }

  private async open(route: Route, call: Unread): Promise<Answer> {
    if (route.api !== 'open') throw new Error(`The route of ${call.path} is not open.`);
    try {
      return await route.handle({ ...call, body: await call.body(), caller: nobody });
    } catch (error) {
      return this.refused(route.api, error);
    }
  }

  /** The effect is one transaction with its record, committed before the answer is sent. */
  private guarded(route: Guarded, read: Call, unread: Unread, strike: Strike | undefined): Outcome {
    const { headers, call } = this.admit(route, read);
    const { db, creations, record } = this.azure;
    const finished = (done: Answer, by: Strike | undefined): Outcome => {
      this.azure.shapes?.note(call, done);
      const answer = { ...done, headers: { ...headers, ...done.headers } };
      const outcome = this.after(by, route.api, unread, answer);
      return this.recorded(call.method, call.path, call.caller, outcome, by);
    };
    if (isRead(call.method)) return finished(route.handle(call), strike);
    return db.transaction(() => {
      this.keepPast(call);
      beforeWrite(this.azure, call.path);
      const handle = (): Answer => route.handle(call);
      const { answer: done, struck } =
        strike === undefined ? { answer: handle(), struck: false } : spoiled(this.azure, strike.fault, call, handle);
      if (strike !== undefined && !struck) strike.giveBack();
      creations.note(call, done);
      afterWrite(this.azure, call.path);
      const outcome = finished(done, struck ? strike : undefined);
      record.write();
      return outcome;
    });
  }

  private keepPast(call: Call): void {
    if (this.azure.chaos === undefined && !this.azure.faults.wantsPast) return;
    if (call.method === 'POST' || this.router.find('GET', call.path) === undefined) return;
    const answer = this.carriedOut('GET', call.path, undefined, call.caller);
    if (this.pasts.size >= PASTS) this.pasts.clear();
    this.pasts.set(call.path.toLowerCase(), answer);
  }

  /** Somebody else, without token, throttling, permission or fault. */
  private outside({ method, path, body }: OutsideRequest): Answer {
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
      this.recorded(method, path, outsideHand, answer);
      return answer;
    });
  }

  private carriedOut(method: string, path: string, body: unknown, caller: Caller): Answer {
    const found = this.router.find(method, path);
    if (found === undefined || found.route.api === 'open') return this.notSimulated.answer(method, path);
    const { route, scope, params } = found;
    const call = innerCall({ method, path, apiVersion: '2024-05-01', body, caller }, scope, params);
    try {
      return route.handle(route.api === 'arm' && caller === outsideHand ? this.permitted(route, call) : call);
    } catch (error) {
      return this.refused(route.api, error);
    }
  }

  /** The call as it may be handled, and headers for its answer; or the refusal is thrown. */
  private admit(route: Guarded, call: Call): { readonly headers: Record<string, string>; readonly call: Call } {
    const subscription = subscriptionOf(call.path);
    if (route.api === 'arm' && subscription !== undefined) demandSubscription(this.azure, subscription);
    const headers = this.throttle.admit(route.api, call);
    if (route.api !== 'arm') return { headers, call };
    if (call.query('api-version') === undefined) {
      throw badRequest(
        'MissingApiVersionParameter',
        'The api-version query parameter (?api-version=) is required for all requests.',
      );
    }
    return { headers, call: this.permitted(route, call) };
  }

  /** What every write has to pass, a deployment's own too: RBAC, locks, policies. */
  private permitted(route: Guarded, call: Call): Call {
    if (route.authorize === false) return call;
    const { action, scope } = neededFor(call.method, call.path);
    this.azure.rbac.demand(call.caller, action, scope, sidesOf(this.azure, call));
    return gated(this.azure, call, scope);
  }

  serves(method: Method, path: string): boolean {
    return this.router.find(method, path) !== undefined;
  }

  perform(request: InnerRequest): Answer {
    const { route, call } = this.routed(request);
    const permitted = this.permitted(route, call);
    const { db, creations } = this.azure;
    if (isRead(call.method)) return route.handle(permitted);
    return db.savepoint(() => {
      this.keepPast(call);
      beforeWrite(this.azure, call.path);
      const answer = route.handle(permitted);
      this.azure.shapes?.note(call, answer);
      creations.note(call, answer);
      afterWrite(this.azure, call.path);
      return answer;
    });
  }

  check(request: InnerRequest): void {
    const { route, call } = this.routed(request);
    this.permitted(route, call);
  }

  /** As it would have been read off the wire; a deployment's writes are throttled by nobody here, and no fault strikes them. */
  private routed(request: InnerRequest): { readonly route: Guarded; readonly call: Call } {
    const { method, path } = request;
    const found = this.router.find(method, path);
    if (found === undefined || found.route.api === 'open') throw this.notSimulated.error(method, path);
    const subscription = subscriptionOf(path);
    if (subscription !== undefined) demandSubscription(this.azure, subscription);
    return { route: found.route, call: innerCall(request, found.scope, found.params) };
  }

  private refused(api: Api, error: unknown): Answer {
    if (error instanceof AzureError) return refusal(this.azure, api, error);
    console.error('The simulated Azure failed:', error);
    const message = 'The simulated Azure failed; its own log says why.';
    return refusal(this.azure, api, new AzureError(500, 'InternalServerError', message));
  }

  private recorded(method: string, path: string, caller: Caller, outcome: Outcome, strike?: Strike): Outcome {
    this.azure.record.add({
      method,
      path,
      caller: caller.principalId,
      status: outcome.status,
      time: this.azure.now(),
      fault: strike?.name ?? null,
    });
    return outcome;
  }
}
