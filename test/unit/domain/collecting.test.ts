import { expect, test } from '@jest/globals';
import { collects } from '../../../src/domain/collecting';

const MINUTE = 60_000;
/** One sample a minute from 0 on. */
const minutes = (...bytes: number[]) => bytes.map((one, index) => ({ at: index * MINUTE, bytes: one }));
const idle = [10, 42, 42, 43];
const since = 4 * MINUTE;

test.each([
  ['three minutes in a row send more', [90, 91, 92], true],
  ['only the latest three count', [42, 90, 91, 92], true],
  ['too few minutes yet', [90, 91], false],
  ['one of them is as quiet as before', [90, 42, 92], false],
  ['hardly more than before', [50, 50, 50], false],
])('%s', (_, after, expected) => {
  expect(collects(minutes(...idle, ...after), since, (4 + after.length) * MINUTE)).toBe(expected);
});

test('a minute under way is not counted', () => {
  expect(collects(minutes(...idle, 90, 91, 92), since, 6.5 * MINUTE)).toBe(false);
});

test('the quietest minute counts, for it may have been collecting before the person said so', () => {
  expect(collects(minutes(10, 42, 90, 92, 91, 90, 92), since, 7 * MINUTE)).toBe(true);
});

test('without a whole minute from before nothing can be told, and the minute of the boot is not whole', () => {
  expect(collects(minutes(0, 0, 0, 10, 90, 91, 92), since, 7 * MINUTE)).toBeUndefined();
  expect(collects([], since, 7 * MINUTE)).toBeUndefined();
});
