/**
 * Plans of 500 subscriptions: the real orchestrators, effects and adapters against the simulated Azure. The engine's
 * virtual clock drives the simulator's, so what passes is only what Azure's limits make a plan wait.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { makeEnsure, makeRemove } from '../../../src/activities/ensure';
import { makeInspectHost } from '../../../src/activities/inspectHost';
import { makeInspectScopes } from '../../../src/activities/inspectScopes';
import { makeListSubscriptions } from '../../../src/activities/listSubscriptions';
import { makeObserve } from '../../../src/activities/observe';
import { resourceEffects } from '../../../src/activities/resourceEffects';
import { deedsOf } from '../../../src/domain/plan/approval';
import type { Plan } from '../../../src/domain/plan/plan';
import type { DeploymentInput } from '../../../src/orchestrations/inputs';
import { fakeWorld, inputFor } from '../../support/fakeWorld';
import { inTurn, type Turn } from '../../support/inTurn';
import { subscriptionIds } from '../../support/requests';
import { type FakeClient, runOrchestrator } from '../../support/runOrchestrator';
import { startWorld, type World } from './adapters.support';
import { instant, location, platform, watched } from './simulator.support';

const COUNT = 500;
const TENANT = '7e000000-0000-4000-8000-000000000001';
/** Smaller than Azure's, so that the plan meets it: what is shared, four of each Sentry and preflight's reads lie in one subscription. */
const READS = { size: 30, perSecond: 5 };
const asked = z.array(z.object({ method: z.string(), path: z.string(), status: z.number() }));

const vnet = `/subscriptions/${platform}/resourceGroups/planned/providers/Microsoft.Network/virtualNetworks/planned-vnet`;
const input: DeploymentInput = inputFor(COUNT, {
  name: 'planned',
  placement: { subscriptionId: platform, resourceGroup: 'planned', location },
  subscriptions: { include: [{ kind: 'ids', ids: subscriptionIds(COUNT) }] },
});

let world: World;
beforeAll(async () => {
  world = await startWorld({ ...instant, limits: { ...instant.limits, reads: READS } }, COUNT);
});
afterAll(async () => world.azure.stop());

/** Another hand widens the network, and grants by itself what we had granted. */
async function outsideHand(): Promise<void> {
  const wider = { properties: { addressSpace: { addressPrefixes: ['10.90.0.0/16'] } } };
  const hand = { method: 'PATCH', path: `${vnet}?api-version=2024-05-01`, body: wider };
  const { status } = await world.azure.ask('POST', '/_simulator/outside', { body: hand });
  if (status !== 200) throw new Error(`The network could not be changed: ${status}`);
  const scope = `/subscriptions/${watched(1)}`;
  const grants = `${scope}/providers/Microsoft.Authorization/roleAssignments`;
  const { value } = await world.demand('GET', grants);
  type Grant = Record<'roleDefinitionId' | 'principalId' | 'principalType' | 'scope', string>;
  const ours = (value as { name: string; properties: Grant & { description?: string } }[]).find(
    ({ properties }) => properties.scope === scope && properties.description?.includes('planned'),
  );
  if (!ours) throw new Error('There is no grant of ours.');
  await world.demand('DELETE', `${grants}/${ours.name}`);
  const { roleDefinitionId, principalId, principalType } = ours.properties;
  const theirs = { roleDefinitionId, principalId, principalType, description: 'theirs' };
  await world.demand('PUT', `${grants}/00000000-0000-4000-8000-0000000000aa`, { properties: theirs });
}

test('500 subscriptions: planned without a write, deployed, planned again as nothing to do, and an outside hand is seen', async () => {
  const effects = resourceEffects(world.ports);
  const { options: people, attend } = fakeWorld();
  let told = 0;
  const sync = (client: FakeClient): void => {
    attend(client);
    if (told > 0) world.azure.advance((client.now() - told) / 1_000);
    told = client.now();
  };
  const real =
    <I, O>(work: (given: I) => Promise<O>) =>
    (given: I, client: FakeClient): Promise<O> => {
      sync(client);
      return work(given);
    };
  const times: number[] = [];
  const writes: string[][] = [];
  const reads: { readonly host: number; readonly watched: number }[] = [];
  const record = async () => asked.parse((await world.azure.ask('GET', '/_simulator/requests?full=true')).body);
  let before = 0;
  let finish = (): void => undefined;
  const turn = (orchestrator: string, at: number): Turn[] => [
    { activity: 'begin' },
    { orchestrator, input, instanceId: `turn-${at}` },
    { activity: 'end' },
  ];
  const input500: Turn[] = [
    ...turn('runPlan', 1),
    ...turn('runDeployment', 2),
    ...turn('runPlan', 3),
    { activity: 'outside' },
    ...turn('runPlan', 4),
  ];
  let written: Promise<string[]> = Promise.resolve([]);
  const { output, failure } = await runOrchestrator<readonly unknown[]>(inTurn, {
    ...people,
    activities: {
      ...people.activities,
      ensureResources: real(makeEnsure(world.ports, effects)),
      removeResources: real(makeRemove(world.ports, effects)),
      observeResources: real(makeObserve(effects)),
      listSubscriptions: real(makeListSubscriptions(world.ports)),
      inspectHost: real(makeInspectHost(world.ports, TENANT)),
      inspectScopes: real(makeInspectScopes(world.ports)),
      // A minute fills the buckets again.
      begin: async (_nothing: unknown, client: FakeClient) => {
        sync(client);
        before = (await record()).length;
        world.azure.advance(60);
        times.push(client.now());
        written = world.written(() => new Promise<void>((resolve) => (finish = resolve)));
      },
      end: async (_nothing: unknown, client: FakeClient) => {
        sync(client);
        times.push(client.now());
        finish();
        writes.push(await written);
        const answered = (await record())
          .slice(before)
          .filter(({ method, status }) => method === 'GET' && status !== 429);
        reads.push({
          host: answered.filter(({ path }) => path.startsWith(`/subscriptions/${platform}/`)).length,
          watched: answered.filter(({ path }) => path.endsWith('/providers/Microsoft.Authorization/permissions'))
            .length,
        });
      },
      outside: outsideHand,
    },
    input: input500,
  });
  if (!output) throw new Error(failure);
  const plans = [1, 7, 11].map((at) => output[at] as Plan);
  const seconds = [0, 4, 6].map((at) => ((times[at + 1] ?? 0) - (times[at] ?? 0)) / 1_000);

  expect(output[4]).toMatchObject({ state: 'completed', subscriptions: { total: COUNT, granted: COUNT } });
  expect(plans.map(({ sentries }) => sentries.map(({ n, subscriptions }) => [n, subscriptions]))).toEqual(
    Array(3).fill(Array.from({ length: 10 }, (_, index) => [index + 1, 50])),
  );
  // The plans wrote nothing; the deployment did.
  expect(writes.map((list) => list.length > 0)).toEqual([false, true, false, false]);
  const [fresh, settled, moved] = plans.map(deedsOf);
  expect(new Set(Object.values(fresh ?? {}).map(({ change }) => change))).toEqual(
    new Set(['create', 'change', 'set up']),
  );
  expect(settled).toEqual({});
  // What grants the same under another name is kept: a run would find it and leave it.
  expect(moved).toEqual({
    'shared: virtualNetwork': {
      change: 'change',
      changes: [{ path: 'addressSpace.addressPrefixes', from: ['10.90.0.0/16'], to: ['10.90.0.0/24'] }],
    },
  });
  // The app's rights in each subscription and in the host are part of each plan, and were read, not imagined.
  const planned = [0, 2, 3].map((at) => reads[at] ?? { host: 0, watched: 0 });
  for (const [at, { host, watched: rights }] of planned.entries()) {
    expect(rights).toBe(COUNT + 1);
    expect(host).toBeGreaterThan(9 + 10 * 4);
    expect(seconds[at]).toBeLessThanOrEqual((host - READS.size) / READS.perSecond + 10);
  }
  expect(plans.map(({ findings }) => findings)).toEqual([[], [], []]);
}, 240_000);
