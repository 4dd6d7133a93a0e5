import { type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { text as textOf } from 'node:stream/consumers';
import { randomUUID } from '../random';
import { AzureError } from './errors';
import { type Dispatcher, type Outcome } from './dispatch';

const LARGEST_BODY = 4 * 1024 * 1024;

/** Listens on the loopback address only. `use` is called before the first request can arrive. */
export async function listen(
  port: number,
  tls: { key: string; cert: string },
  use: (origin: string) => Dispatcher,
): Promise<Server> {
  const server = createServer({ ...tls, keepAlive: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  const dispatcher = use(`https://127.0.0.1:${address.port}`);
  server.on('request', (request, response) => {
    serve(dispatcher, request, response).catch((error: unknown) => {
      console.error('The simulated Azure could not answer:', error);
      request.socket.destroy();
    });
  });
  return server;
}

async function serve(dispatcher: Dispatcher, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const outcome = await dispatcher.dispatch({
    method: request.method ?? 'GET',
    url: request.url ?? '/',
    header: (name) => {
      const value = request.headers[name.toLowerCase()];
      return Array.isArray(value) ? value[0] : value;
    },
    body: () => readBody(request),
  });
  if (outcome === 'reset') request.socket.destroy();
  else send(request, response, outcome);
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, body, headers = {} }: Exclude<Outcome, 'reset'>,
): void {
  const id = randomUUID();
  const text = body === undefined || request.method === 'HEAD' ? '' : JSON.stringify(body);
  response.writeHead(status, {
    'Cache-Control': 'no-cache',
    'x-ms-request-id': id,
    'x-ms-correlation-request-id': id,
    'request-id': id,
    ...(text === '' ? {} : { 'Content-Type': 'application/json; charset=utf-8' }),
    'Content-Length': String(Buffer.byteLength(text)),
    ...headers,
  });
  response.end(text);
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  if (Number(request.headers['content-length'] ?? 0) > LARGEST_BODY) {
    throw new AzureError(413, 'RequestContentTooLarge', 'The request content is too large.');
  }
  const text = await textOf(request);
  if (text === '') return undefined;
  if (request.headers['content-type']?.includes('form-urlencoded') === true)
    return Object.fromEntries(new URLSearchParams(text));
  try {
    return JSON.parse(text);
  } catch {
    throw new AzureError(
      400,
      'InvalidRequestContent',
      'The request content was invalid and could not be deserialized: it is not JSON.',
    );
  }
}
