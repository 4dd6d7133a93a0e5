/** What the two servers answer: the web server the app, its webhooks and the admin calls; the RPC server the durable client. */
import { type AppFunctions } from '../app/functions';
import { isOneOf, type Keys } from '../keys';
import { type Log, messageOf } from '../log';
import { runTimer } from '../timers';
import { type ApiOptions } from './apiCall';
import { durableApi } from './durableApi';
import { eventGrid } from './eventGrid';
import { empty, type Handler, json, type Reply, type Request, shownKey } from './exchange';
import { type HttpRoute, httpTriggers } from './httpTrigger';
import { WEBHOOK_PATH } from './urls';

export const RPC_PATH = '/durabletask';

type Api = Omit<ApiOptions, 'isRpc'>;
interface WebOptions {
  readonly api: Api;
  readonly functions: AppFunctions;
  readonly routes: readonly HttpRoute[];
  readonly keys: Keys;
  readonly log: Log;
}

/** What follows a base path, or undefined when the path is not below it. Azure does not look at the case. */
function below(path: string, base: string): string | undefined {
  const inside = path.toLowerCase().startsWith(base.toLowerCase()) && ['', '/'].includes(path.charAt(base.length));
  return inside ? path.slice(base.length) : undefined;
}

export function rpcHandler(api: Api): Handler {
  return (request) => {
    // There is no key here, so a page in a browser must not get through: only browsers send an origin.
    if (request.headers.origin !== undefined) return empty(403);
    const path = below(request.url.pathname, RPC_PATH);
    return path === undefined ? empty(404) : durableApi({ ...api, isRpc: true }, request, path);
  };
}

export function webHandler({ api, functions, routes, keys, log }: WebOptions): Handler {
  const triggers = httpTriggers(routes, keys, log);
  const grid = eventGrid(functions.withTrigger('eventGridTrigger'), keys, log);
  const durableKeys = [keys.systemKeys.durabletask_extension, keys.masterKey];
  return (request) => {
    const { pathname } = request.url;
    const durablePath = below(pathname, WEBHOOK_PATH);
    if (durablePath !== undefined) {
      if (!isOneOf(shownKey(request), durableKeys)) return empty(401, { 'WWW-Authenticate': 'Bearer' });
      return durableApi({ ...api, isRpc: false }, request, durablePath);
    }
    if (below(pathname, '/runtime/webhooks/eventgrid') !== undefined) return grid(request);
    const adminPath = below(pathname, '/admin');
    if (adminPath !== undefined) return admin(request, adminPath, functions, keys, log);
    return triggers(request) ?? empty(404);
  };
}

function admin(request: Request, path: string, functions: AppFunctions, keys: Keys, log: Log): Reply {
  if (path.toLowerCase() === '/host/status') return json(200, { state: 'Running' });
  if (!isOneOf(shownKey(request), [keys.masterKey])) return empty(401);
  const name = /^\/functions\/([^/]+)$/i.exec(path)?.[1];
  const target = functions.all.find((one) => one.name.toLowerCase() === decodeURIComponent(name ?? '').toLowerCase());
  if (!target || request.method !== 'POST') return empty(404);
  void runByHand(request, target, log);
  return empty(202);
}

/** `{"input": …}` is the trigger's value, as with Azure's own call; a timer makes its own. */
async function runByHand(request: Request, target: AppFunctions['all'][number], log: Log): Promise<void> {
  if (/^timerTrigger$/i.test(target.trigger.type)) return runTimer(target, undefined, log);
  const input = readInput(request.body.toString('utf8'));
  const answer = await target.invoke({
    data: input === undefined ? {} : { json: JSON.stringify(input) },
    metadata: {},
  });
  if (!answer.ok) log('error', target.name, `failed: ${messageOf(answer.error)}`);
}

function readInput(body: string): unknown {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null && 'input' in parsed ? parsed.input : undefined;
  } catch {
    return undefined;
  }
}
