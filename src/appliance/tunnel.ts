/** TCP streams to an appliance: straight, or through an HTTP proxy by CONNECT. */
import { request } from 'node:http';
import { connect as connectSocket, isIPv6 } from 'node:net';
import type { Duplex } from 'node:stream';

/** Opens a stream; rejects when nobody answers. */
export type Connect = (host: string, port: number) => Promise<Duplex>;

/** A firewall that drops packets in silence is what most often makes us wait this long. */
const connectSeconds = 60;

/** Settles as `open` does, and gives up with `giveUp` after the time limit. */
function withTimeLimit(
  open: (done: (stream: Duplex) => void, fail: (reason: Error) => void) => () => void,
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      giveUp();
      reject(new Error(`no answer within ${connectSeconds} s`));
    }, connectSeconds * 1_000);
    const settle = <T>(how: (outcome: T) => void) => {
      return (outcome: T): void => {
        clearTimeout(timer);
        how(outcome);
      };
    };
    const giveUp = open(settle(resolve), settle(reject));
  });
}

export const connectDirectly: Connect = (host, port) =>
  withTimeLimit((done, fail) => {
    const socket = connectSocket({ host, port });
    socket.once('connect', () => done(socket)).once('error', fail);
    return () => socket.destroy();
  });

/** `proxy` is `http://host:port`. Any answer but 2xx rejects with its status. */
export function connectThrough(proxy: string): Connect {
  const { hostname, port: proxyPort } = new URL(proxy);
  return (host, port) =>
    withTimeLimit((done, fail) => {
      const path = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
      const asked = request({ host: hostname, port: proxyPort, method: 'CONNECT', path, agent: false });
      asked.once('connect', ({ statusCode = 0 }, socket, head) => {
        if (statusCode >= 200 && statusCode < 300) {
          if (head.length > 0) socket.unshift(head);
          return done(socket);
        }
        socket.destroy();
        fail(new Error(`the proxy answered ${statusCode}`));
      });
      asked.once('error', fail).end();
      return () => asked.destroy();
    });
}
