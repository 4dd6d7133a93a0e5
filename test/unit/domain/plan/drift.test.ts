import { expect, test } from '@jest/globals';
import { driftOf, isRepairable } from '../../../../src/domain/plan/drift';
import type { Plan, PlannedResource } from '../../../../src/domain/plan/plan';
import type { Finding } from '../../../../src/domain/preflight/finding';

const at = '2027-01-01T00:23:00.000Z';
const rule = (change: PlannedResource['change'], more: object = {}): PlannedResource => ({
  key: 'securityRule',
  kind: 'securityRule',
  id: '/rule',
  change,
  ...more,
});
const planOf = (resources: readonly PlannedResource[], more: Partial<Plan> = {}): Plan => ({
  shared: { resources, grants: [], seconds: 0 },
  sentries: [],
  findings: [],
  ...more,
});
const finding: Finding = {
  code: 'NoQuota',
  severity: 'error',
  where: 'westeurope',
  reason: 'no cores',
  remedy: 'ask for more',
};
const refusal = { code: 'Throttled', reason: 'Resource Graph does not answer', remedy: 'later' };

test('a world that is as wanted has none', () => {
  const plan = planOf([rule('keep')]);
  expect(driftOf(plan, at)).toEqual({ checkedAt: at, count: 0, differences: [] });
  expect(isRepairable(plan, driftOf(plan, at))).toBe(false);
});

test('each difference is told with what it was and is to be', () => {
  const changes = [{ path: 'tags.owner', from: 'them', to: 'us' }];
  const plan = planOf([rule('change', { changes }), rule('keep')]);
  expect(driftOf(plan, at).differences).toEqual([{ what: 'shared: securityRule', change: 'change', changes }]);
  expect(isRepairable(plan, driftOf(plan, at))).toBe(true);
});

test.each([
  ['only what is refused', planOf([rule('refused', { code: 'NotOurs', reason: 'r', remedy: 'm' })])],
  ['preflight finds an error', planOf([rule('create')], { findings: [finding] })],
  ['the subscriptions could not be listed', planOf([], { stopped: refusal })],
])('no run is of use where there is %s', (_, plan) => {
  expect(isRepairable(plan, driftOf(plan, at))).toBe(false);
});

test('why it cannot be repaired is part of it', () => {
  expect(driftOf(planOf([], { stopped: refusal }), at).problem).toEqual(refusal);
  expect(driftOf(planOf([rule('create')], { findings: [finding] }), at).problem).toMatchObject({ code: 'NoQuota' });
});

test('of thousands of differences the first are kept, and all are counted', () => {
  const scopes = Array.from({ length: 5_000 }, (_, index) => `/subscriptions/${index}`);
  const grants = [{ role: 'Reader', change: 'create' as const, scopes }];
  const drift = driftOf(planOf([], { shared: { resources: [], grants, seconds: 0 } }), at);
  expect([drift.count, drift.differences.length]).toEqual([5_000, 50]);
});
