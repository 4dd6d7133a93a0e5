/** What a session with the appliance leaves behind when it, or the VM under it, breaks. */
import { expect, test } from '@jest/globals';
import type { EntityHandler } from 'durable-functions';
import type { DeploymentResult, SentryState } from '../../src/domain/states';
import { type Behaviour, fakeWorld, inputFor } from '../support/fakeWorld';
import { subscriptionId } from '../support/requests';
import { runOrchestrator } from '../support/runOrchestrator';

const MINUTE = 60_000;

/** `before` is what an earlier run left. */
async function deployOne(behaviour: Behaviour, before?: SentryState) {
  const world = fakeWorld(behaviour);
  const sentry: EntityHandler<SentryState | null> = (context) => {
    if (before && !context.df.getState()) context.df.setState(before);
    world.options.entities.sentry(context);
  };
  const result = await runOrchestrator<DeploymentResult>('runDeployment', {
    ...world.options,
    entities: { ...world.options.entities, sentry },
    input: inputFor(3),
    instanceId: 'd-prod-sentry',
  });
  return { ...result, jobs: world.jobs, sentry: result.entities['@sentry@prod-sentry-1'] as SentryState };
}

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
  const { sentry } = await deployOne(
    { presence: null },
    {
      n: 1,
      instanceId: 'earlier',
      stage: 'completed',
      resources: {},
      subscriptions: { [subscriptionId(1)]: { state: 'granted', collected: true, proven: true } },
      receipts: [],
      configured: { subscriptions: 1, hostKey: 'SHA256:old' },
    },
  );
  expect(sentry).toMatchObject({ stage: 'stopped', stopped: { code: 'NobodyThere' }, configured: null });
  expect(sentry.subscriptions[subscriptionId(1)]).toMatchObject({ state: 'granted', collected: false });
});
