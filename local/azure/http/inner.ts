import { type Answer, type Call, type Caller, type Method } from './call';

/** A request that this Azure makes to itself for somebody: a deployment's PUT of a resource. */
export interface InnerRequest {
  readonly method: string;
  readonly path: string;
  readonly apiVersion: string;
  readonly body?: unknown;
  readonly caller: Caller;
}

/** How a product reaches the handlers of all: with the caller's rights, inside the running transaction. */
export interface Inner {
  /** Does it, or throws the refusal and leaves nothing behind. */
  perform(request: InnerRequest): Answer;
  /** Throws what would refuse the call before its handler: RBAC, locks, policies. */
  check(request: InnerRequest): void;
  /** Whether anything is served there. */
  serves(method: Method, path: string): boolean;
}

/** Filled once the routes are known. */
export class LateInner implements Inner {
  private inner: Inner | undefined;

  use(inner: Inner): void {
    this.inner = inner;
  }

  perform(request: InnerRequest): Answer {
    return this.known().perform(request);
  }

  check(request: InnerRequest): void {
    this.known().check(request);
  }

  serves(method: Method, path: string): boolean {
    return this.known().serves(method, path);
  }

  private known(): Inner {
    if (this.inner === undefined) throw new Error('No request can be made before the routes are known.');
    return this.inner;
  }
}

/** The call that a request of its own is, once routed. */
export const innerCall = (
  { method, path, apiVersion, body, caller }: InnerRequest,
  scope: string,
  params: Call['params'],
): Call => ({
  method,
  path,
  scope,
  params,
  query: (name) => (name.toLowerCase() === 'api-version' ? apiVersion : undefined),
  header: () => undefined,
  headerNames: () => [],
  url: path,
  body,
  caller,
});
