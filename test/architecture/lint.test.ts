/** The lint rules bite: what replay cannot bear in an orchestration, and `any` anywhere. */
import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { inPlantedProject, runTool } from './plantedProject';

const report = z.array(
  z.object({
    filePath: z.string(),
    messages: z.array(z.object({ ruleId: z.string().nullable(), message: z.string() })),
  }),
);

const SYNTAX = 'no-restricted-syntax';
const GLOBALS = 'no-restricted-globals';

/** The file's name says what it does wrong. */
const violations = [
  ['src/orchestrations/dateNow.ts', `export const now = Date.now();`, SYNTAX],
  ['src/orchestrations/newDate.ts', `export const now = new Date();`, SYNTAX],
  ['src/orchestrations/random.ts', `export const number = Math.random();`, SYNTAX],
  [
    'src/orchestrations/awaits.ts',
    `export const wait = async (): Promise<void> => { await Promise.resolve(); };`,
    SYNTAX,
  ],
  [
    'src/orchestrations/nodeImport.ts',
    `import { readFileSync } from 'node:fs';\nexport const read = readFileSync;`,
    SYNTAX,
  ],
  ['src/orchestrations/timer.ts', `export const timer = setTimeout(() => undefined, 1);`, GLOBALS],
  ['src/orchestrations/environment.ts', `export const home = process.env['HOME'];`, GLOBALS],
  ['src/orchestrations/uuid.ts', `export const id = crypto.randomUUID();`, GLOBALS],
  ['src/orchestrations/http.ts', `export const answer = fetch('https://example.com');`, GLOBALS],
  ['src/entities/dateNow.ts', `export const now = Date.now();`, SYNTAX],
  ['src/domain/dateNow.ts', `export const now = Date.now();`, SYNTAX],
  ['src/functions/any.ts', `export const open = (value: any): unknown => value;`, '@typescript-eslint/no-explicit-any'],
  ['local/any.ts', `export const open = (value: any): unknown => value;`, '@typescript-eslint/no-explicit-any'],
  ['test/any.ts', `export const open = (value: any): unknown => value;`, '@typescript-eslint/no-explicit-any'],
  [
    'src/activities/nonNull.ts',
    `export const first = (list: string[]) => list[0]!;`,
    '@typescript-eslint/no-non-null-assertion',
  ],
  [
    'src/activities/floating.ts',
    `export const go = () => { Promise.resolve(); };`,
    '@typescript-eslint/no-floating-promises',
  ],
] as const;

const clean = [
  ['src/orchestrations/clean.ts', `export const later = (now: Date): Date => new Date(now.getTime() + 1_000);`],
  [
    'src/activities/clock.ts',
    `export const now = async (): Promise<number> => { await Promise.resolve(); return Date.now(); };`,
  ],
] as const;

const files = Object.fromEntries([...violations, ...clean].map(([file, content]) => [file, `${content}\n`]));
const seen = inPlantedProject(files, (folder) =>
  runTool(folder, 'eslint/bin/eslint.js', ['.', '--format', 'json'], report),
);
const messages = (file: string) =>
  seen
    .filter(({ filePath }) => filePath.replaceAll('\\', '/').endsWith(`/${file}`))
    .flatMap((result) => result.messages);

test.each(violations)('%s is caught: %s', (file, _, rule) => {
  expect(messages(file).map(({ ruleId }) => ruleId)).toContain(rule);
});

test.each(clean)('%s is clean: %s', (file, _) => {
  expect(messages(file)).toEqual([]);
});
