/** Worlds that start at the same time, in one process or in several, meet on no port. */
import { afterEach, expect, jest, test } from '@jest/globals';
import { freePorts } from '../../../local/ports';

afterEach(() => {
  jest.restoreAllMocks();
});

test('ports that are chosen and not yet bound are not chosen again', async () => {
  const luck = jest.spyOn(Math, 'random');
  for (const number of [0.5, 0.5, 0.25]) luck.mockReturnValueOnce(number);
  const [one, other] = [await freePorts(), await freePorts()];
  const ports = [one, other].flatMap((world) => Object.values(world) as number[]);
  expect(new Set(ports).size).toBe(6);
});
