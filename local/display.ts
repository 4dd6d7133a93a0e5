/** How a run looks in a terminal: a live tree, or plain lines where nobody watches. */
import logUpdate from 'log-update';
import type { DeploymentShown, ResourceShown, SentryShown } from './administrator';

const BAR = 30;
const marks: Readonly<Record<string, string>> = {
  done: '✓',
  running: '…',
  later: '↻',
  refused: '✗',
  blocked: '–',
  waiting: '·',
};

const bar = ({ total, granted, proven, setAside }: DeploymentShown['subscriptions']): string => {
  const part = (value: number): number => (total === 0 ? 0 : Math.round((value / total) * BAR));
  const full = '█'.repeat(part(granted)) + '▒'.repeat(part(setAside));
  return `${full.padEnd(BAR, '░')} ${granted} of ${total} granted${proven > 0 ? `, ${proven} proven` : ''}${setAside > 0 ? `, ${setAside} set aside` : ''}`;
};

const LONGEST_REASON = 60;
const brief = (reason: string): string =>
  reason.length <= LONGEST_REASON ? reason : `${reason.slice(0, LONGEST_REASON - 1)}…`;

const resourceLine = ({ key, state, change, reason }: ResourceShown): string =>
  `${marks[state] ?? '?'} ${key}${change === 'kept' ? ' (kept)' : ''}${reason === undefined ? '' : `: ${brief(reason)}`}`;

const inColumns = (items: readonly string[], indent: string): readonly string[] => {
  const width = Math.max(...items.map((item) => item.length), 1) + 2;
  const columns = Math.max(1, Math.floor(((process.stdout.columns || 100) - indent.length) / width));
  const rows = Math.ceil(items.length / columns);
  return Array.from({ length: rows }, (_, row) =>
    (
      indent +
      items
        .filter((_item, at) => at % rows === row)
        .map((item) => item.padEnd(width))
        .join('')
    ).trimEnd(),
  );
};

const sentryLines = (one: SentryShown): readonly string[] => [
  `├─ Sentry ${one.n}: ${one.stage}${one.address ? ` at ${one.address}` : ''}`,
  ...inColumns(one.resources.map(resourceLine), '│    '),
  `│    ${bar(one.subscriptions)}`,
];

/** The whole as a tree: shared resources, each Sentry with its stage, and the subscriptions. */
export const tree = (shown: DeploymentShown, clock: string): string =>
  [
    `${shown.name}: ${shown.state}   simulated time ${clock}`,
    '├─ shared',
    ...inColumns(shown.resources.map(resourceLine), '│    '),
    ...shown.sentries.flatMap(sentryLines),
    `└─ subscriptions ${bar(shown.subscriptions)}`,
  ].join('\n');

/** What somebody has to do whom the administrator of this machine does not play: whole, so that it can be copied. */
function forPeople({ n, handoff }: SentryShown): readonly string[] {
  if (!handoff || ['presence', 'registration'].includes(handoff.kind)) return [];
  const { id, text, command, commands = [] } = handoff;
  return [
    `Sentry ${n} waits for ${id}: ${text}`,
    ...(command === undefined ? [] : [command]),
    ...commands.flatMap(({ shell, lines }) => [`${shell}:`, ...lines]),
  ];
}

/** The same once, however often it is looked at. */
function once(write: (lines: readonly string[]) => void): (lines: readonly string[]) => void {
  const said = new Set<string>();
  return (lines) => {
    const whole = lines.join('\n');
    if (lines.length === 0 || said.has(whole)) return;
    said.add(whole);
    write(lines);
  };
}

export interface Display {
  show(shown: DeploymentShown, clock: string): void;
  end(): void;
}

/** Cut to the terminal: a line that wraps or a tree higher than the screen would be drawn over and over. */
function fitted(text: string): string {
  const { columns = 100, rows = 40 } = process.stdout;
  const lines = text.split('\n').map((line) => (line.length < columns ? line : `${line.slice(0, columns - 2)}…`));
  return lines.length < rows ? lines.join('\n') : [...lines.slice(0, rows - 3), '  …', ...lines.slice(-1)].join('\n');
}

export function liveDisplay(): Display {
  // Above the tree, which is drawn over itself and cut to the terminal's width.
  const tell = once((lines) => logUpdate.persist(lines.join('\n')));
  return {
    show: (shown, clock) => {
      shown.sentries.map(forPeople).forEach(tell);
      logUpdate(fitted(tree(shown, clock)));
    },
    end: () => logUpdate.done(),
  };
}

/** One line for each thing that changed. */
export function plainDisplay(write: (line: string) => void): Display {
  const said = new Set<string>();
  const say = (clock: string, line: string): void => {
    if (said.has(line)) return;
    said.add(line);
    write(`${clock}  ${line}`);
  };
  const tell = once((lines) => lines.forEach(write));
  return {
    show: (shown, clock) => {
      const settled = (one: ResourceShown): boolean => ['done', 'refused', 'blocked'].includes(one.state);
      shown.resources.filter(settled).forEach((one) => say(clock, `shared    ${resourceLine(one)}`));
      for (const one of shown.sentries) {
        one.resources.filter(settled).forEach((item) => say(clock, `Sentry ${one.n}  ${resourceLine(item)}`));
        const { granted, proven, setAside, total } = one.subscriptions;
        if (granted > 0)
          say(
            clock,
            `Sentry ${one.n}  ${granted} of ${total} subscriptions granted, ${setAside} set aside${proven > 0 ? `, ${proven} proven` : ''}`,
          );
        say(clock, `Sentry ${one.n}  stage: ${one.stage}${one.address ? ` at ${one.address}` : ''}`);
        tell(forPeople(one));
      }
    },
    end: () => undefined,
  };
}
