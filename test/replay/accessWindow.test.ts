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

test('opens rule, address and association, and removes the association before the address', async () => {
  const { steps } = await deployOne({});
  expect(windowSteps(steps)).toEqual([
    'ensure publicIPAddress',
    'ensure securityRule/22',
    'ensure publicIPAssociation',
    'remove publicIPAssociation',
    'remove securityRule/22',
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

test('a removal that is refused is tried for half an hour; then the receipt says that it is not proven closed', async () => {
  const { state } = await deployOne({ remove: ({ spec }) => (spec.kind === 'securityRule' ? refused : undefined) });
  expect(state.receipts[0]).toMatchObject({ provenClosed: false });
  expect(state.receipts[0]?.problems[0]).toContain('locked');
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
