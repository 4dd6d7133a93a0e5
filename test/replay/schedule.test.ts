import { describe, expect, test } from '@jest/globals';
import { EntityId } from 'durable-functions';
import type { Step, WindowOrder } from '../../src/activities/contracts';
import type { Outcome } from '../../src/domain/outcome';
import type { DeploymentResult, DeploymentState, SentryState } from '../../src/domain/states';
import { deploymentOperations } from '../../src/entities/deployment';
import { entity } from '../../src/entities/entity';
import { type Behaviour, fakeWorld, inputFor } from '../support/fakeWorld';
import { inTurn, type Turn } from '../support/inTurn';
import { subscriptionId } from '../support/requests';
import { type FakeClient, runOrchestrator } from '../support/runOrchestrator';

/** A Thursday. */
const START = Date.parse('2026-01-01T00:00:00Z');
const HOUR_MS = 3_600_000;
const iso = (hours: number): string => new Date(START + hours * HOUR_MS).toISOString();
const saturday = { days: ['saturday'], from: '22:00', hours: 4, timeZone: 'UTC' };

/** The deployment's entity as a run with these changes leaves it. */
const leftBy = (changes: object) =>
  entity<DeploymentState | null>(
    deploymentOperations.begin(null, { request: inputFor(1, changes).request, at: iso(0) }).state,
    deploymentOperations,
  );
const stateIn = (entities: Readonly<Record<string, unknown>>) => entities['@deployment@prod-sentry'] as DeploymentState;

/** A world that notes when each resource was written, in hours from the start. */
function timedWorld(behaviour: Behaviour = {}) {
  const world = fakeWorld(behaviour);
  const { ensureResources } = world.options.activities;
  const writes: number[] = [];
  const activities = {
    ...world.options.activities,
    ensureResources: (steps: readonly Step[], client: FakeClient) => {
      writes.push((client.now() - START) / HOUR_MS);
      return ensureResources(steps, client);
    },
  };
  const run = (changes: object, options: object = {}) =>
    runOrchestrator<DeploymentResult>('runDeployment', {
      ...world.options,
      activities: { ...activities, readInput: () => inputFor(1, changes), ...options },
      input: inputFor(1, changes),
      instanceId: 'd-prod-sentry',
    });
  return { ...world, activities, writes, run };
}

describe('notBefore', () => {
  test('nothing is written before it; preflight tells at once and looks again', async () => {
    const world = timedWorld();
    const { output } = await world.run({ schedule: { notBefore: iso(30) } });
    expect(output?.state).toBe('completed');
    expect(Math.min(...world.writes)).toBe(30);
    expect(world.looks.filter((area) => area === 'quota')).toHaveLength(2);
  });

  test('it begins with what the app is set to by then', async () => {
    const changes = { schedule: { notBefore: iso(30) } };
    const readInput = () => ({ ...inputFor(1, changes), egressAddresses: ['198.51.100.7/32'] });
    const world = timedWorld();
    const orders: WindowOrder[] = [];
    const openWindow = (...given: Parameters<typeof world.activities.openWindow>) => {
      orders.push(given[0].order);
      return world.activities.openWindow(...given);
    };
    await world.run(changes, { readInput, openWindow });
    expect(orders.map(({ scope }) => scope.sources.includes('198.51.100.7/32'))).toEqual([true]);
  });

  test('what preflight finds ends the run at once, while there is time to mend it', async () => {
    const finding = { severity: 'error', code: 'NoQuota', where: 'x', reason: 'r', remedy: 'm' } as const;
    const world = timedWorld({
      inspect: (what) => (what === 'quota' ? { kind: 'inspected', findings: [finding] } : undefined),
    });
    const { output, elapsedMs } = await world.run({ schedule: { notBefore: iso(30) } });
    expect(output).toMatchObject({ state: 'failed', problems: [{ code: 'NoQuota' }] });
    expect([elapsedMs, world.writes]).toEqual([0, []]);
  });
});

describe('notAfter', () => {
  const throttled = (kind: string): Behaviour => ({
    ensure: ({ spec }) =>
      spec.kind === kind
        ? { kind: 'later', code: 'TooManyRequests', reason: 'busy', remedy: '', seconds: 900, patienceSeconds: 1e6 }
        : undefined,
  });
  const over = [{ code: 'ScheduleOver', reason: expect.stringContaining(iso(5)) }];

  test.each([
    ['a shared resource', 'subnet'],
    ['a Sentry’s resource', 'networkInterface'],
    ['grants', 'roleAssignment'],
  ])('%s that is not made by then is left, and the run says why it ended', async (_, kind) => {
    const world = timedWorld(throttled(kind));
    const { output, elapsedMs } = await world.run({ schedule: { notAfter: iso(5) } });
    expect(output).toMatchObject({ state: 'failed', problems: over });
    expect(elapsedMs).toBe(5 * HOUR_MS);
    expect(Math.max(...world.writes)).toBeLessThan(5);
  });

  test.each([['ssh'], ['runCommand']])('nobody who is there by then: with %s no visit begins', async (kind) => {
    const world = timedWorld({ presence: null, registers: false });
    const image = { kind: 'image', id: `/subscriptions/${subscriptionId(1)}/resourceGroups/rg/providers/Microsoft.Compute/images/i` }; // prettier-ignore
    const { output, entities } = await world.run({ image, configuration: { kind }, schedule: { notAfter: iso(5) } });
    expect(output?.problems).toMatchObject(over);
    expect(entities['@sentry@prod-sentry-1'] as SentryState).toMatchObject({ receipts: [], handoff: null });
  });
});

describe('bug: after notAfter', () => {
  const busy: Outcome = { kind: 'later', code: 'TooManyRequests', reason: 'busy', remedy: '', seconds: 900, patienceSeconds: 1e6 }; // prettier-ignore
  const notAfter = { notAfter: iso(5) };

  /** A run with two subscriptions, then one with the first of them alone and an end. */
  async function dropped(behaviour: Behaviour) {
    const world = fakeWorld(behaviour);
    const { output, entities } = await runOrchestrator(inTurn, {
      ...world.options,
      input: [
        { orchestrator: 'runDeployment', input: inputFor(2), instanceId: 'd-1' },
        { orchestrator: 'runDeployment', input: inputFor(1, { schedule: notAfter }), instanceId: 'd-2' },
      ] satisfies Turn[],
    });
    return { result: output?.[1] as DeploymentResult, state: stateIn(entities) };
  }

  test('a grant that could not be taken back in time is told of', async () => {
    const { result, state } = await dropped({
      remove: ({ spec }) => (spec.kind === 'roleAssignment' ? busy : undefined),
    });
    expect(result).toMatchObject({ state: 'completedWithExceptions', problems: [{ code: 'ScheduleOver' }] });
    expect(state.settled).toBe(false);
  });

  test('a grant that may not be taken back is told of, by name', async () => {
    const locked: Outcome = { kind: 'refused', code: 'ScopeLocked', reason: 'locked', remedy: 'unlock' };
    const { result } = await dropped({ remove: ({ spec }) => (spec.kind === 'roleAssignment' ? locked : undefined) });
    const reason = expect.stringMatching(/still there, 2 in all.*subscriptions\/.*ScopeLocked: locked/);
    expect(result?.problems).toEqual([{ code: 'GrantsKept', reason, remedy: 'unlock' }]);
  });

  test('an appliance is not set up, though a grant was waited for until then', async () => {
    const image = { kind: 'image', id: `/subscriptions/${subscriptionId(1)}/resourceGroups/rg/providers/Microsoft.Compute/images/i` }; // prettier-ignore
    const identity = { kind: 'appRegistration', secret: { description: 'd', expiresInDays: 90 } };
    const world = timedWorld({ listing: () => ({ kind: 'listed', readable: [] }) });
    const schedule = { notAfter: iso(0.25) };
    const { output, calls } = await world.run({ image, identity, configuration: { kind: 'runCommand' }, schedule });
    expect(output?.problems).toMatchObject([{ code: 'ScheduleOver' }]);
    expect(calls).not.toContain('checkAgent');
  });

  test('what was done before it stays done, and the next run goes on from there', async () => {
    let throttled = true;
    const world = fakeWorld({
      ensure: ({ spec }) => (throttled && spec.kind === 'networkInterface' ? busy : undefined),
    });
    const { output, entities } = await runOrchestrator(inTurn, {
      ...world.options,
      activities: { ...world.options.activities, mend: () => ((throttled = false), null) },
      input: [
        { orchestrator: 'runDeployment', input: inputFor(1, { schedule: notAfter }), instanceId: 'd-1' },
        { activity: 'mend' },
        { orchestrator: 'runDeployment', input: inputFor(1), instanceId: 'd-2' },
      ] satisfies Turn[],
    });
    const [first, , second] = (output ?? []) as readonly DeploymentResult[];
    expect([first?.state, second?.state]).toEqual(['failed', 'completed']);
    const { resources } = entities['@sentry@prod-sentry-1'] as SentryState;
    expect([resources['networkSecurityGroup']?.change, resources['networkInterface']?.change]).toEqual([
      'kept',
      'created',
    ]);
  });
});

describe('change windows', () => {
  const late = subscriptionId(99);
  const changes = {
    subscriptions: { include: [{ kind: 'ids', ids: [subscriptionId(1)] }], onboardNew: true },
    schedule: { changeWindows: [saturday] },
  };
  const announce = (client: FakeClient): void => {
    client.startNew('onboardSubscription', {
      instanceId: `onboard-${late}`,
      input: { subscriptionId: late, deployment: 'prod-sentry' },
    });
  };

  test('a deployment that a person asks for does not wait for one', async () => {
    const { output, elapsedMs } = await timedWorld().run(changes);
    expect([output?.state, elapsedMs]).toEqual(['completed', 0]);
  });

  test('what is announced during a run waits for one', async () => {
    const world = timedWorld();
    const { entities, output } = await world.run(changes, {
      configureAppliance: (...given: Parameters<typeof world.activities.configureAppliance>) => {
        announce(given[1]);
        return world.activities.configureAppliance(...given);
      },
    });
    expect(output?.subscriptions.total).toBe(1);
    expect(stateIn(entities)).toMatchObject({ pending: [late], onboarded: [] });
  });

  test('what is announced at rest is taken up at once where one is open', async () => {
    const world = timedWorld();
    const { request } = inputFor(1, changes);
    const open = { ...changes, schedule: { changeWindows: [{ ...saturday, days: ['thursday'], from: '00:00' }] } };
    const story = await runOrchestrator<{ onboarded: boolean }>('onboardSubscription', {
      ...world.options,
      activities: {
        ...world.activities,
        startDeployment: (_: unknown, client: FakeClient) => {
          client.signalEntity(new EntityId('deployment', 'prod-sentry'), 'begin', { request, at: iso(0) });
          return 'started';
        },
      },
      entities: { ...world.options.entities, deployment: leftBy(open) },
      input: { subscriptionId: late, deployment: 'prod-sentry' },
    });
    expect(story.output).toEqual({ onboarded: true });
    expect(stateIn(story.entities)).toMatchObject({ pending: [], onboarded: [late] });
  });

  test.each([
    ['outside them it stays queued for the timer, and nothing sleeps', {}],
    ['after notAfter it stays queued for a person’s next run', { schedule: { notAfter: iso(-1) } }],
  ])('%s', async (_, more) => {
    const ended = { ...changes, ...more };
    const world = timedWorld();
    const { output, entities, elapsedMs, calls } = await runOrchestrator('onboardSubscription', {
      ...world.options,
      entities: { ...world.options.entities, deployment: leftBy(ended) },
      input: { subscriptionId: late, deployment: 'prod-sentry' },
    });
    expect([output, elapsedMs, calls]).toEqual([{ onboarded: true }, 0, []]);
    expect(stateIn(entities).pending).toEqual([late]);
  });
});
