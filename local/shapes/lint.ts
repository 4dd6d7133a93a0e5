/** The Bicep CLI, asked once for many files: it takes 2 s for one and for hundreds. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What is said of the files `0.bicep`, `1.bicep`, … of a folder. */
export type Lint = (folder: string) => string;

export const bicepLint =
  (cli: string): Lint =>
  (folder) => {
    const { stdout, stderr, error } = spawnSync(cli, ['lint', '--pattern', '*.bicep'], {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 512 * 1024 * 1024,
      // What runs for some seconds is over before it is worth measuring: a third less of them.
      env: { ...process.env, DOTNET_TieredPGO: '0' },
    });
    if (error !== undefined) throw error;
    return `${stderr}\n${stdout}`;
  };

export interface Diagnostic {
  /** The index of the file. */
  readonly file: number;
  readonly line: number;
  /** `BCP037` */
  readonly code: string;
  readonly message: string;
}

const DIAGNOSTIC = /(?:^|[\\/])(\d+)\.bicep\((\d+),\d+\) : (?:Warning|Error|Info) (BCP\d+): (.*?)(?: \[https.*)?$/;
/** What ends many of Bicep's sentences and says nothing of the file. */
const ADVICE = / If this is a resource type definition inaccuracy.*$/;
/** Rules of style are not asked. */
const CONFIGURATION = '{"analyzers":{"core":{"enabled":false}}}';

export function linted(files: readonly string[], lint: Lint): Diagnostic[] {
  const folder = mkdtempSync(join(tmpdir(), 'shapes-'));
  try {
    writeFileSync(join(folder, 'bicepconfig.json'), CONFIGURATION);
    for (const [index, text] of files.entries()) writeFileSync(join(folder, `${index}.bicep`), text);
    return lint(folder).split(/\r?\n/).flatMap(diagnostics);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function diagnostics(text: string): Diagnostic[] {
  const [, file, line, code, message] = DIAGNOSTIC.exec(text) ?? [];
  if (code === undefined || message === undefined) return [];
  return [{ file: Number(file), line: Number(line), code, message: message.replace(ADVICE, '') }];
}
