/** An HTTP server on the loopback address in front of one handler. */
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type Log, messageOf } from '../log';
import { empty, type Handler, readRequest, writeReply } from './exchange';

export interface RunningServer {
  readonly port: number;
  readonly origin: string;
  /** Takes no further requests, and waits a little for those that are being answered. May be called twice. */
  close(): Promise<void>;
}

/** Binds 127.0.0.1 only. @param port 0 for any that is free. @throws if it is in use */
export async function listen(port: number, log: Log, handler: Handler): Promise<RunningServer> {
  let origin = '';
  const server = createServer((incoming, response) => {
    void (async () => {
      const request = await readRequest(incoming, origin);
      writeReply(response, await handler(request));
    })().catch((error: unknown) => {
      log(
        'error',
        'http',
        `${incoming.method ?? ''} ${(incoming.url ?? '').split('?')[0] ?? ''} failed: ${messageOf(error)}`,
      );
      if (!response.headersSent) writeReply(response, empty(500));
      else response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address() as AddressInfo; // a TCP server that listens has one
  origin = `http://127.0.0.1:${address.port}`;
  return {
    port: address.port,
    origin,
    close: () => close(server),
  };
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
