/** The appliances and their console in this process, without a socket: everything in memory, PINs from a seed. */
import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { Azure, by } from './azure';
import { askConsole } from './console';
import { defaults, Network, type NetworkOptions } from './network';
import { inMemory, Store } from './store';

interface InProcessOptions extends Partial<NetworkOptions> {
  /** Origin of the simulated Azure, and the way to it. */
  readonly azure: string;
  readonly fetch: typeof fetch;
  readonly seed: string;
}

interface InProcessAppliances {
  /** Opens the stream that SSH runs over, where Azure's network would let it through. */
  readonly connect: (host: string, port: number) => Promise<Duplex>;
  /** Asks the console; the host in the URL does not matter. */
  readonly console: typeof fetch;
}

export function appliancesInProcess({ azure, fetch, seed, ...network }: InProcessOptions): InProcessAppliances {
  const store = new Store(inMemory(), seeded(seed));
  const way = new Network(new Azure(azure, by(fetch)), store, { ...defaults, ...network });
  return {
    connect: (host, port) => way.open(host, port),
    console: async (input, init) => {
      const request = new Request(input, init);
      const { pathname } = new URL(request.url);
      const { status, body } = askConsole(store, request.method, pathname, await request.text());
      return Response.json(body, { status });
    },
  };
}

/** Bytes from a seed: of each SHA-256 of the seed and a counter the first ones. */
function seeded(seed: string): (size: number) => Buffer {
  let count = 0;
  return (size) => createHash('sha256').update(`${seed}\0${count++}`).digest().subarray(0, size);
}
