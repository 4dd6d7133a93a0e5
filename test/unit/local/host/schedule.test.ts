import { expect, test } from '@jest/globals';
import { parseSchedule } from '../../../../local/host/schedule';

const next = (schedule: string, from: string): string =>
  new Date(parseSchedule(schedule).next(Date.parse(from))).toISOString();

test.each([
  ['*/15 * * * * *', '2026-01-01T00:00:14.900Z', '2026-01-01T00:00:15.000Z'],
  ['0 */5 * * * *', '2026-01-01T00:00:00Z', '2026-01-01T00:05:00.000Z'],
  ['*/5 * * * *', '2026-01-01T00:03:20Z', '2026-01-01T00:05:00.000Z'],
  ['0 30 9 * * Mon-Fri', '2026-01-02T10:00:00Z', '2026-01-05T09:30:00.000Z'],
  ['0 0 0 29 2 *', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00.000Z'],
  ['0 0 12 1,15 jan,jul *', '2026-01-15T12:00:00Z', '2026-07-01T12:00:00.000Z'],
  ['59 59 23 31 12 *', '2026-12-31T23:59:59Z', '2027-12-31T23:59:59.000Z'],
  ['0 0 0 * * 7', '2026-01-01T00:00:00Z', '2026-01-04T00:00:00.000Z'],
  ['00:05:00', '2026-01-01T00:00:10Z', '2026-01-01T00:05:10.000Z'],
  ['1.12:00', '2026-01-01T00:00:00Z', '2026-01-02T12:00:00.000Z'],
  ['10/20 0 0 * * *', '2026-01-01T00:00:10Z', '2026-01-01T00:00:30.000Z'],
])('%s after %s is %s', (schedule, from, expected) => {
  expect(next(schedule, from)).toBe(expected);
});

test.each(['', '* * * *', '60 * * * * *', '* * * * 13 *', '*/0 * * * * *', '5-1 * * * * *', 'x * * * * *'])(
  "'%s' is refused",
  (schedule) => {
    expect(() => parseSchedule(schedule)).toThrow('NCRONTAB');
  },
);

test.each([
  ['*/15 * * * * *', true],
  ['30 * * * * *', false],
  ['* */5 * * * *', false],
  ['* * * * *', false],
  ['00:00:59', true],
  ['00:01:00', false],
])('%s is frequent: %s', (schedule, isFrequent) => {
  expect(parseSchedule(schedule)).toMatchObject({ isFrequent });
});

test('no time at all is refused', () => {
  expect(() => parseSchedule('00:00:00')).toThrow('no time');
});

test('a day that never comes is refused when it is asked for', () => {
  expect(() => next('0 0 0 30 2 *', '2026-01-01T00:00:00Z')).toThrow('never comes');
});
