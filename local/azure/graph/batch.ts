import findMyWay, { type HTTPVersion } from 'find-my-way';
import { z } from 'zod';
import { type Azure } from '../azure';
import { innerError } from '../http/authenticate';
import { type Answer, type Call, ok, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { normalisePath } from '../http/paths';
import { graphBadRequest } from './errors';

const MOST = 20;

const one = z.looseObject({
  id: z.string().min(1),
  method: z.string(),
  url: z.string(),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.unknown().optional(),
  dependsOn: z.array(z.string()).default([]),
});
type One = z.infer<typeof one>;

const METHODS = ['GET', 'POST', 'PATCH', 'PUT', 'DELETE'] as const;

interface Response {
  readonly id: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** `$batch`: up to twenty requests of Graph in one, each with an answer of its own. */
export function batchRoute(azure: Azure, routes: readonly Route[]): Route {
  const router = findMyWay<HTTPVersion.V1>({ caseSensitive: false, maxParamLength: 1000 });
  const byStore = new Map<unknown, Route>();
  for (const route of routes) {
    router.on(route.method, route.path, () => undefined, route);
    byStore.set(route, route);
  }
  const answer = (call: Call, asked: One): Answer => {
    const path = normalisePath(`/v1.0/${asked.url.replace(/^\//, '')}`);
    const method = METHODS.find((known) => known === asked.method.toUpperCase());
    const match = method === undefined ? null : router.find(method, path);
    const route = byStore.get(match?.store);
    if (match === null || route?.api !== 'graph')
      throw graphBadRequest(`Invalid batch payload format: '${asked.url}'.`);
    return route.handle(inner(call, asked, path, match.params));
  };
  return { method: 'POST', path: '/v1.0/$batch', api: 'graph', handle: (call) => run(azure, call, answer) };
}

function inner(call: Call, asked: One, path: string, params: Readonly<Record<string, string | undefined>>): Call {
  const query = new URLSearchParams(asked.url.split('?', 2)[1] ?? '');
  const header = Object.entries(asked.headers);
  const found = (all: readonly (readonly [string, string])[], name: string): string | undefined =>
    all.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
  return {
    ...call,
    method: asked.method.toUpperCase(),
    path,
    params: Object.fromEntries(
      Object.entries(params).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    ),
    query: (name) => found([...query], name),
    header: (name) => found(header, name),
    body: asked.body,
  };
}

function run(azure: Azure, call: Call, answer: (call: Call, asked: One) => Answer): Answer {
  const parsed = z.looseObject({ requests: z.array(one).min(1) }).safeParse(call.body);
  if (!parsed.success) throw new AzureError(400, 'BadRequest', 'Invalid batch payload format.');
  const { requests } = parsed.data;
  if (requests.length > MOST)
    throw new AzureError(400, 'BadRequest', `Number of batch request steps exceeds the maximum value of ${MOST}.`);
  if (new Set(requests.map(({ id }) => id)).size < requests.length)
    throw new AzureError(400, 'BadRequest', 'Request Id is duplicated in the batch payload.');
  const done = new Map<string, Response>();
  for (const asked of requests) done.set(asked.id, respond(azure, call, asked, done, answer));
  return ok({ responses: [...done.values()] });
}

const headers = { 'Content-Type': 'application/json' };

function respond(
  azure: Azure,
  call: Call,
  asked: One,
  done: ReadonlyMap<string, Response>,
  answer: (call: Call, asked: One) => Answer,
): Response {
  const { id } = asked;
  const refused = (error: AzureError): Response => ({
    id,
    status: error.status,
    headers: { ...headers, ...error.extra.headers },
    body: {
      error: {
        code: error.code,
        message: error.message,
        ...error.extra.members,
        innerError: innerError(azure.now()),
      },
    },
  });
  if (asked.dependsOn.some((before) => (done.get(before)?.status ?? 400) >= 400))
    return refused(new AzureError(424, 'FailedDependency', 'A request that this one depends on has failed.'));
  try {
    const { status, body } = answer(call, asked);
    return { id, status, headers, ...(body === undefined ? {} : { body }) };
  } catch (error) {
    if (error instanceof AzureError) return refused(error);
    throw error;
  }
}
