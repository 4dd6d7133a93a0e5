/** What the two servers answer: the web server the app, its webhooks and the admin calls; the RPC server the durable client. */
import { type AppFunctions } from '../app/functions';
import { isOneOf } from '../keys';
import { stackOf } from '../log';
import { type ApiOptions } from './apiCall';
import { durableApi } from './durableApi';
import { eventGrid } from './eventGrid';
import {
  type Answerer,
  empty,
  type Handler,
  type Head,
  json,
  type Reply,
  type Request,
  shownKey,
  text,
  whole,
} from './exchange';
import { httpFunctions, type HttpOptions, httpTriggers } from './httpTrigger';
import { WEBHOOK_PATH } from './urls';

export const RPC_PATH = '/durabletask';

type Api = Omit<ApiOptions, 'isRpc'>;
interface WebOptions extends HttpOptions {
  readonly api: Api;
  readonly functions: AppFunctions;
  /** Runs a timer by hand. */
  readonly runTimer: (name: string) => Promise<void>;
}

/** What follows a base path, or undefined when the path is not below it. Azure does not look at the case. */
function below(path: string, base: string): string | undefined {
  const inside = path.toLowerCase().startsWith(base.toLowerCase()) && ['', '/'].includes(path.charAt(base.length));
  return inside ? path.slice(base.length) : undefined;
}

export const rpcHandler = (api: Api): Answerer => {
  const answer = rpcAnswers(api);
  return whole((request) => (isOwnClient(request) ? answer(request) : empty(403)));
};

/** The same for requests that come by no socket: there is no stranger to keep out. */
export const rpcAnswers =
  (api: Api): Handler =>
  (request) => {
    const path = below(request.url.pathname, RPC_PATH);
    return path === undefined ? empty(404) : durableApi({ ...api, isRpc: true }, request, path);
  };

/**
 * There is no key here, so a page in a browser must not get through: only browsers send an origin, and a page whose
 * own name was made to lead to this machine sends that name as the host.
 */
const isOwnClient = ({ headers, url }: Request): boolean =>
  headers.origin === undefined && [url.host, `localhost:${url.port}`].includes(headers.host ?? '');

export function webHandler(options: WebOptions): Answerer {
  const own = ownHandlers(options);
  const triggers = httpTriggers(options);
  return (exchange) => {
    const found = handlerOf(own, exchange.head);
    return (found === undefined ? triggers : whole(found))(exchange);
  };
}

/** The same for requests that come by no socket. */
export function webAnswers(options: Omit<WebOptions, 'streamPort'>): Handler {
  const own = ownHandlers(options);
  const functions = httpFunctions(options);
  return (request) => (handlerOf(own, request) ?? functions)(request);
}

type OwnHandlers = readonly (readonly [base: string, answer: Handler])[];
const handlerOf = (own: OwnHandlers, { url }: Head): Handler | undefined =>
  own.find(([base]) => below(url.pathname, base) !== undefined)?.[1];

function ownHandlers(options: Omit<WebOptions, 'streamPort'>): OwnHandlers {
  const { api, functions, keys, log } = options;
  const grid = eventGrid(functions.withTrigger('eventGridTrigger'), keys, log);
  const durableKeys = [keys.systemKeys.durabletask_extension, keys.masterKey];
  const durable: Handler = (request) => {
    if (!isOneOf(shownKey(request), durableKeys)) return empty(401, { 'WWW-Authenticate': 'Bearer' });
    return durableApi({ ...api, isRpc: false }, request, below(request.url.pathname, WEBHOOK_PATH) ?? '');
  };
  return [
    [WEBHOOK_PATH, durable],
    ['/runtime/webhooks/eventgrid', grid],
    ['/admin', (request) => admin(request, options)],
  ];
}

function admin(request: Request, options: Omit<WebOptions, 'streamPort'>): Reply {
  const path = request.url.pathname.toLowerCase();
  if (path === '/admin/host/status') return json(200, { state: 'Running' });
  if (!isOneOf(shownKey(request), [options.keys.masterKey])) return empty(401);
  const name = /^\/admin\/functions\/([^/]+)\/?$/.exec(path)?.[1];
  const target = options.functions.all.find((one) => encodeURIComponent(one.name).toLowerCase() === name);
  if (!target || request.method !== 'POST') return empty(404);
  if (NOT_BY_HAND.test(target.trigger.type))
    return text(400, `A function with the trigger '${target.trigger.type}' cannot be run by hand.`);
  void runByHand(request, target, options);
  return empty(202);
}
/** They need more than a value: a request, or a history. */
const NOT_BY_HAND = /^(?:http|orchestration|entity)Trigger$/i;

/** `{"input": …}` is the trigger's value, as with Azure's own call; a timer makes its own. */
async function runByHand(
  request: Request,
  target: AppFunctions['all'][number],
  options: Omit<WebOptions, 'streamPort'>,
): Promise<void> {
  const { log, runTimer } = options;
  if (/^timerTrigger$/i.test(target.trigger.type)) return runTimer(target.name);
  const input = readInput(request.body.toString('utf8'));
  const data =
    input === undefined ? {} : typeof input === 'string' ? { string: input } : { json: JSON.stringify(input) };
  const answer = await target.invoke({ data, metadata: {} });
  if (!answer.ok) log('error', target.name, `failed: ${stackOf(answer.error)}`);
}

function readInput(body: string): unknown {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null && 'input' in parsed ? parsed.input : undefined;
  } catch {
    return undefined;
  }
}
