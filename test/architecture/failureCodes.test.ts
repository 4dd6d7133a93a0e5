/** docs/operations.md lists every failure code of ours, and none that is gone. */
import { expect, test } from '@jest/globals';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findingCodes } from '../../src/domain/preflight/codes';

const root = join(__dirname, '..', '..');
const sources = globSync('src/**/*.ts', { cwd: root }).map((path) => readFileSync(join(root, path), 'utf8'));

/** How a code stands in the source: as a property, as a maker's argument, as a constant that is such a property. */
const PATTERNS = [/\bcode: '([A-Z]\w+)'/g, /\b(?:refused|stopped)\(\s*'([A-Z]\w+)'/g, /\bsort\(\d+, '([A-Z]\w+)'/g];
const namedCodes = (text: string): string[] =>
  [...text.matchAll(/\bcode: ([A-Z][A-Z_]+)\b/g)].flatMap(([, name = '']) => {
    const value = new RegExp(`const ${name} = '([A-Z]\\w+)'`).exec(text)?.[1];
    return value === undefined ? [] : [value];
  });
const codesOf = (text: string): string[] => [
  ...PATTERNS.flatMap((pattern) => [...text.matchAll(pattern)].map(([, code = '']) => code)),
  ...namedCodes(text),
];

interface Row {
  readonly code: string;
  readonly where: string;
  readonly cause: string;
  readonly wayOut: string;
}
const rows: readonly Row[] = (
  /## Failure codes\n([\s\S]*?)(?:\n## |$)/.exec(readFileSync(join(root, 'docs', 'operations.md'), 'utf8'))?.[1] ?? ''
)
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => {
    const [, code = '', where = '', cause = '', wayOut = ''] = line.split('|').map((cell) => cell.trim());
    return { code: code.replaceAll('`', ''), where, cause, wayOut };
  });

test('every code that a person can meet is in the table, once, with its cause and its way out', () => {
  const inSource = [...new Set([...sources.flatMap(codesOf), ...Object.keys(findingCodes)])].sort();
  expect(inSource.length).toBeGreaterThan(50);
  expect(rows.map(({ code }) => code).sort()).toEqual(inSource);
  expect(rows.filter(({ where, cause, wayOut }) => !where || !cause || !wayOut)).toEqual([]);
});

/** `The same` as which row? The table is sorted by code, and grows. */
test('every row stands by itself, whatever its neighbours are', () => {
  const leaning =
    /\b(?:the same|as above|as before|see above|ditto)$|^(?:the same\b(?! request)|as above|see above|ditto|-|…)/i;
  expect(rows.filter(({ cause, wayOut }) => leaning.test(cause) || leaning.test(wayOut))).toEqual([]);
  const codes = rows.map(({ code }) => code.toLowerCase());
  expect(codes).toEqual([...codes].sort());
});

/** How the simulated Azure, in the real one's words, names what it refuses. */
const AZURE_CODES = [/\b[45]\d\d,\s*'(\w+)'/g, /\bcode: '(\w+)'/g, /\b(?:graphError|armError)\('(\w+)'/g];

test('no code of ours is one of Azure’s, which mean something else', () => {
  const azures = new Set(
    globSync('local/azure/**/*.ts', { cwd: root })
      .map((path) => readFileSync(join(root, path), 'utf8'))
      .flatMap((text) => AZURE_CODES.flatMap((pattern) => [...text.matchAll(pattern)].map(([, code = '']) => code))),
  );
  expect([...azures]).toEqual(expect.arrayContaining(['NotFound', 'ResourceNotFound', 'AuthorizationFailed']));
  expect(rows.map(({ code }) => code).filter((code) => azures.has(code))).toEqual([]);
});

test('what preflight finds is told in its own words', () => {
  const told = rows.filter(({ where }) => where.startsWith('preflight'));
  const known = Object.entries(findingCodes).map(([code, { severity, cause, wayOut }]) => ({
    code,
    where: `preflight, ${severity}`,
    cause,
    wayOut,
  }));
  const byCode = (a: Row, b: Row): number => (a.code < b.code ? -1 : 1);
  expect([...told].sort(byCode)).toEqual([...known].sort(byCode));
});
