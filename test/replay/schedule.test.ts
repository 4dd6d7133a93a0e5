import { describe, expect, test } from '@jest/globals';
import { EntityId } from 'durable-functions';
import type { Step } from '../../src/activities/contracts';
import type { DeploymentResult, DeploymentState, SentryState } from '../../src/domain/states';
import { deploymentOperations } from '../../src/entities/deployment';
import { entity } from '../../src/entities/entity';
import { type Behaviour, fakeWorld, inputFor } from '../support/fakeWorld';
import { subscriptionId } from '../support/requests';
import { type FakeClient, runOrchestrator } from '../support/runOrchestrator';

/** A Thursday. */
const START = Date.parse('2026-01-01T00:00:00Z');
const HOUR_MS = 3_600_000;
const iso = (hours: number): string => new Date(START + hours * HOUR_MS).toISOString();
const saturday = { days: ['saturday'], from: '22:00', hours: 4, timeZone: 'UTC' };
const SATURDAY_HOURS = 2 * 24 + 22;

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
      activities: { ...activities, ...options },
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

  test('what was done before it stays done, and a later run goes on from there', async () => {
    const world = timedWorld();
    const { output } = await world.run({ schedule: { notAfter: iso(5) } });
    expect(output).toMatchObject({ state: 'completed', problems: [] });
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

  test('what is announced at rest is taken up when the next one opens', async () => {
    const world = timedWorld();
    const { request } = inputFor(1, changes);
    const starts: number[] = [];
    const story = await runOrchestrator<{ onboarded: boolean }>('onboardSubscription', {
      ...world.options,
      activities: {
        ...world.activities,
        startDeployment: (_: unknown, client: FakeClient) => {
          starts.push((client.now() - START) / HOUR_MS);
          client.signalEntity(new EntityId('deployment', 'prod-sentry'), 'begin', { request, at: iso(0) });
          return 'started';
        },
      },
      entities: { ...world.options.entities, deployment: leftBy(changes) },
      input: { subscriptionId: late, deployment: 'prod-sentry' },
    });
    expect(story.output).toEqual({ onboarded: true });
    expect(starts[0]).toBe(SATURDAY_HOURS);
  });

  test('after notAfter it stays queued for a person’s next run', async () => {
    const ended = { ...changes, schedule: { notAfter: iso(-1) } };
    const world = timedWorld();
    const { output, entities, elapsedMs, calls } = await runOrchestrator('onboardSubscription', {
      ...world.options,
      entities: { ...world.options.entities, deployment: leftBy(ended) },
      input: { subscriptionId: late, deployment: 'prod-sentry' },
    });
    expect([output, elapsedMs, calls]).toEqual([{ onboarded: false }, 0, []]);
    expect(stateIn(entities).pending).toEqual([late]);
  });
});
