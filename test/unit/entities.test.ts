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

  test('stays to be read while its repair runs, and is forgotten by any other run', () => {
    const { state } = deploymentOperations.drifted(begun(), { startedAt: at, drift });
    const run = (repair?: true) => deploymentOperations.begin(state, { request: request(), at: later, repair }).state;
    expect(run(true)?.drift).toEqual(drift);
    expect(run()?.drift).toBeNull();
  });
});
