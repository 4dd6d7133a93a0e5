/** The simulated appliances of a tenant, with their console and the way to them, behind one port. */
import { createServer } from 'node:http';
import { Socket } from 'node:net';
import { Azure, overHttp } from './azure';
import { agentRuns } from './agent';
import { agentPath, serveConsole } from './console';
import { defaults, Network, type NetworkOptions } from './network';
import { inFolder, Store } from './store';

export interface ApplianceOptions extends Partial<NetworkOptions> {
  /** Origin of the simulated Azure. */
  readonly azure: string;
  /** PEM of the authority behind its certificate; not needed where NODE_EXTRA_CA_CERTS names it. */
  readonly ca?: string | undefined;
  /** Folder of what is remembered. */
  readonly state: string;
  /** 0 for any. */
  readonly port: number;
}

/** Listens on the loopback address only. `close` cuts open sessions. */
export async function startAppliances(
  options: ApplianceOptions,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const { azure, ca, state, port, ...network } = options;
  const store = new Store(inFolder(state));
  const cloud = new Azure(azure, overHttp(ca));
  const way = new Network(cloud, store, { ...defaults, ...network });
  const sockets = new Set<Socket>();

  const server = createServer((request, response) => {
    serveConsole(store, cloud, request, response).catch(() => response.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('connect', (request, socket, head) => {
    // A Duplex by its type; Node hands over the net.Socket that the request came by.
    if (socket instanceof Socket) way.connect(request, socket, head).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });

  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : port}`;
  await cloud.executes(`${url}${agentPath}`, agentRuns);
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
