/**
 * Set-up before any npm script: installs what is missing and compiles what changed. Written for plain Node 20,
 * because it runs before the Node 24 that the dependencies bring. A second run does neither.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const at = (...parts) => join(root, ...parts);
const WANTED_NODE = [24, 9];

if (!versionAtLeast(process.versions.node, [20, 0]))
  fail('Node 20 or later is needed to set up.', process.versions.node);

const lockHash = createHash('sha256')
  .update(readFileSync(at('package-lock.json')))
  .digest('hex');
once(at('node_modules', '.sentry-setup'), lockHash, 'installing packages (first run only)', () =>
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error']),
);

const node = spawnSync('node', ['--version'], { encoding: 'utf8', cwd: root, env: pathWithBin() }).stdout?.trim() ?? '';
if (!versionAtLeast(node.slice(1), WANTED_NODE)) {
  fail(`Node ${WANTED_NODE.join('.')} or later runs the app; no package of it exists for this platform.`, node);
}

const sources = hashOf(['src', 'local', 'bench', 'types', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json']);
once(at('dist', '.sentry-build'), sources, 'compiling', () => {
  // What a source that is gone left behind would be loaded too: the host takes every file of dist/src/functions.
  rmSync(at('dist'), { recursive: true, force: true });
  run(at('node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.build.json']);
});

/** Does the work unless the stamp says that it was done for this very content. */
function once(stamp, content, what, work) {
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === content) return;
  console.error(`set-up: ${what} …`);
  work();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, content);
}

/** A hash of names, sizes and times: cheap, and enough to see that a file was edited. */
function hashOf(names) {
  const hash = createHash('sha256');
  const visit = (path) => {
    if (!existsSync(path)) return;
    const stat = statSync(path);
    if (stat.isDirectory())
      readdirSync(path)
        .sort()
        .forEach((name) => visit(join(path, name)));
    else hash.update(`${path}\0${stat.size}\0${stat.mtimeMs}\n`);
  };
  names.forEach((name) => visit(at(name)));
  return hash.digest('hex');
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env: pathWithBin(),
    shell: process.platform === 'win32',
  });
  if (status !== 0) fail(`'${command} ${args.join(' ')}' failed.`, error?.message ?? `exit code ${String(status)}`);
}

function pathWithBin() {
  const separator = process.platform === 'win32' ? ';' : ':';
  return { ...process.env, PATH: `${at('node_modules', '.bin')}${separator}${process.env.PATH ?? ''}` };
}

function versionAtLeast(version, [major, minor]) {
  const [have = 0, haveMinor = 0] = version.split('.').map(Number);
  return have > major || (have === major && haveMinor >= minor);
}

function fail(what, detail) {
  console.error(`set-up failed: ${what} (${detail})`);
  process.exit(1);
}
