/** When changes happen: a run that waits for its time, and what is done about what another hand changed. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { readClock, simulatedNow } from '../../local/clock';
import { nextLook, type TestWorld, testWorld } from '../support/e2e';
import { agentlessBody, subscriptionId } from '../support/requests';

let world: TestWorld;
beforeAll(async () => {
  world = await testWorld();
});
afterAll(() => world.stop());

const APP = 'a0000000-0000-4000-8000-000000000001';
const MINUTE_MS = 60_000;

const body = (name: string, changes: object) =>
  agentlessBody({
    name,
    tenantId: world.environment['AZURE_TENANT_ID'],
    placement: { subscriptionId: subscriptionId(0), resourceGroup: name, location: 'westeurope' },
    subscriptions: { include: [{ kind: 'ids', ids: [1, 2, 3].map(subscriptionId) }] },
    ...changes,
  });
const inMinutes = (minutes: number): string =>
  new Date(simulatedNow(readClock(world.clockFile)) + minutes * MINUTE_MS).toISOString();

const driftShown = z.looseObject({
  checkedAt: z.string(),
  count: z.number(),
  differences: z.array(z.looseObject({ what: z.string(), change: z.string() })),
  repair: z.looseObject({ state: z.string(), at: z.string() }).optional(),
});
const shown = z.looseObject({
  state: z.string(),
  /** Before a run's first turn there is nothing but its state. */
  startedAt: z.string().default(''),
  beginsAt: z.string().nullish(),
  drift: driftShown.nullish(),
});
const read = async (name: string) => shown.parse(await world.administrator.read(name));
const code = async (answer: Response): Promise<string> =>
  z.looseObject({ code: z.string() }).parse(await answer.json()).code;

/** What the app itself has written, and when. */
async function writes(): Promise<readonly number[]> {
  const rows = z.array(z.object({ method: z.string(), path: z.string(), time: z.number() }));
  const asked = rows.parse(await world.askAzure(`/_simulator/requests?full=true&caller=${APP}`));
  return asked.filter(({ method, path }) => method !== 'GET' && !/resourcegraph/i.test(path)).map(({ time }) => time);
}

test('a run with notBefore writes nothing before it, and until then another request takes its place', async () => {
  const name = 'scheduled';
  const tomorrow = inMinutes(24 * 60);
  const first = body(name, { schedule: { notBefore: tomorrow } });
  expect((await world.post('deployments', first)).status).toBe(202);
  // The same again is the same run.
  expect((await world.post('deployments', first)).status).toBe(202);
  // Another, while preflight still looks at the first: nothing is written yet.
  const another = body(name, { tags: { owner: 'another' }, schedule: { notBefore: tomorrow } });
  expect((await world.post('deployments', another)).status).toBe(202);
  while ((await read(name)).beginsAt !== tomorrow) await nextLook();

  const notBefore = inMinutes(10);
  const second = body(name, { tags: { owner: 'other' }, schedule: { notBefore } });
  expect((await world.post('deployments', second)).status).toBe(202);
  const ended = await world.administrator.seeThrough(name, () => undefined);
  expect(ended).toMatchObject({ state: 'completed', beginsAt: null, request: { tags: { owner: 'other' } } });
  const times = await writes();
  expect(times.length).toBeGreaterThan(5);
  expect(Math.min(...times)).toBeGreaterThanOrEqual(Date.parse(notBefore));
});

test('one that has begun is not replaced', async () => {
  const name = 'begun';
  await world.administrator.start(body(name, {}));
  const other = await world.post('deployments', body(name, { tags: { owner: 'other' } }));
  expect([other.status, await code(other)]).toEqual([409, 'DeploymentRunning']);
  expect(await world.administrator.seeThrough(name, () => undefined)).toMatchObject({ state: 'completed' });
});

/** Asks, and polls while it is looked. */
async function lookAt(name: string, query = ''): Promise<z.infer<typeof driftShown>> {
  let answer = await world.post(`deployments/${name}/reconciliation${query}`, {});
  while (answer.status === 202) {
    await answer.arrayBuffer();
    answer = await fetch(answer.headers.get('location') ?? '', { headers: { 'x-functions-key': world.keys.operator } });
  }
  expect(answer.status).toBe(200);
  return driftShown.parse(await answer.json());
}

const hand = (path: string, change: object) =>
  world.askAzure('/_simulator/outside', { method: 'PATCH', path: `${path}?api-version=2024-11-30`, body: change });
const identityId = (name: string): string =>
  `/subscriptions/${subscriptionId(0)}/resourceGroups/${name}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}-reader`;
const retagged = { change: 'change', changes: [{ path: 'tags.owner', from: 'somebody', to: 'secops' }] };

test('drift is told when asked for, left alone, and set right when that is asked for', async () => {
  const name = 'drifting';
  await world.administrator.start(body(name, {}));
  await world.administrator.seeThrough(name, () => undefined);
  const look = (query?: string) => lookAt(name, query);
  expect(await look()).toMatchObject({ count: 0, differences: [] });

  const { startedAt } = await read(name);
  await hand(identityId(name), { tags: { owner: 'somebody' } });
  expect(await look()).toMatchObject({ count: 1, differences: [retagged] });
  expect(await read(name)).toMatchObject({ state: 'completed', startedAt, drift: { count: 1 } });

  expect(await look('?repair=true')).toMatchObject({ count: 1, repair: { state: 'started' } });
  await world.administrator.seeThrough(name, () => undefined);
  expect((await read(name)).startedAt > startedAt).toBe(true);
  expect(await look()).toMatchObject({ count: 0 });
});

test('with drift: repair it is set right within the hour, though nobody asks', async () => {
  const name = 'repairing';
  await world.administrator.start(body(name, { drift: 'repair' }));
  await world.administrator.seeThrough(name, () => undefined);
  const { startedAt } = await read(name);
  await hand(identityId(name), { tags: { owner: 'somebody' } });
  while ((await read(name)).startedAt === startedAt) await nextLook();
  await world.administrator.seeThrough(name, () => undefined);
  const { drift } = await read(name);
  expect(drift).toMatchObject({ count: 1, differences: [retagged], repair: { state: 'started' } });
  expect(await lookAt(name)).toMatchObject({ count: 0 });
}, 120_000);

test.each([
  ['deployments/nobody/reconciliation', 404, 'NoSuchName'],
  ['deployments/drifting/reconciliation?repair=perhaps', 400, 'InvalidRequest'],
  ['deployments/drifting/reconciliation?mend=true', 400, 'InvalidRequest'],
])('POST %s answers %d %s', async (path, status, expected) => {
  const answer = await world.post(path, {});
  expect([answer.status, await code(answer)]).toEqual([status, expected]);
});
