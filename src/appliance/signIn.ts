/** Into the appliance by SSH: whoever answers there shows the pinned host key, and lets in one of our keys. */
import type { Duplex } from 'node:stream';
import { Client } from 'ssh2';
import { hostCheck, reasonOf } from './hostKey';
import type { Refused, Session, Unreachable } from './port';
import type { Connect } from './tunnel';

/** Who was met, once signed in. */
export interface Met {
  readonly hostKey: string;
  /** Which of the session's keys was let in, by its place. */
  readonly key: number;
}

/**
 * Signs in with the first of our keys that is taken, each over a connection of its own, does the work, and closes.
 * A key that was about to be replaced when its replacer was killed is refused, or its successor is: so both are tried.
 */
export async function signedIn<T>(
  connect: Connect,
  session: Session,
  readySeconds: number,
  work: (client: Client, met: Met) => Promise<T>,
): Promise<T | Unreachable | Refused> {
  let answer: T | Unreachable | Refused = { kind: 'refused', why: 'key', reason: 'there is no key of ours' };
  for (const [key, privateKey] of session.privateKeys.entries()) {
    let refused = false;
    answer = await once(
      connect,
      session,
      privateKey,
      readySeconds,
      (client, hostKey) => work(client, { hostKey, key }),
      () => {
        refused = true;
      },
    );
    if (!refused) return answer;
  }
  return answer;
}

async function once<T>(
  connect: Connect,
  session: Session,
  privateKey: string,
  readySeconds: number,
  work: (client: Client, hostKey: string) => Promise<T>,
  onRefused: () => void,
): Promise<T | Unreachable | Refused> {
  let stream: Duplex;
  try {
    stream = await connect(session.address, session.port);
  } catch (error) {
    return { kind: 'unreachable', reason: reasonOf(error) };
  }
  const client = new Client();
  try {
    const host = hostCheck(session.hostKey);
    const failed = await ready(client, stream, session.username, privateKey, readySeconds, host);
    if (failed?.kind === 'refused' && failed.why === 'key') onRefused();
    return failed ?? (await work(client, host.seen() ?? ''));
  } finally {
    // What a closing connection still complains of concerns nobody.
    for (const end of [client, stream]) end.removeAllListeners('error').on('error', () => undefined);
    client.end();
    stream.destroy();
  }
}

/** Settles once, with whatever happens first: nothing where we are in. */
function ready(
  client: Client,
  sock: Duplex,
  username: string,
  privateKey: string,
  readySeconds: number,
  host: ReturnType<typeof hostCheck>,
): Promise<Unreachable | Refused | undefined> {
  return new Promise((resolve) => {
    const lose = (reason: string): void => resolve({ kind: 'unreachable', reason });
    client.on('ready', () => resolve(undefined));
    client.on('error', (error) => {
      const changed = host.refusal();
      if (changed !== undefined) resolve({ kind: 'refused', why: 'hostKey', reason: changed });
      else if (error.level === 'client-authentication')
        resolve({ kind: 'refused', why: 'key', reason: 'our key was refused' });
      else lose(reasonOf(error));
    });
    client.on('end', () => lose('the connection was closed')).on('close', () => lose('the connection was closed'));
    try {
      client.connect({ sock, username, privateKey, hostVerifier: host.verify, readyTimeout: readySeconds * 1_000 });
    } catch (error) {
      resolve({ kind: 'refused', why: 'key', reason: reasonOf(error) });
    }
  });
}
