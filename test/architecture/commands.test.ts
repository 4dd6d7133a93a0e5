/** A command that a person is told to run can be copied whole: it stands in backquotes, or as a line of its own. */
import { expect, test } from '@jest/globals';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const root = join(__dirname, '..', '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** The lines of a handoff's `commands`, each a text of its own. */
const LINES = 'src/domain/commands.ts';

/** Of the Azure CLI, of Microsoft Graph PowerShell, of our API, and a sign-in over SSH. */
const COMMAND = /\baz [a-z]|\b(?:Connect|New|Get)-(?:Mg|Az)|\b(?:GET|POST|PUT|DELETE) \/api\/|\bssh [^ ]*(?:-p|@)/;

/** Every text that a source file makes; what is put into a template stands as `x`. */
function textsOf(path: string): readonly string[] {
  const texts: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) texts.push(node.text);
    if (ts.isTemplateExpression(node))
      texts.push([node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join('x'));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest));
  return texts;
}

/** What is left when all that is in backquotes is taken out. */
const outside = (text: string): string => text.replaceAll(/`[^`]+`/g, '');

test('in remedies and handoffs', () => {
  const paths = globSync('src/**/*.ts', { cwd: root }).filter((path) => path !== LINES);
  const told = paths.flatMap((path) => textsOf(path).map((text) => ({ path, text })));
  expect(told.filter(({ text }) => COMMAND.test(text)).length).toBeGreaterThan(30);
  expect(told.filter(({ text }) => COMMAND.test(outside(text)))).toEqual([]);
});

test('in the table of failure codes', () => {
  const [, table = ''] = read('docs/operations.md').split('## Failure codes');
  const rows = table.split('\n').filter((line) => line.startsWith('| `'));
  expect(rows.filter((row) => COMMAND.test(row)).length).toBeGreaterThan(5);
  expect(rows.filter((row) => COMMAND.test(outside(row)))).toEqual([]);
});
