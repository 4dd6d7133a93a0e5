import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { assign } from '../../../src/domain/fleet';

const ids = fc.uniqueArray(fc.integer({ min: 0, max: 120 }).map(String), { maxLength: 120 });
const where = (placement: readonly (readonly string[])[]) =>
  new Map(placement.flatMap((some, n) => some.map((id) => [id, n])));

test('60 subscriptions make two Sentries of at most 50', () => {
  const placement = assign(
    [],
    Array.from({ length: 60 }, (_, index) => String(index)),
    50,
  );
  expect(placement.map((some) => some.length)).toEqual([50, 10]);
});

test('places each wanted subscription once, never too many on one, and moves none', () => {
  fc.assert(
    fc.property(ids, ids, fc.integer({ min: 1, max: 50 }), (before, wanted, max) => {
      const current = assign([], before, max);
      const placement = assign(current, wanted, max);
      expect(placement.flat().sort()).toEqual([...wanted].sort());
      expect(Math.max(0, ...placement.map((some) => some.length))).toBeLessThanOrEqual(max);
      const [was, is] = [where(current), where(placement)];
      for (const id of wanted) if (was.has(id)) expect(is.get(id)).toBe(was.get(id));
      expect(placement.length).toBeGreaterThanOrEqual(current.length);
    }),
  );
});

test('a hole is filled before the fleet grows', () => {
  const before = [['a', 'b'], ['c']];
  const after = assign(before, ['b', 'c', 'd', 'e'], 2);
  expect(after).toEqual([
    ['b', 'd'],
    ['c', 'e'],
  ]);
});
