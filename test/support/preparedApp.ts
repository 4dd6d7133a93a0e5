/** The app, loaded once for any number of runs in this process, and its libraries led away from every socket. */
import type { HttpClient } from '@azure/core-rest-pipeline';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { z } from 'zod';
import { azureInProcess } from '../../local/azure/inProcess';
import { loadApp, type LoadedApp } from '../../local/host/app/loadApp';
import { type Handler } from '../../local/host/http/exchange';
import { appFolder } from '../../local/processes';
import type * as Composition from '../../src/composition';

type Transport = Required<Parameters<typeof Composition.configure>[0]>;

interface PreparedApp {
  readonly app: LoadedApp;
  /** Gives the app its way out for the next run, and forgets the tokens of the one before. */
  readonly use: (transport: { readonly [K in keyof Transport]: NonNullable<Transport[K]> }) => void;
  /** Leads the app's durable client to this host instead of to a port. */
  readonly connectClient: (rpc: Handler) => void;
}

export const tenantFile = join(appFolder, 'samples', 'tenant.json');

let preparing: Promise<PreparedApp> | undefined;

/** Loading the app takes longer than many a run. */
export const preparedApp = (): Promise<PreparedApp> => (preparing ??= prepare());

async function prepare(): Promise<PreparedApp> {
  // The app reads its settings while it starts; each run then gives it its own.
  const azure = azureInProcess({ tenant: tenantFile });
  Object.assign(process.env, azure.environment);
  azure.close();
  const app = await loadApp(appFolder, () => undefined);
  const load = createRequire(join(appFolder, 'package.json'));
  // The app's own instance of it, which the loader has just made.
  const { configure } = load('./dist/src/composition.js') as typeof Composition;
  const forgetTokens = tokenCacheOf(createRequire(load.resolve('@azure/identity'))('@azure/msal-node'));
  let rpc: Handler | undefined;
  leadAxiosTo(createRequire(load.resolve('durable-functions'))('axios'), (request) => {
    if (rpc === undefined) throw new Error('The durable client is used while no host runs.');
    return rpc(request);
  });
  // The sign-in library goes on with the first client that it was given, so all runs give it this one.
  let current: HttpClient | undefined;
  const lasting: HttpClient = {
    sendRequest: (request) =>
      current?.sendRequest(request) ?? Promise.reject(new Error('Azure is asked while nothing runs.')),
  };
  return {
    app,
    use: ({ httpClient, fetch, connect }) => {
      current = httpClient;
      forgetTokens();
      configure({ httpClient: lasting, fetch, connect });
    },
    connectClient: (given) => (rpc = given),
  };
}

const axiosConfig = z.object({
  method: z.string().default('get'),
  url: z.string(),
  data: z.union([z.string(), z.instanceof(Buffer)]).optional(),
  headers: z.custom<Record<string, unknown>>((value) => typeof value === 'object' && value !== null),
});
const withDefaults = z.custom<{ readonly defaults: Record<string, unknown> }>(
  (value) => typeof value === 'function' && 'defaults' in value,
);
const inLowerCase = (headers: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)] as const));

/** The durable client asks by axios, whose documented way to another transport is the default adapter. */
function leadAxiosTo(axios: unknown, handler: Handler): void {
  withDefaults.parse(axios).defaults['adapter'] = async (config: unknown) => {
    const { method, url, data, headers } = axiosConfig.parse(config);
    const reply = await handler({
      method: method.toUpperCase(),
      url: new URL(url),
      headers: inLowerCase({ ...headers }),
      body: Buffer.from(data ?? ''),
    });
    return {
      status: reply.status,
      statusText: '',
      headers: inLowerCase(reply.headers ?? {}),
      data: reply.body === undefined ? '' : Buffer.from(reply.body).toString('utf8'),
      config,
    };
  };
}

const tokenOwner = z.object({ ManagedIdentityApplication: z.custom<object>((value) => typeof value === 'function') });
const tokenCache = z.custom<{ setCache(empty: object): void }>(
  (value) => typeof value === 'object' && value !== null && 'setCache' in value,
);

/** The sign-in library keeps managed identities' tokens for the whole process; a run must begin without. */
function tokenCacheOf(msal: unknown): () => void {
  const { ManagedIdentityApplication: owner } = tokenOwner.parse(msal);
  return () => tokenCache.optional().parse(Reflect.get(owner, 'nodeStorage'))?.setCache({});
}
