import { expect, test } from '@jest/globals';
import { subscriptionQuery } from '../../../src/status/views';

test.each(['0', '1001', '100000', '2.5', 'all', ''])('bug: a page of %p rows is told what it may be', (top) => {
  const messages = subscriptionQuery.safeParse({ top }).error?.issues.map(({ message }) => message);
  expect(messages).toEqual(['is not a whole number from 1 to 1000']);
});

test('a page is of a hundred rows, or of as many as were asked for', () => {
  expect(subscriptionQuery.parse({})).toEqual({ top: 100 });
  expect(subscriptionQuery.parse({ top: '1000', state: 'granted' })).toEqual({ top: 1000, state: 'granted' });
});
