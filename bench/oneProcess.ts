/**
 * `npm run bench:runs`: how many whole runs an hour, in processes that hold everything. With `--seeds` a run for each
 * instead, told as a line of JSON: for tests, and for looking at one seed that went wrong.
 */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { type OneProcessOptions, runInOneProcess } from '../test/support/oneProcess';
import { progress, time } from './measure';
import { report, type Row, runToEnd } from './report';

interface Options {
  readonly seeds?: string;
  readonly chaos: boolean;
  readonly subscriptions: string;
  readonly quick: boolean;
  readonly json: boolean;
}

const GOAL = 1_000;
const SECONDS_AN_HOUR = 3_600;

/** The same seed is Azure's own and that of its faults. */
const optionsOf = (seed: string, { chaos, subscriptions }: Options): OneProcessOptions => ({
  seed,
  subscriptions: Number(subscriptions),
  ...(chaos ? { chaos: seed } : {}),
});

async function main(): Promise<void> {
  const options = new Command('bench:runs')
    .description('Whole deployments in one process, without a socket and under timers that jump.')
    .option('--seeds <list>', 'a run for each, with commas between, as a line of JSON')
    .option('--chaos', 'with --seeds: Azure fails now and then, from the same seed', false)
    .option('--subscriptions <number>', 'with --seeds: how many to watch', '55')
    .option('--quick', 'fewer runs', false)
    .option('--json', 'the figures as JSON', false)
    .parse()
    .opts<Options>();
  if (options.seeds === undefined) return measure(options);
  for (const seed of options.seeds.split(',')) {
    const line = `${JSON.stringify({ seed, ...(await runInOneProcess(optionsOf(seed, options))) })}\n`;
    // A line is longer than a pipe holds: nothing else would keep the process until it is read.
    await new Promise((resolve) => process.stdout.write(line, resolve));
  }
}

async function measure({ json, quick }: Options): Promise<void> {
  const runs = quick ? 10 : 100;
  const rows: Row[] = [];
  const goal = `≥ ${GOAL.toLocaleString('en')}`;
  for (const [what, chaos] of [
    ['55 subscriptions, two Sentries', []],
    ['the same under chaos', ['--chaos']],
  ] as const) {
    progress(`${what}: ${runs} runs in each of ${availableParallelism()} processes`);
    const ours = await anHour(runs, chaos);
    rows.push({ what, unit: 'runs an hour', ours, ratio: ours, goal });
  }
  report(rows, { json, quick });
}

/** A process for each core; what it takes to start one counts. */
async function anHour(runs: number, options: readonly string[]): Promise<number> {
  const ms = await time(() =>
    Promise.all(Array.from({ length: availableParallelism() }, (_, index) => inAProcess(index, runs, options))),
  );
  return (availableParallelism() * runs * SECONDS_AN_HOUR * 1_000) / ms;
}

async function inAProcess(index: number, runs: number, options: readonly string[]): Promise<void> {
  const seeds = Array.from({ length: runs }, (_, run) => `${index}-${run}`).join(',');
  const parameters = ['--disable-warning=ExperimentalWarning', __filename, '--seeds', seeds, ...options];
  await promisify(execFile)(process.execPath, parameters, { maxBuffer: 1e9 });
}

runToEnd(main);
