/**
 * The simulated Azure without a socket: the same dispatcher behind the SDKs' own HTTP client interface and behind
 * `fetch`. With a seed, a clock of the caller's and one order of requests, a whole run is the same every time.
 */
import { createHttpHeaders, type HttpClient, type PipelineRequest, RestError } from '@azure/core-rest-pipeline';
import { openEngine } from './engine';
import { environmentOf } from './environment';
import { type Incoming } from './http/dispatch';
import { readBody, type Wire, wireOf } from './http/text';
import { keysInMemory } from './keys';
import { Database } from './store/database';
import { readTenant, type TenantInput, withCount } from './tenant';

export interface InProcessOptions {
  readonly tenant: string | TenantInput;
  /** How many watched subscriptions, instead of the tenant's number. */
  readonly subscriptions?: number;
  /** Epoch milliseconds; read at each call. */
  readonly now?: () => number;
  readonly seed?: string;
  readonly chaos?: string;
  /**
   * Carries out each request. A caller with a time of its own learns here that one is in hand: tokens are signed in
   * threads. What hangs is in nobody's hand.
   */
  readonly during?: <T>(work: () => Promise<T>) => Promise<T>;
  /** How a connection that hangs waits to be cut, in the caller's time; a timer unless told. Infinity: it never is. */
  readonly wait?: (ms: number) => Promise<void>;
}

export interface InProcessAzure {
  /** What clients take for the endpoint, authority host and vault. Nothing listens there. */
  readonly url: string;
  /** The environment variables with which an app uses it. */
  readonly environment: Readonly<Record<string, string>>;
  /** For the option `httpClient` of every @azure client. */
  readonly httpClient: HttpClient;
  /** For whatever takes a `fetch`. */
  readonly fetch: typeof fetch;
  close(): void;
}

const URL_IN_PROCESS = 'https://azure.simulated';

/** A simulated Azure of this process, in memory. @throws UserError for a tenant that is none */
export function azureInProcess(options: InProcessOptions): InProcessAzure {
  const { now = () => Date.now(), during = (work) => work(), wait = timer, seed, chaos } = options;
  const tenant = withCount(readTenant(options.tenant), options.subscriptions);
  const keys = keysInMemory();
  const engine = openEngine({ db: new Database(':memory:'), tenant, keys, origin: URL_IN_PROCESS, now, seed, chaos });

  const asked = async ({ method, url, header, headerNames, bytes }: Asked): Promise<Outcome> => {
    const { pathname, search } = new URL(url);
    // `new URL` swallows nothing of the path here: it stands behind a host.
    const incoming: Incoming = {
      method,
      url: `${pathname}${search}`,
      header,
      headerNames,
      body: () => Promise.resolve().then(() => readBody(bytes, header)),
    };
    const { cut, seconds, ...answer } = await during(() => engine.dispatcher.dispatch(incoming));
    const hang = (): Promise<void> => wait(seconds === undefined ? Infinity : seconds * 1000);
    return { cut, hang, wire: wireOf(method, answer) };
  };

  return {
    url: URL_IN_PROCESS,
    environment: environmentOf(URL_IN_PROCESS, tenant, keys),
    httpClient: { sendRequest: (request) => sendRequest(asked, request) },
    fetch: (input, init) => fetched(asked, new Request(input, init)),
    close: () => engine.close(),
  };
}

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly header: (name: string) => string | undefined;
  readonly headerNames: () => string[];
  readonly bytes: Buffer;
}

interface Outcome {
  readonly cut: 'reset' | 'truncate' | 'hang' | undefined;
  /** Over when a hanging connection is cut. */
  readonly hang: () => Promise<void>;
  readonly wire: Wire;
}

type Ask = (asked: Asked) => Promise<Outcome>;

const sendRequest: (ask: Ask, request: PipelineRequest) => ReturnType<HttpClient['sendRequest']> = async (
  ask,
  request,
) => {
  const { method, url, headers } = request;
  const header = (name: string): string | undefined => headers.get(name);
  const headerNames = (): string[] => Object.keys(headers.toJSON());
  const outcome = await ask({ method, url, header, headerNames, bytes: bytesOf(request) });
  const broken = (): RestError => new RestError('socket hang up', { code: 'ECONNRESET', request }); // what Node's own client says of a cut connection
  if (outcome.cut === 'hang') await hung(request.abortSignal, outcome, request.timeout);
  if (outcome.cut !== undefined) throw broken();
  const { status, content } = outcome.wire;
  return {
    request,
    status,
    headers: createHttpHeaders(outcome.wire.headers),
    bodyAsText: Buffer.from(content).toString('utf8'),
  };
};

function bytesOf({ body, url }: PipelineRequest): Buffer {
  if (body === undefined || body === null) return Buffer.alloc(0);
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof ArrayBuffer) return Buffer.from(body);
  if (ArrayBuffer.isView(body)) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  throw new Error(
    `The body of the request to ${url} is a stream, which the simulated Azure in this process cannot read.`,
  );
}

async function fetched(ask: Ask, request: Request): Promise<Response> {
  const header = (name: string): string | undefined => request.headers.get(name) ?? undefined;
  const { method, url, signal } = request;
  const headerNames = (): string[] => [...request.headers.keys()];
  const bytes = Buffer.from(await request.arrayBuffer());
  const outcome = await ask({ method, url, header, headerNames, bytes });
  if (outcome.cut === 'hang') await hung(signal, outcome, 0);
  if (outcome.cut !== undefined)
    throw new TypeError('fetch failed', { cause: Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }) });
  const { status, headers, content } = outcome.wire;
  return new Response(content.length === 0 ? null : Buffer.from(content), { status, headers });
}

interface Signal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
}

/** Infinity never ends. */
const timer = (ms: number): Promise<void> =>
  new Promise((resolve) => void (ms === Infinity || setTimeout(resolve, ms).unref()));

/** Waits until the client gives up, or the connection is cut. */
function hung(signal: Signal | undefined, { hang }: Outcome, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new DOMException('The operation was aborted.', 'AbortError'));
    if (signal?.aborted === true) giveUp();
    signal?.addEventListener('abort', giveUp);
    if (timeoutMs > 0) setTimeout(giveUp, timeoutMs).unref();
    void hang().then(resolve, reject);
  });
}
