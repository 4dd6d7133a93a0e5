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
 * A world binds them seconds later, and again after a kill. Until this process ends, its hold on the port before them
 * keeps away every other that chooses in this way.
 */
export async function freePorts(): Promise<Ports> {
  for (;;) {
    const first = LOWEST_PORT + BLOCK * Math.floor(Math.random() * BLOCKS);
    if (!(await isHeld(first))) continue;
    const [host, azure, appliance] = [first + 1, first + 2, first + 3];
    const free = await Promise.all([host, azure, appliance].map(isFree));
    if (free.every(Boolean)) return { host, azure, appliance };
  }
}
const LOWEST_PORT = 20_000;
const BLOCK = 4;
const BLOCKS = 3_000;

/** Holds the port for as long as the process lives, which it does not prolong; false where another has it. */
const isHeld = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => {
        server.unref();
        resolve(true);
      });
  });
