/**
 * A whole run in this process: the app's functions, the engine, the simulated Azure, its appliances and the
 * administrator, without a socket and under timers that jump when nothing is in flight. One seed is one order of
 * events: how long each call of Azure takes comes from it, and calls are carried out one at a time.
 *
 * Runs compiled only (`dist/test/support`), for the app is loaded as the host loads it.
 */
import type { HttpClient } from '@azure/core-rest-pipeline';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { z } from 'zod';
import { Administrator, type DeploymentShown } from '../../local/administrator';
import { appliancesInProcess } from '../../local/appliance/inProcess';
import { azureInProcess, type InProcessAzure } from '../../local/azure/inProcess';
import { chanceOf } from '../../local/azure/random';
import { loadApp, type LoadedApp } from '../../local/host/app/loadApp';
import { type Handler } from '../../local/host/http/exchange';
import { hostInProcess } from '../../local/host/inProcess';
import { appFolder } from '../../local/processes';
import type * as Composition from '../../src/composition';
import { JumpingTime } from './jumpingTime';
import { requestBody, subscriptionIds } from './requests';

export interface OneProcessOptions {
  /** Decides how long calls of Azure take, and the ids, secrets and PINs that are made up. */
  readonly seed: string;
  /** Azure fails now and then, from this seed. */
  readonly chaos?: string | undefined;
  readonly subscriptions: number;
  /** Fields of the request that are other than the sample's. */
  readonly changes?: object;
}

const asked = z.object({
  method: z.string(),
  path: z.string(),
  caller: z.string(),
  status: z.number(),
  time: z.number(),
  fault: z.string().nullable(),
});
const window = z.object({ networkSecurityGroupId: z.string(), openedAt: z.number(), closedAt: z.number().nullable() });
const exposure = z.looseObject({ address: z.string(), ports: z.string(), closedAt: z.unknown() });

const subscription = z.looseObject({ subscriptionId: z.string(), reason: z.string().optional() });
const page = z.looseObject({ value: z.array(subscription) });

export interface OneRun {
  /** The deployment as the API showed it when it rested. */
  readonly shown: DeploymentShown;
  /** All that Azure was asked, in its order. */
  readonly requests: readonly z.infer<typeof asked>[];
  readonly setAside: readonly z.infer<typeof subscription>[];
  readonly windows: readonly z.infer<typeof window>[];
  /** What is open to the Internet when all is over; nothing, if all is well. */
  readonly open: readonly string[];
  readonly simulatedSeconds: number;
  /** What the host logged as an error. */
  readonly errors: readonly string[];
}

const START = Date.UTC(2026, 0, 5, 8);
const POLL_MS = 20_000;
/** After the deployment rests: longer than any window may stay open. */
const AFTERMATH_MS = 3 * 3_600_000;
const LONGEST_MS = 7 * 24 * 3_600_000;
const APP_ADDRESS = '203.0.113.10';
const CONSOLE_URL = 'http://console.simulated';

/** @throws when the run does not come to rest within a week of its own time */
export async function runInOneProcess(options: OneProcessOptions): Promise<OneRun> {
  const { app, compose, connectClient, forgetTokens } = await prepared();
  const time = JumpingTime.start(START);
  const errors: string[] = [];
  const azure = azureInProcess({
    tenant: join(appFolder, 'samples', 'tenant.json'),
    subscriptions: options.subscriptions,
    seed: options.seed,
    wait: (ms) => time.outside(ms),
    ...(options.chaos === undefined ? {} : { chaos: options.chaos }),
  });
  const slow = slowed(azure, options.seed, time);
  const appliances = appliancesInProcess({ azure: azure.url, fetch: slow.fetch, seed: options.seed });
  Object.assign(process.env, azure.environment, { EGRESS_ADDRESSES: `${APP_ADDRESS}/32` });
  forgetTokens();
  current.httpClient = slow.httpClient;
  compose.configure({ httpClient: lasting, fetch: slow.fetch, connect: appliances.connect });
  const host = hostInProcess({
    folder: appFolder,
    app,
    log: (level, source, message) => {
      if (level === 'error' || level === 'critical') errors.push(`[${source}] ${message}`);
    },
  });
  connectClient(host.rpc);
  const web = fetchFrom(host.web);
  const ask: typeof fetch = (input, init) =>
    (String(input).startsWith(CONSOLE_URL) ? appliances.console : web)(input, init);
  const administrator = new Administrator({
    hostUrl: host.url,
    consoleUrl: CONSOLE_URL,
    keys: { operator: host.key },
    fetch: ask,
    pollMs: POLL_MS,
  });
  try {
    const body = requestBody({
      tenantId: azure.environment['AZURE_TENANT_ID'],
      subscriptions: { include: [{ kind: 'ids', ids: subscriptionIds(options.subscriptions) }] },
      ...options.changes,
    });
    return await time.until(play({ administrator, body, azure, ask, host, errors }), LONGEST_MS);
  } finally {
    await time.until(host.close(), LONGEST_MS);
    azure.close();
    time.end();
  }
}

interface Stage {
  readonly administrator: Administrator;
  readonly body: Record<string, unknown>;
  readonly azure: InProcessAzure;
  readonly ask: typeof fetch;
  readonly host: { readonly url: string; readonly key: string };
  readonly errors: readonly string[];
}

async function play({ administrator, body, azure, ask, host, errors }: Stage): Promise<OneRun> {
  await administrator.start(body);
  const shown = await administrator.seeThrough(String(body['name']), () => undefined);
  const simulatedSeconds = (Date.now() - START) / 1_000;
  await new Promise((resolve) => setTimeout(resolve, AFTERMATH_MS));
  const read = async <T>(path: string, shape: z.ZodType<T>): Promise<T[]> =>
    z.array(shape).parse(await (await azure.fetch(`${azure.url}/_simulator/${path}`)).json());
  const exposures = await read('exposures', exposure);
  const headers = { 'x-functions-key': host.key };
  const aside = await ask(`${host.url}/api/deployments/${shown.name}/subscriptions?state=setAside`, { headers });
  return {
    shown,
    requests: await read('requests?full=true', asked),
    setAside: page.parse(await aside.json()).value,
    windows: await read('windows', window),
    open: exposures.filter(({ closedAt }) => closedAt === null).map(({ address, ports }) => `${address}:${ports}`),
    simulatedSeconds,
    errors,
  };
}

/** Each call takes its time, from the seed: so calls come one after the other, and another seed is another order. */
function slowed({ httpClient, fetch }: InProcessAzure, seed: string, time: JumpingTime): Pick<InProcessAzure, 'httpClient' | 'fetch'> {
  let calls = 0;
  const latency = (): Promise<void> => {
    const ms = 5 + Math.floor(95 * chanceOf(seed, `latency ${calls++}`));
    return new Promise((resolve) => setTimeout(resolve, ms));
  };
  return {
    httpClient: { sendRequest: (request) => latency().then(() => time.inside(() => httpClient.sendRequest(request))) },
    fetch: (input, init) => latency().then(() => time.inside(() => fetch(input, init))),
  };
}

const fetchFrom =
  (handler: Handler): typeof fetch =>
  async (input, init) => {
    const request = new Request(input, init);
    const { status, headers, body } = await handler({
      method: request.method,
      url: new URL(request.url),
      headers: Object.fromEntries(request.headers),
      body: Buffer.from(await request.arrayBuffer()),
    });
    const content = typeof body === 'string' || body === undefined ? body : Buffer.from(body);
    return new Response(content || null, { status, ...(headers === undefined ? {} : { headers }) });
  };

/** The sign-in library goes on with the first client that it was given, so all runs give it this one. */
const current: { httpClient?: HttpClient } = {};
const lasting: HttpClient = {
  sendRequest: (request) =>
    current.httpClient?.sendRequest(request) ?? Promise.reject(new Error('Azure is asked while nothing runs.')),
};

interface Prepared {
  readonly app: LoadedApp;
  readonly compose: typeof Composition;
  /** Leads the app's durable client to this host instead of to a port. */
  readonly connectClient: (rpc: Handler) => void;
  readonly forgetTokens: () => void;
}
let preparing: Promise<Prepared> | undefined;

/** Once for all runs: loading the app takes longer than many a run. */
const prepared = (): Promise<Prepared> => (preparing ??= prepare());

async function prepare(): Promise<Prepared> {
  // The app reads its settings while it starts; each run then gives it its own.
  const azure = azureInProcess({ tenant: join(appFolder, 'samples', 'tenant.json') });
  Object.assign(process.env, azure.environment);
  azure.close();
  const app = await loadApp(appFolder, () => undefined);
  const load = createRequire(join(appFolder, 'package.json'));
  // The app's own instance of it, which the loader has just made.
  const compose = load('./dist/src/composition.js') as typeof Composition;
  let rpc: Handler | undefined;
  leadAxiosTo(createRequire(load.resolve('durable-functions'))('axios'), (request) => {
    if (rpc === undefined) throw new Error('The durable client is used while no host runs.');
    return rpc(request);
  });
  return {
    app,
    compose,
    connectClient: (given) => (rpc = given),
    forgetTokens: tokenCacheOf(createRequire(load.resolve('@azure/identity'))('@azure/msal-node')),
  };
}

const axiosConfig = z.object({
  method: z.string().default('get'),
  url: z.string(),
  data: z.union([z.string(), z.instanceof(Buffer)]).optional(),
  headers: z.custom<Record<string, unknown>>((value) => typeof value === 'object' && value !== null),
});

/** The durable client asks by axios, whose documented way to another transport is the default adapter. */
function leadAxiosTo(axios: unknown, handler: Handler): void {
  const { defaults } = z
    .custom<{ readonly defaults: Record<string, unknown> }>((value) => typeof value === 'function' && 'defaults' in value)
    .parse(axios);
  defaults['adapter'] = async (config: unknown) => {
    const { method, url, data, headers } = axiosConfig.parse(config);
    const shown = Object.entries({ ...headers }).map(([name, value]) => [name.toLowerCase(), String(value)]);
    const reply = await handler({
      method: method.toUpperCase(),
      url: new URL(url),
      headers: Object.fromEntries(shown),
      body: Buffer.from(data ?? ''),
    });
    const lower = Object.entries(reply.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]);
    return {
      status: reply.status,
      statusText: '',
      headers: Object.fromEntries(lower),
      data: reply.body === undefined ? '' : Buffer.from(reply.body).toString('utf8'),
      config,
    };
  };
}

const tokenCache = z.custom<{ setCache(empty: object): void }>(
  (value) => typeof value === 'object' && value !== null && 'setCache' in value,
);

/** The sign-in library keeps managed identities' tokens for the whole process; a run must begin without. */
function tokenCacheOf(msal: unknown): () => void {
  const { ManagedIdentityApplication: owner } = z
    .object({ ManagedIdentityApplication: z.custom<object>((value) => typeof value === 'function') })
    .parse(msal);
  return () => tokenCache.optional().parse(Reflect.get(owner, 'nodeStorage'))?.setCache({});
}
