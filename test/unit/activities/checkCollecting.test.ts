import { expect, test } from '@jest/globals';
import { makeCheckCollecting } from '../../../src/activities/checkCollecting';
import type { Azure } from '../../../src/azure/ports';

const MINUTE = 60_000;
const DAY = 86_400_000;

test('what Azure Monitor has forgotten is not asked for: of an old VM the last day is all there is', async () => {
  const now = Date.now();
  const asked: number[] = [];
  const azure = {
    arm: { virtualMachine: { get: async () => ({ timeCreated: new Date(now - 100 * DAY) }) } },
    metrics: {
      networkOut: async (_: string, from: number, to: number) => {
        asked.push(from);
        const count = Math.floor((to - from) / MINUTE);
        return Array.from({ length: count }, (__, at) => ({
          at: from + at * MINUTE,
          bytes: at > count - 10 ? 90 : 42,
        }));
      },
    },
  } as unknown as Azure;
  const since = now - 5 * MINUTE;
  const answer = await makeCheckCollecting(azure)({ vmId: '/vm', since: new Date(since).toISOString() });
  expect(answer).toMatchObject({ kind: 'done' });
  expect(asked).toEqual([since - DAY]);
});
