import { describe, expect, test } from '@jest/globals';
import type { Outcome } from '../../src/domain/outcome';
import type { Drift } from '../../src/domain/plan/drift';
import type { DeploymentState } from '../../src/domain/states';
import { type Behaviour, fakeWorld, inputFor } from '../support/fakeWorld';
import { inTurn, type Turn } from '../support/inTurn';
import { subscriptionId } from '../support/requests';
import { type FakeClient, runOrchestrator } from '../support/runOrchestrator';

/** A Thursday. */
const MIDNIGHT = '2026-01-01T00:00:00.000Z';
const changed: Outcome = {
  kind: 'done',
  change: 'changed',
  ours: true,
  outputs: {},
  changes: [{ path: 'tags.owner', from: 'them', to: 'secops' }],
};
const retagged: Behaviour = { observe: ({ spec }) => (spec.kind === 'subnet' ? changed : undefined) };
const difference = { what: 'shared: subnet', change: 'change', changes: changed.changes };

/** A deployment, then a look at it. `starts` are the runs that the look started. */
async function look(behaviour: Behaviour, how: object, changes: object = {}) {
  const world = fakeWorld(behaviour);
  const starts: unknown[] = [];
  const input = inputFor(1, changes);
  const turns: Turn[] = [
    { orchestrator: 'runDeployment', input, instanceId: 'd-prod-sentry' },
    { orchestrator: 'reconcile', input: { input, repair: false, asked: false, ...how }, instanceId: 'c-prod-sentry' },
  ];
  const { output, entities } = await runOrchestrator<readonly unknown[]>(inTurn, {
    ...world.options,
    activities: {
      ...world.options.activities,
      startDeployment: (job: unknown) => {
        starts.push(job);
        return 'started';
      },
    },
    input: turns,
  });
  const { drift } = entities['@deployment@prod-sentry'] as DeploymentState;
  return { drift, answer: output?.[1] as Drift, starts, steps: world.steps };
}

test('a deployment that nobody touched has no drift, and no run is started', async () => {
  const { drift, starts } = await look({}, { repair: true });
  expect([drift, starts]).toEqual([{ checkedAt: MIDNIGHT, count: 0, differences: [] }, []]);
});

test('what somebody changed is told, with what it was, and left as it is', async () => {
  const { drift, answer, starts, steps } = await look(retagged, {});
  expect(drift).toEqual({ checkedAt: MIDNIGHT, count: 1, differences: [difference] });
  expect(answer).toEqual(drift);
  expect(starts).toEqual([]);
  expect(steps.filter((step) => step === 'ensure subnet')).toHaveLength(1);
});

describe('repair', () => {
  test('runs the deployment again, which sets right what differs', async () => {
    const { drift, starts } = await look(retagged, { repair: true });
    expect(drift).toMatchObject({ count: 1, repair: { state: 'started', at: MIDNIGHT } });
    expect(starts).toEqual([{ name: 'prod-sentry', repair: true }]);
  });

  test('waits for a change window, and says for which', async () => {
    const schedule = { changeWindows: [{ days: ['saturday'], from: '22:00', hours: 1, timeZone: 'UTC' }] };
    const { drift, starts } = await look(retagged, { repair: true }, { schedule, drift: 'repair' });
    expect([drift?.repair, starts]).toEqual([{ state: 'waiting', at: '2026-01-03T22:00:00.000Z' }, []]);
  });

  test('does not wait where a person asks for it', async () => {
    const schedule = { changeWindows: [{ days: ['saturday'], from: '22:00', hours: 1, timeZone: 'UTC' }] };
    const { starts } = await look(retagged, { repair: true, asked: true }, { schedule, drift: 'repair' });
    expect(starts).toHaveLength(1);
  });

  test('is not begun for what a run would be refused', async () => {
    const refused: Outcome = { kind: 'refused', code: 'NotOurs', reason: 'another’s', remedy: 'rename' };
    const { drift, starts } = await look(
      { observe: ({ spec }) => (spec.kind === 'subnet' ? refused : undefined) },
      { repair: true },
    );
    expect(drift?.differences).toContainEqual({ what: 'shared: subnet', change: 'refused', code: 'NotOurs' });
    expect([drift?.repair, starts]).toEqual([undefined, []]);
  });
});

describe('what came into the rules meanwhile', () => {
  const known = (n: number) => ({ id: subscriptionId(n), name: `s${n}`, tags: {}, managementGroups: ['corp'] });
  const rules = (onboardNew: boolean) => ({
    subscriptions: { include: [{ kind: 'managementGroup', id: 'corp' }], onboardNew },
  });

  /** A run with one subscription in the group; then another is moved there, and a repair runs. */
  async function placedAfterRepair(onboardNew: boolean) {
    const world = fakeWorld();
    const input = inputFor(1, rules(onboardNew));
    let asked = 0;
    const { entities } = await runOrchestrator(inTurn, {
      ...world.options,
      activities: {
        ...world.options.activities,
        listSubscriptions: (_: unknown, _client: FakeClient) => ({
          kind: 'listed',
          subscriptions: (asked += 1) === 1 ? [known(1)] : [known(1), known(2)],
        }),
      },
      input: [
        { orchestrator: 'runDeployment', input, instanceId: 'd-prod-sentry' },
        { orchestrator: 'runDeployment', input: { ...input, repair: true }, instanceId: 'd-prod-sentry-again' },
      ] satisfies Turn[],
    });
    return (entities['@deployment@prod-sentry'] as DeploymentState).placement;
  }

  test('is not brought in by a repair', async () => {
    expect(await placedAfterRepair(false)).toEqual([[subscriptionId(1)]]);
  });

  test('is brought in where new subscriptions are wanted', async () => {
    expect(await placedAfterRepair(true)).toEqual([[subscriptionId(1), subscriptionId(2)]]);
  });
});
