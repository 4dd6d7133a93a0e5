/** The whole world on one machine: simulated Azure, simulated appliances and the local host, a process each. */
import { mkdirSync, readFileSync } from 'node:fs';
import { type RequestOptions, request } from 'node:https';
import { join } from 'node:path';
import { z } from 'zod';
import { startClock } from './clock';
import { portIsFree, type Ports } from './ports';
import { appFolder, Family, type Part, parts } from './processes';

export interface WorldOptions {
  /** Where all state lives: it survives a kill, and the next start goes on from it. */
  readonly state: string;
  /** Simulated seconds in a real one. */
  readonly speed: number;
  readonly ports: Ports;
  /** At least this many subscriptions in the simulated tenant. */
  readonly subscriptions?: number;
  /** The app is in a network that reaches the appliances' own; else as the setting PRIVATE_NETWORK says. */
  readonly privateNetwork?: boolean;
  /** The simulated Azure fails now and then, from this seed. */
  readonly chaos?: string;
}

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
  /** Ends the host in order and starts it with what is compiled now. Throws, with the end of its log, where it does not start. */
  restartHost(): Promise<void>;
  /** Ends all processes: those that do not end when asked are killed. */
  stop(): Promise<void>;
  /** Settles when a process ends that nobody asked to end. */
  readonly broken: Promise<string>;
}

/** What the simulated internet takes the app's outbound address for. */
const APP_ADDRESS = '203.0.113.10';
/** … and its address in its own network, which is peered with the appliances'. */
const APP_PRIVATE_ADDRESS = '10.200.0.4';
const PROBE_MS = 5_000;

const keyFile = z.looseObject({
  functionKeys: z.looseObject({ default: z.string() }),
  systemKeys: z.looseObject({ eventgrid_extension: z.string() }),
});

/** Starts everything and answers when all of it is ready. Throws, with the end of its log, where a part does not start. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const { state, speed, ports } = options;
  await Promise.all([ports.host, ports.azure, ports.appliance].map(portIsFree));
  mkdirSync(join(state, 'logs'), { recursive: true, mode: 0o700 });
  const clockFile = join(state, 'clock.json');
  startClock(clockFile, speed);
  const family = new Family(state, clockFile);
  try {
    return await start(family, options, clockFile);
  } catch (error) {
    await family.stop();
    throw error;
  }
}

/** In the order in which each needs the other: Azure says how it is reached, and the host is told of both. */
async function start(family: Family, options: WorldOptions, clockFile: string): Promise<World> {
  const { state, ports, subscriptions, chaos, privateNetwork = process.env['PRIVATE_NETWORK'] === 'true' } = options;
  const azureUrl = `https://127.0.0.1:${ports.azure}`;
  const consoleUrl = `http://127.0.0.1:${ports.appliance}`;
  const hostUrl = `http://127.0.0.1:${ports.host}`;
  const own = (part: Part): string[] => ['--state', join(state, part), '--port', String(ports[part])];
  const askAzure: World['askAzure'] = (path, body, headers) => ask(state, azureUrl, path, body, headers);
  const probe = (url: string) => (): Promise<unknown> => getJson(url, { signal: AbortSignal.timeout(PROBE_MS) });

  const ofAzure = [
    ...(subscriptions === undefined ? [] : ['--subscriptions', String(subscriptions)]),
    ...(chaos === undefined ? [] : [`--chaos=${chaos}`]),
  ];
  family.start('azure', [...own('azure'), ...ofAzure]);
  await family.ready('azure', () => askAzure('/_simulator/health'));
  const environment = z.record(z.string(), z.string()).parse(readJson(join(state, 'azure', 'environment.json')));

  const inside = privateNetwork ? ['--app-private-address', APP_PRIVATE_ADDRESS] : [];
  family.start(
    'appliance',
    [...own('appliance'), '--azure', azureUrl, '--app-address', APP_ADDRESS, ...inside],
    environment,
  );
  await family.ready('appliance', probe(`${consoleUrl}/health`));

  const addresses = [APP_ADDRESS, ...(privateNetwork ? [APP_PRIVATE_ADDRESS] : [])];
  const toApp = {
    ...environment,
    APPLIANCE_PROXY: consoleUrl,
    EGRESS_ADDRESSES: addresses.map((address) => `${address}/32`).join(','),
    PRIVATE_NETWORK: String(privateNetwork),
  };
  const startHost = async (): Promise<void> => {
    family.start('host', [appFolder, ...own('host')], toApp);
    await family.ready('host', probe(`${hostUrl}/admin/host/status`));
  };
  await startHost();
  const { functionKeys, systemKeys } = keyFile.parse(readJson(join(state, 'host', 'keys.json')));
  return {
    hostUrl,
    azureUrl,
    consoleUrl,
    keys: { operator: functionKeys.default, eventGrid: systemKeys.eventgrid_extension },
    environment,
    clockFile,
    askAzure,
    kill: (...some) => family.kill(some.length > 0 ? some : parts),
    startHost,
    restartHost: async () => {
      await family.dismiss('host');
      await startHost();
    },
    stop: () => family.stop(),
    broken: family.broken,
  };
}

export async function getJson(url: string, init?: RequestInit, ask: typeof fetch = fetch): Promise<unknown> {
  const response = await ask(url, init);
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
