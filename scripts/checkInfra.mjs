/**
 * Builds and lints every Bicep file of `infra/`; an error or a warning fails. Where the Bicep CLI
 * cannot be had the check is skipped, loudly: nobody should need .NET to work on the app, and nobody should believe
 * that the infrastructure was checked when it was not.
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join, sep } from 'node:path';
import { cache, findBicep, infra, skip, VERSION } from './bicep.mjs';

/** A warning or an error as the CLI prints it. `lint` ends with 0 on warnings, so only its output tells. */
const DIAGNOSTIC = /\(\d+,\d+\) : (Warning|Error) /;

const bicep = findBicep();
if (bicep.missing === undefined) check(bicep.path);
else skip('infrastructure was NOT checked', bicep.missing, 'node scripts/checkInfra.mjs');

/** One run of the CLI takes all files: a run for each would load Azure's types each time. */
function check(cli) {
  const all = globSync('**/*.bicep', { cwd: infra });
  const parameters = globSync('**/*.bicepparam', { cwd: infra });
  const problems = new Set([
    ...run(cli, ['lint', '--pattern', '**/*.bicep']),
    // Of several files the templates can go to a folder only; the cache is the one that git does not see.
    ...run(cli, ['build', '--pattern', '**/*.bicep', '--outdir', join(cache, 'built')]),
    ...parameters.flatMap((file) => run(cli, ['build-params', '--stdout', file])),
  ]);
  if (all.length === 0) problems.add('infra/ holds no Bicep file: was it moved?');
  for (const problem of problems) console.error(problem);
  console.log(`${all.length + parameters.length} Bicep files, ${problems.size} problems (Bicep ${VERSION})`);
  process.exitCode = problems.size > 0 ? 1 : 0;
}

/** What the CLI objected to, a line each. */
function run(cli, args) {
  const { status, stdout, stderr, error } = spawnSync(cli, args, {
    cwd: infra,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const said = `${stderr ?? ''}\n${stdout ?? ''}`.split(/\r?\n/).filter((line) => DIAGNOSTIC.test(line));
  const silent =
    status !== 0 && said.length === 0 ? [`'bicep ${args.join(' ')}' failed. ${error?.message ?? stderr.trim()}`] : [];
  return [...said, ...silent].map((line) => line.replace(`${infra}${sep}`, `infra${sep}`));
}
