/**
 * A project of planted files beside this one's own rules, so that a rule can be seen to bite without a violation
 * ever lying in the work tree, where another check would find it.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type z } from 'zod';

export const root = join(__dirname, '..', '..');
const RULES = ['package.json', 'tsconfig.json', '.dependency-cruiser.js', 'eslint.config.mjs'];

/** Writes the files (path to content) beside copies of the rules, does the work, and removes everything. */
export function inPlantedProject<T>(files: Readonly<Record<string, string>>, work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'sentry-planted-'));
  try {
    RULES.forEach((rule) => cpSync(join(root, rule), join(folder, rule)));
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
    Object.entries(files).forEach(([path, content]) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    });
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a tool (its file in node_modules) and reads the JSON that it prints; what it objects to is not a failure here. */
export function runTool<S extends z.ZodType>(
  folder: string,
  tool: string,
  args: readonly string[],
  report: S,
): z.output<S> {
  const { stdout, stderr } = spawnSync(process.execPath, [join(root, 'node_modules', tool), ...args], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const parsed = report.safeParse(asJson(stdout));
  if (!parsed.success) throw new Error(`${tool} printed no report: ${stderr || stdout}`);
  return parsed.data;
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
