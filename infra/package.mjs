/**
 * Makes dist/package, the folder that is deployed: the compiled app, its profiles and its own dependencies. The
 * whole of node_modules would be deployed otherwise, with the compilers, the test tools and a Node of its own.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const staged = join(root, 'dist', 'package');

run(process.execPath, ['scripts/setup.mjs'], root);
rmSync(staged, { recursive: true, force: true });
mkdirSync(staged, { recursive: true });
const notMap = (path) => !path.endsWith('.map');
for (const part of ['host.json', 'package-lock.json', 'profiles', 'dist/src']) {
  cpSync(join(root, part), join(staged, part), { recursive: true, filter: notMap });
}

const {
  name,
  version,
  private: isPrivate,
  main,
  dependencies,
} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
writeFileSync(
  join(staged, 'package.json'),
  JSON.stringify({ name, version, private: isPrivate, main, dependencies }, null, 2),
);
// azd runs `npm install` here. ssh2's native add-ons are optional, and ones built here need not fit the platform.
writeFileSync(join(staged, '.npmrc'), 'ignore-scripts=true\naudit=false\nfund=false\n');
run('npm', ['install', '--loglevel=error'], staged);
console.log(`packaged in ${staged}`);

function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, {
    cwd,
    stdio: 'inherit',
    shell: process.platform === 'win32' && command === 'npm',
  });
  if (status !== 0)
    throw new Error(`'${command} ${args.join(' ')}' failed: ${error?.message ?? `exit code ${String(status)}`}`);
}
