/**
 * Simulated time. Loaded before a program (`node -r dist/local/clock.js …`) with `SIMULATED_CLOCK` naming a clock
 * file, it replaces `Date` and scales the timers, so that the program lives `speed` times as fast and needs to know
 * nothing of it. All processes that share the file share the time. Without the variable, importing it does nothing.
 *
 * Not scaled: `performance.now`, `AbortSignal.timeout`, and the time-outs inside Node's own http and fetch.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { dirname } from 'node:path';
import nodeTimers from 'node:timers';
import timersPromises from 'node:timers/promises';
import { promisify } from 'node:util';
import { z } from 'zod';

/** `epoch` is the simulated time (epoch ms) at the wall time `wallStart` (epoch ms). */
const clockSchema = z.object({ epoch: z.number(), wallStart: z.number(), speed: z.number().positive() });
export type Clock = z.infer<typeof clockSchema>;

/** Taken before anything is replaced: a launcher may itself run in simulated time. */
const WallDate = Date;
/** Node fires a longer delay at once, with a warning. Scaling must not hide that. */
const LONGEST_DELAY = 2 ** 31 - 1;

/** The simulated time in epoch ms. A wall clock that was set back does not take it back before the clock's start. */
export function simulatedNow(clock: Clock): number {
  return Math.floor(clock.epoch + Math.max(0, WallDate.now() - clock.wallStart) * clock.speed);
}

/** The clock that `file` holds. Throws when there is no such file or it is no clock. */
export function readClock(file: string): Clock {
  return clockSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/**
 * The clock to live by from now on. A file that is there already is continued: time goes on from what it says now, at
 * the new speed, so that what was stored never lies in the future.
 */
export function nextClock(file: string, speed: number): Clock {
  const wallStart = WallDate.now();
  const epoch = existsSync(file) ? simulatedNow(readClock(file)) : wallStart;
  return clockSchema.parse({ epoch, wallStart, speed });
}

export function writeClock(file: string, clock: Clock): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, JSON.stringify(clock));
  renameSync(`${file}.new`, file);
}

/** Writes the clock that processes started from now on will live by. */
export function startClock(file: string, speed: number): Clock {
  const clock = nextClock(file, speed);
  writeClock(file, clock);
  return clock;
}

/**
 * A proxy and no subclass: what Node itself makes (file times, structuredClone) stays `instanceof Date`, and
 * `Date()` without `new` goes on giving a string.
 */
function simulatedDate(clock: Clock): DateConstructor {
  const now = (): number => simulatedNow(clock);
  return new Proxy(WallDate, {
    construct: (target, given, newTarget) => newDate(target, given.length === 0 ? [now()] : given, newTarget),
    apply: () => new WallDate(now()).toString(),
    get: (target, key, receiver): unknown => (key === 'now' ? now : Reflect.get(target, key, receiver)),
  });
}

const newDate = (target: DateConstructor, given: unknown[], newTarget: unknown): Date => {
  const made: unknown = Reflect.construct(target, given, typeof newTarget === 'function' ? newTarget : target);
  return made instanceof WallDate ? made : new WallDate(Number.NaN);
};

type Callback = (...given: unknown[]) => void;
type Timer = (callback: Callback, delay?: number, ...given: unknown[]) => NodeJS.Timeout;

/** Rounded up, so that a timer is early by less than one wall millisecond, as Node's own timers are. */
const scaled = (delay: number | undefined, speed: number): number | undefined =>
  delay === undefined || !(delay <= LONGEST_DELAY) ? delay : Math.ceil(delay / speed);

function replace(target: object, name: PropertyKey, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: true });
}

/** From here on this process lives by the clock. Must come before what keeps a `Date` or a timer function for itself. */
export function liveBy(clock: Clock): void {
  const date = simulatedDate(clock);
  replace(globalThis, 'Date', date);
  Object.defineProperty(WallDate.prototype, 'constructor', { value: date, writable: true, configurable: true });

  const { setTimeout: sleep, setInterval: ticks } = timersPromises;
  const slept: typeof sleep = (delay, value, options) => sleep(scaled(delay, clock.speed), value, options);
  replace(timersPromises, 'setTimeout', slept);
  replace(timersPromises, 'setInterval', ((delay, value, options) =>
    ticks(scaled(delay, clock.speed), value, options)) satisfies typeof ticks);

  const timers: Record<string, Timer> = { setTimeout: globalThis.setTimeout, setInterval: globalThis.setInterval };
  for (const [name, real] of Object.entries(timers)) {
    const timer: Timer = (callback, delay, ...given) => real(callback, scaled(delay, clock.speed), ...given);
    for (const home of [globalThis, nodeTimers]) replace(home, name, timer);
  }
  Object.defineProperty(globalThis.setTimeout, promisify.custom, { value: slept, configurable: true });
  syncBuiltinESMExports();
}

const file = process.env['SIMULATED_CLOCK'];
if (file !== undefined && file !== '') liveBy(readClock(file));
