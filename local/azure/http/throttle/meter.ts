/** Counts calls against limits in simulated time. In memory: a restart fills them, as the front door's own restarts do. */

/** A token bucket (`size`, refilled), or a fixed window of `seconds` that takes `size`. */
export type Limit =
  { readonly size: number; readonly perSecond: number } | { readonly size: number; readonly seconds: number };

interface State {
  left: number;
  /** When `left` was true, or when the window began. */
  at: number;
}

/** Buckets beyond this many are looked through for full ones, which say nothing. */
const KEPT = 20_000;

export class Meter {
  private readonly states = new Map<string, State>();
  private roomFor = KEPT;

  constructor(private readonly now: () => number) {}

  /** What may still be drawn now, not rounded. */
  left(key: string, limit: Limit): number {
    const state = this.states.get(key);
    if (state === undefined) return limit.size;
    const passed = (this.now() - state.at) / 1000;
    if ('seconds' in limit) return passed >= limit.seconds ? limit.size : state.left;
    return Math.min(limit.size, state.left + passed * limit.perSecond);
  }

  /** Whole seconds until `cost` can be drawn; 0 when it can be drawn now. */
  wait(key: string, limit: Limit, cost: number): number {
    const missing = cost - this.left(key, limit);
    if (missing <= 0) return 0;
    const seconds =
      'seconds' in limit
        ? limit.seconds - (this.now() - (this.states.get(key)?.at ?? 0)) / 1000
        : missing / limit.perSecond;
    return Math.max(1, Math.ceil(seconds));
  }

  take(key: string, limit: Limit, cost: number): void {
    const left = this.left(key, limit) - cost;
    const state = this.states.get(key);
    const now = this.now();
    const began = state !== undefined && 'seconds' in limit && now - state.at < limit.seconds * 1000 ? state.at : now;
    this.states.set(key, { left, at: began });
    if (this.states.size > this.roomFor) this.forget();
  }

  /** Forgets what nobody has drawn on for an hour: by then every bucket is full again. */
  private forget(): void {
    const before = this.now() - 3_600_000;
    for (const [key, { at }] of this.states) if (at < before) this.states.delete(key);
    this.roomFor = Math.max(KEPT, this.states.size * 2);
  }
}
