import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { readClock, simulatedNow, startClock } from '../../../local/clock';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'clock-'));
  file = join(folder, 'state', 'clock.json');
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const wallTime = (time: number) => jest.spyOn(Date, 'now').mockReturnValue(time);

test('simulated time starts at the wall time and runs at its speed', () => {
  const wall = wallTime(1_000_000);
  const clock = startClock(file, 60);
  expect(simulatedNow(clock)).toBe(1_000_000);
  wall.mockReturnValue(1_001_000);
  expect(simulatedNow(clock)).toBe(1_060_000);
  expect(readClock(file)).toEqual(clock);
});

test.each([1, 10, 600])('started again at speed %d, time goes on from where it was', (speed) => {
  const wall = wallTime(1_000_000);
  startClock(file, 60);
  wall.mockReturnValue(1_010_000);
  const again = startClock(file, speed);
  expect(simulatedNow(again)).toBe(1_600_000);
  wall.mockReturnValue(1_011_000);
  expect(simulatedNow(again)).toBe(1_600_000 + speed * 1_000);
});

test('a wall clock that is set back does not take simulated time back', () => {
  const wall = wallTime(1_000_000);
  const clock = startClock(file, 60);
  wall.mockReturnValue(900_000);
  expect(simulatedNow(clock)).toBe(1_000_000);
  expect(simulatedNow(startClock(file, 1))).toBe(1_000_000);
});

test.each([0, -1, Number.NaN])('a speed of %d is refused', (speed) => {
  expect(() => startClock(file, speed)).toThrow();
});

/** Runs `code` in a process of its own, with or without the preload, and gives what it prints as JSON. */
function run(code: string, simulated: string | undefined): unknown {
  const environment = { ...process.env, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1', SIMULATED_CLOCK: simulated };
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['-r', resolve(__dirname, '../../../local/clock.ts'), '-e', code],
    { env: environment, encoding: 'utf8' },
  );
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}
const print = (expression: string): string => `console.log(JSON.stringify(${expression}))`;

/** 2000-01-01, at a thousand times the speed: an hour passes in 3.6 s. */
function inTheYear2000(): string {
  const fast = join(folder, 'fast.json');
  writeFileSync(fast, JSON.stringify({ epoch: 946_684_800_000, wallStart: Date.now(), speed: 1_000 }));
  return fast;
}

test('the preload does nothing when no clock is named', () => {
  const plain = print('[Date.name, setTimeout.toString(), new Date().getFullYear() > 2020]');
  expect(run(plain, undefined)).toEqual(['Date', expect.stringContaining('new Timeout'), true]);
});

test('the preload replaces every way to ask for the time, and leaves dates as they are', () => {
  const asked = `[new Date().getUTCFullYear(), new Date(Date.now()).getUTCFullYear(), Date().includes(' 2000 '),
    new Date(0).getTime(), new Date(2026, 10, 1).getFullYear(), Date.UTC(1970, 0, 1), new Date().constructor === Date,
    structuredClone(new Date()) instanceof Date, new (class Day extends Date {})().getUTCFullYear()]`;
  expect(run(print(asked), inTheYear2000())).toEqual([2000, 2000, true, 0, 2026, 0, true, true, 2000]);
});

test.each([
  ['setTimeout', 'new Promise((done) => setTimeout(done, 100_000))'],
  ['node:timers', 'new Promise((done) => require("node:timers").setTimeout(done, 100_000))'],
  ['setInterval', 'new Promise((done) => { const ticks = setInterval(() => done(clearInterval(ticks)), 100_000) })'],
  ['timers/promises', 'require("node:timers/promises").setTimeout(100_000)'],
  ['an ES module', 'import("node:timers/promises").then((timers) => timers.setTimeout(100_000))'],
  ['promisify', 'require("node:util").promisify(setTimeout)(100_000)'],
])('%s waits in simulated time', (_name, wait) => {
  const code = `const start = Date.now(); ${wait}.then(() => ${print('Date.now() - start')})`;
  const waited = run(code, inTheYear2000());
  expect(waited).toBeGreaterThanOrEqual(99_000);
});

test('timers keep their arguments, their handles and their cleared state', () => {
  const code = `const never = setTimeout(() => process.exit(1), 60_000); clearTimeout(never);
    setTimeout(() => process.exit(1), 1e9).unref();
    setTimeout((...given) => ${print('given')}, 1_000, 'a', 2);
    if (typeof setTimeout(() => {}).refresh !== 'function') process.exit(1);`;
  expect(run(code, inTheYear2000())).toEqual(['a', 2]);
});
