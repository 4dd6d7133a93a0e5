/** HTTP-triggered functions: routes, keys, and the way between HTTP and the worker's messages (contract 11, HTTP). */
import FindMyWay, { type HTTPMethod } from 'find-my-way';
import { z } from 'zod';
import { type AppFunction } from '../app/functions';
import { type HttpCookie, type HttpData } from '../app/coreTypes';
import { AppError } from '../app/loadApp';
import { resolveSettings } from '../config';
import { isOneOf, type Keys } from '../keys';
import { type Log, messageOf } from '../log';
import { empty, type Reply, type Request, shownKey } from './exchange';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] as const satisfies HTTPMethod[];

const triggerSchema = z.looseObject({
  route: z.string().optional(),
  methods: z
    .array(
      z
        .string()
        .transform((method) => method.toUpperCase())
        .pipe(z.enum(METHODS)),
    )
    .optional(),
  authLevel: z.enum(['anonymous', 'function', 'admin']).default('anonymous'),
});

export interface HttpRoute {
  readonly name: string;
  readonly methods: readonly HTTPMethod[];
  /** With the prefix, in Azure's spelling. */
  readonly path: string;
  readonly authLevel: 'anonymous' | 'function' | 'admin';
  readonly invoke: AppFunction['invoke'];
}

/** @throws AppError for a trigger that cannot be served */
export function httpRoutes(functions: readonly AppFunction[], prefix: string): HttpRoute[] {
  return functions.map(({ name, trigger, invoke }) => {
    const parsed = triggerSchema.safeParse(trigger);
    if (!parsed.success) throw new AppError(`Function ${name}: ${z.prettifyError(parsed.error)}`);
    const { route, methods = ['GET', 'POST'], authLevel } = parsed.data;
    const path = `/${[prefix, resolveSettings(route ?? name)]
      .map((part) => part.replaceAll(/^\/+|\/+$/g, ''))
      .filter(Boolean)
      .join('/')}`;
    return { name, methods, path, authLevel, invoke };
  });
}

/** Azure's route as the router writes it: one for each number of optional segments that are there. */
function spellings({ path, name }: HttpRoute): string[] {
  const segments = path.split('/').filter(Boolean);
  const firstOptional = segments.findIndex((segment) => segment.endsWith('?}'));
  const required = firstOptional < 0 ? segments.length : firstOptional;
  const written = segments.map((segment) =>
    segment.replaceAll(
      /\{(\*{0,2})([^}:?]+)(:[^}]*?)?\??\}/g,
      (_, star: string, parameter: string, constraint?: string) => {
        if (constraint)
          throw new AppError(
            `Function ${name}: the route constraint '${constraint}' is not supported yet by the local host.`,
          );
        return star ? '*' : `:${parameter}`;
      },
    ),
  );
  return Array.from(
    { length: segments.length - required + 1 },
    (_, extra) => `/${written.slice(0, required + extra).join('/')}`,
  );
}

/** Finds the function for a request, checks its key and runs it. Undefined when no route matches. */
export function httpTriggers(
  routes: readonly HttpRoute[],
  keys: Keys,
  log: Log,
): (request: Request) => Promise<Reply> | undefined {
  const router = FindMyWay({ ignoreTrailingSlash: true, caseSensitive: false, ignoreDuplicateSlashes: true });
  for (const route of routes) {
    const catchAll = /\{\*{1,2}([^}?]+)\??\}/.exec(route.path)?.[1];
    for (const path of spellings(route)) {
      router.on([...route.methods], path, () => undefined, { route, catchAll });
    }
  }
  return (request) => {
    const method = METHODS.find((known) => known === request.method);
    const found = method && router.find(method, request.url.pathname);
    if (!found) return undefined;
    const { route, catchAll } = storedSchema.parse(found.store);
    const { '*': rest, ...named } = found.params;
    const params = catchAll === undefined ? named : { ...named, [catchAll]: rest };
    return run(route, request, params, keys, log);
  };
}
const storedSchema = z.object({ route: z.custom<HttpRoute>(), catchAll: z.string().optional() });

async function run(
  route: HttpRoute,
  request: Request,
  params: Readonly<Record<string, string | undefined>>,
  keys: Keys,
  log: Log,
): Promise<Reply> {
  if (!mayCall(route, request, keys)) return empty(401);
  const answer = await route.invoke({ data: { http: httpData(request, params) }, metadata: {} });
  if (!answer.ok) {
    log(
      'error',
      route.name,
      `failed: ${answer.error instanceof Error ? (answer.error.stack ?? answer.error.message) : messageOf(answer.error)}`,
    );
    return empty(500);
  }
  // A function that returns nothing answers 204, as on Azure.
  return answer.value?.http ? toReply(answer.value.http) : empty(204);
}

function mayCall({ authLevel }: HttpRoute, request: Request, keys: Keys): boolean {
  if (authLevel === 'anonymous') return true;
  const functionKeys = authLevel === 'function' ? Object.values(keys.functionKeys) : [];
  return isOneOf(shownKey(request), [keys.masterKey, ...functionKeys]);
}

const nullable = (values: Iterable<readonly [string, string]>): Record<string, { value: string }> =>
  Object.fromEntries([...values].map(([name, value]) => [name, { value }]));

/** The `nullable` maps, because the plain ones lose empty values. */
function httpData(
  { method, url, headers, body }: Request,
  params: Readonly<Record<string, string | undefined>>,
): HttpData {
  const names = [...new Set(url.searchParams.keys())];
  const present = Object.entries(params).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return {
    method,
    url: url.href,
    nullableHeaders: nullable(Object.entries(headers)),
    nullableQuery: nullable(names.map((name) => [name, url.searchParams.getAll(name).join(',')])),
    nullableParams: nullable(present),
    ...(body.length > 0 && { body: { bytes: body } }),
  };
}

/** The host frames the answer itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'connection']);

function toReply({ statusCode, headers = {}, cookies = [], body }: HttpData): Reply {
  const kept = Object.entries(headers).filter(([name]) => !OWN_HEADERS.has(name.toLowerCase()));
  const content = body?.bytes ?? body?.string ?? body?.json;
  return {
    status: Number(statusCode ?? 200),
    headers: Object.fromEntries(kept),
    cookies: cookies.map(cookieHeader),
    ...(content !== undefined && { body: typeof content === 'string' ? content : Buffer.from(content) }),
  };
}

function cookieHeader({ name, value, domain, path, expires, secure, httpOnly, sameSite, maxAge }: HttpCookie): string {
  const seconds = expires?.value?.seconds;
  const policy = sameSite === 'explicitNone' ? 'None' : sameSite === 'none' ? undefined : sameSite;
  const attributes: readonly [string, string | number | undefined][] = [
    ['Domain', domain?.value],
    ['Path', path?.value],
    ['Expires', seconds === undefined ? undefined : new Date(seconds * 1000).toUTCString()],
    ['Max-Age', maxAge?.value],
    ['SameSite', policy],
  ];
  const parts = attributes.flatMap(([attribute, one]) => (one === undefined ? [] : [`${attribute}=${one}`]));
  const flags = [secure?.value ? ['Secure'] : [], httpOnly?.value ? ['HttpOnly'] : []].flat();
  return [`${name}=${encodeURIComponent(value)}`, ...parts, ...flags].join('; ');
}
