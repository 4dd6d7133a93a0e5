/** A plan over the API: read, approved, carried out; then nothing to do; then another hand, and the approval is void. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { asPlanned } from '../support/carriedOut';
import { type TestWorld, testWorld } from '../support/e2e';
import { requestBody, subscriptionIds } from '../support/requests';

let world: TestWorld;
beforeAll(async () => {
  world = await testWorld();
});
afterAll(() => world.stop());

const NAME = 'approved';
const APP = 'a0000000-0000-4000-8000-000000000001';

const body = (more: object = {}) => {
  const subscriptions = { include: [{ kind: 'ids', ids: subscriptionIds(12) }] };
  const sample = requestBody({ subscriptions });
  const placement = { ...(sample['placement'] as object), resourceGroup: NAME };
  return { ...sample, tenantId: world.environment['AZURE_TENANT_ID'], name: NAME, placement, ...more };
};

/** Sends, and polls the Location of each 202 that names one of ours, as any client of the pattern does. */
async function settled(answer: Response): Promise<Response> {
  const location = answer.headers.get('location') ?? '';
  if (answer.status !== 202 || !/\/(plans|approvals)\//.test(location)) return answer;
  expect(answer.headers.get('retry-after')).toBe('2');
  await answer.arrayBuffer();
  return settled(await fetch(location, { headers: { 'x-functions-key': world.keys.operator } }));
}

const document = z.looseObject({
  planId: z.string(),
  empty: z.boolean(),
  summary: z.record(z.string(), z.number()),
  resources: z.array(z.looseObject({ key: z.string(), change: z.string(), changes: z.unknown().optional() })),
  stages: z.array(z.looseObject({ stage: z.string() })),
  estimate: z.looseObject({ azureCalls: z.number(), seconds: z.number() }),
});
const plan = async () => {
  const answer = await settled(await world.post('deployments?dryRun=true', body()));
  expect(answer.status).toBe(200);
  return document.parse(await answer.json());
};
const problem = z.looseObject({
  code: z.string(),
  planId: z.string().optional(),
  differences: z.array(z.unknown()).optional(),
  errors: z.array(z.looseObject({ pointer: z.string() })).default([]),
});

/** What the app itself has written in Azure, Graph and the vault so far, as Azure recorded it. */
async function written(): Promise<number> {
  const rows = z.array(z.object({ method: z.string(), path: z.string() }));
  const asked = rows.parse(await world.askAzure(`/_simulator/requests?full=true&caller=${APP}`));
  // A query of Resource Graph is a POST that reads.
  return asked.filter(({ method, path }) => method !== 'GET' && !/resourcegraph/i.test(path)).length;
}

/** The answer was lost, and the same is sent again: the run's status, or after a longer check the deployment itself. */
async function sentAgain(planId: string): Promise<void> {
  const answer = await settled(await world.post('deployments', body({ planId })));
  expect(answer.ok).toBe(true);
  const { id, name } = z.looseObject({ id: z.string().optional(), name: z.string().optional() }).parse(await answer.json()); // prettier-ignore
  expect(id ?? `d-${name}`).toBe(`d-${NAME}`);
}
const tagged = z.looseObject({ tags: z.record(z.string(), z.string()) });

const hand = (path: string, change: object) =>
  world.askAzure('/_simulator/outside', { method: 'PATCH', path: `${path}?api-version=2024-05-01`, body: change });

test('is read, approved and carried out; then it is empty; then another hand makes the approval void', async () => {
  const first = await plan();
  expect(first.summary).toMatchObject({ create: 25, keep: 3, change: 1, remove: 0, refused: 0, appliances: 1 });
  expect(first.stages.map(({ stage }) => stage)).toContain('accessWindow');
  expect(first.estimate.seconds).toBeGreaterThan(60);
  expect((await plan()).planId).toBe(first.planId);
  expect(await written()).toBe(0);
  expect((await world.api(`deployments/${NAME}`)).status).toBe(404);
  expect(
    z.looseObject({ value: z.array(z.unknown()) }).parse(await (await world.api('deployments')).json()).value,
  ).toEqual([]);

  const run = async () => {
    const started = await settled(await world.post('deployments', body({ planId: first.planId })));
    expect(started.ok).toBe(true);
    await sentAgain(first.planId);
    return world.administrator.seeThrough(NAME, () => undefined);
  };
  const { result: shown } = await asPlanned(world, body(), { watched: subscriptionIds(12), run });
  expect(shown).toMatchObject({ state: 'completed', subscriptions: { granted: 12 } });
  expect(shown.request).not.toHaveProperty('planId');

  const before = await written();
  await sentAgain(first.planId);
  expect((await world.administrator.read(NAME)).startedAt).toBe(shown.startedAt);
  const second = await plan();
  expect(second.resources.filter(({ change }) => change !== 'keep')).toEqual([]);
  expect(second).toMatchObject({ empty: true, stages: [], summary: { toDo: 0 } });

  const subscription = z.object({ subscriptionId: z.string() }).parse(body().placement).subscriptionId;
  const group = `/subscriptions/${subscription}/resourceGroups/${NAME}`;
  const nsg = `${group}/providers/Microsoft.Network/networkSecurityGroups/cloudknox-nsg`;
  await hand(nsg, { tags: { owner: 'somebody' } });
  const third = await plan();
  expect(third.resources.filter(({ change }) => change !== 'keep')).toMatchObject([
    {
      key: 'networkSecurityGroup',
      change: 'change',
      changes: [{ path: 'tags.owner', from: 'somebody', to: 'secops' }],
    },
  ]);

  const refused = await settled(await world.post('deployments', body({ planId: second.planId })));
  expect(refused.status).toBe(409);
  expect(problem.parse(await refused.json())).toMatchObject({
    code: 'PlanOutdated',
    title: expect.stringContaining('would do 1 thing'),
    planId: third.planId,
    differences: [{ what: 'Sentry 1: networkSecurityGroup', now: { change: 'change' } }],
  });
  // What was carried out was carried out, however often it is asked for, and whatever has come since.
  await sentAgain(first.planId);
  await sentAgain(first.planId);
  expect(await written()).toBe(before);
  expect((await world.administrator.read(NAME)).startedAt).toBe(shown.startedAt);

  // The same again after the same hand: the plan that was carried out is the plan once more, and a new run.
  const tagOf = async () => tagged.parse(await hand(nsg, {})).tags['owner'];
  for (const _ of ['once', 'again']) {
    await hand(nsg, { tags: { owner: 'somebody' } });
    expect((await plan()).planId).toBe(third.planId);
    await sentAgain(third.planId);
    expect(await world.administrator.seeThrough(NAME, () => undefined)).toMatchObject({ state: 'completed' });
    expect(await tagOf()).toBe('secops');
  }
  await sentAgain(third.planId);
});

test('an approval is of one request alone', async () => {
  const { planId } = await plan();
  const other = await world.post('deployments', body({ planId, tags: { owner: 'else' } }));
  expect(other.status).toBe(409);
  expect(problem.parse(await other.json()).code).toBe('PlanOutdated');
});

test.each([
  ['deployments', { planId: 'yes' }, '/planId'],
  ['deployments?dryRun=perhaps', {}, '/dryRun'],
  ['deployments?dryRun=true&verbose=1', {}, '/verbose'],
  ['deployments?dryRun=true', { planId: `${'0'.repeat(16)}-${'0'.repeat(16)}` }, '/planId'],
])('%s with %j is refused at %s', async (path, more, pointer) => {
  const answer = await world.post(path, body(more));
  expect(answer.status).toBe(400);
  expect(problem.parse(await answer.json()).errors.map((fault) => fault.pointer)).toEqual([pointer]);
});

test('of a plan or approval that never was there is none', async () => {
  for (const path of [`deployments/${NAME}/plans/0000000000000000`, `deployments/${NAME}/approvals/x-y`])
    expect((await world.api(path)).status).toBe(404);
});
