import { expect, test } from '@jest/globals';
import type { DeploymentShown } from '../../../local/administrator';
import { plainDisplay } from '../../../local/display';

const none = { total: 1, granted: 0, proven: 0, setAside: 0 };
const shown = (handoff: DeploymentShown['sentries'][number]['handoff']): DeploymentShown => ({
  name: 'prod',
  state: 'running',
  runtimeStatus: 'Running',
  subscriptions: none,
  resources: [],
  problems: [],
  sentries: [{ n: 1, stage: 'consent', handoff, subscriptions: none, resources: [], receipts: [] }],
});
const linesOf = (...states: readonly DeploymentShown[]): readonly string[] => {
  const lines: string[] = [];
  const display = plainDisplay((line) => lines.push(line));
  for (const state of states) display.show(state, '08:00:00');
  return lines;
};

test('a handoff for somebody else is told once, each command on a line of its own', () => {
  const commands = [{ shell: 'az', lines: ['az login --tenant t', 'GRAPH=$(az ad sp show --id g)'] }];
  const waiting = shown({ id: 'consent-1', kind: 'consent', text: 'Somebody consents.', commands });
  expect(linesOf(waiting, waiting)).toEqual([
    '08:00:00  Sentry 1  stage: consent',
    'Sentry 1 waits for consent-1: Somebody consents.',
    'az:',
    ...(commands[0]?.lines ?? []),
  ]);
});

test('one that the administrator of this machine plays is not', () => {
  expect(linesOf(shown({ id: 'presence-1', kind: 'presence', text: 'Be there.' }))).toHaveLength(1);
});
