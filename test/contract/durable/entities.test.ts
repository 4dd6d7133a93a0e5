/** Entities (contract 5.2, 6.2, 6.3) over HTTP, against an app on a real host. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type Answer, type HostProcess, newFolder, send, startHostProcess, until } from './hostProcess';

const APP = join(__dirname, 'entityApp');
const state = newFolder();
let host: HostProcess;
beforeAll(async () => {
  host = await startHostProcess(state, APP);
});
afterAll(async () => {
  await host.stop('SIGKILL');
  rmSync(state, { recursive: true });
});
async function killAndRestart(): Promise<void> {
  await host.stop('SIGKILL');
  host = await startHostProcess(state, APP);
}

const at = (path: string, query = ''): string =>
  `${host.url}/runtime/webhooks/durabletask/${path}?${query}&code=${host.keys.systemKeys.durabletask_extension}`;
const instance = (id: string): Promise<Answer> => send(at(`instances/${encodeURIComponent(id)}`));
const start = async (name: string, id: string, input?: unknown): Promise<void> =>
  expect((await send(at(`orchestrators/${name}/${id}`), 'POST', input)).status).toBe(202);
const raise = async (id: string, data: unknown, name = 'Go'): Promise<void> =>
  expect((await send(at(`instances/${id}/raiseEvent/${name}`), 'POST', data)).status).toBe(202);
/** Starts and waits. The body is the output, or the status of one that did not complete. */
const run = async (name: string, input?: unknown): Promise<unknown> =>
  (await send(at(`orchestrators/${name}`, 'timeout=20&pollingInterval=0.01'), 'POST', input)).json;
const signal = async (entity: string, op: string, body?: unknown): Promise<void> =>
  expect((await send(at(`entities/${entity}`, `op=${op}`), 'POST', body)).status).toBe(202);
const read = (entity: string): Promise<Answer> => send(at(`entities/${entity}`));
const becomes = (entity: string, wanted: unknown): Promise<Answer> =>
  until(
    () => read(entity),
    ({ json }) => JSON.stringify(json) === JSON.stringify(wanted),
  );
const reaches = (id: string, wanted: Readonly<Record<string, unknown>>): Promise<Answer> =>
  until(
    () => instance(id),
    ({ json }) => {
      const found = z.record(z.string(), z.unknown()).safeParse(json).data ?? {};
      return Object.entries(wanted).every(([name, value]) => JSON.stringify(found[name]) === JSON.stringify(value));
    },
  );
const call = (name: string, key: string, ...operations: string[]): Promise<unknown> =>
  run('call', { name, key, operations });

test('killed at any instant, a critical section stays whole and every lock is let go', async () => {
  const names = Array.from({ length: 9 }, (_, n) => `move-${n}`);
  const keys = ['a', 'b', 'c'];
  for (const key of keys) await signal(`account/${key}`, 'add', 100);
  for (const [n, name] of names.entries()) {
    const [from, to] = [keys[n % 3], keys[(n + 1 + (n % 2)) % 3]];
    await start('transfer', name, { from, to, amount: n, rounds: 3 });
  }
  const done = async (): Promise<number> => {
    const all = await Promise.all(names.map((name) => instance(name)));
    return all.filter(({ status }) => status === 200).length;
  };
  for (const count of [1, 3, 5, 7]) {
    await until(done, (finished) => finished >= count);
    await killAndRestart();
  }
  for (const name of names) await reaches(name, { runtimeStatus: 'Completed', output: 'alone' });
  let sum = 0;
  for (const key of keys) {
    sum += z.number().parse((await read(`account/${key}`)).json);
    await reaches(`@account@${key}`, { customStatus: { entityExists: true } });
  }
  expect(sum).toBe(300);
});

test('a locked entity shows who holds it and what waits, and serves the holder first', async () => {
  await signal('account/l1', 'add', 1);
  await start('holder', 'holds', ['l1', 'l2']);
  await reaches('holds', { customStatus: 'locked' });
  await reaches('@account@l2', { input: { lockedBy: 'holds', sorter: {} }, customStatus: { lockedBy: 'holds' } });
  // More than one batch.
  for (let n = 0; n < 7; n++) await signal('account/l1', 'add', 10);
  const waiting = { entityExists: true, queueSize: 7, lockedBy: 'holds' };
  await reaches('@account@l1', { customStatus: waiting });
  await killAndRestart();
  await reaches('@account@l1', { customStatus: waiting });
  expect((await read('account/l1')).json).toBe(1);
  // What waits counts from the state that the holder leaves: none.
  await raise('holds', 'delete');
  await becomes('account/l1', 70);
  await reaches('@account@l1', { customStatus: { entityExists: true } });
  expect(await call('account', 'l2', 'get')).toEqual([0]);
});

test.each([
  ['throws', async (id: string) => raise(id, 'throw')],
  ['returns', async (id: string) => raise(id, 'nothing')],
  ['breaks a rule of the library', async (id: string) => raise(id, 'nested')],
  ['is terminated', async (id: string) => void (await send(at(`instances/${id}/terminate`), 'POST'))],
  ['is purged', async (id: string) => void (await send(at(`instances/${id}`), 'DELETE'))],
])('an orchestration that %s lets go', async (how, end) => {
  const id = how.replaceAll(' ', '-');
  await start('holder', id, [id, `${id}-2`]);
  await reaches(id, { customStatus: 'locked' });
  await start('holder', `${id}-next`, [`${id}-2`, id]);
  await reaches(`@account@${id}`, { customStatus: { queueSize: 1, lockedBy: id } });
  await end(id);
  await reaches(`${id}-next`, { customStatus: 'locked' });
  expect((await instance(`@account@${id}`)).json).toMatchObject({ customStatus: { lockedBy: `${id}-next` } });
});

test('an entity outside of the set cannot be called from inside', async () => {
  await start('holder', 'strange', ['s1']);
  await raise('strange', 'stranger');
  await reaches('strange', {
    output:
      "Orchestrator function 'holder' failed: Cannot call an entity from within a critical section unless it is one of the locked entities.",
  });
});

test('batches are no larger than host.json says', async () => {
  const sizes = z.array(z.number()).parse(await run('signals'));
  expect(Math.max(...sizes)).toBe(3);
  expect(sizes.reduce((sum, size) => sum + size)).toBe(11);
});

test('a scheduled signal survives a kill, and never comes early', async () => {
  await start('schedule', 'sched', 600);
  await reaches('sched', { runtimeStatus: 'Completed' });
  await killAndRestart();
  const { json } = await until(
    () => read('odd/sched'),
    ({ status }) => status === 200,
  );
  const { due, now } = z.object({ due: z.number(), now: z.number() }).parse(json);
  expect(now).toBeGreaterThanOrEqual(due);
});

test("the library's oddities are kept", async () => {
  // Each answer counts, so the second of one operation goes to the next.
  expect(await call('odd', 'o1', 'two', 'get', 'get')).toEqual([1, 2, 'none']);
  expect(await call('odd', 'o2', 'changeAndThrow')).toBe('[object Object]');
  expect((await read('odd/o2')).json).toBe('changed');
  await becomes('account/odd', 7);
});

test('an entity signals itself, and a signal to nobody is dropped with a word', async () => {
  await signal('odd/self', 'countdown', 3);
  await becomes('odd/self', [3, 2, 1]);
  expect(host.output()).toMatch(/a signal was dropped\. The function 'nobody' doesn't exist/);
});

test('a state of 5 MB comes back whole', async () => {
  await signal('odd/big', 'big');
  const { text } = await until(
    () => read('odd/big'),
    ({ status }) => status === 200,
  );
  expect(text).toHaveLength(5_000_002);
});

test.each([
  ['rubbish', 'its answer is not that of an entity'],
  ['short', 'the entity gave no answer to this operation'],
  ['broken', 'cannot be loaded'],
])('calls of an entity function that answers wrongly fail: %s', async (name, text) => {
  expect(await call(name, 'k', 'get')).toBe(text);
});
