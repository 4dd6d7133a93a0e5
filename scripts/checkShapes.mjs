/**
 * `npm run check:shapes`: what the tests send to the simulated Azure and what it answers, against Azure's own types.
 * Runs the tests that record, then has the Bicep CLI lint every shape (local/shapes). `npm test` has the tests run
 * already, and names their folder. Where the Bicep CLI cannot be had the check is skipped, loudly.
 *
 *   node scripts/checkShapes.mjs [<folder that tests recorded into>]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findBicep, skip, VERSION } from './bicep.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** Those that send what Azure Resource Manager takes; the others are the same app again. */
const TESTS = ['test/contract/azure', 'test/e2e'];
const [recorded] = process.argv.slice(2);

const bicep = findBicep();
if (bicep.missing !== undefined)
  skip('shapes were NOT checked against the types of Azure', bicep.missing, 'npm run check:shapes');
else if (recorded !== undefined) check(bicep.path, recorded);
else {
  const folder = mkdtempSync(join(tmpdir(), 'shapes-'));
  if (record(folder)) check(bicep.path, folder);
  rmSync(folder, { recursive: true });
}

function check(cli, folder) {
  const built = createRequire(import.meta.url);
  const { checkShapes } = built(join(root, 'dist/local/shapes/check.js'));
  const { bicepLint } = built(join(root, 'dist/local/shapes/lint.js'));
  const { shapes, findings, problems } = checkShapes(folder, bicepLint(cli));
  for (const problem of problems) console.error(problem);
  const outcome = `${findings} findings, ${problems.length} of them not explained`;
  console.log(`${shapes} shapes of requests and answers, ${outcome} (Bicep ${VERSION})`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}

function record(folder) {
  const { status } = spawnSync(process.execPath, [join(root, 'node_modules/jest/bin/jest.js'), ...TESTS], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
      SIMULATED_AZURE_SHAPES: folder,
    },
  });
  if (status !== 0) {
    console.error('Tests failed, so what they recorded is not checked.');
    process.exitCode = 1;
  }
  return status === 0;
}
