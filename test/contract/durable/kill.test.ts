/** Ten times the host is really killed, by SIGKILL and at any instant, and everything comes to the same end as in a quiet run. */
import { afterAll, expect, test } from '@jest/globals';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { VirtualClock } from '../../support/virtualClock';
import { Engine } from '../../../local/host/engine/engine';
import { openSqliteStore } from '../../../local/host/engine/sqliteStore';
import { basePorts, live, World } from './crash/life';
import { type Outcome, outcome } from './crash/outcome';
import { performOverHttp } from './crash/overHttp';
import { STEPS } from './crash/steps';
import { type HostProcess, newFolder, send, startHostProcess, until } from './hostProcess';

const APP = join(__dirname, 'crash/app');
const KILLS = 10;
/** Real time goes this many times as fast as the workload's. */
const SPEED = 10;
/** Ten days are for simulated time, and the web that is called for a simulated web. */
const LEFT_OUT = /^(longTimer|polls)/;

const state = newFolder();
let host: HostProcess;
afterAll(async () => {
  await host.stop('SIGKILL');
  rmSync(state, { recursive: true });
});

test('killed ten times, everything comes to the same end', async () => {
  const world = join(state, 'world');
  mkdirSync(world);
  const start = (): Promise<HostProcess> =>
    startHostProcess(state, APP, { CRASH_WORLD: world, CRASH_SECOND: String(1_000 / SPEED) });
  const killAndStart = async (): Promise<void> => {
    await host.stop('SIGKILL');
    host = await start();
  };
  const steps = STEPS.filter(({ id }) => !LEFT_OUT.test(id)).sort((a, b) => a.at - b.at);
  host = await start();
  const began = Date.now();
  let kills = 0;
  for (const [index, step] of steps.entries()) {
    await until(
      () => send(`${host.url}/admin/host/status`),
      () => Date.now() >= began + step.at / SPEED,
    );
    if (index % Math.floor(steps.length / KILLS) === 0 && kills < KILLS) {
      // In the middle of the request: whether it was heard, nobody knows.
      const unanswered = performOverHttp(host, step).catch(() => undefined);
      if (kills++ % 2 === 0) await unanswered;
      await killAndStart();
    }
    await until(() => performOverHttp(host, step), Boolean);
  }
  expect(kills).toBe(KILLS);
  await until(
    () => send(`${host.url}/runtime/webhooks/durabletask/instances?code=${host.keys.masterKey}&runtimeStatus=Running`),
    ({ text }) => !/"instanceId":"[^@]/.test(text),
  );
  await host.stop('SIGTERM');

  expect(ends(storedOutcome(join(state, 'durable.db')))).toEqual(ends(await quietOutcome(join(state, 'quiet.db'))));
});

function storedOutcome(file: string): Outcome {
  const store = openSqliteStore(file);
  const nothingRuns = (): Promise<never> => Promise.reject(new Error('Nothing may run here.'));
  const ports = {
    ...basePorts(store, new VirtualClock(Date.now())),
    invokeOrchestrator: nothingRuns,
    invoke: nothingRuns,
  };
  try {
    return outcome(new Engine(ports).client);
  } finally {
    store.close();
  }
}

const quietOutcome = async (file: string): Promise<Outcome> => (await live(file, new World())).outcome ?? [];

/** In real time a retry more or less is needed, so histories differ; so do times. */
const ends = (all: Outcome): string[] =>
  all
    .map(({ instance }) => instance.replaceAll(/\d{13}/g, '#'))
    .filter((instance) => !LEFT_OUT.test(instance.slice('{"id":"'.length)))
    .sort();
