import { expect, test } from '@jest/globals';
import type { DeploymentState, SentryState } from '../../../src/domain/states';
import { deploymentView, listView, subscriptionPage, subscriptionQuery } from '../../../src/status/views';
import { request } from '../../support/requests';

const granted = { state: 'granted', collected: true, proven: true } as const;
const sentry: SentryState = {
  n: 1,
  instanceId: 'x',
  stage: 'completed',
  resources: {},
  subscriptions: { a: granted, c: granted },
  receipts: [],
};
const unplaced = { ids: ['d', 'b'], code: 'NotTakenIn', reason: 'full', remedy: 'make room' };
const deployment: DeploymentState = {
  request: request(),
  onboarded: ['b', 'd'],
  pending: [],
  placement: [['a', 'c']],
  unplaced,
  resources: {},
  startedAt: '',
};
const page = (query: object) => subscriptionPage([sentry], unplaced, subscriptionQuery.parse(query));

test('who has no place in the fleet is set aside with why, and counted', () => {
  const { ids: _ids, ...why } = unplaced;
  const aside = (subscriptionId: string) => ({ subscriptionId, sentry: null, state: 'setAside', ...why });
  expect(page({ state: 'setAside' }).value).toEqual([aside('b'), aside('d')]);
  const run = { runtimeStatus: 'Completed', atWork: false };
  const counts = { total: 4, granted: 2, proven: 2, setAside: 2 };
  expect(deploymentView(deployment, [sentry], run, 'etag', 0).subscriptions).toEqual(counts);
  expect(listView([{ name: 'x', deployment, atWork: false }]).value).toMatchObject([{ subscriptions: 4 }]);
});

test('pages are in order of id, whoever has a place or none', () => {
  const { value, after } = page({ top: 2 });
  expect(value.map((row) => row.subscriptionId)).toEqual(['a', 'b']);
  expect(page({ after }).value.map((row) => row.subscriptionId)).toEqual(['c', 'd']);
});
