import { expect, test } from '@jest/globals';
import { makeIsRunAtWork } from '../../../src/activities/instances';

/** `atWork`: ids of instances that are; what is not among them has ended, or was purged. */
const ask = (atWork: readonly string[], newest: string | undefined) =>
  makeIsRunAtWork({
    isAtWork: async (id) => atWork.includes(id),
    newestOf: async (deployment, n) => (deployment === 'prod' && n === 2 ? newest : undefined),
  })({ deployment: 'prod', n: 2, instanceId: 'e1:1' });

test.each([
  ['deployment and Sentry are at work', ['d-prod', 'e1:1'], 'e1:1', true],
  ['the deployment was ended, and its Sentry lives on', ['e1:1'], 'e1:1', false],
  ['the Sentry was ended', ['d-prod'], 'e1:1', false],
  ['all instances were purged', [], undefined, false],
  ['the entities were purged', ['d-prod', 'e1:1'], undefined, false],
  ['it was started again, and the earlier Sentry lives on', ['d-prod', 'e1:1', 'e2:1'], 'e2:1', false],
])('%s', async (_what, atWork, newest, expected) => {
  expect(await ask(atWork, newest)).toBe(expected);
});
