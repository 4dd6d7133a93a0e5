/** The one command: what it prints, and what it exits with. */
import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const demo = join(__dirname, '..', '..', 'dist', 'local', 'demo.js');
const run = (...options: string[]) => promisify(execFile)(process.execPath, [demo, ...options]);
/** A run that must go well: where it does not, the test says what the demo printed. */
const goesWell = (...options: string[]) =>
  run(...options).catch(({ stdout, stderr }: { stdout: string; stderr: string }) => {
    throw new Error(`The demo failed.\n${stdout}\n${stderr}`);
  });

const report = z.strictObject({
  deployment: z.literal('prod-sentry'),
  runtimeStatus: z.literal('Completed'),
  state: z.literal('completed'),
  sentries: z.array(z.looseObject({ n: z.number(), stage: z.literal('completed') })).length(2),
  subscriptions: z.strictObject({
    total: z.literal(55),
    granted: z.literal(55),
    proven: z.literal(55),
    setAside: z.literal(0),
  }),
  windows: z
    .array(
      z.strictObject({
        sentry: z.number(),
        openedAt: z.iso.datetime(),
        closedAt: z.iso.datetime(),
        provenClosed: z.literal(true),
      }),
    )
    .length(2),
  simulatedSeconds: z.number().min(30),
  azureCalls: z.strictObject({
    total: z.number().min(100),
    throttled: z.number(),
    byOperation: z.record(z.string(), z.number()).refine((counts) => (counts['PUT roleAssignments'] ?? 0) >= 55),
  }),
});

test('--json prints one document on standard output and nothing else there', async () => {
  const { stdout } = await goesWell('--json', '--subscriptions', '55', '--speed', '120');
  expect(report.safeParse(JSON.parse(stdout)).error).toBeUndefined();
});

test('without a terminal it prints plain lines and the summary', async () => {
  const { stdout } = await goesWell('--subscriptions', '2', '--identity', 'appRegistration', '--speed', '120');
  expect(stdout).not.toContain('\u001b[');
  for (const part of [
    '17 to create, 1 to change',
    'created  application',
    '2 of them proven readable, 0 set aside, of 2',
    'proven closed',
  ]) {
    expect(stdout).toContain(part);
  }
});

test('--chaos says which faults the run met', async () => {
  // A lack of capacity may end a run with a reason, and the demo with 1: it is told all the same.
  const { stdout } = await run('--chaos', 'a seed', '--subscriptions', '20', '--speed', '120').catch(
    (failed: { stdout: string; stderr: string }) => failed,
  );
  const met = Number(/Chaos, from the seed 'a seed': (\d+) calls met a fault/.exec(stdout)?.[1]);
  const told = [...stdout.matchAll(/^ +(\d+) × (not done|done|cut off|never|begun|answered|refused)/gm)];
  expect(met).toBeGreaterThan(0);
  expect(told.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(met);
});

test('--request deploys something else: a collector without an appliance has no access window to tell of', async () => {
  const { stdout } = await goesWell('--request', join(__dirname, '../../samples/agentless.json'), '--speed', '120');
  for (const part of ['created  federatedCredential', 'Sentry 1 watches 3, with Reader and Security Reader in each']) {
    expect(stdout).toContain(part);
  }
  expect(stdout).not.toContain('Access windows');
});

test.each([
  ['--subscriptions', '0'],
  ['--subscriptions', '1.5'],
  ['--identity', 'password'],
  ['--request', 'nowhere.json'],
  ['--speed', 'fast'],
  ['--colour', 'red'],
])('%s %s is refused in one line, before anything is started', async (...options) => {
  const failure = z.looseObject({ code: z.literal(1), stdout: z.literal(''), stderr: z.string() });
  const { stderr } = failure.parse(await run(...options).catch((error: unknown) => error));
  expect(stderr.trim().split('\n')).toHaveLength(1);
});
