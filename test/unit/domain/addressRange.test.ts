import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canArrive, opensTooMuch } from '../../../src/domain/addressRange';

test.each([
  [['10.0.0.0/16'], false],
  [['10.0.0.0/16', '10.0.5.0/24'], false],
  [['10.0.0.0/16', '10.0.0.0/16'], false],
  [['10.0.0.0/16', '10.1.0.0/32'], true],
  [['10.0.0.0/15'], true],
  [['2001:db8::/32'], false],
  [['2001:db8::/32', '2001:db9::1/128'], true],
  [['2001:db8::/31'], true],
  [['::ffff:10.0.0.1/128', '10.0.0.0/24'], false],
])('%j opens too much: %s', (ranges, expected) => {
  expect(opensTooMuch(ranges)).toBe(expected);
});

test.each([
  ['203.0.113.7/32', true, true],
  ['10.1.0.0/24', false, true],
  ['172.15.0.0/16', true, true],
  ['172.16.0.0/16', false, true],
  ['100.127.255.255/32', false, true],
  ['100.128.0.0/16', true, true],
  ['169.254.169.254/32', false, false],
  ['255.255.255.255/32', false, false],
])('%s arrives at a public address: %s, at a private one: %s', (range, atPublic, atPrivate) => {
  expect([canArrive(range, 'public'), canArrive(range, 'private')]).toEqual([atPublic, atPrivate]);
});

test('splitting a range into its halves changes nothing', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 8, max: 20 }), (octet, length) => {
      const bits = (octet << 24) >>> 0;
      const network = length < 8 ? 0 : bits;
      const half = 2 ** (31 - length);
      const text = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
      const whole = [`${text(network)}/${length}`];
      const halves = [`${text(network)}/${length + 1}`, `${text((network + half) >>> 0)}/${length + 1}`];
      expect(opensTooMuch(halves)).toBe(opensTooMuch(whole));
    }),
  );
});
