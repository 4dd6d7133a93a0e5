import { expect, test } from '@jest/globals';
import type { Placement } from '../../../../src/domain/fleet';
import { checkSelection } from '../../../../src/domain/preflight/selection';
import type { KnownSubscription } from '../../../../src/domain/subscriptions';
import { requestFor, subscriptionId } from '../../../support/requests';

const known = (index: number, state = 'Enabled'): KnownSubscription => ({
  id: subscriptionId(index),
  name: `s${index}`,
  tags: {},
  state,
  managementGroups: ['corp'],
});
const group = (id: string, more: object = {}) => requestFor(0, { subscriptions: { include: [{ kind: 'managementGroup', id }], ...more } }); // prettier-ignore
const codes = (
  request: ReturnType<typeof group>,
  all: KnownSubscription[],
  placed: Placement,
  before: Placement = [],
) => checkSelection(request, all, placed, before).map(({ code, where }) => `${code} ${where}`);
const one: Placement = [[subscriptionId(1)]];

test('what the rules find is no finding', () => {
  expect(codes(group('corp'), [known(1)], one)).toEqual([]);
});

test('bug: a rule that finds nothing is told of, by its place', () => {
  expect(codes(group('korp'), [known(1)], one)).toEqual(['RuleFindsNothing /subscriptions/include/0']);
});

test('bug: a request that means no subscription is refused, above all where earlier ones would lose their grants', () => {
  const nothing = ['NothingSelected /subscriptions', 'RuleFindsNothing /subscriptions/include/0'];
  expect(codes(group('korp'), [known(1)], [])).toEqual(nothing);
  expect(codes(group('korp', { onboardNew: true }), [known(1)], [[]], one)).toEqual(nothing);
  expect(checkSelection(group('korp'), [], [[]], one)[0]?.reason).toContain('the 1 of before would lose');
});

test('an appliance that waits for its first subscription is none', () => {
  expect(codes(group('corp', { onboardNew: true }), [], [])).toEqual(['RuleFindsNothing /subscriptions/include/0']);
  expect(codes(requestFor(0, { subscriptions: { include: [], onboardNew: true } }), [], [])).toEqual([]);
});

test('what is disabled and joins no more is told of', () => {
  const disabled = `SubscriptionDisabled /subscriptions/${subscriptionId(2)}`;
  expect(codes(group('corp'), [known(1), known(2, 'Disabled')], one)).toEqual([disabled]);
  expect(codes(group('corp', { exclude: [subscriptionId(2)] }), [known(1), known(2, 'Disabled')], one)).toEqual([]);
});
