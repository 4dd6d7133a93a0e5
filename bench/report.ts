/** The figures, as rows of a table. */
import { availableParallelism, cpus } from 'node:os';

export interface Row {
  readonly what: string;
  readonly unit: string;
  /** NaN: it was not run, because it would have taken minutes. */
  readonly ours: number;
  /** The same with nothing written to disk. */
  readonly inMemory?: number | undefined;
  readonly peer?: number | undefined;
  /** What the row is about, where that is not the figure itself; greater is better where `goal` starts with ≥. */
  readonly ratio?: number | undefined;
  readonly goal?: string | undefined;
}

const COLUMNS = ['', 'unit', 'on disk', 'memory', 'peer', 'ratio', 'goal'];

/** Three significant digits, and thousands apart. */
const figure = (value: number | undefined): string =>
  value === undefined
    ? ''
    : Number.isNaN(value)
      ? 'too long'
      : value >= 1000
        ? Math.round(value).toLocaleString('en')
        : String(Number(value.toPrecision(3)));

function table(machine: Readonly<Record<string, unknown>>, rows: readonly Row[]): string {
  const cells = rows.map(({ what, unit, ours, inMemory, peer, ratio, goal = '' }) => {
    return [what, unit, figure(ours), figure(inMemory), figure(peer), figure(ratio), goal];
  });
  const widths = COLUMNS.map((name, column) =>
    Math.max(...[COLUMNS, ...cells].map((line) => (line[column] ?? name).length)),
  );
  const isText = (column: number): boolean => column < 2 || column === COLUMNS.length - 1;
  const line = (values: readonly string[]): string =>
    values
      .map((value, column) =>
        isText(column) ? value.padEnd(widths[column] ?? 0) : value.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  const about = Object.entries(machine)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
  return `\n${[about, '', line(COLUMNS), ...cells.map(line)].join('\n')}\n`;
}

/** Writes the rows, and on what they were measured, as a table or as JSON. */
export function report(rows: readonly Row[], { json, quick }: { json: boolean; quick: boolean }): void {
  const machine = {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? '',
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    quick,
  };
  process.stdout.write(json ? `${JSON.stringify({ machine, rows }, null, 2)}\n` : table(machine, rows));
}

/** Runs a benchmark, and ends with it: engines leave timers behind that nobody waits for. */
export function runToEnd(main: () => Promise<void>): void {
  main().then(
    // What was written to a pipe is there only once this write is done.
    () => process.stdout.write('', () => process.exit(0)),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
}
