/** How things are measured: rounds of a fixed length, and the median of them. */
import { performance } from 'node:perf_hooks';

export interface Scale {
  /** Rounds of each contestant; the median counts. */
  readonly rounds: number;
  /** Instances of the memory row, and instances that are listed. */
  readonly soak: number;
  readonly listed: number;
  /** The peer is slow at these, so a quick run leaves it out. */
  readonly slowPeer: boolean;
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [upper = NaN, lower = NaN] = [sorted[middle], sorted[middle - 1]];
  return sorted.length % 2 === 1 ? upper : (upper + lower) / 2;
};

/** Milliseconds that the work takes. */
export async function time(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** Repeats a batch for at least `ms`. @returns items a second */
export async function rate(ms: number, batch: () => Promise<number>): Promise<number> {
  const began = performance.now();
  for (let items = 0; ;) {
    items += await batch();
    const took = performance.now() - began;
    if (took >= ms) return (items / took) * 1000;
  }
}

/** Rounds in which all contestants take their turn, so that the machine's other work hits all of them. @returns their medians */
export async function interleave<K extends string>(
  rounds: number,
  contestants: Readonly<Record<K, () => Promise<number>>>,
): Promise<Record<K, number>> {
  const names = Object.keys(contestants) as K[]; // a record's keys are what its type says
  const seen = new Map<K, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) seen.get(name)?.push(await contestants[name]());
  }
  const medians = names.map((name) => [name, median(seen.get(name) ?? [])] as const);
  return Object.fromEntries(medians) as Record<K, number>;
}

export const progress = (text: string): void => void process.stderr.write(`  ${text}\n`);
