/**
 * A whole run in this process: the app's functions, the engine, the simulated Azure, its appliances and the
 * administrator, without a socket and under timers that jump when nothing is in flight. One seed is one order of
 * events: how long each call of Azure takes comes from it, and calls are carried out one at a time.
 *
 * Runs compiled only (`dist/test/support`), for the app is loaded as the host loads it.
 */
import { z } from 'zod';
import { Administrator, type DeploymentShown } from '../../local/administrator';
import { appliancesInProcess } from '../../local/appliance/inProcess';
import { azureInProcess, type InProcessAzure } from '../../local/azure/inProcess';
import { chanceOf } from '../../local/azure/random';
import { type Handler } from '../../local/host/http/exchange';
import { hostInProcess } from '../../local/host/inProcess';
import { type Log } from '../../local/host/log';
import { appFolder } from '../../local/processes';
import { JumpingTime } from './jumpingTime';
import { preparedApp, tenantFile } from './preparedApp';
import { requestBody, subscriptionIds } from './requests';

export interface OneProcessOptions {
  /** Decides how long calls of Azure take, and the ids, secrets and PINs that are made up. */
  readonly seed: string;
  /** Azure fails now and then, from this seed. */
  readonly chaos?: string | undefined;
  /** Faults on demand, as `POST /_simulator/faults` takes them. */
  readonly faults?: readonly unknown[];
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
  readonly setAside: readonly z.infer<typeof subscription>[];
  /** Of the app's own calls until it rested, the sweep's apart: what the plan had estimated where one was made, in good weather, and what was recorded. */
  readonly calls: { readonly estimated: number | undefined; readonly recorded: number };
  /** All that Azure was asked once it had been planned, in its order. */
  readonly requests: readonly z.infer<typeof asked>[];
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
const LONGEST_MS = 24 * 3_600_000;
const APP_ADDRESS = '203.0.113.10';
const CONSOLE_URL = 'http://console.simulated';

/** @throws when the run does not come to rest within a day of its own time */
export async function runInOneProcess(options: OneProcessOptions): Promise<OneRun> {
  const { seed, chaos, subscriptions } = options;
  const { app, use, connectClient } = await preparedApp();
  const time = JumpingTime.start(START, seed);
  const azure = azureInProcess({
    tenant: tenantFile,
    subscriptions,
    seed,
    during: (work) => time.inside(work),
    ...(chaos === undefined ? {} : { chaos }),
  });
  Object.assign(process.env, azure.environment, { EGRESS_ADDRESSES: `${APP_ADDRESS}/32` });
  const { httpClient, fetch } = slowed(azure, seed);
  const appliances = appliancesInProcess({ azure: azure.url, fetch, seed, appAddress: APP_ADDRESS });
  use({ httpClient, fetch, connect: appliances.connect });
  const errors: string[] = [];
  const log: Log = (level, source, message) => {
    if (level === 'error' || level === 'critical') errors.push(`[${source}] ${message}`);
  };
  const host = hostInProcess({ folder: appFolder, app, log });
  connectClient(host.rpc);
  try {
    const play = { options, azure, ask: askedOf(host.web, appliances.console), host, errors };
    return await time.until(played(play), LONGEST_MS);
  } finally {
    await time.until(host.close(), LONGEST_MS);
    azure.close();
    time.end();
  }
}

interface Play {
  readonly options: OneProcessOptions;
  readonly azure: InProcessAzure;
  /** Asks the app and the console. */
  readonly ask: typeof fetch;
  readonly host: { readonly url: string; readonly key: string };
  readonly errors: readonly string[];
}

/** The administrator's part, and then what is to be seen of it all. */
async function played({ options, azure, ask, host, errors }: Play): Promise<OneRun> {
  const keys = { operator: host.key };
  const desk = { hostUrl: host.url, consoleUrl: CONSOLE_URL, keys, fetch: ask, pollMs: POLL_MS };
  const administrator = new Administrator(desk);
  const body = requestBody({
    tenantId: azure.environment['AZURE_TENANT_ID'],
    subscriptions: { include: [{ kind: 'ids', ids: subscriptionIds(options.subscriptions) }] },
    ...options.changes,
  });
  for (const fault of options.faults ?? []) {
    const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(fault) };
    const { status } = await azure.fetch(`${azure.url}/_simulator/faults`, request);
    if (status !== 201) throw new Error(`That is no fault: ${JSON.stringify(fault)}`);
  }
  const read = async <T>(path: string, shape: z.ZodType<T>): Promise<T[]> =>
    z.array(shape).parse(await (await azure.fetch(`${azure.url}/_simulator/${path}`)).json());
  // Under chaos its calls would be struck too.
  const planned = options.chaos === undefined ? await administrator.plan(body) : undefined;
  const before = (await read('requests?full=true', asked)).length;
  await administrator.start(body);
  const shown = await administrator.seeThrough(String(body['name']), () => undefined);
  const restedAt = Date.now();
  await new Promise((resolve) => setTimeout(resolve, AFTERMATH_MS));

  const requests = (await read('requests?full=true', asked)).slice(before);
  const exposures = await read('exposures', exposure);
  const headers = { 'x-functions-key': host.key };
  const aside = await ask(`${host.url}/api/deployments/${shown.name}/subscriptions?state=setAside`, { headers });
  return {
    shown,
    setAside: page.parse(await aside.json()).value,
    calls: {
      estimated: planned?.estimate.azureCalls,
      recorded: requests.filter((one) => one.time <= restedAt && isOfTheRun(one)).length,
    },
    requests,
    windows: await read('windows', window),
    open: exposures.filter(({ closedAt }) => closedAt === null).map(({ address, ports }) => `${address}:${ports}`),
    simulatedSeconds: (restedAt - START) / 1_000,
    errors,
  };
}

const APP = 'a0000000-0000-4000-8000-000000000001';
const SWEEP = /\/Microsoft\.Network\/(networkSecurityGroups|publicIPAddresses)$/i;
const isOfTheRun = ({ caller, path }: z.infer<typeof asked>): boolean => caller === APP && !SWEEP.test(path);

/** Each call takes its time, from the seed: so calls come one after the other, and another seed is another order. */
function slowed({ httpClient, fetch }: InProcessAzure, seed: string): Pick<InProcessAzure, 'httpClient' | 'fetch'> {
  let calls = 0;
  const latency = (): Promise<void> => {
    const ms = 5 + Math.floor(95 * chanceOf(seed, `latency ${calls++}`));
    return new Promise((resolve) => setTimeout(resolve, ms));
  };
  return {
    httpClient: { sendRequest: (request) => latency().then(() => httpClient.sendRequest(request)) },
    fetch: (input, init) => latency().then(() => fetch(input, init)),
  };
}

/** A fetch that reaches the host's handler and the console, by the URL. */
function askedOf(web: Handler, console: typeof fetch): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    if (request.url.startsWith(CONSOLE_URL)) return console(request);
    const { status, headers, body } = await web({
      method: request.method,
      url: new URL(request.url),
      headers: Object.fromEntries(request.headers),
      body: Buffer.from(await request.arrayBuffer()),
    });
    const content = typeof body === 'string' || body === undefined ? body : Buffer.from(body);
    return new Response(content || null, { status, ...(headers === undefined ? {} : { headers }) });
  };
}
