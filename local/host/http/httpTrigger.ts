/** HTTP-triggered functions: which function a request is for, its keys, and the way to the function whole or as a stream. */
import { z } from 'zod';
import { type AppFunction } from '../app/functions';
import { AppError } from '../appError';
import { resolveSettings } from '../config';
import { isOneOf, type Keys } from '../keys';
import { type Log, messageOf, stackOf } from '../log';
import {
  type Answerer,
  empty,
  type Handler,
  type Head,
  type Reply,
  type Request,
  shownKey,
  whole,
  writeReply,
} from './exchange';
import { requestData, toReply } from './httpData';
import { streamTo } from './httpStream';
import { parseRoute, type RouteTemplate } from './routes';

const triggerSchema = z.looseObject({
  route: z.string().optional(),
  methods: z.array(z.string().transform((method) => method.toUpperCase())).optional(),
  authLevel: z
    .string()
    .transform((level) => level.toLowerCase())
    .pipe(z.enum(['anonymous', 'function', 'admin']))
    .default('function'),
});

export interface HttpRoute {
  readonly name: string;
  /** Undefined for all. */
  readonly methods: readonly string[] | undefined;
  /** With the prefix, in Azure's spelling. */
  readonly path: string;
  readonly template: RouteTemplate;
  readonly authLevel: 'anonymous' | 'function' | 'admin';
  readonly invoke: AppFunction['invoke'];
}
/** What the host keeps to itself, as on Azure. */
const RESERVED = /^\/(?:admin|runtime)(?:\/|$)/i;

/** The one that wins comes first. @throws AppError for a trigger that cannot be served */
export function httpRoutes(functions: readonly AppFunction[], prefix: string): HttpRoute[] {
  const routes = functions.map(({ name, trigger, invoke }) => {
    try {
      const { route, methods, authLevel } = triggerSchema.parse(trigger);
      const path = [prefix, resolveSettings(route || name)]
        .map((part) => part.replaceAll(/^\/+|\/+$/g, ''))
        .filter(Boolean)
        .join('/');
      if (RESERVED.test(`/${path}`)) throw new AppError(`The route '${path}' belongs to the host itself.`);
      return { name, methods, path: `/${path}`, template: parseRoute(path), authLevel, invoke };
    } catch (error) {
      throw new AppError(`Function '${name}': ${messageOf(error)}`);
    }
  });
  refuseConflict(routes);
  return routes.sort((one, other) => one.template.precedence.localeCompare(other.template.precedence));
}

/** Azure does not load the second function of a route and method, and only its log says so. */
function refuseConflict(routes: readonly HttpRoute[]): void {
  const share = (one: HttpRoute, other: HttpRoute): boolean =>
    one.path.toLowerCase() === other.path.toLowerCase() &&
    (!one.methods?.length || !other.methods?.length || one.methods.some((method) => other.methods?.includes(method)));
  for (const [index, route] of routes.entries()) {
    const first = routes.slice(0, index).find((other) => share(route, other));
    if (first)
      throw new AppError(`Function '${route.name}': The route '${route.path}' belongs to function '${first.name}'.`);
  }
}

export interface HttpOptions {
  readonly routes: readonly HttpRoute[];
  /** The port of the app's own server, where the app asked for streams. */
  readonly streamPort: number | undefined;
  readonly keys: Keys;
  readonly log: Log;
}

/** Answers for the functions; 404 when there is none, as Azure does for a wrong method too. */
export function httpTriggers({ routes, streamPort, keys, log }: HttpOptions): Answerer {
  return async (exchange) => {
    const { head, response } = exchange;
    const found = find(routes, head);
    if (!found) return writeReply(response, empty(404));
    const { route, params } = found;
    if (!mayCall(route, head, keys)) return writeReply(response, empty(401));
    if (streamPort !== undefined) return streamTo(streamPort, route, params, exchange, log);
    return whole((request) => run(route, request, params, log))(exchange);
  };
}

/** The same for a request that is there whole, as all are where there is no socket: nothing is streamed then. */
export const httpFunctions =
  ({ routes, keys, log }: Omit<HttpOptions, 'streamPort'>): Handler =>
  (request) => {
    const found = find(routes, request);
    if (!found) return empty(404);
    return mayCall(found.route, request, keys) ? run(found.route, request, found.params, log) : empty(401);
  };

function find(routes: readonly HttpRoute[], { method, url }: Head) {
  for (const route of routes) {
    if (route.methods && !route.methods.includes(method)) continue;
    const params = route.template.match(url.pathname);
    if (params) return { route, params };
  }
  return undefined;
}

async function run(
  { name, invoke }: HttpRoute,
  request: Request,
  params: Readonly<Record<string, string>>,
  log: Log,
): Promise<Reply> {
  const answer = await invoke({ data: { http: requestData(request, params) }, metadata: {} });
  if (!answer.ok) {
    log('error', name, `failed: ${stackOf(answer.error)}`);
    return empty(500);
  }
  // A function that returns nothing answers 204, as on Azure.
  return answer.value?.http ? toReply(answer.value.http) : empty(204);
}

function mayCall({ name, authLevel }: HttpRoute, head: Head, keys: Keys): boolean {
  if (authLevel === 'anonymous') return true;
  const functionKeys = [keys.functionKeys, keys.functions[name] ?? {}].flatMap((some) => Object.values(some));
  return isOneOf(shownKey(head), [keys.masterKey, ...(authLevel === 'function' ? functionKeys : [])]);
}
