/**
 * Every request and answer that the tests recorded, linted as Bicep literals: the Bicep CLI knows the types of all of
 * Azure's resources. What it finds has to be explained in explained.ts, and what is explained there has to be found.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { keyOf, type Shape, shapeOf, typeOf } from '../azure/simulator/shapeRecord';
import { type Explained, explained, readings } from './explained';
import { type Lint, linted } from './lint';
import { literalOf, probeOf } from './literal';

export interface Verdict {
  readonly shapes: number;
  readonly findings: number;
  /** What to mend, a line each. */
  readonly problems: readonly string[];
}

interface Tables {
  readonly explained: readonly Explained[];
  /** The api-version whose types are read for a type, where Bicep has none of the version that was asked for. */
  readonly readings: Readonly<Record<string, string>>;
}

/** In every run: where the CLI finds nothing wrong in it, it has not looked at the others either. */
const planted: Shape = {
  seen: 'PUT',
  id: '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/natGateways/planted',
  apiVersion: '2024-05-01',
  body: { location: 'westeurope', properties: { idleTimeoutInMinute: 4 } },
};

/** @param folder what SIMULATED_AZURE_SHAPES named while all the tests ran */
export function checkShapes(folder: string, lint: Lint, tables: Tables = { explained, readings }): Verdict {
  const shapes = recorded(folder);
  const versions = versionsOf([...shapes, planted], lint, tables.readings);
  const found = [...findings([...shapes, planted], lint, versions), ...shapes.flatMap(withoutType)];
  const rest = found.filter((one) => one.shape !== planted);
  const problems = [
    ...(shapes.length === 0 ? [`No shape was recorded in ${folder}.`] : []),
    ...(rest.length === found.length ? ['The Bicep CLI found nothing in a body that is wrong: it did not check.'] : []),
    ...grouped(rest.filter(({ text }) => !tables.explained.some(({ finding }) => finding.test(text)))),
    ...idle(tables, rest, versions),
  ];
  return { shapes: shapes.length, findings: rest.length, problems };
}

function recorded(folder: string): Shape[] {
  const all = new Map<string, Shape>();
  const lines = globSync('*.jsonl', { cwd: folder })
    .sort()
    .flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'));
  for (const line of lines.filter((one) => one !== '')) {
    const shape = shapeOf.parse(JSON.parse(line));
    all.set(keyOf(shape), shape);
  }
  return [...all.values()];
}

const asked = (shape: Shape): string => `${typeOf(shape.id)}@${shape.apiVersion}`;
/** `PUT again`: what was read is sent back, changed. */
const called = (shape: Shape): string =>
  `${shape.seen}${shape.seen === 'PUT' && 'id' in shape.body ? ' again' : ''} ${asked(shape)}`;
/** Bicep has no types of this type in this api-version. */
const UNKNOWN = 'BCP081';

/** The api-version to read for every `type@version` that Bicep does not know and the table does. */
function versionsOf(shapes: readonly Shape[], lint: Lint, known: Tables['readings']): ReadonlyMap<string, string> {
  const types = [...new Set(shapes.filter(({ seen }) => seen !== 'POST').map(asked))];
  const unknown = linted(types.map(probeOf), lint).filter(({ code }) => code === UNKNOWN);
  return new Map(
    unknown.flatMap(({ file }) => {
      const type = types[file] ?? '';
      const version = readingOf(type, known)?.[1];
      return version === undefined ? [] : [[type, version] as const];
    }),
  );
}

/** `Microsoft.Storage/storageAccounts@2024-05-01` → the row of that type, in any casing. */
const readingOf = (type: string, known: Tables['readings']): readonly [string, string] | undefined =>
  Object.entries(known).find(([name]) => name.toLowerCase() === type.split('@')[0]?.toLowerCase());

interface Finding {
  readonly shape: Shape;
  /** `PUT Microsoft.Network/natGateways@2024-05-01 properties.x: BCP037 The property …` */
  readonly text: string;
}

function findings(all: readonly Shape[], lint: Lint, versions: ReadonlyMap<string, string>): Finding[] {
  const shapes = all.filter(({ seen }) => seen !== 'POST');
  const literals = shapes.map((shape) => literalOf(shape, versions.get(asked(shape)) ?? shape.apiVersion));
  const files = literals.map(({ text }) => text);
  return linted(files, lint).flatMap(({ file, line, code, message }) => {
    const shape = shapes[file];
    const member = literals[file]?.members[line - 1] ?? '';
    return shape === undefined ? [] : [{ shape, text: `${called(shape)} ${member}: ${code} ${message}` }];
  });
}

const typed = z.looseObject({ type: z.string().optional(), name: z.string().optional() });

/** What needs no lint: actions have no types in Bicep, and what an answer says of itself has to fit its id. */
function withoutType(shape: Shape): Finding[] {
  const finding = (text: string): Finding[] => [{ shape, text: `${called(shape)}: ${text}` }];
  if (shape.seen === 'POST') return finding('the body of an action, which Bicep has no type of');
  if (shape.seen !== 'answer' && shape.seen !== 'listed') return [];
  const { type, name } = typed.parse(shape.body);
  const last = shape.id.slice(shape.id.lastIndexOf('/') + 1);
  return [
    ...(type === undefined || type === typeOf(shape.id) ? [] : finding(`its type is ${type}`)),
    ...(name === undefined || name === last ? [] : finding(`its name is not the last of its id`)),
  ];
}

/** The same finding in many shapes is one line. */
function grouped(found: readonly Finding[]): string[] {
  const counts = new Map<string, number>();
  for (const { text } of found) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => a.localeCompare(b)).map(([text, count]) => `${text} (${count})`);
}

function idle(tables: Tables, found: readonly Finding[], versions: ReadonlyMap<string, string>): string[] {
  const read = new Set([...versions.keys()].map((type) => readingOf(type, tables.readings)?.[0]));
  const rows = tables.explained.filter(({ finding }) => !found.some(({ text }) => finding.test(text)));
  return [
    ...rows.map(({ finding }) => `explained.ts: nothing needs ${String(finding)} any more.`),
    ...Object.keys(tables.readings)
      .filter((type) => !read.has(type))
      .map((type) => `explained.ts: nothing needs the reading of ${type} any more.`),
  ];
}
