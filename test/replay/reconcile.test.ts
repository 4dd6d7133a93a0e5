import { describe, expect, test } from '@jest/globals';
import type { HostInspection, Started } from '../../src/activities/contracts';
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

interface Given {
  readonly changes?: object;
  /** What starting a run is answered. */
  readonly started?: Started;
  /** Runs between the first and the look. */
  readonly meanwhile?: readonly Turn[];
  readonly activities?: object;
}

/** A deployment, then a look at it. `starts` are the runs that the look started. */
async function look(behaviour: Behaviour, how: object, given: Given = {}) {
  const { changes = {}, started = 'started', meanwhile = [] } = given;
  const world = fakeWorld(behaviour);
  const starts: unknown[] = [];
  const input = inputFor(1, changes);
  const job = { input, startedAt: MIDNIGHT, repair: false, asked: false, ...how };
  const turns: Turn[] = [
    { orchestrator: 'runDeployment', input, instanceId: 'd-prod-sentry' },
    ...meanwhile,
    { orchestrator: 'reconcile', input: job, instanceId: 'c-prod-sentry' },
  ];
  const { output, entities } = await runOrchestrator<readonly unknown[]>(inTurn, {
    ...world.options,
    activities: {
      ...world.options.activities,
      startDeployment: (job: unknown) => {
        starts.push(job);
        return started;
      },
      ...given.activities,
    },
    input: turns,
  });
  const { drift } = entities['@deployment@prod-sentry'] as DeploymentState;
  return { drift, answer: output?.at(-1) as Drift, starts, steps: world.steps, forgotten: world.forgotten };
}

test('a deployment that nobody touched has no drift, and no run is started', async () => {
  const { drift, starts, forgotten } = await look({}, { repair: true });
  expect([drift, starts]).toEqual([{ checkedAt: MIDNIGHT, count: 0, differences: [] }, []]);
  // A look leaves no instances behind.
  expect(forgotten).toEqual([`c-prod-sentry-${Date.parse(MIDNIGHT)}-1`]);
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
    const { drift, starts } = await look(retagged, { repair: true }, { changes: { schedule, drift: 'repair' } });
    expect([drift?.repair, starts]).toEqual([{ state: 'waiting', at: '2026-01-03T22:00:00.000Z' }, []]);
  });

  test('does not wait where a person asks for it', async () => {
    const schedule = { changeWindows: [{ days: ['saturday'], from: '22:00', hours: 1, timeZone: 'UTC' }] };
    const { starts } = await look(retagged, { repair: true, asked: true }, { changes: { schedule, drift: 'repair' } });
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

describe('bug: a repair', () => {
  const repair = { repair: true };

  test('is not said to be started where a person’s run is at work', async () => {
    const { answer, starts } = await look(retagged, repair, { started: 'running' });
    expect([answer.repair, starts]).toEqual([undefined, [{ name: 'prod-sentry', repair: true }]]);
  });

  test('is not begun by a look that a run has overtaken', async () => {
    const { drift, answer, starts } = await look(retagged, { ...repair, startedAt: '2025-12-31T00:00:00.000Z' });
    expect([drift, answer.repair, starts]).toEqual([null, undefined, []]);
    expect(answer.count).toBe(1);
  });

  test('does not carry out what preflight refused', async () => {
    const listed = { include: [{ kind: 'ids', ids: [1, 3].map(subscriptionId) }], onboardNew: false };
    const second = inputFor(1, { subscriptions: listed });
    const error = { severity: 'error', code: 'NoQuota', where: 'x', reason: 'r', remedy: 'm' } as const;
    let refused = false;
    const inspectHost = ({ areas }: HostInspection) =>
      areas.map((area) => ({ kind: 'inspected', findings: refused && area === 'quota' ? [error] : [] }));
    const { drift, starts } = await look(
      {},
      { ...repair, input: second },
      {
        activities: { inspectHost, turnDown: () => ((refused = true), null), turnUp: () => ((refused = false), null) },
        meanwhile: [
          { activity: 'turnDown' },
          { orchestrator: 'runDeployment', input: second, instanceId: 'd-prod-sentry-2' },
          { activity: 'turnUp' },
        ],
      },
    );
    expect(drift).toMatchObject({ count: 1, problem: { code: 'NotCarriedOut' } });
    expect(starts).toEqual([]);
  });
});

describe('what came into the rules meanwhile', () => {
  const known = (n: number) => ({
    id: subscriptionId(n),
    name: `s${n}`,
    tags: {},
    state: 'Enabled',
    managementGroups: ['corp'],
  });
  const rules = (onboardNew: boolean) => ({
    subscriptions: { include: [{ kind: 'managementGroup', id: 'corp' }], onboardNew },
  });

  /** A run with one subscription in the group; then another is moved there, and a repair runs. */
  async function placedAfterRepair(onboardNew: boolean, then = [known(1), known(2)]) {
    const world = fakeWorld();
    const input = inputFor(1, rules(onboardNew));
    let asked = 0;
    const { entities } = await runOrchestrator(inTurn, {
      ...world.options,
      activities: {
        ...world.options.activities,
        listSubscriptions: (_: unknown, _client: FakeClient) => ({
          kind: 'listed',
          subscriptions: (asked += 1) === 1 ? [known(1)] : then,
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

  test('bug: a listing that shows nothing takes back nothing', async () => {
    expect(await placedAfterRepair(false, [])).toEqual([[subscriptionId(1)]]);
  });

  test('is brought in where new subscriptions are wanted', async () => {
    expect(await placedAfterRepair(true)).toEqual([[subscriptionId(1), subscriptionId(2)]]);
  });
});
