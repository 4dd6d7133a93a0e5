/** A profile without an appliance: identity, roles and a credential, and nobody is asked for anything. */
import { expect, test } from '@jest/globals';
import type { OrchestrationContext, Task } from 'durable-functions';
import type { DeploymentResult, SentryState } from '../../src/domain/states';
import { requestSchema } from '../../src/domain/request/request';
import type { DeploymentInput } from '../../src/orchestrations/inputs';
import { type Behaviour, fakeWorld, inputFor } from '../support/fakeWorld';
import { agentless, agentlessBody, subscriptionIds } from '../support/requests';
import { runOrchestrator } from '../support/runOrchestrator';

const federatedCredential = { issuer: 'https://issuer.example', subject: 'collector' };
const secret = { kind: 'appRegistration', secret: {} };
const federated = { kind: 'appRegistration', federatedCredential };
const ids = (count: number) => ({ include: [{ kind: 'ids', ids: subscriptionIds(count) }] });

const input = (identity: object, count = 3): DeploymentInput => ({
  ...inputFor(count),
  request: requestSchema.parse(agentlessBody({ identity, subscriptions: ids(count) })),
  profile: agentless,
});
/** One run for each identity, each on what the one before left. */
async function runs(identities: readonly object[], behaviour: Behaviour = {}, count = 3) {
  const world = fakeWorld(behaviour);
  const inputs = identities.map((identity) => input(identity, count));
  function* oneByOne(context: OrchestrationContext): Generator<Task, DeploymentResult[], never> {
    const results: DeploymentResult[] = [];
    for (const one of inputs) results.push(yield context.df.callSubOrchestrator('runDeployment', one));
    return results;
  }
  const orchestrators = { ...world.options.orchestrators, oneByOne };
  const { output, entities } = await runOrchestrator<DeploymentResult[]>('oneByOne', {
    ...world.options,
    orchestrators,
  });
  return {
    results: output,
    /** What each run asked for: it begins with the group. */
    steps: world.steps
      .join('|')
      .split('ensure resourceGroup')
      .slice(1)
      .map((run) => run.split('|')),
    jobs: world.jobs,
    sentry: entities['@sentry@prod-reader-1'] as SentryState,
  };
}

test.each([
  ['managedIdentity', 'userAssignedIdentity'],
  ['appRegistration', 'servicePrincipal'],
])('with %s a run makes it, grants both roles, and ends completed without a window or a handoff', async (kind, key) => {
  const { results, steps, sentry, jobs } = await runs([{ kind, federatedCredential }], {}, 60);
  expect(results).toMatchObject([{ state: 'completed', sentries: 2, subscriptions: { granted: 60 }, problems: [] }]);
  expect(steps[0]?.filter((step) => step.startsWith('ensure roleAssignment'))).toHaveLength(120);
  expect(steps[0]).toEqual(expect.arrayContaining([`ensure ${key}`, 'ensure federatedCredential']));
  expect(jobs).toEqual([]);
  expect(sentry).toMatchObject({ stage: 'completed', handoff: null, receipts: [] });
  expect(Object.keys(sentry.resources)).not.toContain('virtualMachine');
  expect(Object.values(sentry.subscriptions).every((one) => one.state === 'granted')).toBe(true);
});

test('a credential that is refused stops its Sentry', async () => {
  const refusal = { kind: 'refused', code: 'FederationTaken', reason: 'taken', remedy: 'remove it' } as const;
  const ensure: Behaviour['ensure'] = ({ spec }) => (spec.key === 'federatedCredential' ? refusal : undefined);
  const { results, sentry } = await runs([federated], { ensure });
  expect(results).toMatchObject([{ state: 'failed', problems: [{ code: 'FederationTaken' }] }]);
  expect(sentry).toMatchObject({ stage: 'stopped', stopped: { remedy: 'remove it' } });
});

test('bug: nothing of ours collects where no set-up script is run', async () => {
  const { sentry } = await runs([federated, federated]);
  expect(Object.values(sentry.subscriptions)).toMatchObject(Array(3).fill({ state: 'granted', collected: false }));
});

test('from a secret to a federated credential and back: the new one is made, then the former is taken away, once', async () => {
  const { steps, sentry } = await runs([secret, federated, federated, secret]);
  const credentials = steps.map((run) => run.filter((step) => /clientSecret|federatedCredential/.test(step)));
  expect(credentials).toEqual([
    ['ensure clientSecret'],
    ['ensure federatedCredential', 'remove clientSecret'],
    ['ensure federatedCredential'],
    ['ensure clientSecret', 'remove federatedCredential'],
  ]);
  expect(Object.keys(sentry.resources)).toEqual(['application', 'servicePrincipal', 'clientSecret']);
});

test('the former credential stays while the new one cannot be made', async () => {
  const refusal = { kind: 'refused', code: 'FederationTaken', reason: 'taken', remedy: 'remove it' } as const;
  const ensure: Behaviour['ensure'] = ({ spec }) => (spec.key === 'federatedCredential' ? refusal : undefined);
  const { steps } = await runs([secret, federated], { ensure });
  expect(steps[1]).not.toContain('remove clientSecret');
});

test('a former credential that cannot be taken away is told of, and tried again by the next run', async () => {
  const refusal = { kind: 'refused', code: 'AuthorizationFailed', reason: 'no right', remedy: 'ask' } as const;
  const remove: Behaviour['remove'] = (_step, asked) => (asked === 1 ? refusal : undefined);
  const { results, steps } = await runs([secret, federated, federated], { remove });
  expect(results?.[1]).toMatchObject({ state: 'failed', problems: [{ code: 'AuthorizationFailed' }] });
  expect(steps[2]).toContain('remove clientSecret');
  expect(results?.[2]).toMatchObject({ state: 'completed' });
});
