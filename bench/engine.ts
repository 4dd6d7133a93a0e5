/** Our engine with the bench app in it, loaded as the host loads any app; HTTP is left out. */
import { join } from 'node:path';
import { AppFunctions } from '../local/host/app/functions';
import { loadApp } from '../local/host/app/loadApp';
import { readHostConfig } from '../local/host/config';
import { systemClock } from '../local/host/engine/clock';
import { Engine } from '../local/host/engine/engine';
import { openSqliteStore } from '../local/host/engine/sqliteStore';

/** From dist/bench. */
export const APP = join(__dirname, '../../bench/app');

export interface BenchEngine {
  /** Starts `count` instances at once and waits for the last. @returns `count` */
  run(name: string, count: number, input?: unknown): Promise<number>;
  /** @throws unless every instance of the hub has ended well */
  close(): Promise<void>;
}

const silent = (): void => undefined;

/** @param file the database, or `:memory:` for none */
export async function openEngine(file: string): Promise<BenchEngine> {
  const functions = new AppFunctions(await loadApp(APP, silent), () => '{}');
  const store = openSqliteStore(file);
  const { limits, httpPollMs, versioning } = readHostConfig(APP);
  const engine = new Engine({
    ...{ store, clock: systemClock, log: silent, strict: false, limits, httpPollMs, versioning },
    functions: (kind) => functions.namesOf(kind),
    invokeOrchestrator: (invocation) => functions.invokeOrchestrator(invocation),
    invoke: (invocation) => functions.invokeDurable(invocation),
    broken: (error) => {
      throw error;
    },
  });
  engine.start();
  return {
    async run(name, count, input) {
      const json = input === undefined ? null : JSON.stringify(input);
      for (let n = 0; n < count; n++) engine.client.start({ name, input: json });
      await engine.idle();
      return count;
    },
    async close() {
      const open = engine.client.list({ statuses: ['Running', 'Pending', 'Failed', 'Suspended'], limit: 1 });
      if (open[0]) throw new Error(`${open[0].name} ${open[0].id} is ${open[0].status}: ${open[0].output ?? ''}`);
      await engine.stop(0);
      store.close();
    },
  };
}
