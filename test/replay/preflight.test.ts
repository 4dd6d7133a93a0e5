import { describe, expect, test } from '@jest/globals';
import type { Task } from 'durable-functions';
import type { HostInspection, Inspected } from '../../src/activities/contracts';
import { type FindingCode, finding } from '../../src/domain/preflight/codes';
import type { DeploymentResult, DeploymentState } from '../../src/domain/states';
import type { DeploymentInput } from '../../src/orchestrations/inputs';
import { fakeWorld, inputFor } from '../support/fakeWorld';
import { subscriptionId } from '../support/requests';
import { runOrchestrator } from '../support/runOrchestrator';

const run = (world: ReturnType<typeof fakeWorld>, input = inputFor(12)) =>
  runOrchestrator<DeploymentResult>('runDeployment', { ...world.options, input, instanceId: 'd-prod-sentry' });
const stateOf = (entities: Readonly<Record<string, unknown>>) => entities['@deployment@prod-sentry'] as DeploymentState;
const findings = (...codes: readonly FindingCode[]): Inspected => ({
  kind: 'inspected',
  findings: codes.map((code) => finding(code, '/somewhere', 'why', 'mend')),
});
const scope = (index: number): string => `/subscriptions/${subscriptionId(index)}`;
const at = (code: FindingCode, where: string): Inspected => ({
  kind: 'inspected',
  findings: [finding(code, where, 'why', 'mend')],
});
const later = (seconds?: number): Inspected => ({
  kind: 'later',
  code: 'TooManyRequests',
  reason: 'throttled',
  remedy: '',
  seconds,
  patienceSeconds: 3_600,
});

test('errors end the run before any write, all of them told at once', async () => {
  const world = fakeWorld({
    inspect: (what) =>
      what === 'quota' ? findings('QuotaExceeded') : what === 'names' ? findings('NameTaken') : undefined,
  });
  const { output, entities } = await run(world);
  expect(world.steps).toEqual([]);
  expect(output).toMatchObject({
    state: 'failed',
    sentries: 0,
    problems: [
      { code: 'NameTaken', reason: '/somewhere: why', remedy: 'mend' },
      { code: 'QuotaExceeded', reason: '/somewhere: why', remedy: 'mend' },
    ],
  });
  expect(stateOf(entities)).toMatchObject({
    placement: [],
    findings: [{ code: 'NameTaken' }, { code: 'QuotaExceeded' }],
  });
});

test('warnings are kept, and the run goes on', async () => {
  const world = fakeWorld({
    inspect: (what) =>
      what === 'graph'
        ? findings('ConsentNeeded')
        : what === scope(3)
          ? at('SubscriptionNotGrantable', scope(3))
          : undefined,
  });
  const { output, entities, elapsedMs } = await run(world);
  expect(output?.state).toBe('completed');
  expect(stateOf(entities).findings?.map(({ code }) => code)).toEqual(['ConsentNeeded', 'SubscriptionNotGrantable']);
  expect(elapsedMs).toBe(0);
});

test('what earlier runs came to is known to the next, a failed preflight between them too', async () => {
  const told: boolean[] = [];
  let fails = false;
  const world = fakeWorld({ inspect: (what) => (what === 'quota' && fails ? findings('QuotaExceeded') : undefined) });
  const activities = {
    ...world.options.activities,
    inspectHost: (input: HostInspection) => {
      told.push(input.settled);
      return world.options.activities.inspectHost(input);
    },
    listSubscriptions: () => ({ kind: 'listed', subscriptions: [] }),
  };
  const { entities } = await runOrchestrator<DeploymentResult>('thrice', {
    ...world.options,
    activities,
    input: inputFor(2),
    orchestrators: {
      ...world.options.orchestrators,
      *thrice(context): Generator<Task, void, never> {
        const input = context.df.getInput<DeploymentInput>();
        yield context.df.callSubOrchestrator('runDeployment', input, 'd-1');
        fails = true;
        yield context.df.callSubOrchestrator('runDeployment', input, 'd-2');
        fails = false;
        yield context.df.callSubOrchestrator('runDeployment', input, 'd-3');
      },
    },
  });
  expect(told).toEqual([false, true, true]);
  expect(stateOf(entities)).toMatchObject({ settled: true, result: { state: 'completed' } });
});

test('each subscription is looked at once, in chunks of ten', async () => {
  const world = fakeWorld();
  const { calls } = await run(world);
  expect(world.looks.filter((what) => what.startsWith('/subscriptions/'))).toHaveLength(12);
  expect(calls.filter((name) => name === 'inspectScopes')).toHaveLength(2);
  expect(calls.filter((name) => name === 'inspectHost')).toHaveLength(1);
});

test('a subscription that is known to be disabled is not looked at', async () => {
  const world = fakeWorld({
    inspect: (what) => (what === 'tenant' ? at('SubscriptionDisabled', scope(2)) : undefined),
  });
  await run(world);
  expect(world.looks).not.toContain(scope(2));
  expect(world.looks).toContain(scope(1));
});

describe('what cannot be read', () => {
  test('throttled: only that is read again, after just the time that Azure asked for', async () => {
    const world = fakeWorld({ inspect: (what, asked) => (what === 'quota' && asked === 1 ? later(17) : undefined) });
    const { output, elapsedMs } = await run(world);
    expect(output?.state).toBe('completed');
    expect(elapsedMs).toBe(17_000);
    expect(world.looks.filter((what) => what === 'quota')).toHaveLength(2);
    expect(world.looks.filter((what) => what === 'names')).toHaveLength(1);
  });

  test('for ever: a warning after two minutes, and the run goes on', async () => {
    const world = fakeWorld({ inspect: (what) => (what === 'quota' || what === scope(1) ? later() : undefined) });
    const { output, entities } = await run(world);
    expect(output?.state).toBe('completed');
    expect(stateOf(entities).findings).toMatchObject([
      { code: 'CouldNotBeChecked', reason: 'The quota of the region could not be read: TooManyRequests: throttled' },
      { code: 'CouldNotBeChecked', where: scope(1) },
    ]);
  });

  test('the vault, for ever: an error, for nothing goes without it', async () => {
    const world = fakeWorld({ inspect: (what) => (what === 'vault' ? later() : undefined) });
    expect((await run(world)).output).toMatchObject({ state: 'failed', problems: [{ code: 'VaultUnreachable' }] });
  });

  test('a worker that was killed is asked again', async () => {
    const world = fakeWorld({
      inspect: (what, asked) => {
        if (what === scope(1) && asked === 1) throw new Error('killed');
        return undefined;
      },
    });
    const { output, entities } = await run(world);
    expect(output?.state).toBe('completed');
    expect(stateOf(entities).findings).toEqual([]);
  });
});

describe('what heals by itself', () => {
  const missing: Inspected = {
    kind: 'inspected',
    findings: [finding('MissingPermission', '/somewhere', 'why', 'mend')],
    healsWithin: 90,
  };

  test('a right that was given a moment ago is waited for', async () => {
    const world = fakeWorld({ inspect: (what, asked) => (what === 'permissions' && asked < 3 ? missing : undefined) });
    const { output, elapsedMs, entities } = await run(world);
    expect(output?.state).toBe('completed');
    expect(elapsedMs).toBe(60_000);
    expect(stateOf(entities).findings).toEqual([]);
  });

  test('and one that does not come is told after ninety seconds', async () => {
    const world = fakeWorld({ inspect: (what) => (what === 'permissions' ? missing : undefined) });
    const { output, elapsedMs } = await run(world);
    expect(output).toMatchObject({ state: 'failed', problems: [{ code: 'MissingPermission' }] });
    expect(elapsedMs).toBe(90_000);
  });

  const nothing = (before: number) => (what: string, asked: number) =>
    what.startsWith('/subscriptions/') && asked < before ? at('SubscriptionNotGrantable', what) : undefined;

  test('nothing left to grant is looked at again', async () => {
    const { output, elapsedMs } = await run(fakeWorld({ inspect: nothing(3) }));
    expect(output?.state).toBe('completed');
    expect(elapsedMs).toBe(60_000);
  });

  test('and then an error', async () => {
    const { output } = await run(fakeWorld({ inspect: nothing(Infinity) }), inputFor(2));
    expect(output).toMatchObject({ state: 'failed', problems: [{ code: 'NoSubscriptionLeft' }] });
  });
});

test('a grant at management groups looks at those, and is for one Sentry alone', async () => {
  const include = [{ kind: 'managementGroup', id: 'landing-zones' }];
  const input = inputFor(1, { subscriptions: { include, grantAt: 'managementGroup' } });
  const world = fakeWorld();
  const known = Array.from({ length: 51 }, (_, index) => ({
    id: subscriptionId(index + 1),
    name: '',
    tags: {},
    state: 'Enabled',
    managementGroups: ['landing-zones'],
  }));
  const activities = {
    ...world.options.activities,
    listSubscriptions: () => ({ kind: 'listed', subscriptions: known }),
  };
  const { output } = await runOrchestrator<DeploymentResult>('runDeployment', {
    ...world.options,
    activities,
    input,
    instanceId: 'd-prod-sentry',
  });
  expect(world.looks.filter((what) => what.startsWith('/'))).toEqual([
    '/providers/Microsoft.Management/managementGroups/landing-zones',
  ]);
  expect(output).toMatchObject({ state: 'failed', problems: [{ code: 'OneSentryOnly' }] });
});
