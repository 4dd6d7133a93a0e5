/** Whether an appliance collects, told by what it sends: a machine that uploads sends more than one that idles. Pure. */

const MINUTE_MS = 60_000;
/** So many times what it sends when it idles. */
const RISE = 1.5;
/** Minutes in a row that must show it: a package update or a person at the terminal is over sooner. */
const MINUTES = 3;

export interface Sample {
  /** The minute's beginning, epoch ms. */
  readonly at: number;
  readonly bytes: number;
}

/**
 * `since`: when the person said that it is set up; `now`: the minute under way is not whole yet. Before `since` the
 * quietest whole minute counts, for it may have been collecting a while already. Undefined: there is none.
 */
export function collects(samples: readonly Sample[], since: number, now: number): boolean | undefined {
  const sent = samples.filter(({ bytes }) => bytes > 0);
  // The first minute is that of the boot, and seldom a whole one.
  const before = sent.filter(({ at }) => at + MINUTE_MS <= since).slice(1);
  const after = sent.filter(({ at }) => at >= since && at + MINUTE_MS <= now).slice(-MINUTES);
  if (before.length === 0) return undefined;
  const idle = Math.min(...before.map(({ bytes }) => bytes));
  return after.length === MINUTES && after.every(({ bytes }) => bytes >= idle * RISE);
}
