/** An HTTP server on the loopback address in front of one handler. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type Log, stackOf } from '../log';
import { type Answerer, empty, readHead, writeReply } from './exchange';

export interface RunningServer {
  readonly port: number;
  readonly origin: string;
  /** Takes no further requests, and waits a little for those that are being answered. May be called twice. */
  close(): Promise<void>;
}

/** Binds 127.0.0.1 only. @param port 0 for any that is free. @throws if it is in use */
export async function listen(port: number, log: Log, answer: Answerer): Promise<RunningServer> {
  let origin = '';
  const server = createServer((incoming, response) => {
    const head = readHead(incoming, origin);
    if (!head) return writeReply(response, empty(400));
    answer({ head, incoming, response }).catch((error: unknown) => {
      // A caller that went away is no failure of the host.
      if (!response.closed) log('error', 'http', `${head.method} ${head.url.pathname} failed: ${stackOf(error)}`);
      fail(incoming, response);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address() as AddressInfo; // a TCP server that listens has one
  origin = `http://127.0.0.1:${address.port}`;
  return { port: address.port, origin, close: () => close(server) };
}

/** 500, or a cut where the answer has begun. */
export function fail(incoming: IncomingMessage, response: ServerResponse): void {
  if (response.headersSent) incoming.socket.destroy();
  else {
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    writeReply(response, empty(500));
  }
}

/** How long a request that is being answered may still take. */
const GRACE_MS = 2_000;

async function close(server: Server): Promise<void> {
  const cutOff = setTimeout(() => server.closeAllConnections(), GRACE_MS);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearTimeout(cutOff);
}
