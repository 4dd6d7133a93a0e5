/** When changes happen: a run that waits for its time, and what is done about what another hand changed. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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
  announced: z.number().optional(),
  drift: driftShown.nullish(),
  repaired: driftShown.nullish(),
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
  const ask = () => world.post(`deployments/${name}/reconciliation${query}`, {});
  let answer = await ask();
  // The clock's own look is at work.
  while (answer.status === 409 && (await code(answer)) === 'LookRunning') answer = await ask();
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

/** What the clock would do twice an hour. */
async function itIsTime(): Promise<void> {
  const keys = z.looseObject({ masterKey: z.string() });
  const { masterKey } = keys.parse(JSON.parse(readFileSync(join(world.state, 'host', 'keys.json'), 'utf8')));
  const url = `${world.hostUrl}/admin/functions/reconcileTimer`;
  const answer = await fetch(url, { method: 'POST', headers: { 'x-functions-key': masterKey }, body: '{}' });
  expect(answer.status).toBe(202);
}

test('what is announced outside the change windows joins when the next one opens', async () => {
  const name = 'queued';
  const opens = inMinutes(12);
  const days = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
  const schedule = { changeWindows: [{ days, from: opens.slice(11, 16), hours: 1 }] };
  const include = [{ kind: 'ids', ids: [subscriptionId(1)] }];
  await world.administrator.start(body(name, { schedule, subscriptions: { include, onboardNew: true } }));
  await world.administrator.seeThrough(name, () => undefined);

  const hook = `${world.hostUrl}/runtime/webhooks/eventgrid?functionName=subscriptionCreated&code=${world.keys.eventGrid}`;
  const data = { subscriptionId: subscriptionId(9) };
  const event = { id: 'e', eventType: 'New', subject: '/', eventTime: '2026-01-01T00:00:00Z', dataVersion: '1', data };
  const headers = { 'content-type': 'application/json', 'aeg-event-type': 'Notification' };
  expect((await fetch(hook, { method: 'POST', headers, body: JSON.stringify([event]) })).ok).toBe(true);
  while ((await read(name)).announced !== 1) await nextLook();
  // Waiting, it is no drift.
  expect(await lookAt(name)).toMatchObject({ count: 0 });
  while (Date.parse(opens) > Date.parse(inMinutes(0))) await itIsTime();
  while ((await read(name)).announced !== 0) await itIsTime();
  const ended = await world.administrator.seeThrough(name, () => undefined);
  expect(ended).toMatchObject({ state: 'completed', subscriptions: { granted: 2 } });
  expect(Date.parse((await read(name)).startedAt)).toBeGreaterThanOrEqual(Date.parse(`${opens.slice(0, 16)}:00Z`));
});

test('with drift: repair it is set right at the next look, though nobody asks', async () => {
  const name = 'repairing';
  await world.administrator.start(body(name, { drift: 'repair' }));
  await world.administrator.seeThrough(name, () => undefined);
  const { startedAt } = await read(name);
  await hand(identityId(name), { tags: { owner: 'somebody' } });
  while ((await read(name)).startedAt === startedAt) await itIsTime();
  await world.administrator.seeThrough(name, () => undefined);
  const { drift, repaired } = await read(name);
  // Another look may have been taken since.
  expect(drift?.count ?? 0).toBe(0);
  expect(repaired).toMatchObject({ count: 1, differences: [retagged], repair: { state: 'started' } });
  expect(await lookAt(name)).toMatchObject({ count: 0 });
});

test('bug: a rule misspelt takes back no grant, and what was never carried out is not repaired', async () => {
  const name = 'misspelt';
  await world.administrator.start(body(name, {}));
  await world.administrator.seeThrough(name, () => undefined);
  const typo = body(name, { subscriptions: { include: [{ kind: 'tag', name: 'enviroment', value: 'production' }] } });
  await world.administrator.start(typo);
  const ended = await world.administrator.seeThrough(name, () => undefined);
  expect(ended).toMatchObject({
    state: 'failed',
    problems: [{ code: 'NothingSelected' }],
    subscriptions: { granted: 3 },
  });
  expect(ended.findings).toContainEqual(expect.objectContaining({ code: 'RuleFindsNothing' }));

  const repair = await world.post(`deployments/${name}/reconciliation?repair=true`, {});
  expect([repair.status, await code(repair)]).toEqual([409, 'NotCarriedOut']);
  await world.administrator.start(body(name, {}));
  await world.administrator.seeThrough(name, () => undefined);
  expect(await lookAt(name)).toMatchObject({ count: 0 });
});

test.each([
  ['deployments/nobody/reconciliation', 404, 'NoSuchName'],
  ['deployments/drifting/reconciliation?repair=perhaps', 400, 'InvalidRequest'],
  ['deployments/drifting/reconciliation?mend=true', 400, 'InvalidRequest'],
])('POST %s answers %d %s', async (path, status, expected) => {
  const answer = await world.post(path, {});
  expect([answer.status, await code(answer)]).toEqual([status, expected]);
});
