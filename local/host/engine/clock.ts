/** Time as the engine sees it. Tests replace it by a clock that jumps. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `fire` once, at `epochMs` or later and never before. Returns what calls it off. */
  at(epochMs: number, fire: () => void): () => void;
}

/** setTimeout takes a longer delay for zero: 2^31-1 ms is its greatest. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** The machine's clock. Reads the globals at each call, so simulated time may replace them at any moment. */
export const systemClock: Clock = {
  now: () => Date.now(),
  at(epochMs, fire) {
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const left = epochMs - Date.now();
      // A timeout may end a millisecond early by Date: look again instead of firing.
      handle = setTimeout(() => (Date.now() >= epochMs ? fire() : arm()), Math.min(Math.max(left, 0), LONGEST_TIMEOUT));
    };
    arm();
    return () => clearTimeout(handle);
  },
};
