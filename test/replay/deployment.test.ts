import { expect, test } from '@jest/globals';
import type { DeploymentResult, DeploymentState, SentryState } from '../../src/domain/states';
import { fakeWorld, inputFor } from '../support/fakeWorld';
import { subscriptionId } from '../support/requests';
import { runOrchestrator } from '../support/runOrchestrator';

const run = (world: ReturnType<typeof fakeWorld>, input = inputFor(60)) =>
  runOrchestrator<DeploymentResult>('runDeployment', { ...world.options, input, instanceId: 'd-prod-sentry' });
const sentryOf = (entities: Readonly<Record<string, unknown>>, n: number) =>
  entities[`@sentry@prod-sentry-${n}`] as SentryState;
const refusal = { kind: 'refused', code: 'AuthorizationFailed', reason: 'no right', remedy: 'ask' } as const;

test('60 subscriptions make two Sentries, each granted, set up, its window closed and proven', async () => {
  const world = fakeWorld();
  const { output, entities, runtimeStatus } = await run(world);

  expect(runtimeStatus).toBe('Completed');
  expect(output).toEqual({
    state: 'completed',
    sentries: 2,
    stopped: 0,
    subscriptions: { total: 60, granted: 60, proven: 60, setAside: 0 },
    problems: [],
  });
  for (const n of [1, 2]) {
    const state = sentryOf(entities, n);
    expect(state.stage).toBe('completed');
    expect(state.receipts).toMatchObject([{ sentry: n, why: 'closed', provenClosed: true }]);
    expect(state.address).toBeNull();
  }
  expect(world.jobs.map(({ answers }) => answers.subscriptionCount).sort()).toEqual(['10', '50']);
});

test('subscriptions go in chunks of ten, and everything independent at the same time', async () => {
  const world = fakeWorld();
  const { calls } = await run(world, inputFor(50));
  const grants = world.steps.filter((step) => step.startsWith('ensure roleAssignment'));
  expect(grants).toHaveLength(50);
  // Providers 3; shared 6; identity, NSG and its rule, key, two permissions, NIC, VM 8; grants 5; window 3.
  expect(calls.filter((name) => name === 'ensureResources')).toHaveLength(3 + 6 + 8 + 5 + 3);
});

test('one bad subscription is set aside with its reason and the command that mends it; the others go on', async () => {
  const bad = subscriptionId(7);
  const world = fakeWorld({ ensure: ({ spec }) => (spec.key.includes(bad) ? refusal : undefined) });
  const { output, entities } = await run(world);
  expect(output).toMatchObject({ state: 'completedWithExceptions', subscriptions: { granted: 59, setAside: 1 } });
  const outcome = sentryOf(entities, 1).subscriptions[bad];
  expect(outcome).toMatchObject({ state: 'setAside', code: 'AuthorizationFailed', reason: 'no right' });
  expect(outcome?.state === 'setAside' && outcome.remedy).toContain(`--scope /subscriptions/${bad}`);
  expect(world.jobs.some(({ answers }) => answers.subscriptionCount === '49')).toBe(true);
});

test('a Retry-After of twenty minutes costs a durable timer of twenty minutes, once', async () => {
  const world = fakeWorld({
    ensure: ({ spec }, asked) =>
      spec.kind === 'networkSecurityGroup' && asked === 1
        ? {
            kind: 'later',
            code: 'TooManyRequests',
            reason: 'throttled',
            remedy: '',
            seconds: 1_200,
            patienceSeconds: 3_600,
          }
        : undefined,
  });
  const { elapsedMs, output } = await run(world, inputFor(1));
  expect(output?.state).toBe('completed');
  expect(elapsedMs).toBe(1_200_000);
  expect(world.steps.filter((step) => step === 'ensure networkSecurityGroup')).toHaveLength(2);
});

test('a long-running operation is polled with its own pauses and put once', async () => {
  const operation = 'https://azure/operations/1';
  const seen: (string | undefined)[] = [];
  const world = fakeWorld({
    ensure: ({ spec, operation: polled }, asked) => {
      if (spec.kind !== 'virtualMachine') return undefined;
      seen.push(polled);
      return asked < 4 ? { kind: 'running', operation, seconds: 10, change: 'created' } : undefined;
    },
  });
  const { elapsedMs } = await run(world, inputFor(1));
  expect(seen).toEqual([undefined, operation, operation, operation]);
  expect(elapsedMs).toBe(30_000);
});

test('a resource group that is refused starts no Sentry and says why', async () => {
  const world = fakeWorld({ ensure: ({ spec }) => (spec.kind === 'resourceGroup' ? refusal : undefined) });
  const { output } = await run(world);
  expect(output).toMatchObject({
    state: 'failed',
    sentries: 0,
    problems: [{ code: 'AuthorizationFailed', remedy: 'ask' }],
  });
  expect(world.steps).not.toContain('ensure userAssignedIdentity');
});

test('a Sentry whose VM is refused stops; the other goes on', async () => {
  const world = fakeWorld({
    ensure: ({ spec }) => (spec.kind === 'virtualMachine' && spec.id.endsWith('-2') ? refusal : undefined),
  });
  const { output, entities } = await run(world);
  expect(output?.state).toBe('completedWithExceptions');
  expect(sentryOf(entities, 1).stage).toBe('completed');
  expect(sentryOf(entities, 2)).toMatchObject({ stage: 'stopped', stopped: { code: 'AuthorizationFailed' } });
  expect(sentryOf(entities, 2).receipts).toEqual([]);
});

test('what was announced while it ran is taken up by another run, and nothing is moved', async () => {
  const late = subscriptionId(99);
  const world = fakeWorld();
  const input = inputFor(2, {
    subscriptions: { include: [{ kind: 'ids', ids: [subscriptionId(1)] }], onboardNew: true },
  });
  const { entities, output } = await runOrchestrator<DeploymentResult>('runDeployment', {
    ...world.options,
    activities: {
      ...world.options.activities,
      configureAppliance: (...given: Parameters<typeof world.options.activities.configureAppliance>) => {
        given[1].startNew('onboardSubscription', {
          instanceId: `onboard-${late}`,
          input: { subscriptionId: late, deployment: 'prod-sentry' },
        });
        return world.options.activities.configureAppliance(...given);
      },
    },
    input,
    instanceId: 'd-prod-sentry',
  });
  expect(output?.subscriptions).toEqual({ total: 2, granted: 2, proven: 1, setAside: 0 });
  expect(entities['@deployment@prod-sentry'] as DeploymentState).toMatchObject({
    pending: [],
    onboarded: [late],
    placement: [[subscriptionId(1), late]],
  });
  // It was set up for one subscription: the new one is granted, not yet collected, and no window opens by itself.
  expect(sentryOf(entities, 1).subscriptions[late]).toEqual({
    state: 'granted',
    collected: false,
    proven: false,
    why: expect.stringContaining('proven when the set-up script is next run'),
  });
  expect(sentryOf(entities, 1).subscriptions[subscriptionId(1)]).toEqual({
    state: 'granted',
    collected: true,
    proven: true,
  });
  expect(sentryOf(entities, 1).receipts).toHaveLength(1);
});

test('no subscriptions yet, with onboardNew: the deployment waits for the first announcement', async () => {
  const input = inputFor(1, { subscriptions: { include: [], onboardNew: true } });
  const { output, runtimeStatus } = await run(fakeWorld(), input);
  expect(runtimeStatus).toBe('Completed');
  expect(output).toMatchObject({ state: 'completed', sentries: 0 });
});

test('a client secret that Entra refuses stops the Sentry before any window opens', async () => {
  const world = fakeWorld({ ensure: ({ spec }) => (spec.kind === 'clientSecret' ? refusal : undefined) });
  const { output, entities } = await run(world, inputFor(3, { identity: { kind: 'appRegistration' } }));
  expect(output).toMatchObject({ state: 'failed', problems: [{ code: 'AuthorizationFailed' }] });
  expect(sentryOf(entities, 1).receipts).toEqual([]);
});
