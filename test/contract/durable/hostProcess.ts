/** Runs the host as its users do, as a process of its own: under jest an app would meet jest's module registry. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';

const MAIN = join(__dirname, '../../../dist/local/host/main.js');
export const APP = join(__dirname, 'app');

const keysSchema = z.object({
  masterKey: z.string(),
  functionKeys: z.object({ default: z.string() }),
  systemKeys: z.object({ durabletask_extension: z.string(), eventgrid_extension: z.string() }),
  functions: z.record(z.string(), z.object({ default: z.string() })),
});

export interface HostProcess {
  readonly url: string;
  readonly pid: number;
  readonly stateFolder: string;
  readonly keys: z.infer<typeof keysSchema>;
  /** All that it wrote so far. */
  output(): string;
  /** Resolves with the exit code, or with the signal that ended it. */
  stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | string | null>;
}

/** Writes an app into a folder of its own; it finds the packages of this project. */
export function writeApp(files: Readonly<Record<string, string>>): string {
  const folder = newFolder();
  symlinkSync(join(__dirname, '../../../node_modules'), join(folder, 'node_modules'));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return folder;
}

export const newFolder = (): string => mkdtempSync(join(tmpdir(), 'host-'));

/** Resolves with all output and the exit code of a host that is expected to end by itself. */
export async function runToEnd(args: readonly string[]): Promise<{ code: number | string | null; output: string }> {
  const { child, output, ended } = spawnHost(args, {});
  void child;
  return { code: await ended, output: output() };
}

function spawnHost(args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, NODE_OPTIONS: '', ...env } });
  let text = '';
  const listeners: (() => void)[] = [];
  const hear = (chunk: Buffer): void => {
    text += chunk.toString();
    listeners.forEach((listener) => listener());
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const ended = new Promise<number | string | null>((resolve) =>
    child.on('close', (code, signal) => resolve(code ?? signal)),
  );
  return { child, output: () => text, onOutput: (listener: () => void) => listeners.push(listener), ended };
}

/** Starts a host and waits until it says that it runs. @throws with its output when it ends before that */
export async function startHostProcess(
  stateFolder: string,
  folder = APP,
  env: Readonly<Record<string, string>> = {},
  more: readonly string[] = [],
): Promise<HostProcess> {
  const args = [folder, '--port', '0', '--state', stateFolder, ...more];
  const { child, output, onOutput, ended } = spawnHost(args, env);
  const url = await new Promise<string>((resolve, reject) => {
    onOutput(() => {
      const found = /Host is running on (http:\S+)\./.exec(output())?.[1];
      if (found) resolve(found);
    });
    void ended.then(() => reject(new Error(`The host ended: ${output()}`)));
  });
  return {
    url,
    pid: child.pid ?? 0,
    stateFolder,
    keys: keysSchema.parse(JSON.parse(readFileSync(join(stateFolder, 'keys.json'), 'utf8'))),
    output,
    stop(signal) {
      child.kill(signal);
      return ended;
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON, as loosely as a test reads it. */
  readonly json: unknown;
}

/** One request. A body is written as JSON, unless it is bytes or a text whose type is given. */
export async function send(
  url: string,
  method = 'GET',
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const isRaw = body instanceof Uint8Array || (typeof body === 'string' && 'Content-Type' in headers);
  const answer = await fetch(url, {
    method,
    headers: { ...(body !== undefined && !isRaw && { 'Content-Type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: isRaw ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, json: readJson(text) };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const PATIENCE_MS = 10_000;

/** Asks again until the answer is as wanted, with no sleep between. @throws with the last answer */
export async function until<T>(ask: () => Promise<T>, isWanted: (answer: T) => boolean): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (isWanted(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`It never came to that: ${JSON.stringify(answer)}`);
    // A refused connection fails at once: without a full round the output of processes would never be read.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
