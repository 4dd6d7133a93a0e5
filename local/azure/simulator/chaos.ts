import { chanceOf } from '../random';
import { type Aimed, canSuffer, fault, type FaultInput, type Strike } from './faults';

/**
 * How often what happens. Rates that a robust client survives: one that retries what may be retried, gives up on a
 * connection that hangs, looks before it repeats a write, and makes again what failed. What no client can survive alone
 * (a denial, a lock, an operation without end) is not among them: that is for faults on demand.
 */
const mix: readonly (readonly [rate: number, what: FaultInput])[] = [
  [0.008, { status: 429, retryAfter: 2 }],
  [0.004, { status: 429 }],
  [0.004, { status: 500 }],
  [0.003, { status: 502 }],
  [0.006, { status: 503, retryAfter: 1 }],
  [0.003, { status: 504 }],
  [0.003, { mode: 'afterEffect', status: 504 }],
  [0.003, { mode: 'reset' }],
  [0.003, { mode: 'resetAfterEffect' }],
  [0.001, { mode: 'hang', seconds: 30 }],
  [0.002, { mode: 'truncate' }],
  [0.004, { mode: 'operationFails' }],
  [0.002, { mode: 'operationCanceled' }],
  [0.02, { mode: 'lostReplication', seconds: 120 }],
  [0.004, { mode: 'staleRead' }],
  [0.002, { mode: 'expiredToken' }],
];
const faults = mix.map(([rate, what]) => ({ rate, fault: fault.parse(what) }));

/** After a strike the same operation is left alone for this many calls, so that a few retries get through. */
const PEACE = 2;

/**
 * Faults from one seed. Whether a request is struck depends on the seed, on its operation and on how many there were of
 * that operation before: the same requests in the same order meet the same faults.
 */
export class Chaos {
  private readonly seen = new Map<string, { count: number; peaceUntil: number }>();

  constructor(private readonly seed: string) {}

  take(aimed: Aimed): Strike | undefined {
    const operation = aimed.operations[0] ?? '';
    const before = this.seen.get(operation) ?? { count: 0, peaceUntil: 0 };
    const count = before.count + 1;
    const found = count > before.peaceUntil ? this.drawn(operation, count, aimed) : undefined;
    const peaceUntil = found === undefined ? before.peaceUntil : count + PEACE;
    this.seen.set(operation, { count, peaceUntil });
    if (found === undefined) return undefined;
    return { fault: found, name: `chaos: ${found.mode}`, giveBack: () => undefined };
  }

  private drawn(operation: string, count: number, aimed: Aimed): Strike['fault'] | undefined {
    let chance = chanceOf(`${this.seed} chaos`, `${operation} ${count}`);
    for (const one of faults) {
      if (chance < one.rate) return canSuffer(one.fault.mode, aimed) ? one.fault : undefined;
      chance -= one.rate;
    }
    return undefined;
  }
}
