/** Resources as Bicep literals, and the Bicep CLI that knows the types of all of Azure's. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** As scripts/checkInfra.mjs fetches it. */
const VERSION = '0.49.2';

/** The path of the CLI that scripts/checkInfra.mjs fetched; undefined where it could not. */
export function bicepCli(): string | undefined {
  const platform = { linux: 'linux', darwin: 'osx', win32: 'win' }[process.platform as string];
  const name = `azure.bicep.commandline.${platform ?? ''}-${process.arch}`;
  const file = process.platform === 'win32' ? 'bicep.exe' : 'bicep';
  const path = join('infra', '.bicep', 'packages', name, VERSION, 'tools', file);
  return existsSync(path) ? path : undefined;
}

export interface Shape {
  /** Where it was seen: `answer to PUT`. */
  readonly seen: string;
  /** `Microsoft.Network/networkSecurityGroups/securityRules@2024-05-01` */
  readonly type: string;
  /** `nsg1/Port_22` for a child. */
  readonly name: string;
  readonly body: Readonly<Record<string, unknown>>;
}

const text = (value: string): string =>
  `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('${', '\\${')}'`;

function literal(value: unknown): string {
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return `[\n${value.map(literal).join('\n')}\n]`;
  if (typeof value === 'object' && value !== null)
    return `{\n${Object.entries(value)
      .map(([name, one]) => `${text(name)}: ${literal(one)}`)
      .join('\n')}\n}`;
  return String(value);
}

const CODE = /\((\d+),\d+\) : (?:Warning|Error) (BCP\d+): (.*?)(?: \[https.*)?$/;

/** What the compiler finds wrong: the shape, the code and the sentence. Rules of style are not asked. */
export function findings(cli: string, shapes: readonly Shape[]): string[] {
  const blocks = shapes.map(
    ({ type, name, body }, index) => `resource r${index} ${text(type)} = ${literal({ ...body, name })}`,
  );
  const starts = blocks.map((_, index) => blocks.slice(0, index).join('\n').split('\n').length + (index === 0 ? 0 : 1));
  const folder = mkdtempSync(join(tmpdir(), 'shapes-'));
  const file = join(folder, 'shapes.bicep');
  writeFileSync(file, `${blocks.join('\n')}\n`);
  const { stdout, stderr } = spawnSync(cli, ['lint', file], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  rmSync(folder, { recursive: true });
  return `${stderr}\n${stdout}`.split(/\r?\n/).flatMap((line) => {
    const [, at = '0', code, message] = CODE.exec(line) ?? [];
    if (code === undefined || message === undefined) return [];
    const index = starts.findLastIndex((start) => start <= Number(at));
    return [`${shapes[index]?.type ?? ''} (${shapes[index]?.seen ?? ''}): ${code} ${message}`];
  });
}
