import { describe, expect, test } from '@jest/globals';
import { type Case, decideRepair, type Drift, driftOf } from '../../../../src/domain/plan/drift';
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
const decided = (plan: Plan, more: Partial<Case> = {}) =>
  decideRepair(plan, driftOf(plan, at), { ...may, ...more }, Date.parse(at));
const may: Case = { request: {}, carriedOut: true, repaired: null, asked: false };
const refusal = { code: 'Throttled', reason: 'Resource Graph does not answer', remedy: 'later' };

test('a world that is as wanted has none', () => {
  const plan = planOf([rule('keep')]);
  expect(driftOf(plan, at)).toEqual({ checkedAt: at, count: 0, differences: [] });
  expect(decided(plan)).toEqual({});
});

test('each difference is told with what it was and is to be', () => {
  const changes = [{ path: 'tags.owner', from: 'them', to: 'us' }];
  const plan = planOf([rule('change', { changes }), rule('keep')]);
  expect(driftOf(plan, at).differences).toEqual([{ what: 'shared: securityRule', change: 'change', changes }]);
  expect(decided(plan)).toEqual({ repair: { state: 'started', at } });
});

test.each([
  ['only what is refused', planOf([rule('refused', { code: 'NotOurs', reason: 'r', remedy: 'm' })])],
  ['preflight finds an error', planOf([rule('create')], { findings: [finding] })],
  ['the subscriptions could not be listed', planOf([], { stopped: refusal })],
])('no run is of use where there is %s', (_, plan) => {
  expect(decided(plan)).toEqual({});
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

describe('a repair', () => {
  const plan = planOf([rule('create')]);
  /** The repair before this look set out to set the same right, so long ago. */
  const repairedBefore = (hours: number): Drift => ({
    ...driftOf(plan, at),
    repair: { state: 'started', at: new Date(Date.parse(at) - hours * 3_600_000).toISOString() },
  });

  test('bug: brings nothing about that no run was ever brought to its end with', () => {
    expect(decided(plan, { carriedOut: false }).problem?.code).toBe('NotCarriedOut');
    expect(decided(plan, { carriedOut: false, asked: true }).problem?.code).toBe('NotCarriedOut');
  });

  test('bug: that did not hold is not begun again at each look, but after a day, or when a person asks', () => {
    expect(decided(plan, { repaired: repairedBefore(23) }).problem?.code).toBe('RepairDidNotHold');
    expect(decided(plan, { repaired: repairedBefore(24) }).repair?.state).toBe('started');
    expect(decided(plan, { repaired: repairedBefore(1), asked: true }).repair?.state).toBe('started');
    const other = planOf([rule('create'), rule('remove', { key: 'other' })]);
    expect(decided(other, { repaired: repairedBefore(1) }).repair?.state).toBe('started');
  });

  test('waits for its window, and says why there is none', () => {
    const changeWindows = [{ days: ['saturday' as const], from: '22:00', hours: 1, timeZone: 'UTC' }];
    const request = { schedule: { changeWindows } };
    expect(decided(plan, { request }).repair).toEqual({ state: 'waiting', at: '2027-01-02T22:00:00.000Z' });
    expect(decided(plan, { request, asked: true }).repair).toEqual({ state: 'started', at });
    const ended = { schedule: { changeWindows, notAfter: '2027-01-02T22:00:00Z' } };
    expect(decided(plan, { request: ended }).problem?.code).toBe('ScheduleOver');
    const over = { schedule: { notAfter: at } };
    expect(decided(plan, { request: over, asked: true }).problem?.code).toBe('ScheduleOver');
  });
});
