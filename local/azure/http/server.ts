import { type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { UserError } from '../userError';
import { AzureError } from './errors';
import { type Outcome } from '../simulator/struck';
import { type Dispatcher } from './dispatch';
import { readBody, wireOf } from './text';

const LARGEST_BODY = 4 * 1024 * 1024;

export interface BoundServer {
  readonly server: Server;
  /** `https://127.0.0.1:<port>` */
  readonly origin: string;
  /** From now on it answers. */
  use(tls: { key: string; cert: string }, dispatcher: Dispatcher): void;
}

/** Takes a port of the loopback address. Before `use`, a client that connects fails as if nobody were there. */
export async function bind(port: number): Promise<BoundServer> {
  // Node's five seconds are short of what a busy machine may pause: its next request would meet a closed connection.
  const server = createServer({ keepAlive: true, keepAliveTimeout: 120_000 });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(portError(port, error)));
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    server,
    origin: `https://127.0.0.1:${address.port}`,
    use: (tls, dispatcher) => {
      server.setSecureContext(tls);
      server.on('request', (request, response) => {
        serve(dispatcher, request, response).catch((error: unknown) => {
          console.error('The simulated Azure could not answer:', error);
          request.socket.destroy();
        });
      });
    },
  };
}

const portError = (port: number, error: Error): Error =>
  'code' in error && (error.code === 'EADDRINUSE' || error.code === 'EACCES')
    ? new UserError(
        `Port ${port} ${error.code === 'EACCES' ? 'may not be used' : 'is in use. Is this running already? End it'}, or choose another port with --port.`,
      )
    : error;

async function serve(dispatcher: Dispatcher, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const method = request.method ?? 'GET';
  const header = (name: string): string | undefined => {
    const value = request.headers[name.toLowerCase()];
    return Array.isArray(value) ? value[0] : value;
  };
  const outcome = await dispatcher.dispatch({
    method,
    url: request.url ?? '/',
    header,
    headerNames: () => Object.keys(request.headers),
    body: () => bodyOf(request, header),
  });
  send(request, response, outcome);
}

function send(request: IncomingMessage, response: ServerResponse, outcome: Outcome): void {
  if (outcome.cut === 'reset') {
    request.socket.destroy();
    return;
  }
  if (outcome.cut === 'hang') {
    if (outcome.seconds !== undefined) setTimeout(() => request.socket.destroy(), outcome.seconds * 1000).unref();
    return;
  }
  const { status, headers, content } = wireOf(request.method ?? 'GET', outcome);
  response.writeHead(status, headers);
  if (outcome.cut === 'truncate')
    response.write(content.slice(0, Math.ceil(content.length / 2)), () => request.socket.destroy());
  else response.end(content);
}

async function bodyOf(request: IncomingMessage, header: (name: string) => string | undefined): Promise<unknown> {
  const length = Number(request.headers['content-length'] ?? 0);
  if (length > LARGEST_BODY) throw new AzureError(413, 'RequestContentTooLarge', 'The request content is too large.');
  if (length === 0 && request.headers['transfer-encoding'] === undefined) return undefined;
  return readBody(await bytesOf(request), header);
}

const bytesOf = (request: IncomingMessage): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('error', reject);
    request.once('close', () => reject(new Error('The client hung up.')));
    request.once('end', () => resolve(Buffer.concat(chunks)));
  });
