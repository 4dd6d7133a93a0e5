import { expect, test } from '@jest/globals';
import { handoffAnswer } from '../../../src/domain/handoff';

test.each([
  [{ done: true }, true],
  [{ declined: 'the tenant forbids it' }, true],
  [{ done: false }, false],
  [{ declined: '' }, false],
  [{ done: true, declined: 'both' }, false],
  ['done', false],
])('%j as the answer to a handoff', (answer, taken) => {
  expect(handoffAnswer.safeParse(answer).success).toBe(taken);
});
