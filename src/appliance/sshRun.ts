/** A shell script of ours over SSH, without a terminal: what it prints comes back as it is. */
import type { Duplex } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { Client, ClientChannel } from 'ssh2';
import { hostCheck, reasonOf } from './hostKey';
import type { Ran, Session } from './port';

const readySeconds = 120;
/** Far more than any script of ours prints. */
const longestOutput = 1024 * 1024;

/** Signs in, runs the script and settles once, with whatever happens first. */
export function runScript(
  client: Client,
  sock: Duplex,
  session: Session,
  script: string,
  timeLimitSeconds: number,
): Promise<Ran> {
  const { username, privateKey } = session;
  const host = hostCheck(session.hostKey);
  return new Promise((resolve) => {
    const settle = (run: Ran): void => {
      clearTimeout(limit);
      resolve(run);
    };
    const lose = (reason: string): void => settle({ kind: 'unreachable', reason });
    const limit = setTimeout(
      () => lose(`the script was not done within ${timeLimitSeconds} s`),
      timeLimitSeconds * 1_000,
    );
    client.on('ready', () => {
      client.exec(script, (error, channel) => {
        if (error) return lose(`the script was not started: ${reasonOf(error)}`);
        listen(channel, (output, exit) =>
          exit === undefined
            ? lose('the session was cut off while the script ran')
            : settle({ kind: 'ran', status: exit, output }),
        );
      });
    });
    client.on('error', (error) => {
      const refusal = host.refusal() ?? (error.level === 'client-authentication' ? 'our key was refused' : undefined);
      if (refusal === undefined) lose(reasonOf(error));
      else settle({ kind: 'refused', reason: refusal });
    });
    client.on('close', () => lose('the connection was closed'));
    try {
      client.connect({ sock, username, privateKey, hostVerifier: host.verify, readyTimeout: readySeconds * 1_000 });
    } catch (error) {
      settle({ kind: 'refused', reason: reasonOf(error) });
    }
  });
}

function listen(channel: ClientChannel, over: (output: string, exit: number | string | undefined) => void): void {
  let output = '';
  let exit: number | string | undefined;
  const decoder = new StringDecoder('utf8');
  channel.on('data', (chunk: Buffer) => {
    output = (output + decoder.write(chunk)).slice(-longestOutput);
  });
  // What it complains of is not part of its answer; unread, it would hold the channel.
  channel.stderr.resume();
  channel.on('exit', (status: number | null, signal?: string) => {
    exit = status ?? signal ?? 'no status';
  });
  channel.on('error', () => undefined).on('close', () => over(output, exit));
}
