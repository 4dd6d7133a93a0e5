/** What preflight costs, and that it writes nothing: by the simulated Azure's own record. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startWorld, type World } from './adapters.support';
import { askedWhile, findingsOf, inputFor, listed } from './preflight.support';
import { instant, watched } from './simulator.support';

let world: World;
beforeAll(async () => {
  world = await startWorld(instant, 500);
});
afterAll(async () => world.azure.stop());

const fiveHundred = Array.from({ length: 500 }, (_, index) => watched(index + 1));

test.each([
  ['a managed identity and a network of our own', {}],
  ['an app registration', { identity: { kind: 'appRegistration' } }],
])('500 subscriptions with %s: one read for each and at most 20 more, and not one write', async (_what, changes) => {
  const input = inputFor('five-hundred', { ...listed(...fiveHundred), ...changes });
  const asked = await askedWhile(world, () => findingsOf(world, input));
  const ofEach = asked.filter(({ path }) => fiveHundred.some((id) => path.startsWith(`/subscriptions/${id}/`)));
  expect(ofEach).toHaveLength(500);
  expect(asked.length - 500).toBeLessThanOrEqual(20);
  // A query of Resource Graph is a POST that reads.
  const others = asked.filter(({ method, path }) => method !== 'GET' && !path.endsWith('ResourceGraph/resources'));
  expect(others).toEqual([]);
});
