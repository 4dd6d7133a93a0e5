/**
 * HTTP as a stream, for apps with `enableHttpStream`: the library has a server of its own, to which the real request
 * goes while the invocation tells it the rest; both carry the same id, in any order (contract 11, HTTP).
 */
import { randomUUID } from 'node:crypto';
import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import { pipeline } from 'node:stream';
import { type TypedData } from '../app/coreTypes';
import { type AppFunction } from '../app/functions';
import { type TriggerValue } from '../app/invoke';
import { type Log, stackOf } from '../log';
import { empty, type Exchange, type Head, writeReply } from './exchange';
import { queryOf } from './httpData';
import { fail } from './server';

const ID_HEADER = 'x-ms-invocation-id';
/** Between two neighbours only; Node sets its own. */
const HOP_HEADERS = ['connection', 'keep-alive', 'upgrade', 'expect'];
const ANSWER_HOP_HEADERS: ReadonlySet<string> = new Set([...HOP_HEADERS, 'transfer-encoding', ID_HEADER]);

/** Runs the function of a route, its request and its answer passing through. */
export async function streamTo(
  port: number,
  { name, invoke }: Pick<AppFunction, 'name' | 'invoke'>,
  params: Readonly<Record<string, string>>,
  { head, incoming, response }: Exchange,
  log: Log,
): Promise<void> {
  const invocationId = randomUUID();
  const forwarded = request({
    host: '127.0.0.1',
    port,
    agent: false,
    method: head.method,
    path: head.url.pathname + head.url.search,
    headers: forwardedHeaders(incoming.headers, head, invocationId),
  });
  const passed = pass(forwarded, incoming, response);
  const answer = await invoke(triggerValue(invocationId, head, params));
  if (!answer.ok) {
    // The library writes nothing then, or has stopped in the middle.
    log('error', name, `failed: ${stackOf(answer.error)}`);
    if (!response.closed) fail(incoming, response);
    forwarded.destroy();
    return;
  }
  if (!answer.isNothing) return passed;
  writeReply(response, empty(204));
  forwarded.destroy();
}

function forwardedHeaders(given: IncomingHttpHeaders, { url }: Head, invocationId: string): IncomingHttpHeaders {
  const kept = Object.entries(given).filter(([name]) => !HOP_HEADERS.includes(name));
  return {
    ...Object.fromEntries(kept),
    [ID_HEADER]: invocationId,
    'x-forwarded-host': url.host,
    'x-forwarded-proto': 'http',
  };
}

/** Each query and route value by itself: the library takes them all for `request.params`. */
function triggerValue(
  invocationId: string,
  { url, headers }: Head,
  params: Readonly<Record<string, string>>,
): TriggerValue {
  const query = queryOf(url);
  const values = Object.entries({ ...query, ...params }).map(([name, string]) => [name, { string }] as const);
  const metadata: Record<string, TypedData> = {
    ...Object.fromEntries(values),
    Headers: { json: JSON.stringify(headers) },
    Query: { json: JSON.stringify(query) },
  };
  return { invocationId, data: { http: {} }, metadata };
}

/** Resolves when the answer is through, or when either side is gone: then the other is let go too. */
function pass(forwarded: ClientRequest, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.once('close', () => {
      forwarded.destroy();
      resolve();
    });
    forwarded.once('response', (answer) => {
      const kept = Object.entries(answer.headers).filter(([name]) => !ANSWER_HOP_HEADERS.has(name));
      response.writeHead(answer.statusCode ?? 500, Object.fromEntries(kept));
      pipeline(answer, response, () => resolve());
    });
    // No pipeline: it would close the caller's connection before an answer could be given.
    forwarded.on('error', () => {
      if (!response.headersSent && !response.closed) fail(incoming, response);
    });
    forwarded.once('close', () => {
      incoming.unpipe(forwarded);
      incoming.resume();
    });
    // The function may answer before the first byte of the body is there.
    forwarded.flushHeaders();
    incoming.pipe(forwarded);
  });
}
