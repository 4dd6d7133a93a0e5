import { expect, test } from '@jest/globals';
import { announcedSubscription } from '../../../src/domain/announcement';
import { covers, type KnownSubscription, select } from '../../../src/domain/subscriptions';
import { subscriptionId } from '../../support/requests';

const known = (index: number, more: Partial<KnownSubscription> = {}): KnownSubscription => ({
  id: subscriptionId(index),
  name: `sub-${index}`,
  tags: {},
  managementGroups: ['landing-zones', 'root'],
  ...more,
});
const rules = (more: object) => ({
  include: [],
  exclude: [],
  onboardNew: false,
  grantAt: 'subscription' as const,
  ...more,
});

test('listed ids, a group and a tag are joined, exclusions and doubles left out', () => {
  const include = [
    { kind: 'ids' as const, ids: [subscriptionId(9), subscriptionId(1)] },
    { kind: 'managementGroup' as const, id: 'Landing-Zones' },
    { kind: 'tag' as const, name: 'watch', value: 'yes' },
  ];
  const all = [
    known(1),
    known(2),
    known(3, { managementGroups: [], tags: { watch: 'yes' } }),
    known(4, { managementGroups: [] }),
  ];
  expect(select(rules({ include, exclude: [subscriptionId(2)] }), all, [])).toEqual([9, 1, 3].map(subscriptionId));
});

test('what announced itself stays only as long as the request onboards', () => {
  expect(select(rules({ onboardNew: true }), [], [subscriptionId(5)])).toEqual([subscriptionId(5)]);
  expect(select(rules({}), [], [subscriptionId(5)])).toEqual([]);
});

test.each([
  ['onboardNew off', rules({}), false],
  ['no rule but onboardNew', rules({ onboardNew: true }), true],
  ['excluded', rules({ onboardNew: true, exclude: [subscriptionId(1)] }), false],
  ['in the group', rules({ onboardNew: true, include: [{ kind: 'managementGroup', id: 'root' }] }), true],
  ['in another group', rules({ onboardNew: true, include: [{ kind: 'managementGroup', id: 'other' }] }), false],
])('a new subscription is covered by the rule: %s → %s', (_what, given, expected) => {
  expect(covers(given, known(1))).toBe(expected);
});

const id = subscriptionId(7);
test.each([
  ['a vending pipeline', { data: { subscriptionId: id.toUpperCase() } }],
  ['a resource write in it', { subject: `/subscriptions/${id}/resourceGroups/rg`, data: {} }],
  ['a CloudEvent by its source', { specversion: '1.0', source: `/subscriptions/${id}`, data: null }],
  [
    "the root group's activity log",
    { data: { properties: { message: `Entity ${id} is created with parent entity root` } } },
  ],
])('an event of %s names the subscription', (_what, event) => {
  expect(announcedSubscription(event)).toBe(id);
});

test.each([
  [null],
  ['text'],
  [{}],
  [{ data: { subscriptionId: 'no guid' }, subject: 7 }],
  [{ subject: '/subscriptions/short' }],
  [{ topic: `/subscriptions/${id}/resourceGroups/vending/providers/Microsoft.EventGrid/topics/new`, data: {} }],
])('a malformed event names none: %j', (event) => {
  expect(announcedSubscription(event)).toBeUndefined();
});
