/** Power cuts: the host is killed again and again in the middle of its work, and every instance ends as if nothing had happened. */
import { afterAll, expect, test } from '@jest/globals';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { APP, type HostProcess, newFolder, send, startHostProcess, until } from './hostProcess';

const KILLS = 6;
const ROUNDS = 12;
const NAMES = Array.from({ length: 8 }, (_, index) => `run-${index}`);

/** Five marks and the child's, in each round of each run. */
const ALL_MARKS = NAMES.length * ROUNDS * 6;

const lines = (file: string): string[] => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []);

const state = newFolder();
let host: HostProcess;
afterAll(async () => {
  await host.stop('SIGKILL');
  rmSync(state, { recursive: true });
});

test('killed at any instant, everything goes on', async () => {
  const file = join(state, 'marks.txt');
  const url = (to: HostProcess, path: string) =>
    `${to.url}/runtime/webhooks/durabletask/${path}?code=${to.keys.systemKeys.durabletask_extension}`;

  host = await startHostProcess(state, APP);
  for (const name of NAMES) {
    expect(
      (await send(url(host, `orchestrators/marathon/${name}`), 'POST', { file, name, round: 1, rounds: ROUNDS }))
        .status,
    ).toBe(202);
  }
  for (let kill = 1; kill <= KILLS; kill++) {
    // Each kill comes when some more work is done, wherever that finds the others.
    const wanted = lines(file).length + 12;
    await until(
      () => send(`${host.url}/admin/host/status`),
      () => lines(file).length >= wanted,
    );
    expect(new Set(lines(file)).size).toBeLessThan(ALL_MARKS);
    await host.stop('SIGKILL');
    host = await startHostProcess(state, APP);
  }
  for (const name of NAMES) {
    // An event may come at any time before it is waited for, but continueAsNew would drop it: so in the last round.
    await until(
      () => send(url(host, `instances/${name}`)),
      ({ text }) => text.includes(`"round":${ROUNDS},`),
    );
    expect((await send(url(host, `instances/${name}/raiseEvent/Finish`), 'POST', { name })).status).toBe(202);
  }
  await host.stop('SIGKILL');
  host = await startHostProcess(state, APP);

  for (const name of NAMES) {
    const { json } = await until(
      () => send(url(host, `instances/${name}`)),
      ({ status }) => status === 200,
    );
    expect(json).toMatchObject({
      runtimeStatus: 'Completed',
      output: {
        marks: [1, 2, 3, 4, 5].map((line) => `${name} ${ROUNDS} ${line}`),
        child: `${name} ${ROUNDS} child`,
        event: { name },
        count: ROUNDS,
      },
    });
  }
  // At least once: each mark is there, and only marks whose answer a kill swallowed are there twice.
  const marks = lines(file);
  expect(new Set(marks).size).toBe(ALL_MARKS);
  expect(marks.length).toBeLessThan(ALL_MARKS * 2);
});
