import findMyWay, { type HTTPVersion } from 'find-my-way';
import { neededFor } from '../authorization/actions';
import { sidesOf } from '../authorization/sides';
import { type Azure } from '../azure';
import { demandSubscription } from '../resources/subscriptions';
import { type Fault } from '../simulator/faults';
import { gated } from '../governance/gate';
import { innerError, unauthorized } from './authenticate';
import { type Answer, type Api, type Call, type Caller, type Method, type Route } from './call';
import { AzureError, badRequest } from './errors';
import { type Inner, type InnerRequest } from './inner';
import { normalisePath, splitExtension, subscriptionOf } from './paths';
import { type Throttle } from './throttle';

/** A request as the server got it. The body is read only when it is wanted: Key Vault's challenge comes before it. */
export interface Incoming {
  readonly method: string;
  readonly url: string;
  readonly header: (name: string) => string | undefined;
  readonly body: () => Promise<unknown>;
}

/** `reset`: cut the connection instead of answering. */
export type Outcome = Answer | 'reset';

/** A routed call whose body has not been read. */
type Unread = Omit<Call, 'body' | 'caller'> & Incoming;

const nobody: Caller = { principalId: '', clientId: '', roles: [] };

/** Takes a request through routing, token, faults, throttling and permission to its handler, and records it. */
export class Dispatcher implements Inner {
  private readonly router = findMyWay<HTTPVersion.V1>({ caseSensitive: false, maxParamLength: 1000 });
  private readonly routes = new Map<unknown, Route>();

  constructor(
    private readonly azure: Azure,
    private readonly throttle: Throttle,
    routes: readonly Route[],
    /** Does what has become due since the last request. */
    private readonly advance: () => void,
  ) {
    for (const route of routes) {
      this.router.on(route.method, route.path, () => undefined, route);
      this.routes.set(route, route);
    }
  }

  async dispatch(incoming: Incoming): Promise<Outcome> {
    this.advance();
    const path = normalisePath(incoming.url);
    const { scope, route: routed } = splitExtension(path);
    const method = methodOf(incoming.method);
    const match = method === undefined ? null : this.router.find(method, routed);
    const route = this.routes.get(match?.store);
    if (route === undefined) return this.recorded(incoming.method, path, nobody, unknownPath(path));
    const call = { ...incoming, path, scope, query: queryOf(incoming.url), params: paramsOf(match?.params ?? {}) };
    if (call.path.startsWith('/_simulator')) return await this.open(route, call);
    const verdict = await this.identify(route.api, incoming);
    if ('status' in verdict) return this.recorded(call.method, path, nobody, verdict);
    const fault = this.azure.faults.take(call.method, path);
    if (fault === undefined || fault.mode === 'afterEffect') {
      const answer = route.api === 'open' ? await this.open(route, call) : await this.guarded(route, verdict, call);
      return fault === undefined ? answer : faultAnswer(fault);
    }
    return fault.mode === 'reset'
      ? this.cut(call.method, path, verdict)
      : this.recorded(call.method, path, verdict, faultAnswer(fault));
  }

  /** Whom the token names, or the refusal. */
  private async identify(api: Api, incoming: Incoming): Promise<Caller | Answer> {
    if (api === 'open') return nobody;
    const verdict = await this.azure.tokens.check(incoming.header('authorization'), api);
    return verdict.kind === 'valid' ? verdict.caller : unauthorized(this.azure, api, verdict);
  }

  private async open(route: Route, call: Unread): Promise<Answer> {
    if (route.api !== 'open') throw new Error(`The route of ${call.path} is not open.`);
    const answer = await this.answered(route.api, async () =>
      route.handle({ ...call, body: await call.body(), caller: nobody }),
    );
    return call.path.startsWith('/_simulator') ? answer : this.recorded(call.method, call.path, nobody, answer);
  }

  /** The effect is one transaction, committed before the answer is sent. */
  private async guarded(route: Exclude<Route, { api: 'open' }>, caller: Caller, incoming: Unread): Promise<Answer> {
    const { method, path } = incoming;
    const answer = await this.answered(route.api, async () => {
      const read: Call = { ...incoming, body: await incoming.body(), caller };
      const { headers, call } = this.admit(route, read);
      const { db } = this.azure;
      const done =
        method === 'GET' || method === 'HEAD' ? route.handle(call) : db.transaction(() => route.handle(call));
      return { ...done, headers: { ...headers, ...done.headers } };
    });
    return this.recorded(method, path, caller, answer);
  }

  /** The call as governance leaves it, and headers for its answer; or the refusal is thrown. */
  private admit(
    route: Exclude<Route, { api: 'open' }>,
    call: Call,
  ): { readonly headers: Record<string, string>; readonly call: Call } {
    if (route.api !== 'arm') {
      this.throttle[route.api](call);
      return { headers: {}, call };
    }
    const subscription = subscriptionOf(call.path);
    if (subscription !== undefined) demandSubscription(this.azure, subscription);
    const headers = this.throttle.arm(call);
    if (call.query('api-version') === undefined) {
      throw badRequest(
        'MissingApiVersionParameter',
        'The api-version query parameter (?api-version=) is required for all requests.',
      );
    }
    return { headers, call: this.permitted(route, call) };
  }

  serves(method: Method, path: string): boolean {
    return this.router.find(method, splitExtension(path).route) !== null;
  }

  perform(request: InnerRequest): Answer {
    const { route, call } = this.innerCall(request);
    const permitted = this.permitted(route, call);
    return this.azure.db.savepoint(() => route.handle(permitted));
  }

  check(request: InnerRequest): void {
    const { route, call } = this.innerCall(request);
    this.permitted(route, call);
  }

  /** As the dispatcher would have read it off the wire; a deployment's writes are throttled by nobody here. */
  private innerCall({ method, path, apiVersion, body, caller }: InnerRequest): {
    route: Extract<Route, { api: 'arm' | 'graph' | 'vault' }>;
    call: Call;
  } {
    const { scope, route: routed } = splitExtension(path);
    const match = this.router.find(method, routed);
    const route = this.routes.get(match?.store);
    if (route === undefined || route.api === 'open')
      throw new AzureError(404, 'NotFound', `The simulated Azure has nothing at '${path}'.`);
    const subscription = subscriptionOf(path);
    if (subscription !== undefined) demandSubscription(this.azure, subscription);
    const query = queryOf(`?api-version=${apiVersion}`);
    const params = paramsOf(match?.params ?? {});
    return { route, call: { method, path, params, query, header: () => undefined, body, caller, scope } };
  }

  /** What every write has to pass, a deployment's own too: RBAC, locks, policies. */
  private permitted(route: Route, call: Call): Call {
    if (route.api === 'arm' && route.authorize === false) return call;
    const { action, scope } = neededFor(call.method, call.path);
    this.azure.rbac.demand(call.caller, action, scope, sidesOf(this.azure, call));
    return gated(this.azure, call, scope);
  }

  private async answered(api: Api, work: () => Promise<Answer>): Promise<Answer> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof AzureError) return refusal(this.azure, api, error);
      console.error('The simulated Azure failed:', error);
      return refusal(
        this.azure,
        api,
        new AzureError(500, 'InternalServerError', 'The simulated Azure failed; its own log says why.'),
      );
    }
  }

  private recorded(method: string, path: string, caller: Caller, answer: Answer): Answer {
    this.azure.record.add({ method, path, caller: caller.principalId, status: answer.status, time: this.azure.now() });
    return answer;
  }

  private cut(method: string, path: string, caller: Caller): 'reset' {
    this.recorded(method, path, caller, { status: 0 });
    return 'reset';
  }
}

function refusal(azure: Azure, api: Api, error: AzureError): Answer {
  const body =
    api === 'graph'
      ? {
          error: {
            code: error.code,
            message: error.message,
            ...error.extra.members,
            innerError: innerError(azure.now()),
          },
        }
      : error.body;
  const code = api === 'arm' ? { 'x-ms-failure-cause': 'gateway', 'x-ms-error-code': error.code } : {};
  return { status: error.status, body, headers: { ...code, ...error.extra.headers } };
}

const faultAnswer = ({ status, body, retryAfter }: Fault): Answer => ({
  status,
  body: body ?? { error: { code: 'InjectedFault', message: 'A fault that was asked for.' } },
  headers: retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) },
});

const unknownPath = (path: string): Answer => ({
  status: 404,
  body: { error: { code: 'NotFound', message: `The simulated Azure has nothing at '${path}'.` } },
});

const methods = ['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE'] as const;
const methodOf = (text: string): (typeof methods)[number] | undefined => methods.find((method) => method === text);

/** Names in any case; `URLSearchParams` decodes `api%2Dversion`. */
function queryOf(url: string): Call['query'] {
  const at = url.indexOf('?');
  const all = [...new URLSearchParams(at < 0 ? '' : url.slice(at + 1))];
  return (name) => all.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

const paramsOf = (params: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(params).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
