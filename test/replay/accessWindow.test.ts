import { expect, test } from '@jest/globals';
import type { Outcome } from '../../src/domain/outcome';
import type { DeploymentResult, SentryState } from '../../src/domain/states';
import { type Behaviour, fakeWorld, inputFor } from '../support/fakeWorld';
import { runOrchestrator } from '../support/runOrchestrator';

async function deployOne(behaviour: Behaviour, changes: object = {}) {
  const world = fakeWorld(behaviour);
  const result = await runOrchestrator<DeploymentResult>('runDeployment', {
    ...world.options,
    input: inputFor(3, changes),
    instanceId: 'd-prod-sentry',
  });
  const state = result.entities['@sentry@prod-sentry-1'] as SentryState;
  return { ...result, state, steps: world.steps, jobs: world.jobs };
}
const windowSteps = (steps: readonly string[]) => steps.filter((step) => /securityRule|publicIP/.test(step));
const refused: Outcome = { kind: 'refused', code: 'ScopeLocked', reason: 'locked', remedy: 'unlock' };

test('the port opens last and closes first', async () => {
  const { steps } = await deployOne({});
  expect(windowSteps(steps)).toEqual([
    'ensure publicIPAddress',
    'ensure publicIPAssociation',
    'ensure securityRule/22',
    'remove securityRule/22',
    'remove publicIPAssociation',
    'remove publicIPAddress',
  ]);
});

test('nobody comes: it closes when its time runs out, and the Sentry says so', async () => {
  const { state, output, elapsedMs } = await deployOne({ registers: false });
  expect(elapsedMs).toBe(60 * 60_000);
  expect(state).toMatchObject({ stage: 'stopped', stopped: { code: 'WindowExpired' }, handoff: null });
  expect(state.receipts).toMatchObject([{ why: 'expired', provenClosed: true }]);
  expect(output?.state).toBe('failed');
});

test('a wrong PIN is asked for again, and the second is taken', async () => {
  const { state, jobs } = await deployOne({
    appliance: (_job, session) =>
      session === 1 ? { kind: 'wrongPin', hostKey: 'k' } : { kind: 'configured', hostKey: 'k' },
  });
  expect(jobs).toHaveLength(2);
  expect(state).toMatchObject({ stage: 'completed', configured: { subscriptions: 3, hostKey: 'k' } });
});

test('an unknown prompt stops that Sentry with the transcript, and its window closes', async () => {
  const stopped = {
    kind: 'stopped',
    code: 'UnknownPrompt',
    reason: 'asked',
    remedy: 'add it',
    transcript: 'Proxy: ',
  } as const;
  const { state } = await deployOne({ appliance: () => stopped });
  expect(state).toMatchObject({ stage: 'stopped', stopped: { code: 'UnknownPrompt', transcript: 'Proxy: ' } });
  expect(state.receipts).toMatchObject([{ why: 'closed', provenClosed: true }]);
});

test('an appliance that still boots is tried again', async () => {
  const { state, jobs } = await deployOne({
    appliance: (_job, session) =>
      session < 4 ? { kind: 'unreachable', reason: 'refused' } : { kind: 'configured', hostKey: 'k' },
  });
  expect(jobs).toHaveLength(4);
  expect(state.stage).toBe('completed');
});

test('an appliance that never answers is given up when the window expires', async () => {
  const access = { kind: 'temporaryPublicIp', sourceAddresses: ['203.0.113.7/32'], windowMinutes: 10 };
  const { state, elapsedMs } = await deployOne(
    { appliance: () => ({ kind: 'unreachable', reason: 'nobody there' }) },
    { access },
  );
  expect(elapsedMs).toBeLessThanOrEqual(11 * 60_000);
  expect(state).toMatchObject({ stage: 'stopped', stopped: { code: 'Unreachable', reason: 'nobody there' } });
});

test('a window that cannot be opened is closed again whole, and the reason is told', async () => {
  const { state, steps } = await deployOne({
    ensure: ({ spec }) => (spec.kind === 'securityRule' ? refused : undefined),
  });
  expect(windowSteps(steps).filter((step) => step.startsWith('remove'))).toHaveLength(3);
  expect(state.stopped?.reason).toContain('locked');
  expect(state.receipts).toMatchObject([{ why: 'neverOpened', openedAt: null, provenClosed: true }]);
});

test('a removal that is refused for half an hour: nothing is "completed", and it is tried until it is gone', async () => {
  const { state, output } = await deployOne({
    remove: ({ spec }, asked) => (spec.kind === 'securityRule' && asked <= 40 ? refused : undefined),
  });
  expect(output).toMatchObject({ state: 'failed', problems: [{ code: 'WindowNotProvenClosed' }] });
  expect(state).toMatchObject({ stage: 'stopped', configured: { subscriptions: 3 } });
  expect(state.receipts[0]?.problems.join()).toContain('locked');
});

test('a rule that another hand made its own is no proof: the receipt says that it is there', async () => {
  const foreign: Outcome = { kind: 'done', change: 'kept', ours: false, outputs: {} };
  const { state } = await deployOne({ remove: ({ spec }) => (spec.kind === 'securityRule' ? foreign : undefined) });
  expect(state.receipts[0]).toMatchObject({ provenClosed: false });
  expect(state.receipts[0]?.problems[0]).toContain('no longer bears our mark');
});

test('an association that never ends closes with the window, and no port was open', async () => {
  const endless: Outcome = { kind: 'running', operation: 'https://azure/op', seconds: 60, change: 'created' };
  const { state, steps, elapsedMs } = await deployOne({
    ensure: ({ spec }) => (spec.kind === 'publicIPAssociation' ? endless : undefined),
  });
  expect(elapsedMs).toBeLessThanOrEqual(61 * 60_000);
  expect(steps).not.toContain('ensure securityRule/22');
  expect(state.receipts).toMatchObject([{ why: 'neverOpened', provenClosed: true }]);
});

test.each(['ensureResources', 'removeResources'])(
  'an activity that breaks down (%s) leaves no port open and nobody waiting',
  async (name) => {
    const world = fakeWorld();
    let broken = 0;
    const activities = {
      ...world.options.activities,
      [name]: (...given: Parameters<typeof world.options.activities.ensureResources>) => {
        const [[first]] = given;
        if (first?.spec.kind === 'securityRule' && broken++ === 0) throw new Error('The worker was killed');
        return world.options.activities[name as 'ensureResources'](...given);
      },
    };
    const { output, entities } = await runOrchestrator<DeploymentResult>('runDeployment', {
      ...world.options,
      activities,
      input: inputFor(3),
      instanceId: 'd-prod-sentry',
    });
    expect(broken).toBeGreaterThan(1);
    expect(output?.state).toBe('completed');
    expect((entities['@sentry@prod-sentry-1'] as SentryState).receipts).toMatchObject([{ provenClosed: true }]);
  },
);

test('the host key seen at first is the one that the next session wants', async () => {
  const { jobs } = await deployOne({
    appliance: (_job, session) =>
      session === 1 ? { kind: 'wrongPin', hostKey: 'SHA256:a' } : { kind: 'configured', hostKey: 'SHA256:a' },
  });
  expect(jobs.map(({ hostKey }) => hostKey)).toEqual([undefined, 'SHA256:a']);
});

test('where nothing could be granted nobody is called to the console', async () => {
  const { state, jobs } = await deployOne({
    ensure: ({ spec }) => (spec.kind === 'roleAssignment' ? refused : undefined),
  });
  expect(jobs).toEqual([]);
  expect(state).toMatchObject({ stage: 'stopped', stopped: { code: 'NothingGranted' }, receipts: [] });
});

test('the app registration gives the script its client id and the vault reference of its secret', async () => {
  const { jobs } = await deployOne({}, { identity: { kind: 'appRegistration' } });
  expect(jobs[0]).toMatchObject({
    clientSecretUri: 'https://vault/secrets/x/1',
    answers: { usesClientId: 'Y', clientId: 'client' },
  });
  const plain = await deployOne({});
  expect(plain.jobs[0]?.answers.usesClientId).toBe('N');
  expect(plain.jobs[0]).not.toHaveProperty('clientSecretUri');
});
