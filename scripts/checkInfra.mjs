/**
 * Builds and lints every Bicep file of `infra/`; an error or a warning fails. The Bicep CLI comes from NuGet into
 * `infra/.bicep/` and stays there. Where it cannot be had the check is skipped, loudly: nobody should need .NET to
 * work on the app, and nobody should believe that the infrastructure was checked when it was not.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const VERSION = '0.49.2';
const infra = join(dirname(fileURLToPath(import.meta.url)), '..', 'infra');
const cache = join(infra, '.bicep');
/** A warning or an error as the CLI prints it. `lint` ends with 0 on warnings, so only its output tells. */
const DIAGNOSTIC = /\(\d+,\d+\) : (Warning|Error) /;

const bicep = findBicep();
if (bicep.missing === undefined) check(bicep.path);
else skip(bicep.missing);

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

function findBicep() {
  const platform = { linux: 'linux', darwin: 'osx', win32: 'win' }[process.platform];
  if (platform === undefined) return { missing: `Bicep has no package for ${process.platform}` };
  const name = `Azure.Bicep.CommandLine.${platform}-${process.arch}`;
  const path = join(
    cache,
    'packages',
    name.toLowerCase(),
    VERSION,
    'tools',
    process.platform === 'win32' ? 'bicep.exe' : 'bicep',
  );
  if (existsSync(path)) return { path };

  if (spawnSync('dotnet', ['--version'], { cwd: infra }).status !== 0) return { missing: 'dotnet is not on PATH' };
  const restored = restore(name);
  return existsSync(path) ? { path } : { missing: `NuGet did not give ${name} ${VERSION}: ${restored}` };
}

/** A project that is nothing but a reference makes `dotnet restore` fetch the package, with whatever feed is set up. */
function restore(name) {
  mkdirSync(cache, { recursive: true });
  const project = join(cache, 'bicep.csproj');
  writeFileSync(
    project,
    `<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>netstandard2.0</TargetFramework>
    <DisableImplicitFrameworkReferences>true</DisableImplicitFrameworkReferences>
    <RestorePackagesPath>$(MSBuildThisFileDirectory)packages</RestorePackagesPath>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="${name}" Version="${VERSION}" ExcludeAssets="all" PrivateAssets="all" />
  </ItemGroup>
</Project>
`,
  );
  const { stdout, stderr, error } = spawnSync('dotnet', ['restore', project, '--nologo'], {
    cwd: cache,
    encoding: 'utf8',
    timeout: 180_000,
    env: { ...process.env, DOTNET_CLI_TELEMETRY_OPTOUT: '1', DOTNET_NOLOGO: '1' },
  });
  const lines = `${stdout ?? ''}${stderr ?? ''}`.split(/\r?\n/).map((line) => line.trim());
  return lines.find((line) => /\berror\b/i.test(line)) ?? error?.message ?? 'no reason was given';
}

function skip(why) {
  const bar = '!'.repeat(78);
  console.log(
    [
      bar,
      `SKIPPED: infrastructure was NOT checked, because ${why}.`,
      `Install .NET 8 or later, then run: node scripts/checkInfra.mjs`,
      bar,
    ].join('\n'),
  );
}
