import { type Azure } from '../azure';
import { directoryRolesOf } from '../graph/directoryRoleRights';
import { randomly, type Seeded } from '../random';
import { demandVersion } from '../resources/providerTypes';
import { demandSubscription } from '../resources/subscriptions';
import { spoiled, spoils } from '../simulator/effects';
import { type Strike } from '../simulator/faults';
import { outsideHand } from '../simulator/outsideHand';
import { Pasts } from '../simulator/pasts';
import { after, instead, type Outcome, strikeOf } from '../simulator/struck';
import { blobPath } from '../storage/addresses';
import { unauthorized } from './authenticate';
import { type Answer, type Api, type Call, type Caller, type Guarded, isRead, type Route } from './call';
import { badRequest } from './errors';
import { type Inner } from './inner';
import { Inside, permitted } from './inside';
import { NotSimulated } from './notSimulated';
import { normalisePath, subscriptionOf } from './paths';
import { queryOf } from './query';
import { failed } from './refusal';
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

/** A routed call whose body has not been read. */
type Unread = Omit<Call, 'body' | 'caller'> & Incoming;

const nobody: Caller = { principalId: '', clientId: '', roles: [] };

/** Takes a request through routing, token, faults, throttling and permission to its handler, and records it. */
export class Dispatcher {
  private readonly router: Router;
  private readonly notSimulated: NotSimulated;
  private readonly pasts = new Pasts();
  private readonly inside: Inside;

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
    this.inside = new Inside(azure, this.router, this.notSimulated, this.pasts);
    azure.hand.act = (request) =>
      this.recorded(request.method, request.path, outsideHand, this.inside.outside(request));
  }

  /** The way in for what this Azure asks itself. */
  get inner(): Inner {
    return this.inside;
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
    if (verdict.kind !== 'valid') return unauthorized(this.azure, api, verdict);
    const { caller } = verdict;
    return api === 'graph' ? { ...caller, directoryRoles: directoryRolesOf(this.azure, caller.principalId) } : caller;
  }

  /** Answers under the fault that strikes, if one does. */
  private async struck(route: Route, caller: Caller, call: Unread): Promise<Outcome> {
    const strike = strikeOf(this.azure, this.pasts, route.api, caller, call);
    const other = strike === undefined ? undefined : instead(this.azure, this.pasts, strike, route.api, call);
    if (other !== undefined) return this.recorded(call.method, call.path, caller, other, strike);
    return await this.performed(route, caller, call, strike);
  }

  private async performed(route: Route, caller: Caller, call: Unread, strike: Strike | undefined): Promise<Outcome> {
    if (route.api === 'open') return this.spoilt(route.api, caller, call, await this.open(route, call), strike);
    try {
      return this.guarded(route, { ...call, body: await call.body(), caller }, call, strike);
    } catch (error) {
      // What was refused has given nothing to spoil.
      const isVain = strike !== undefined && spoils(strike.fault);
      if (isVain) strike.giveBack();
      return this.spoilt(route.api, caller, call, failed(this.azure, route.api, error), isVain ? undefined : strike);
    }
  }

  private async open(route: Route, call: Unread): Promise<Answer> {
    if (route.api !== 'open') throw new Error(`The route of ${call.path} is not open.`);
    try {
      return await route.handle({ ...call, body: await call.body(), caller: nobody });
    } catch (error) {
      return failed(this.azure, route.api, error);
    }
  }

  /** The effect is one transaction with its record, committed before the answer is sent. */
  private guarded(route: Guarded, read: Call, unread: Unread, strike: Strike | undefined): Outcome {
    const { headers, call } = this.admit(route, read);
    const { db, record } = this.azure;
    const finished = (done: Answer, by: Strike | undefined): Outcome => {
      this.azure.shapes?.note(call, done);
      return this.spoilt(route.api, call.caller, unread, { ...done, headers: { ...headers, ...done.headers } }, by);
    };
    if (isRead(call.method)) return finished(route.handle(call), strike);
    return db.transaction(() => {
      let hit = strike;
      const done = this.inside.written(call, () => {
        if (strike === undefined) return route.handle(call);
        const { answer, struck } = spoiled(this.azure, strike.fault, call, () => route.handle(call));
        if (!struck) strike.giveBack();
        hit = struck ? strike : undefined;
        return answer;
      });
      const outcome = finished(done, hit);
      record.write();
      return outcome;
    });
  }

  /** The call as it may be handled, and headers for its answer; or the refusal is thrown. */
  private admit(route: Guarded, call: Call): { readonly headers: Record<string, string>; readonly call: Call } {
    const subscription = subscriptionOf(call.path);
    if (route.api === 'arm' && subscription !== undefined) demandSubscription(this.azure, subscription);
    const headers = this.throttle.admit(route.api, call);
    if (route.api !== 'arm') return { headers, call };
    const version = call.query('api-version');
    if (version === undefined) {
      throw badRequest(
        'MissingApiVersionParameter',
        'The api-version query parameter (?api-version=) is required for all requests.',
      );
    }
    demandVersion(version);
    return { headers, call: permitted(this.azure, route, call) };
  }

  /** The answer as the fault leaves it, recorded. */
  private spoilt(api: Api, caller: Caller, call: Unread, answer: Answer, strike: Strike | undefined): Outcome {
    const outcome = after(this.azure, this.pasts, strike, api, call, answer);
    return this.recorded(call.method, call.path, caller, outcome, strike);
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
