/** Puts the parts together: the app, the engine, and two servers on the loopback address. */
import { join, resolve } from 'node:path';
import { AppFunctions } from './app/functions';
import { appHookData, runHooks } from './app/core';
import { AppError, loadApp } from './app/loadApp';
import { applyLocalSettings, readHostConfig } from './config';
import { systemClock } from './engine/clock';
import { Engine } from './engine/engine';
import { HTTP_ACTIVITY } from './engine/httpCall';
import { openSqliteStore } from './engine/sqliteStore';
import { runHttpCall } from './http/callHttp';
import { type Handler } from './http/exchange';
import { type HttpRoute, httpRoutes } from './http/httpTrigger';
import { RPC_PATH, rpcHandler, webHandler } from './http/handlers';
import { listen, type RunningServer } from './http/server';
import { clientBinding, type DurableUrls } from './http/urls';
import { type Keys, readKeys } from './keys';
import { type Log, logToStderr, messageOf } from './log';
import { lockState } from './stateLock';
import { startTimers } from './timers';

export interface HostOptions {
  /** The app's folder: the one with host.json and package.json. */
  readonly folder: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Where keys, the lock and the durable state are kept. */
  readonly stateFolder: string;
  /** Durable state in memory: gone with the process. */
  readonly memory?: boolean;
  /** Azure's oddities that only hurt are kept, too (contract 12). */
  readonly strict?: boolean;
  readonly log?: Log;
}
export interface RunningHost {
  /** Origin of the app's functions and of the webhooks. */
  readonly url: string;
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
const GRACE_MS = 5_000;
const DEFAULT_PORT = 7071;

/** @throws AppError for what the user can mend: the folder, the app, its settings, the port, a second host */
export async function startHost(options: HostOptions): Promise<RunningHost> {
  const { port, memory = false, strict = false, log = logToStderr } = options;
  const [folder, stateFolder] = [resolve(options.folder), resolve(options.stateFolder)];
  const unlock = memory ? () => undefined : lockState(stateFolder);
  const undo: (() => Promise<void> | void)[] = [unlock];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const keys = readKeys(stateFolder);
    applyLocalSettings(folder);
    const config = readHostConfig(folder);
    // The servers come first, because the app may read the host's name while it loads; they answer once it has.
    const ready: { web?: Handler; rpc?: Handler } = {};
    const notYet = { status: 503 };
    const web = await listenOn(port, log, (request) => ready.web?.(request) ?? notYet);
    undo.push(() => web.close());
    const rpc = await listenOn(0, log, (request) => ready.rpc?.(request) ?? notYet);
    undo.push(() => rpc.close());
    // Without it the durable client rewrites every URL to port 7071 (contract 7.1).
    if (web.port !== DEFAULT_PORT) process.env.WEBSITE_HOSTNAME = `127.0.0.1:${web.port}`;

    const rpcUrl = `${rpc.origin}${RPC_PATH}/`;
    const urls: DurableUrls = {
      origin: web.origin,
      hubName: config.hubName,
      systemKey: keys.systemKeys.durabletask_extension,
      rpcUrl,
    };
    const functions = new AppFunctions(await loadApp(folder, log), () => clientBinding(urls));
    undo.push(() => runHooks('appTerminate', { hookData: appHookData(), appHookData: appHookData() }));
    const store = openSqliteStore(memory ? ':memory:' : join(stateFolder, 'durable.db'));
    undo.push(() => store.close());
    const engine = new Engine({
      store,
      clock: systemClock,
      log,
      strict,
      functions: (kind) => functions.namesOf(kind),
      invokeOrchestrator: (invocation) => functions.invokeOrchestrator(invocation),
      invoke: (invocation) =>
        invocation.name === HTTP_ACTIVITY ? runHttpCall(invocation.input) : functions.invokeDurable(invocation),
      httpPollMs: config.httpPollMs,
      versioning: config.versioning,
      broken: (error) => {
        log('critical', 'host', `the durable state cannot be written: ${messageOf(error)}. What is stored is whole.`);
        process.exit(1);
      },
      limits: config.limits,
    });
    const routes = httpRoutes(functions.withTrigger('httpTrigger'), config.routePrefix);
    const api = { client: engine.client, urls, defaultVersion: config.versioning.defaultVersion, delay };
    Object.assign(ready, { web: webHandler({ api, functions, routes, keys, log }), rpc: rpcHandler(api) });
    engine.start();
    undo.push(() => engine.stop(GRACE_MS));
    undo.push(startTimers(functions.withTrigger('timerTrigger'), systemClock, log));
    // Again, and now first of all: no new requests while the rest winds down.
    undo.push(() => web.close());

    const others = functions.all
      .filter(({ trigger }) => trigger.type !== 'httpTrigger')
      .map(({ name, trigger }) => ({ name, trigger: trigger.type }));
    return { url: web.origin, rpcUrl, keys, routes, others, idle: () => engine.idle(), close };
  } catch (error) {
    await close();
    throw error;
  }
}

const delay = (ms: number): Promise<void> =>
  new Promise((done) => {
    systemClock.at(systemClock.now() + ms, done);
  });

async function listenOn(port: number, log: Log, handler: Handler): Promise<RunningServer> {
  try {
    return await listen(port, log, handler);
  } catch (error) {
    throw new AppError(`The host cannot listen on port ${port}: ${messageOf(error)}. Choose another with --port.`);
  }
}
