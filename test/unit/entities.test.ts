import { describe, expect, test } from '@jest/globals';
import { deploymentOperations } from '../../src/entities/deployment';
import { type SentryPatch, sentryOperations } from '../../src/entities/sentry';
import { request, subscriptionId } from '../support/requests';

const at = '2026-01-01T00:00:00.000Z';
const begun = () => deploymentOperations.begin(null, { request: request(), at }).state;

test('an announced subscription waits in the queue until a run takes it up', () => {
  const id = subscriptionId(99);
  const queued = deploymentOperations.onboard(begun(), id).state;
  expect(deploymentOperations.onboard(queued, id).state).toEqual(queued);
  expect(deploymentOperations.queued(queued, id).answer).toEqual({});
  const result = {
    state: 'completed' as const,
    sentries: 0,
    stopped: 0,
    subscriptions: { total: 0, granted: 0, proven: 0, setAside: 0 },
    problems: [],
  };
  expect(deploymentOperations.finish(queued, { result, at }).answer).toBe(1);
  const { state, answer } = deploymentOperations.begin(queued, { request: request(), at });
  expect(answer.onboarded).toEqual([id]);
  expect(deploymentOperations.queued(state, id).answer).toBeNull();
});

test('nothing can be announced to a deployment that does not exist', () => {
  expect(deploymentOperations.onboard(null, subscriptionId(1))).toEqual({ state: null, answer: false });
});

test('a patch joins resources and subscriptions, and forgets what was dropped', () => {
  const { state } = sentryOperations.begin(null, { n: 1, instanceId: 'x' });
  const granted = { state: 'granted' as const, collected: true, proven: true };
  const patch = (before: typeof state | null, changes: SentryPatch, from = 'x') =>
    sentryOperations.patch(before, { from, patch: changes }).state;
  const both = patch(state, { subscriptions: { a: granted, b: granted } });
  const last = patch(both, { forget: ['a'] });
  expect(last?.subscriptions).toEqual({ b: granted });
  expect(sentryOperations.begin(last, { n: 1, instanceId: 'y' }).answer.known).toEqual(['b']);
});

test('a run that was terminated and lives on writes nothing over the new one', () => {
  const { state: old } = sentryOperations.begin(null, { n: 1, instanceId: 'old' });
  const { state } = sentryOperations.begin(old, { n: 1, instanceId: 'new' });
  expect(sentryOperations.patch(state, { from: 'old', patch: { stage: 'stopped' } }).state).toEqual(state);
});

test('the receipt of a window that closes at last takes the place of the one that it was not', () => {
  const { state } = sentryOperations.begin(null, { n: 1, instanceId: 'x' });
  const receipt = { sentry: 1, openedAt: at, closedAt: at, why: 'closed' as const, provenClosed: true, problems: [] };
  const first = sentryOperations.receipt(state, receipt).state;
  const open = { ...receipt, openedAt: '2026-01-02T00:00:00.000Z', provenClosed: false };
  const unclosed = sentryOperations.receipt(first, open).state;
  expect(sentryOperations.begin(unclosed, { n: 1, instanceId: 'y' }).answer.unclosed).toBe(true);
  const closed = { ...open, provenClosed: true };
  expect(sentryOperations.receipt(unclosed, closed).state?.receipts).toEqual([receipt, closed]);
});

describe('drift', () => {
  const drift = { checkedAt: at, count: 1, differences: [{ what: 'shared: subnet', change: 'create' }] };
  const later = '2026-01-02T00:00:00.000Z';

  test('is kept as it was seen', () => {
    expect(deploymentOperations.drifted(begun(), { startedAt: at, drift }).state?.drift).toEqual(drift);
  });

  test('that was seen before a run began is not told after it', () => {
    const again = deploymentOperations.begin(begun(), { request: request(), at: later }).state;
    expect(deploymentOperations.drifted(again, { startedAt: at, drift }).state?.drift).toBeNull();
  });

  test('is what its repair set out to set right, and is forgotten by any other run', () => {
    const { state, answer } = deploymentOperations.drifted(begun(), { startedAt: at, drift });
    expect(answer).toBe(true);
    const run = (repair?: true) => deploymentOperations.begin(state, { request: request(), at: later, repair }).state;
    expect(run(true)).toMatchObject({ drift: null, repaired: drift });
    expect(run()).toMatchObject({ drift: null, repaired: null });
  });
});

describe('a request', () => {
  const counts = { total: 1, granted: 1, proven: 1, setAside: 0 };
  const problem = { code: 'AccessUnproven', reason: 'r', remedy: 'm' };
  const ended = (more: object) => ({
    at,
    result: { state: 'completed' as const, sentries: 2, stopped: 0, subscriptions: counts, problems: [], ...more },
  });
  const after = (more: object, from = begun()) => deploymentOperations.finish(from, ended(more)).state;

  test.each([
    ['every Sentry came to its end', {}, true],
    ['with something to mend', { problems: [problem] }, true],
    ['a Sentry was stopped', { stopped: 1, problems: [problem] }, false],
    ['preflight let none begin', { sentries: 0, problems: [problem] }, false],
  ])('is carried out where %s: %j is %s', (_, more, carriedOut) => {
    expect(after(more)?.carriedOut).toBe(carriedOut);
  });

  test('that was carried out stays so though a repair is refused, and another is not so from its start', () => {
    const run = (repair?: true) => deploymentOperations.begin(after({}), { request: request(), at, repair }).state;
    expect(after({ sentries: 0, problems: [problem] }, run(true))?.carriedOut).toBe(true);
    expect(run()?.carriedOut).toBe(false);
  });

  test('that is repaired leaves what was announced in its queue', () => {
    const queued = deploymentOperations.onboard(begun(), subscriptionId(99)).state;
    const { state, answer } = deploymentOperations.begin(queued, { request: request(), at, repair: true });
    expect([state.pending, answer.onboarded]).toEqual([[subscriptionId(99)], []]);
    expect(deploymentOperations.look(queued, { repair: true }).answer.onboarded).toEqual([]);
    expect(deploymentOperations.look(queued, {}).answer.onboarded).toEqual([subscriptionId(99)]);
  });
});

test('what came out of a resource stays known though a run did not get so far', () => {
  const nic = { kind: 'networkInterface', id: '/nic' };
  const made = { nic: { ...nic, state: 'done' as const, outputs: { id: '/nic' } } };
  const first = sentryOperations.begin(null, { n: 1, instanceId: 'x' }).state;
  const state = sentryOperations.patch(first, { from: 'x', patch: { resources: made } }).state;
  const waits = { nic: { ...nic, state: 'waiting' as const } };
  const after = sentryOperations.patch(state, { from: 'x', patch: { resources: waits } }).state;
  expect(after?.resources).toEqual({ nic: { ...nic, state: 'waiting', outputs: { id: '/nic' } } });
});
