/** Ports of the loopback address. */
import { createServer } from 'node:net';

export interface Ports {
  readonly host: number;
  readonly azure: number;
  readonly appliance: number;
}

/** Processes whose launcher was just killed still end in order. */
const GRACE_MS = 5_000;

/**
 * Waits a moment for a port, because processes whose launcher was just killed still end in order.
 * @throws when another program keeps it: often this one, started before
 */
export async function portIsFree(port: number): Promise<void> {
  for (const deadline = Date.now() + GRACE_MS; !(await isFree(port));) {
    if (Date.now() > deadline) {
      throw new Error(`Port ${port} is in use. Is this running already? End it, or choose another port (--help).`);
    }
    await pause(100);
  }
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Free ports for a world. They are below the range from which the system takes ports for outgoing connections and for
 * servers that leave the choice to it: one of those could otherwise take a port between a kill and the restart.
 */
export async function freePorts(): Promise<Ports> {
  const found: number[] = [];
  while (found.length < 3) {
    const port = LOWEST_PORT + Math.floor(Math.random() * PORTS);
    if (!found.includes(port) && (await isFree(port))) found.push(port);
  }
  const [host = 0, azure = 0, appliance = 0] = found;
  return { host, azure, appliance };
}
const LOWEST_PORT = 20_000;
const PORTS = 12_000;
