/** The processes that are measured from outside: the host as its users start it, and a client that puts load on it. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { z } from 'zod';
import { APP } from './engine';
import { tookSchema } from './load';

const MAIN = join(__dirname, '../local/host/main.js');
const keysSchema = z.object({ systemKeys: z.object({ durabletask_extension: z.string() }) });

export interface HostProcess {
  readonly url: string;
  /** Milliseconds from the start of the process to its first answer. */
  readonly firstAnswer: number;
  /** `code` of the durable webhooks. */
  readonly key: string;
  stop(): Promise<void>;
}

export async function startHost(stateFolder: string): Promise<HostProcess> {
  const began = performance.now();
  // With the same flags as this process, which are those of `npm run host`.
  const child = spawn(process.execPath, [...process.execArgv, MAIN, APP, '--port', '0', '--state', stateFolder], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  // Also when a row fails.
  process.once('exit', () => child.kill());
  const url = await new Promise<string>((resolve, reject) => {
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      const found = /Host is running on (http:\S+)\./.exec(output)?.[1];
      if (found) resolve(found);
    });
    child.once('exit', () => reject(new Error(`The host ended: ${output}`)));
  });
  await get(`${url}/api/usage`);
  const firstAnswer = performance.now() - began;
  const { systemKeys } = keysSchema.parse(JSON.parse(readFileSync(join(stateFolder, 'keys.json'), 'utf8')));
  return { url, firstAnswer, key: systemKeys.durabletask_extension, stop: () => end(child) };
}

export async function get(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  const answer = await fetch(url, { headers });
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return answer;
}

export interface LoadProcess {
  /** Starts `count` instances of hello cities at once over HTTP, and waits for the last. @returns `count` */
  run(count: number): Promise<number>;
  stop(): Promise<void>;
}

export function startLoad(url: string): LoadProcess {
  const child = fork(join(__dirname, 'load.js'));
  return {
    async run(count) {
      const answer = new Promise<unknown>((resolve, reject) => {
        child.once('message', resolve);
        child.once('exit', () => reject(new Error('The load process ended.')));
      });
      child.send({ url, count });
      tookSchema.parse(await answer);
      child.removeAllListeners('exit');
      return count;
    },
    stop: () => end(child),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
