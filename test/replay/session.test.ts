/** What a session with the appliance leaves behind when it, or the VM under it, breaks. */
import { expect, test } from '@jest/globals';
import type { EntityHandler } from 'durable-functions';
import type { DeploymentResult, SentryState } from '../../src/domain/states';
import { type Behaviour, fakeWorld, inputFor } from '../support/fakeWorld';
import { subscriptionId } from '../support/requests';
import { runOrchestrator } from '../support/runOrchestrator';

const MINUTE = 60_000;

/** `before` is what an earlier run left. */
async function deployOne(behaviour: Behaviour, before?: SentryState, changes: object = {}) {
  const world = fakeWorld(behaviour);
  const sentry: EntityHandler<SentryState | null> = (context) => {
    if (before && !context.df.getState()) context.df.setState(before);
    world.options.entities.sentry(context);
  };
  const result = await runOrchestrator<DeploymentResult>('runDeployment', {
    ...world.options,
    entities: { ...world.options.entities, sentry },
    input: inputFor(3, changes),
    instanceId: 'd-prod-sentry',
  });
  return {
    ...result,
    jobs: world.jobs,
    steps: world.steps,
    sentry: result.entities['@sentry@prod-sentry-1'] as SentryState,
  };
}

const setUpBefore: SentryState = {
  n: 1,
  instanceId: 'earlier',
  stage: 'completed',
  resources: {},
  subscriptions: { [subscriptionId(1)]: { state: 'granted', collected: true, proven: true } },
  receipts: [],
  configured: { subscriptions: 1 },
};

test('a session that breaks down closes its window at once, not when its time is over', async () => {
  const { sentry, elapsedMs } = await deployOne({
    appliance: () => {
      throw new Error('the vault holds no such secret');
    },
  });
  expect(sentry).toMatchObject({ stage: 'stopped', stopped: { code: 'SentryBrokeDown' } });
  expect(sentry.receipts).toMatchObject([{ why: 'closed', provenClosed: true }]);
  expect(elapsedMs).toBeLessThan(5 * MINUTE);
});

test('a VM that was made anew counts as set up only when it is, whoever ends the run before', async () => {
  const { sentry } = await deployOne({ presence: null }, setUpBefore);
  expect(sentry).toMatchObject({ stage: 'stopped', stopped: { code: 'NobodyThere' }, configured: null });
  expect(sentry.subscriptions[subscriptionId(1)]).toMatchObject({ state: 'granted', collected: false });
});

test('another identity: what the old one was granted is taken back, and the appliance is told to sign in anew', async () => {
  const kept = { kind: 'done', change: 'kept', ours: true } as const;
  const outputs = { id: '/id', privateIPAddress: '10.90.0.4' };
  const removed: unknown[] = [];
  const { sentry, jobs, output } = await deployOne(
    {
      ensure: ({ spec }) => (spec.kind === 'virtualMachine' ? { ...kept, outputs } : undefined),
      remove: ({ spec }) => {
        if (spec.kind === 'roleAssignment') removed.push([spec.wanted.scope, spec.wanted.principalId]);
        return undefined;
      },
    },
    { ...setUpBefore, principalId: 'the old one' },
    { identity: { kind: 'appRegistration' } },
  );
  expect(output?.state).toBe('completed');
  expect(removed).toEqual([[`/subscriptions/${subscriptionId(1)}`, 'the old one']]);
  expect(jobs.map(({ answers }) => answers.clientId)).toEqual(['client']);
  expect(sentry).toMatchObject({ principalId: 'principal', configured: { subscriptions: 3 } });
});

test('the same identity is granted and set up once', async () => {
  const kept = { kind: 'done', change: 'kept', ours: true, outputs: { id: '/id' } } as const;
  const { jobs, steps } = await deployOne(
    { ensure: ({ spec }) => (spec.kind === 'virtualMachine' ? kept : undefined) },
    { ...setUpBefore, principalId: 'principal' },
  );
  expect(jobs).toEqual([]);
  expect(steps.filter((step) => step.startsWith('remove'))).toEqual([]);
});

test.each([
  ['another', 1, 'new'],
  ['the same', 0, 'old'],
] as const)(
  'bug: an appliance that was told %s client secret than there is now is told again %i times',
  async (_, times, keyId) => {
    const kept = { kind: 'done', change: 'kept', ours: true } as const;
    const outputs: Partial<Record<string, Record<string, string>>> = {
      virtualMachine: { id: '/id', privateIPAddress: '10.90.0.4' },
      clientSecret: { secretUri: 'https://vault.example/secrets/client', keyId },
    };
    const { sentry, jobs, output } = await deployOne(
      {
        ensure: ({ spec }) => {
          const found = outputs[spec.kind];
          return found && { ...kept, outputs: found };
        },
      },
      { ...setUpBefore, principalId: 'principal', keyId: 'old' },
      { identity: { kind: 'appRegistration' } },
    );
    expect(output?.state).toBe('completed');
    expect(jobs).toHaveLength(times);
    expect(sentry).toMatchObject({ keyId, configured: {} });
  },
);
