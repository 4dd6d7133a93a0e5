/** The whole world on one machine: simulated Azure, simulated appliances and the local host, a process each. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { type RequestOptions, request } from 'node:https';
import { createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { startClock } from './clock';

export interface WorldOptions {
  /** Where all state lives: it survives a kill, and the next start goes on from it. */
  readonly state: string;
  /** Simulated seconds in a real one. */
  readonly speed: number;
  readonly ports: Ports;
  /** At least this many subscriptions in the simulated tenant. */
  readonly subscriptions?: number;
  /** Extra arguments of one process, for rehearsals. */
  readonly extra?: Partial<Record<Part, readonly string[]>>;
}
export interface Ports {
  readonly host: number;
  readonly azure: number;
  readonly appliance: number;
}
const parts = ['azure', 'appliance', 'host'] as const;
type Part = (typeof parts)[number];

export interface World {
  readonly hostUrl: string;
  readonly azureUrl: string;
  readonly consoleUrl: string;
  readonly keys: { readonly operator: string; readonly eventGrid: string };
  readonly environment: Readonly<Record<string, string>>;
  readonly clockFile: string;
  /** Asks the simulated Azure, whose certificate authority no other program trusts. */
  askAzure(path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<unknown>;
  /** Kills processes as a power cut would: all of them unless some are named. */
  kill(...parts: readonly Part[]): Promise<void>;
  startHost(): Promise<void>;
  /** Ends all processes: those that do not end when asked are killed. */
  stop(): Promise<void>;
  /** Settles when a process ends that nobody asked to end. */
  readonly broken: Promise<string>;
}

/** What the simulated internet takes the app's outbound address for. */
const APP_ADDRESS = '203.0.113.10';
const READY_MS = 60_000;
const GRACE_MS = 5_000;
const PROBE_MS = 5_000;
/** The folder of host.json. The programs are run compiled, whichever way this file itself is. */
const appFolder = join(__dirname, ...(basename(dirname(__dirname)) === 'dist' ? ['..', '..'] : ['..']));
const compiled = (...path: string[]): string => join(appFolder, 'dist', 'local', ...path);

const keyFile = z.looseObject({
  functionKeys: z.looseObject({ default: z.string() }),
  systemKeys: z.looseObject({ eventgrid_extension: z.string() }),
});

/** Starts everything and answers when all of it is ready. Throws, with the end of its log, where a part does not start. */
export async function startWorld({ state, speed, ports, subscriptions, extra }: WorldOptions): Promise<World> {
  await Promise.all([ports.host, ports.azure, ports.appliance].map(portIsFree));
  mkdirSync(join(state, 'logs'), { recursive: true, mode: 0o700 });
  const clockFile = join(state, 'clock.json');
  startClock(clockFile, speed);
  const family = new Family(state, clockFile);
  try {
    const azureUrl = `https://127.0.0.1:${ports.azure}`;
    const size = subscriptions === undefined ? [] : ['--subscriptions', String(subscriptions)];
    family.start('azure', [
      '--state',
      join(state, 'azure'),
      '--port',
      String(ports.azure),
      ...size,
      ...(extra?.azure ?? []),
    ]);
    const askAzure: World['askAzure'] = (path, body, headers) => ask(state, azureUrl, path, body, headers);
    await family.ready('azure', () => askAzure('/_simulator/health'));
    const environment = z.record(z.string(), z.string()).parse(readJson(join(state, 'azure', 'environment.json')));

    family.start(
      'appliance',
      [
        '--azure',
        azureUrl,
        '--state',
        join(state, 'appliance'),
        '--port',
        String(ports.appliance),
        '--app-address',
        APP_ADDRESS,
        ...(extra?.appliance ?? []),
      ],
      environment,
    );
    const consoleUrl = `http://127.0.0.1:${ports.appliance}`;
    const hostUrl = `http://127.0.0.1:${ports.host}`;
    const startHost = async (): Promise<void> => {
      family.start(
        'host',
        [appFolder, '--state', join(state, 'host'), '--port', String(ports.host), ...(extra?.host ?? [])],
        {
          ...environment,
          APPLIANCE_PROXY: consoleUrl,
          EGRESS_ADDRESSES: `${APP_ADDRESS}/32`,
        },
      );
      await family.ready('host', () =>
        getJson(`${hostUrl}/admin/host/status`, { signal: AbortSignal.timeout(PROBE_MS) }),
      );
    };
    await family.ready('appliance', () => getJson(`${consoleUrl}/health`, { signal: AbortSignal.timeout(PROBE_MS) }));
    await startHost();
    const keys = keyFile.parse(readJson(join(state, 'host', 'keys.json')));
    return {
      hostUrl,
      azureUrl,
      consoleUrl,
      keys: { operator: keys.functionKeys.default, eventGrid: keys.systemKeys.eventgrid_extension },
      environment,
      clockFile,
      askAzure,
      kill: (...some) => family.kill(some.length > 0 ? some : parts),
      startHost,
      stop: () => family.stop(),
      broken: family.broken,
    };
  } catch (error) {
    await family.stop();
    throw error;
  }
}

/** The processes, each with its log. */
class Family {
  private readonly members = new Map<Part, ChildProcess>();
  private readonly dismissed = new Set<ChildProcess>();
  readonly broken: Promise<string>;
  private breakWith: (why: string) => void = () => undefined;

  constructor(
    private readonly state: string,
    private readonly clockFile: string,
  ) {
    this.broken = new Promise((resolve) => (this.breakWith = resolve));
  }

  start(part: Part, parameters: readonly string[], environment: Readonly<Record<string, string>> = {}): void {
    const preloads = ['-r', compiled('clock.js'), '-r', compiled('endWithParent.js')];
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', ...preloads, compiled(part, 'main.js'), ...parameters],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
        // A group of its own: Ctrl-C reaches the launcher alone, which then ends them in order.
        detached: true,
        env: { ...process.env, ...environment, SIMULATED_CLOCK: this.clockFile },
      },
    );
    const log = createWriteStream(this.logFile(part), { flags: 'a' });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    child.once('exit', (code, signal) => {
      log.end();
      if (this.members.get(part) === child) this.members.delete(part);
      if (!this.dismissed.has(child))
        this.breakWith(`The ${part} process ended (${signal ?? `exit code ${String(code)}`}). ${this.tail(part)}`);
    });
    this.members.set(part, child);
  }

  /** Asks until it answers; fails early when the process has ended. */
  async ready(part: Part, probe: () => Promise<unknown>): Promise<void> {
    const deadline = Date.now() + READY_MS;
    for (;;) {
      const answered = await probe().then(
        () => true,
        () => false,
      );
      if (answered) return;
      if (!this.members.has(part)) throw new Error(`The ${part} process did not start. ${this.tail(part)}`);
      if (Date.now() > deadline) throw new Error(`The ${part} process gives no answer. ${this.tail(part)}`);
      await pause(50);
    }
  }

  async kill(some: readonly Part[]): Promise<void> {
    await Promise.all(some.map((part) => this.end(part, 'SIGKILL')));
  }

  /** The host first: it finishes what it has in hand while Azure still answers. */
  async stop(): Promise<void> {
    for (const part of parts.toReversed()) await this.end(part, 'SIGTERM');
  }

  private async end(part: Part, signal: NodeJS.Signals): Promise<void> {
    const child = this.members.get(part);
    if (!child) return;
    this.dismissed.add(child);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    const impatience = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    await ended;
    clearTimeout(impatience);
  }

  private logFile(part: Part): string {
    return join(this.state, 'logs', `${part}.log`);
  }

  private tail(part: Part): string {
    const file = this.logFile(part);
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').slice(-5) : [];
    return `Its log, ${file}, ends with:\n${lines.join('\n')}`;
  }
}

/**
 * Waits a moment for a port, because processes whose launcher was just killed still end in order.
 * @throws when another program keeps it: often this one, started before
 */
async function portIsFree(port: number): Promise<void> {
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

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Free ports for a world. They are below the range from which the system takes ports for outgoing connections and for
 * servers that leave the choice to it: one of those could otherwise take a port between a kill and the restart.
 */
export async function freePorts(): Promise<Ports> {
  const found: number[] = [];
  while (found.length < 3) {
    const port = LOWEST_PORT + Math.floor(Math.random() * PORTS);
    if (!found.includes(port) && (await isFree(port))) found.push(port);
  }
  const [host = 0, azure = 0, appliance = 0] = found;
  return { host, azure, appliance };
}
const LOWEST_PORT = 20_000;
const PORTS = 12_000;

export async function getJson(url: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${url.split('?')[0]} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

async function ask(
  state: string,
  azureUrl: string,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const ca = readFileSync(join(state, 'azure', 'ca.pem'), 'utf8');
  const options: RequestOptions = {
    ca,
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'content-type': 'application/json', ...headers },
  };
  return new Promise((resolve, reject) => {
    const sent = request(`${azureUrl}${path}`, options, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        if ((answer.statusCode ?? 500) >= 400)
          reject(new Error(`${path} answered ${String(answer.statusCode)}: ${text}`));
        else resolve(text === '' ? undefined : JSON.parse(text));
      });
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
