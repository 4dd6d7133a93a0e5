/** The way to the appliances: a CONNECT proxy that lets through what Azure's network would let through, and no more. */
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import ipaddr from 'ipaddr.js';
import { keyOf, type Azure } from './azure';
import type { Machine } from './setupScript';
import { serveSsh } from './sshServer';
import type { Store } from './store';
import { streamPair } from './streamPair';

export interface NetworkOptions {
  /** The address that the app's connections come from, as the security rules see it. */
  readonly appAddress: string;
  /** The app's address in a network that reaches the appliances' own; undefined where it has none. */
  readonly appPrivateAddress: string | undefined;
  /** A connection that Azure's network drops is never answered; the proxy gives up for the client after this long. */
  readonly dropSeconds: number;
  /** How long after its start a VM's SSH server is not up yet. */
  readonly bootSeconds: number;
  /** What `--ask-extra` says; a VM's tag can ask too. */
  readonly askExtra: string | undefined;
}

export const defaults: NetworkOptions = {
  appPrivateAddress: undefined,
  appAddress: '203.0.113.10',
  dropSeconds: 5,
  bootSeconds: 20,
  askExtra: undefined,
};

const sshPort = 22;
const extraPromptTag = 'simulator-extra-prompt';

type Route = 'dropped' | 'refused' | Machine;

export class Network {
  readonly #azure: Azure;
  readonly #store: Store;
  readonly #options: NetworkOptions;

  constructor(azure: Azure, store: Store, options: NetworkOptions) {
    this.#azure = azure;
    this.#store = store;
    this.#options = options;
  }

  /** Serves one CONNECT request. A stream once let through stays: security rules do not cut established flows. */
  async connect({ url = '' }: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    const [, address, port] = /^\[?([^\]]+)\]?:(\d+)$/.exec(url) ?? [];
    if (address === undefined) return answer(socket, 400);
    const route = await this.#route(address, Number(port)).catch((): Route => 'refused');
    if (route === 'refused') return answer(socket, 502);
    if (route === 'dropped') {
      const timer = setTimeout(() => answer(socket, 504), this.#options.dropSeconds * 1_000);
      socket.once('close', () => clearTimeout(timer)).resume();
      return;
    }
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (head.length > 0) socket.unshift(head);
    serveSsh(socket, this.#store.hostKey(keyOf(route.vm)), route);
  }

  /**
   * A stream to an appliance, without a socket. What the network would drop or refuse is an error here, as it would be
   * to who comes through the proxy.
   */
  async open(address: string, port: number): Promise<Duplex> {
    const route = await this.#route(address, port).catch((): Route => 'refused');
    if (route === 'dropped') {
      const { dropSeconds } = this.#options;
      await new Promise((resolve) => setTimeout(resolve, dropSeconds * 1_000));
      throw new Error(`no answer within ${dropSeconds} s`);
    }
    if (route === 'refused') throw new Error('the connection was refused');
    const [near, far] = streamPair();
    serveSsh(far, this.#store.hostKey(keyOf(route.vm)), route);
    return near;
  }

  async #route(address: string, port: number): Promise<Route> {
    const { appAddress, appPrivateAddress, bootSeconds, askExtra, dropSeconds } = this.#options;
    // To a private address there is no way from the internet.
    const source = ipaddr.process(address).range() === 'private' ? appPrivateAddress : appAddress;
    if (source === undefined) return 'dropped';
    const reached = await this.#azure.reach(address, port, source);
    const vm = reached?.allowed ? await this.#azure.vm(reached.vmId) : undefined;
    if (vm === undefined) return 'dropped';
    const booted = vm.powerState === 'running' && Date.now() - vm.startedAt >= bootSeconds * 1_000;
    if (!booted || port !== sshPort) return 'refused';
    const extraPrompt = vm.tags?.[extraPromptTag] ?? askExtra;
    return { azure: this.#azure, store: this.#store, vm, address, extraPrompt, dropSeconds };
  }
}

function answer(socket: Socket, status: number): void {
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\n\r\n`);
}
