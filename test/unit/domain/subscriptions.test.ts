import { expect, test } from '@jest/globals';
import { announcedSubscription } from '../../../src/domain/announcement';
import { covers, emptyRules, type KnownSubscription, leftOut, wantedNow } from '../../../src/domain/subscriptions';
import { subscriptionId } from '../../support/requests';

const known = (index: number, more: Partial<KnownSubscription> = {}): KnownSubscription => ({
  id: subscriptionId(index),
  name: `sub-${index}`,
  tags: {},
  state: 'Enabled',
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

const wanted = (
  more: object,
  all: readonly KnownSubscription[],
  before: { onboarded?: string[]; placement?: string[][] } = {},
  repair?: true,
) =>
  wantedNow({ request: { subscriptions: rules(more) }, ...(repair ? { repair } : {}) }, all, {
    onboarded: [],
    placement: [],
    ...before,
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
  expect(wanted({ include, exclude: [subscriptionId(2)] }, all)).toEqual([9, 1, 3].map(subscriptionId));
});

test('what announced itself stays only as long as the request onboards', () => {
  const onboarded = [subscriptionId(5)];
  expect(wanted({ onboardNew: true }, [], { onboarded })).toEqual(onboarded);
  expect(wanted({}, [], { onboarded })).toEqual([]);
});

const group = { include: [{ kind: 'managementGroup' as const, id: 'root' }] };
const placed = (...indexes: number[]) => ({ placement: [indexes.map(subscriptionId)] });

test('bug: the name of a tag is the same in upper and lower case, its value is not', () => {
  const tagged = [known(1, { tags: { Environment: 'prod' } }), known(2, { tags: { environment: 'PROD' } })];
  const include = [{ kind: 'tag' as const, name: 'ENVIRONMENT', value: 'prod' }];
  expect(wanted({ include }, tagged)).toEqual([subscriptionId(1)]);
});

test('bug: a subscription past due is watched; a disabled one joins no more, stays where it was, and is told of', () => {
  const all = [known(1, { state: 'PastDue' }), known(2, { state: 'Disabled' }), known(3, { state: 'Disabled' })];
  const ids = wanted(group, all, placed(3));
  expect(ids).toEqual([1, 3].map(subscriptionId));
  expect(leftOut(rules(group), all, ids)).toEqual([all[1]]);
});

test('bug: what Azure does not show just now is not given up by a repair, but by a request', () => {
  expect(wanted(group, [known(1)], placed(1, 2), true)).toEqual([1, 2].map(subscriptionId));
  expect(wanted(group, [known(1)], placed(1, 2))).toEqual([subscriptionId(1)]);
  const left = [known(1), known(2, { managementGroups: ['root-of-another'] })];
  expect(wanted(group, left, placed(1, 2), true)).toEqual([subscriptionId(1)]);
  expect(wanted({ ...group, exclude: [subscriptionId(2)] }, [known(1)], placed(1, 2), true)).toEqual([
    subscriptionId(1),
  ]);
});

test('bug: a repair leaves out no subscription that the request lists', () => {
  const include = [{ kind: 'ids' as const, ids: [1, 3].map(subscriptionId) }];
  expect(wanted({ include }, [], placed(1), true)).toEqual([1, 3].map(subscriptionId));
});

test('a rule that nothing fits is known by its place', () => {
  const include = [
    { kind: 'ids' as const, ids: [subscriptionId(9)] },
    { kind: 'managementGroup' as const, id: 'rooot' },
    { kind: 'managementGroup' as const, id: 'root' },
  ];
  expect(emptyRules(rules({ include }), [known(1)])).toEqual([1]);
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
