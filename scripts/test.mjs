/** Everything that checks, one after the other, closed by the line that CI reads: `N passed, N failed`. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SKIPPED } from './bicep.mjs';

const scratch = mkdtempSync(join(tmpdir(), 'sentry-test-'));
const jestReport = join(scratch, 'jest.json');
/** Where the tests write down what the simulated Azure answered them, for `ledger` to hold against its source. */
const ledger = join(scratch, 'ledger');
const shapes = join(scratch, 'shapes');
const chosen = process.argv.slice(2);
const checks = [
  ['compile', 'tsc', ['--noEmit']],
  ['lint', 'eslint', ['.', '--max-warnings', '0']],
  ['format', 'prettier', ['--check', '.', '--log-level', 'warn']],
  ['import rules', 'depcruise', ['src', 'local', 'test', 'bench', '--output-type', 'err']],
  ['dead code', 'knip', []],
  ['infrastructure', 'node', ['scripts/checkInfra.mjs']],
  ['tests', 'jest', ['--json', '--outputFile', jestReport, ...chosen]],
  // A part of the tests cannot have seen everything.
  ...(chosen.length === 0 ? [['ledger', 'jest', ['--testMatch', '<rootDir>/test/**/*.ledger.ts']]] : []),
  // Of a part of the tests little is recorded, or nothing: that says nothing of the shapes.
  ...(chosen.length === 0 ? [['shapes', 'node', ['scripts/checkShapes.mjs', shapes]]] : []),
];

const tally = { passed: 0, failed: 0, skipped: 0 };
for (const [name, command, args] of checks) {
  const began = Date.now();
  // The newest Azure SDKs require a package that is ESM only; jest loads it only with this flag, on Node 24.9 or later.
  const NODE_OPTIONS = '--experimental-vm-modules --disable-warning=ExperimentalWarning';
  const env = { ...process.env, NODE_OPTIONS, AZURE_LEDGER: ledger, SIMULATED_AZURE_SHAPES: shapes };
  const { status } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env });
  const verdict = status === 0 ? 'ok' : status === SKIPPED ? 'SKIPPED' : 'FAILED';
  console.log(`${verdict.padEnd(7)} ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  const counts = name === 'tests' ? jestCounts() : undefined;
  tally.passed += counts?.passed ?? (verdict === 'ok' ? 1 : 0);
  tally.failed += counts?.failed ?? (verdict === 'FAILED' ? 1 : 0);
  tally.skipped += verdict === 'SKIPPED' ? 1 : 0;
}
rmSync(scratch, { recursive: true });
if (chosen.length > 0)
  console.log('SKIPPED: the ledger of answers and the shapes, because only a part of the tests was asked for.');
if (tally.skipped > 0) console.log(`${tally.skipped} skipped`);
console.log(`${tally.passed} passed, ${tally.failed} failed`);
process.exitCode = tally.failed > 0 || tally.passed <= checks.length ? 1 : 0;

/** A suite that cannot be loaded holds no tests, so it counts as one failure of its own. */
function jestCounts() {
  try {
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = JSON.parse(readFileSync(jestReport, 'utf8'));
    return { passed: numPassedTests, failed: numFailedTests + numRuntimeErrorTestSuites };
  } catch {
    return { passed: 0, failed: 1 };
  }
}
