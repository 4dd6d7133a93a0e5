/**
 * Power cuts at every commit in turn: all memory is dropped, the database is opened again, and everything comes to the
 * same end as undisturbed. No event is lost, no answer is taken twice, and nothing is stuck.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cut, live, World } from './crash/life';
import { type Outcome } from './crash/outcome';

// A RAM disk where there is one: what reaches the file is the same, and nobody waits for the disk.
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'crash-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Lives one after the other on one database: each is cut as told, and the last one goes on to the end. */
async function lives(cuts: Iterable<Cut>): Promise<{ outcome: Outcome; commits: number }> {
  const file = join(folder, 'durable.db');
  const world = new World();
  try {
    for (const cut of cuts) {
      const { outcome, commits } = await live(file, world, cut);
      if (outcome) return { outcome, commits };
    }
    const { outcome = [], commits } = await live(file, world);
    return { outcome, commits };
  } finally {
    for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
  }
}

const PARTS = ['instances', 'histories', 'messages', 'activities'] as const;
const part = (n: number) => PARTS[n % PARTS.length];

let undisturbed: Awaited<ReturnType<typeof lives>>;
beforeAll(async () => {
  undisturbed = await lives([]);
});

test('the workload makes hundreds of commits', () => {
  expect(undisturbed.commits).toBeGreaterThan(200);
});

test('cut at every commit in turn, everything comes to the same end', async () => {
  for (let commit = 1; commit < undisturbed.commits; commit++) {
    // A second cut soon after: what the first left behind is in the middle of being taken up again.
    const cuts: Cut[] = [{ afterCommits: commit }, { afterCommits: 1 + (commit % 5), lostAt: part(commit) }];
    const { outcome } = await lives(cuts).catch((error: unknown) => {
      throw new Error(`Cut at commit ${commit}: ${error instanceof Error ? error.message : String(error)}`);
    });
    expect({ commit, outcome }).toEqual({ commit, outcome: undisturbed.outcome });
  }
}, 300_000);

test('cut again and again, everything comes to the same end', async () => {
  const cuts = function* (): Generator<Cut> {
    for (let round = 0; ; round++) {
      for (const afterCommits of [1, 2, 3, 5, 8]) {
        yield { afterCommits };
        yield { afterCommits, lostAt: part(round) };
      }
    }
  };
  expect((await lives(cuts())).outcome).toEqual(undisturbed.outcome);
});
