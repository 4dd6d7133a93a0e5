/** The engine as a host runs it: over the app's own functions, by the machine's clock. */
import { type AppFunctions } from './app/functions';
import { type HostConfig } from './config';
import { systemClock } from './engine/clock';
import { Engine } from './engine/engine';
import { HTTP_ACTIVITY } from './engine/httpCall';
import { type Store } from './engine/store';
import { runHttpCall } from './http/callHttp';
import { type Log, messageOf } from './log';

interface AppEngineOptions {
  readonly store: Store;
  readonly config: HostConfig;
  readonly log: Log;
  /** Azure's oddities as they are on the real host (contract 12). */
  readonly strict: boolean;
}

export const appEngine = (functions: AppFunctions, { store, config, log, strict }: AppEngineOptions): Engine =>
  new Engine({
    store,
    clock: systemClock,
    log,
    strict,
    ...config,
    functions: (kind) => functions.namesOf(kind),
    invokeOrchestrator: (invocation) => functions.invokeOrchestrator(invocation),
    invoke: (invocation) =>
      invocation.name === HTTP_ACTIVITY ? runHttpCall(invocation.input) : functions.invokeDurable(invocation),
    broken: (error) => {
      log('critical', 'host', `the durable state cannot be written: ${messageOf(error)}. What is stored is whole.`);
      process.exit(1);
    },
  });

export const delay = (ms: number): Promise<void> =>
  new Promise((done) => {
    systemClock.at(systemClock.now() + ms, done);
  });
