/** The Bicep CLI from NuGet: fetched into `infra/.bicep/` at the first need, and kept there. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const VERSION = '0.49.2';
export const infra = join(dirname(fileURLToPath(import.meta.url)), '..', 'infra');
export const cache = join(infra, '.bicep');
/** How a check ends that could not check: scripts/test.mjs counts it as skipped. */
export const SKIPPED = 77;

/** `{ path }` of the CLI, or `{ missing }` with the reason. */
export function findBicep() {
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

/** Says loudly that nothing was checked, and how it would be. */
export function skip(what, why, command) {
  const bar = '!'.repeat(78);
  console.log(
    [bar, `SKIPPED: ${what}, because ${why}.`, `Install .NET 8 or later, then run: ${command}`, bar].join('\n'),
  );
  process.exitCode = SKIPPED;
}
