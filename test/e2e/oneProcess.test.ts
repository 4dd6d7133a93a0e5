/** Whole runs in one process, without a socket and in jumping time: one seed is one order of events. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { OneRun } from '../support/oneProcess';

/** Some seconds of work each, on a machine that may be busy. */
const PATIENCE_MS = 300_000;

type Run = OneRun & { readonly seed: string };

const program = join(__dirname, '..', '..', 'dist', 'bench', 'oneProcess.js');

/** Compiled and in a process of its own: jest has its own modules and timers. */
async function runs(seeds: readonly string[], ...options: readonly string[]): Promise<readonly Run[]> {
  const parameters = ['--disable-warning=ExperimentalWarning', program, '--seeds', seeds.join(','), ...options];
  const env = { ...process.env, NODE_OPTIONS: '' };
  const { stdout } = await promisify(execFile)(process.execPath, parameters, { env, maxBuffer: 1e9 });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Run);
}
const receiptsOf = ({ shown }: Run) => shown.sentries.flatMap(({ receipts }) => receipts);
/** What must not differ between two runs of one seed. A key that was made up is no part of it. */
const recordOf = (run: Run) => {
  const { requests, windows, open, setAside, errors, simulatedSeconds } = run;
  return { requests, windows, open, setAside, errors, simulatedSeconds, receipts: receiptsOf(run) };
};

describe('in good weather', () => {
  let first: Run, again: Run, other: Run, elsewhere: Run;
  beforeAll(async () => {
    const [here, there] = await Promise.all([runs(['one', 'two', 'one']), runs(['one'])]);
    [first, other, again, elsewhere] = [...here, ...there] as [Run, Run, Run, Run];
  }, PATIENCE_MS);

  test('two Sentries are deployed, and every window is proven closed', () => {
    expect(first.shown).toMatchObject({ state: 'completed', subscriptions: { total: 55, granted: 55, setAside: 0 } });
    expect(receiptsOf(first)).toMatchObject([
      { sentry: 1, why: 'closed', provenClosed: true },
      { sentry: 2, why: 'closed', provenClosed: true },
    ]);
    expect(first.windows.map(({ closedAt }) => typeof closedAt)).toEqual(['number', 'number']);
    expect([first.open, first.errors]).toEqual([[], []]);
  });

  test('the plan had estimated its calls of Azure within a twentieth', () => {
    for (const { calls } of [first, other]) {
      expect(Math.abs((calls.estimated ?? 0) - calls.recorded) / calls.recorded).toBeLessThan(0.05);
    }
  });

  test('the same seed asks the same of Azure at the same moments, in this process and in another', () => {
    expect(first.requests.length).toBeGreaterThan(300);
    expect(recordOf(again)).toEqual(recordOf(first));
    expect(recordOf(elsewhere)).toEqual(recordOf(first));
  });

  test('another seed is another order of the same', () => {
    // The names of role assignments come from principals' ids, and those from the seed.
    const puts = ({ requests }: Run): string[] =>
      requests.filter(({ method }) => method === 'PUT').map(({ path }) => path.replace(/roleAssignments\/.*/, ''));
    expect(puts(other)).not.toEqual(puts(first));
    expect(puts(other).sort()).toEqual(puts(first).sort());
  });
});

describe('under chaos', () => {
  const seeds = ['1', '2', '3', '4', '5', '6', '7', '8', '102', '157'];
  let all: readonly Run[];
  beforeAll(async () => {
    const halves = [seeds.filter((_, index) => index % 2 === 0), seeds.filter((_, index) => index % 2 === 1)];
    all = (await Promise.all(halves.map((half) => runs([...half, half[0] ?? ''], '--chaos')))).flat();
  }, PATIENCE_MS);

  test('a run completes, or rests with a reason and a remedy; no port stays open', () => {
    expect(all.filter(({ requests }) => requests.some(({ fault }) => fault !== null))).toHaveLength(all.length);
    for (const { seed, shown, open, windows, errors, setAside } of all) {
      const reasons = [...shown.problems, ...setAside];
      expect([seed, shown.state === 'completed' || reasons.length > 0]).toEqual([seed, true]);
      for (const one of reasons) expect(one).toMatchObject({ reason: expect.stringMatching(/./) });
      expect([seed, open, errors]).toEqual([seed, [], []]);
      expect(windows.every(({ closedAt }) => closedAt !== null)).toBe(true);
    }
    for (const run of all) expect(receiptsOf(run).every(({ provenClosed }) => provenClosed)).toBe(true);
  });

  test('the same seed meets the same faults and leaves the same record', () => {
    for (const seed of ['1', '2']) {
      const [one, same] = all.filter((run) => run.seed === seed);
      expect(one && recordOf(one)).toEqual(same && recordOf(same));
    }
  });

  test('what chaos of this mix does heals by itself', () => {
    expect(all.map(({ seed, shown }) => [seed, shown.state])).toEqual(all.map(({ seed }) => [seed, 'completed']));
  });
});
