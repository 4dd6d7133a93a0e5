/** The appliance over SSH: runs the set-up script on a terminal and answers its prompts as an administrator would. */
import type { Duplex } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { Client, type ClientChannel } from 'ssh2';
import { Conversation, dialogueOf, type Verdict } from './conversation';
import { hostCheck, reasonOf } from './hostKey';
import type { Appliance, Dialogue, Session } from './port';
import { runScript } from './sshRun';
import { connectDirectly, connectThrough, type Connect } from './tunnel';

interface SshApplianceOptions {
  /** Takes the place of the network, and of `proxy`. */
  readonly connect?: Connect | undefined;
  /** The setting APPLIANCE_PROXY: `http://host:port` of a proxy that knows CONNECT. */
  readonly proxy?: string | undefined;
  /** A known prompt is answered when nothing has followed it for this long: it may be half of a longer text. */
  readonly settleSeconds?: number | undefined;
  /** How long an unfinished line stays untouched until it counts as a prompt that nobody knows. */
  readonly quietSeconds?: number | undefined;
  readonly timeLimitSeconds?: number | undefined;
}

/** After the exit status, output may still be under way; a server that then forgets to close the channel is not waited for. */
const lastWordsSeconds = 5;
const readySeconds = 120;
/** So wide that no line editor on the far side wraps an echoed answer, and a secret with it. */
const terminal = { term: 'dumb', cols: 2_000, rows: 50 };

/** Each call opens a connection of its own and always closes it. Never throws: what went wrong is in the dialogue. */
export function createSshAppliance(options: SshApplianceOptions = {}): Appliance {
  const { proxy, settleSeconds = 0.2, quietSeconds = 20, timeLimitSeconds = 300 } = options;
  const timing = { settleSeconds, quietSeconds, timeLimitSeconds };
  const connect = options.connect ?? (proxy ? connectThrough(proxy) : connectDirectly);
  return {
    async configure(session, script, answers) {
      const conversation = new Conversation(script, answers, session.privateKey);
      const talk = { session, command: script.command, conversation, timing };
      return overConnection(connect, session, (client, stream) => hold(client, stream, talk));
    },
    run: (session, script) =>
      overConnection(connect, session, (client, stream) =>
        runScript(client, stream, session, script, timeLimitSeconds),
      ),
  };
}

/** Opens a connection for one use, and closes it whatever came of that. */
async function overConnection<T>(
  connect: Connect,
  { address, port }: Session,
  use: (client: Client, stream: Duplex) => Promise<T>,
): Promise<T | { readonly kind: 'unreachable'; readonly reason: string }> {
  let stream: Duplex;
  try {
    stream = await connect(address, port);
  } catch (error) {
    return { kind: 'unreachable', reason: reasonOf(error) };
  }
  const client = new Client();
  try {
    return await use(client, stream);
  } finally {
    // What a closing connection still complains of concerns nobody.
    for (const end of [client, stream]) end.removeAllListeners('error').on('error', () => undefined);
    client.end();
    stream.destroy();
  }
}

interface Talk {
  readonly session: Session;
  readonly command: string;
  readonly conversation: Conversation;
  readonly timing: Timing;
}
interface Timing {
  readonly settleSeconds: number;
  readonly quietSeconds: number;
  readonly timeLimitSeconds: number;
}

/** Signs in, runs the script and has the conversation. Settles once, with whatever happens first. */
function hold(client: Client, sock: Duplex, talk: Talk): Promise<Dialogue> {
  const { session, conversation, timing } = talk;
  const host = hostCheck(session.hostKey);
  return new Promise((resolve) => {
    let talking = false;
    const settle = (dialogue: Dialogue): void => {
      clearTimeout(limit);
      resolve(dialogue);
    };
    const conclude = (verdict: Verdict): void => settle(dialogueOf(verdict, conversation, host.seen() ?? ''));
    /** Once the script runs, its channel closes too, and knows better how far it came. */
    const lose = (reason: string): void => {
      if (!talking) settle({ kind: 'unreachable', reason });
    };
    const limit = setTimeout(() => {
      if (host.seen() === undefined) lose('the SSH server says nothing');
      conclude({ kind: 'failed', reason: `the script was not done within ${timing.timeLimitSeconds} s` });
    }, timing.timeLimitSeconds * 1_000);

    client.on('ready', () => {
      client.exec(talk.command, { pty: terminal }, (error, channel) => {
        if (error) return conclude({ kind: 'failed', reason: `the command was not started: ${reasonOf(error)}` });
        talking = true;
        converse(channel, conversation, timing, conclude);
      });
    });
    client.on('error', (error) => {
      const refusal = host.refusal() ?? (error.level === 'client-authentication' ? 'our key was refused' : undefined);
      if (refusal === undefined) lose(reasonOf(error));
      else settle({ kind: 'refused', reason: refusal });
    });
    client.on('end', () => lose('the connection was closed')).on('close', () => lose('the connection was closed'));
    const { username, privateKey } = session;
    try {
      client.connect({ sock, username, privateKey, hostVerifier: host.verify, readyTimeout: readySeconds * 1_000 });
    } catch (error) {
      settle({ kind: 'refused', reason: reasonOf(error) });
    }
  });
}

/** Answers each prompt once the script is quiet, until the script ends or waits for what nobody can answer. */
function converse(
  channel: ClientChannel,
  conversation: Conversation,
  { settleSeconds, quietSeconds }: Timing,
  conclude: (verdict: Verdict) => void,
): void {
  let timer: NodeJS.Timeout | undefined;
  let exit: number | string | undefined;
  const wait = (seconds: number, then: () => void): void => {
    clearTimeout(timer);
    timer = setTimeout(then, seconds * 1_000);
  };
  const finish = (verdict: Verdict): void => {
    clearTimeout(timer);
    conclude(verdict);
  };
  const over = (): void => finish(conversation.over(exit));
  const lookAtSilence = (): void => {
    const verdict = conversation.silence();
    if (verdict) finish(verdict);
  };
  const lookAtPrompt = (): void => {
    const reply = conversation.reply();
    if (reply === undefined) wait(quietSeconds, lookAtSilence);
    else if ('send' in reply) channel.write(reply.send);
    else finish(reply.end);
  };
  for (const source of [channel, channel.stderr]) {
    const decoder = new StringDecoder('utf8');
    source.on('data', (chunk: Buffer) => {
      conversation.hear(decoder.write(chunk));
      if (exit === undefined) wait(settleSeconds, lookAtPrompt);
    });
  }
  channel.on('exit', (status: number | null, signal?: string) => {
    exit = status ?? signal ?? 'no status';
    wait(lastWordsSeconds, over);
  });
  channel.on('error', () => undefined).on('close', over);
}
