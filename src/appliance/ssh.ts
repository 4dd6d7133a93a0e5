/** The appliance over SSH: runs the set-up script on a terminal and answers its prompts as an administrator would. */
import { StringDecoder } from 'node:string_decoder';
import type { Client, ClientChannel } from 'ssh2';
import { Conversation, runOf, type Verdict } from './conversation';
import type { Appliance, Dialogue, Ran } from './port';
import { reasonOf } from './hostKey';
import { type Met, signedIn } from './signIn';
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
/** Far more than any script of ours prints. */
const longestOutput = 1024 * 1024;
/** So wide that no line editor on the far side wraps an echoed answer, and a secret with it. */
const terminal = { term: 'dumb', cols: 2_000, rows: 50 };

/** Each call opens connections of its own and always closes them. Never throws: what went wrong is in the answer. */
export function createSshAppliance(options: SshApplianceOptions = {}): Appliance {
  const { proxy, settleSeconds = 0.2, quietSeconds = 20, timeLimitSeconds = 300 } = options;
  const timing = { settleSeconds, quietSeconds, timeLimitSeconds };
  const connect = options.connect ?? (proxy ? connectThrough(proxy) : connectDirectly);
  const patience = Math.min(readySeconds, timeLimitSeconds);
  return {
    configure: (session, script, answers) =>
      signedIn(connect, session, patience, (client, { hostKey }) => {
        const conversation = new Conversation(script, answers, session.privateKeys);
        return hold(client, { hostKey, command: script.command, conversation, timing });
      }),
    run: (session, command) =>
      signedIn(connect, session, patience, (client, met) => runOne(client, met, command, timeLimitSeconds)),
  };
}

interface Talk {
  readonly hostKey: string;
  readonly command: string;
  readonly conversation: Conversation;
  readonly timing: Timing;
}
interface Timing {
  readonly settleSeconds: number;
  readonly quietSeconds: number;
  readonly timeLimitSeconds: number;
}

/** Runs the script and has the conversation. Settles once, with whatever happens first. */
function hold(client: Client, { hostKey, command, conversation, timing }: Talk): Promise<Dialogue> {
  return new Promise((resolve) => {
    const settle = (dialogue: Dialogue): void => {
      clearTimeout(limit);
      resolve(dialogue);
    };
    const conclude = (verdict: Verdict): void =>
      settle(
        verdict.kind === 'cut'
          ? { kind: 'unreachable', reason: 'the session was cut off while the script ran' }
          : { ...runOf(verdict, conversation), hostKey },
      );
    const limit = setTimeout(
      () => conclude({ kind: 'failed', reason: `the script was not done within ${timing.timeLimitSeconds} s` }),
      timing.timeLimitSeconds * 1_000,
    );
    // Once the script runs, its channel closes too, and knows better how far it came.
    let talking = false;
    client.on('close', () => {
      if (!talking) settle({ kind: 'unreachable', reason: 'the connection was closed' });
    });
    client.exec(command, { pty: terminal }, (error, channel) => {
      if (error) return conclude({ kind: 'failed', reason: `the command was not started: ${reasonOf(error)}` });
      talking = true;
      converse(channel, conversation, timing, conclude);
    });
  });
}

/** One command that asks nothing. Without an exit status it was cut off. */
function runOne(client: Client, met: Met, command: string, timeLimitSeconds: number): Promise<Ran> {
  return new Promise((resolve) => {
    const lose = (reason: string): void => {
      clearTimeout(limit);
      resolve({ kind: 'unreachable', reason });
    };
    const limit = setTimeout(
      () => lose(`the script was not done within ${timeLimitSeconds} s`),
      timeLimitSeconds * 1_000,
    );
    client.on('close', () => lose('the connection was closed'));
    client.exec(command, (error, channel) => {
      if (error) return lose(`the script was not started: ${reasonOf(error)}`);
      let status: number | string | undefined;
      let output = '';
      const decoder = new StringDecoder('utf8');
      channel.on('data', (chunk: Buffer) => (output = (output + decoder.write(chunk)).slice(-longestOutput)));
      // A channel is done only when all its output was read.
      channel.stderr.resume();
      channel.on('exit', (code: number | null, signal?: string) => (status = code ?? signal ?? 'no status'));
      channel
        .on('error', () => undefined)
        .on('close', () => {
          if (status === undefined) return lose('the session was cut off while the script ran');
          clearTimeout(limit);
          resolve({ kind: 'ran', status, output, ...met });
        });
      channel.end();
    });
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
