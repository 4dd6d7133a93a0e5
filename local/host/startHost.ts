/** Puts the parts together: the app, the engine, and two servers on the loopback address. */
import { join, resolve } from 'node:path';
import { appHookData, runHooks } from './app/core';
import { AppFunctions } from './app/functions';
import { loadApp } from './app/loadApp';
import { AppError } from './appError';
import { applyLocalSettings, type HostConfig, readHostConfig } from './config';
import { appEngine, delay } from './appEngine';
import { systemClock } from './engine/clock';
import { openSqliteStore } from './engine/sqliteStore';
import { type Store } from './engine/store';
import { type Answerer, empty, whole } from './http/exchange';
import { RPC_PATH, rpcHandler, webHandler } from './http/handlers';
import { type HttpRoute, httpRoutes } from './http/httpTrigger';
import { listen, type RunningServer } from './http/server';
import { clientBinding, type DurableUrls } from './http/urls';
import { type Keys, readKeys } from './keys';
import { type Log, logToStderr, messageOf } from './log';
import { hasLock, lockState } from './stateLock';
import { readTimers, runByHand, startTimers, TimerStatuses } from './timers';

export interface HostOptions {
  /** The app's folder: the one with host.json and package.json. */
  readonly folder: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Where keys, the lock and the durable state are kept. */
  readonly stateFolder: string;
  /** Durable state in memory: gone with the process. */
  readonly memory?: boolean;
  /** Azure's oddities as they are on the real host (contract 12). */
  readonly strict?: boolean;
  readonly log?: Log;
}
export interface RunningHost {
  /** Origin of the app's functions and of the webhooks. */
  readonly url: string;
  readonly port: number;
  /** Base of the durable API for the app's own client; ends with a slash. */
  readonly rpcUrl: string;
  readonly keys: Keys;
  readonly routes: readonly HttpRoute[];
  /** Functions that have no URL, with their triggers. */
  readonly others: readonly { readonly name: string; readonly trigger: string }[];
  /** Resolves when no orchestration, activity or entity runs, and none could before the next timer. */
  idle(): Promise<void>;
  /** Takes no new work, waits a little for running activities, and lets go of the state. */
  close(): Promise<void>;
}

/** How long running activities may still take at the end. What does not end in time runs again at the next start. */
export const GRACE_MS = 5_000;

/** @throws AppError for what the user can mend, with nothing written: the folder, the app, its settings, the port, a second host */
export async function startHost(options: HostOptions): Promise<RunningHost> {
  const undo: Undo = [];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    return { ...(await start(options, undo)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Undo = (() => Promise<unknown> | void)[];

/** @param undo gets what `close` has to do, in the other order */
async function start(
  { port, memory = false, strict = false, log = logToStderr, ...paths }: HostOptions,
  undo: Undo,
): Promise<Omit<RunningHost, 'close'>> {
  const [folder, stateFolder] = [resolve(paths.folder), resolve(paths.stateFolder)];
  // A folder that is in use already is refused before any code of the app runs; a new one is not made before all is well.
  const isUsed = !memory && hasLock(stateFolder);
  if (isUsed) undo.push(lockState(stateFolder));
  applyLocalSettings(folder);
  const config = readHostConfig(folder);
  const { web, rpc, ready } = await openServers(port, config, log, undo);

  const app = await loadApp(folder, log);
  undo.push(() => runHooks('appTerminate', { hookData: appHookData(), appHookData: appHookData() }));
  let binding: string | undefined;
  const functions = new AppFunctions(app, () => (binding ??= clientBinding(urls)));
  const routes = httpRoutes(functions.withTrigger('httpTrigger'), config.routePrefix);
  const timers = readTimers(functions.withTrigger('timerTrigger'));

  // All that can be wrong with the app is known here. Now the state.
  if (!memory && !isUsed) undo.push(lockState(stateFolder));
  const store = openStore(memory ? ':memory:' : join(stateFolder, 'durable.db'));
  undo.push(() => store.close());
  const statuses = new TimerStatuses(memory ? undefined : join(stateFolder, 'timers.json'));
  const keys = readKeys(stateFolder, guarded(routes));
  const urls: DurableUrls = {
    origin: web.origin,
    hubName: config.hubName,
    systemKey: keys.systemKeys.durabletask_extension,
    rpcUrl: `${rpc.origin}${RPC_PATH}/`,
  };

  const engine = appEngine(functions, { store, config, log, strict });
  const api = { client: engine.client, urls, defaultVersion: config.versioning.defaultVersion, delay, strict };
  const ports = { statuses, clock: systemClock, log };
  const byHand = (name: string): Promise<void> => runByHand(timers, name, ports);
  ready.web = webHandler({ api, functions, routes, streamPort: app.streamPort, keys, log, runTimer: byHand });
  ready.rpc = rpcHandler(api);
  engine.start();
  undo.push(() => engine.stop(GRACE_MS));
  undo.push(startTimers(timers, ports));
  // Again, and now first of all: no new requests while the rest winds down.
  undo.push(() => web.close());
  warnOfUnserved(functions, log);
  const idle = (): Promise<void> => engine.idle();
  return { url: web.origin, port: web.port, rpcUrl: urls.rpcUrl, keys, routes, others: withoutUrl(functions), idle };
}

/** The servers come first, because the app may read the host's name while it loads; they answer once it has. */
async function openServers(port: number, { customHeaders }: HostConfig, log: Log, undo: Undo) {
  const ready: { web?: Answerer; rpc?: Answerer } = {};
  const notYet = whole(() => empty(503));
  const web = await listenOn(port, log, (exchange) => {
    exchange.response.setHeaders(new Map(Object.entries(customHeaders)));
    return (ready.web ?? notYet)(exchange);
  });
  undo.push(() => web.close());
  const rpc = await listenOn(0, log, (exchange) => (ready.rpc ?? notYet)(exchange));
  undo.push(() => rpc.close());
  // Apps make URLs of it, and without it the durable client rewrites all of its own to port 7071 (contract 7.1).
  process.env.WEBSITE_HOSTNAME = `127.0.0.1:${web.port}`;
  return { web, rpc, ready };
}

/** The functions that ask for a function key. */
const guarded = (routes: readonly HttpRoute[]): string[] =>
  routes.filter(({ authLevel }) => authLevel === 'function').map(({ name }) => name);

function warnOfUnserved({ all }: AppFunctions, log: Log): void {
  for (const { name, unserved } of all)
    for (const type of unserved)
      log('warning', name, `the binding '${type}' is not served: in is undefined, out is dropped`);
}

const withoutUrl = ({ all }: AppFunctions): RunningHost['others'] =>
  all
    .filter(({ trigger }) => !/^httpTrigger$/i.test(trigger.type))
    .map(({ name, trigger }) => ({ name, trigger: trigger.type }));

function openStore(path: string): Store {
  try {
    return openSqliteStore(path);
  } catch (error) {
    const message = messageOf(error);
    throw new AppError(`The state cannot be opened: ${message.includes(path) ? message : `${path}: ${message}`}`);
  }
}

async function listenOn(port: number, log: Log, answer: Answerer): Promise<RunningServer> {
  try {
    return await listen(port, log, answer);
  } catch (error) {
    throw new AppError(`The host cannot listen on port ${port}: ${messageOf(error)}. Choose another with --port.`);
  }
}
