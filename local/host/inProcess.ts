/**
 * The host without a socket: the app's functions over an engine whose state is in memory, asked by calling it. With
 * the global timers replaced by others, time is the caller's, and a run can be the same every time.
 */
import { type LoadedApp } from './app/loadApp';
import { AppFunctions } from './app/functions';
import { appEngine, delay } from './appEngine';
import { readHostConfig } from './config';
import { systemClock } from './engine/clock';
import { openSqliteStore } from './engine/sqliteStore';
import { type Handler } from './http/exchange';
import { RPC_PATH, rpcAnswers, webAnswers } from './http/handlers';
import { httpRoutes } from './http/httpTrigger';
import { clientBinding, type DurableUrls } from './http/urls';
import { type Keys } from './keys';
import { type Log } from './log';
import { readTimers, runByHand, startTimers, TimerStatuses } from './timers';

interface InProcessOptions {
  /** The app's folder, and what `loadApp` made of it: one loaded app serves any number of hosts, one after the other. */
  readonly folder: string;
  readonly app: LoadedApp;
  readonly log: Log;
  readonly strict?: boolean;
}
interface InProcessHost {
  /** Nothing listens there. */
  readonly url: string;
  /** Opens every function and the webhooks. */
  readonly key: string;
  /** Answers what would come to the host's port. */
  readonly web: Handler;
  /** Answers the app's own durable client. */
  readonly rpc: Handler;
  /** Starts nothing more, waits for what runs, and forgets all. */
  close(): Promise<void>;
}

const ORIGIN = 'http://host.simulated';
const KEY = 'in-process';
const keys: Keys = {
  masterKey: KEY,
  functionKeys: { default: KEY },
  systemKeys: { durabletask_extension: KEY, eventgrid_extension: KEY },
  functions: {},
};
const GRACE_MS = 1_000;

/** @throws AppError for a trigger that cannot be served, or settings that cannot be read */
export function hostInProcess({ folder, app, log, strict = false }: InProcessOptions): InProcessHost {
  const config = readHostConfig(folder);
  process.env.WEBSITE_HOSTNAME = new URL(ORIGIN).host;
  const urls: DurableUrls = {
    origin: ORIGIN,
    hubName: config.hubName,
    systemKey: KEY,
    rpcUrl: `${ORIGIN}${RPC_PATH}/`,
  };
  const binding = clientBinding(urls);
  const functions = new AppFunctions(app, () => binding);
  const routes = httpRoutes(functions.withTrigger('httpTrigger'), config.routePrefix);
  const timers = readTimers(functions.withTrigger('timerTrigger'));
  const store = openSqliteStore(':memory:');
  const engine = appEngine(functions, { store, config, log, strict });
  const api = { client: engine.client, urls, defaultVersion: config.versioning.defaultVersion, delay, strict };
  const ports = { statuses: new TimerStatuses(undefined), clock: systemClock, log };
  const runTimer = (name: string): Promise<void> => runByHand(timers, name, ports);
  engine.start();
  const stopTimers = startTimers(timers, ports);
  return {
    url: ORIGIN,
    key: KEY,
    web: webAnswers({ api, functions, routes, keys, log, runTimer }),
    rpc: rpcAnswers(api),
    close: async () => {
      stopTimers();
      await engine.stop(GRACE_MS);
      store.close();
    },
  };
}
