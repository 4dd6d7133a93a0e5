import { describe, expect, test } from '@jest/globals';
import { nextChange } from '../../../src/domain/schedule';

const at = (iso: string): number => Date.parse(iso);
type Window = NonNullable<NonNullable<Parameters<typeof nextChange>[0]['schedule']>['changeWindows']>[number];
const opens = (from: string, changeWindows: Window[], more: object = {}): string | undefined => {
  const next = nextChange({ schedule: { changeWindows, ...more } }, at(from));
  return next === undefined ? undefined : new Date(next).toISOString();
};
const saturday: Window = { days: ['saturday'], from: '22:00', hours: 4, timeZone: 'UTC' };
const amsterdam: Window = { ...saturday, timeZone: 'Europe/Amsterdam' };

describe('when a change that nobody asked for may begin', () => {
  test('without a schedule at once', () => {
    expect(nextChange({}, 5)).toBe(5);
  });

  // 16 January 2027 is a Saturday.
  test.each([
    ['before the window', '2027-01-14T09:12:34Z', '2027-01-16T22:00:00.000Z'],
    ['in it', '2027-01-16T23:59:00Z', '2027-01-16T23:59:00.000Z'],
    ['in it, past midnight', '2027-01-17T01:59:59Z', '2027-01-17T01:59:59.000Z'],
    ['at its end', '2027-01-17T02:00:00Z', '2027-01-23T22:00:00.000Z'],
  ])('%s', (_, from, expected) => {
    expect(opens(from, [saturday])).toBe(expected);
  });

  test('of several windows the next one counts, on each of their days', () => {
    const often: Window = { days: ['monday', 'wednesday'], from: '05:30', hours: 1, timeZone: 'UTC' };
    expect(opens('2027-01-17T12:00:00Z', [saturday, often])).toBe('2027-01-18T05:30:00.000Z');
    expect(opens('2027-01-18T06:30:00Z', [saturday, often])).toBe('2027-01-20T05:30:00.000Z');
  });

  test('a window on Sunday evening is open on Monday', () => {
    const sunday: Window = { ...saturday, days: ['sunday'], from: '23:00' };
    expect(opens('2027-01-18T02:30:00Z', [sunday])).toBe('2027-01-18T02:30:00.000Z');
  });

  test.each([
    ['winter', '2027-01-14T09:00:00Z', '2027-01-16T21:00:00.000Z'],
    ['summer', '2027-07-15T09:00:00Z', '2027-07-17T20:00:00.000Z'],
    ['the clock is put forward meanwhile', '2027-03-27T23:30:00Z', '2027-03-27T23:30:00.000Z'],
    ['it was put forward since', '2027-03-28T04:00:00Z', '2027-04-03T20:00:00.000Z'],
    ['it was put back since', '2027-10-31T12:00:00Z', '2027-11-06T21:00:00.000Z'],
  ])('by the clock of its zone: %s', (_, from, expected) => {
    expect(opens(from, [amsterdam])).toBe(expected);
  });

  test('the week of a change of the clock is counted right', () => {
    const monday: Window = { ...amsterdam, days: ['monday'], from: '05:00' };
    expect(opens('2027-03-27T12:00:00Z', [monday])).toBe('2027-03-29T03:00:00.000Z');
    expect(opens('2027-10-30T12:00:00Z', [monday])).toBe('2027-11-01T04:00:00.000Z');
  });

  test('a time that the clock leaps over is had an hour later by the clock', () => {
    const leapt: Window = { ...amsterdam, days: ['sunday'], from: '02:30' };
    expect(opens('2027-03-27T12:00:00Z', [leapt])).toBe('2027-03-28T01:30:00.000Z');
  });

  test.each([
    ['Europe/Amsterdam', '02:30', '2027-03-28T01:30:00.000Z'],
    ['America/New_York', '02:30', '2027-03-14T07:30:00.000Z'],
    ['Europe/Amsterdam', '02:30', '2027-10-31T00:30:00.000Z'],
    ['America/New_York', '01:30', '2027-11-07T05:30:00.000Z'],
  ])('bug: in %s the hour from %s is had whole and once when the clock changes', (timeZone, from, begin) => {
    const hour: Window = { days: ['sunday'], from, hours: 1, timeZone };
    const minutesOn = (minutes: number): string => new Date(at(begin) + minutes * 60_000).toISOString();
    expect([-60, 0, 59].map((minutes) => opens(minutesOn(minutes), [hour]))).toEqual([begin, begin, minutesOn(59)]);
    const next = opens(minutesOn(60), [hour]) ?? begin;
    expect(at(next) - at(begin)).toBeGreaterThan(6 * 86_400_000);
  });

  test('not before notBefore, and never after notAfter', () => {
    const notBefore = '2027-01-17T00:30:00Z';
    expect(opens('2027-01-01T00:00:00Z', [saturday], { notBefore })).toBe('2027-01-17T00:30:00.000Z');
    expect(opens('2027-01-01T00:00:00Z', [saturday], { notAfter: '2027-01-02T22:00:00Z' })).toBeUndefined();
    expect(opens('2027-01-01T00:00:00Z', [saturday], { notAfter: '2027-01-02T22:00:01Z' })).toBeDefined();
  });
});
