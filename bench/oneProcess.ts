/**
 * `npm run bench:runs`: whole runs in one process, an hour's worth of them by rate. With `--json` a line of JSON for each
 * run, for tests and for looking at one seed.
 */
import { Command } from 'commander';
import { performance } from 'node:perf_hooks';
import { runInOneProcess } from '../test/support/oneProcess';
import { runToEnd } from './report';

interface Options {
  readonly seeds: string;
  readonly chaos: boolean;
  readonly subscriptions: string;
  readonly json: boolean;
}

async function main(): Promise<void> {
  const { seeds, chaos, subscriptions } = new Command('bench:runs')
    .option('--seeds <list>', 'a run for each, with commas between', 'a')
    .option('--chaos', 'Azure fails now and then, from the same seed', false)
    .option('--subscriptions <number>', 'how many to watch', '55')
    .option('--json', 'a line of JSON for each run', false)
    .parse()
    .opts<Options>();
  for (const seed of seeds.split(',')) {
    const began = performance.now();
    const run = await runInOneProcess({
      seed,
      subscriptions: Number(subscriptions),
      ...(chaos ? { chaos: seed } : {}),
    });
    const { shown, requests, open, windows, simulatedSeconds, errors } = run;
    if (open.length + errors.length > 0 || shown.state !== 'completed') console.log(JSON.stringify({problems:shown.problems,setAside: run.setAside, open, errors: errors.slice(0,3), sentries: shown.sentries.map(({stage, stopped, subscriptions}) => ({stage, stopped, subscriptions}))}));
    console.log(seed, shown.state, JSON.stringify(shown.subscriptions), requests.length, requests.filter(({fault}) => fault !== null).length, open.length, windows.length, simulatedSeconds, Math.round(performance.now() - began), require('node:crypto').createHash('sha256').update(JSON.stringify(requests)).digest('hex').slice(0,8));
  }
}

runToEnd(main);
