/**
 * Every request and answer that the tests recorded, linted as Bicep literals: the Bicep CLI knows the types of all of
 * Azure's resources. What it finds has to be explained in explained.ts, and what is explained there has to be found.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { kinds } from '../azure/products';
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
  /** The api-version whose types are read for a type or a namespace, where Bicep has none of the version asked for. */
  readonly readings: Readonly<Record<string, string>>;
  /** The resource types of which a request and an answer have to be recorded. */
  readonly types: readonly string[];
}

const simulated: Tables = { explained, readings, types: kinds.map(({ type }) => type) };

/** In every run: where the CLI finds nothing wrong in it, it has not looked at the others either. */
const planted: Shape = {
  seen: 'PUT',
  id: '/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/natGateways/planted',
  apiVersion: '2024-05-01',
  body: { location: 'westeurope', properties: { idleTimeoutInMinute: 4 } },
};

/** @param folder what SIMULATED_AZURE_SHAPES named while all the tests ran */
export function checkShapes(folder: string, lint: Lint, tables: Tables = simulated): Verdict {
  const shapes = recorded(folder);
  const versions = versionsOf([...shapes, planted], lint, tables.readings);
  const found = [...findings([...shapes, planted], lint, versions), ...shapes.flatMap(withoutType)];
  const rest = found.filter((one) => one.shape !== planted);
  const problems = [
    ...(shapes.length === 0 ? [`No shape was recorded in ${folder}.`] : []),
    ...(rest.length === found.length ? ['The Bicep CLI found nothing in a body that is wrong: it did not check.'] : []),
    ...missing(tables.types, shapes),
    ...grouped(rest.filter(({ text }) => !tables.explained.some(({ finding }) => finding.test(text)))),
    ...idle(tables, rest, versions.read),
  ];
  return { shapes: shapes.length, findings: rest.length, problems };
}

function recorded(folder: string): Shape[] {
  const all = new Map<string, Shape>();
  const lines = globSync('*.jsonl', { cwd: folder })
    .sort()
    .flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'));
  for (const line of lines.filter((one) => one !== '')) {
    const { id, ...shape } = shapeOf.parse(JSON.parse(line));
    // What asks whether a deployment would do has the body of that deployment.
    const deployed = { ...shape, id: id.replace(/(\/deployments\/[^/]+)\/(validate|whatIf)$/i, '$1') };
    all.set(keyOf(deployed), deployed);
  }
  return [...all.values()];
}

const asked = (shape: Shape): string => `${typeOf(shape.id)}@${shape.apiVersion}`;
/** `PUT again`: what was read is sent back, changed. */
const called = (shape: Shape): string =>
  `${shape.seen}${shape.seen === 'PUT' && 'id' in shape.body ? ' again' : ''} ${asked(shape)}`;
/** `…/virtualMachines/vm/runCommand`: a word without a name after it. */
function isAction({ seen, id }: Shape): boolean {
  const at = id.toLowerCase().lastIndexOf('/providers/');
  return seen === 'POST' && (at < 0 || id.slice(at).split('/').length % 2 === 0);
}

/** Bicep has no types of this type in this api-version, or the type is none at all. */
const UNKNOWN = /^BCP(081|029)$/;

interface Versions {
  /** The api-version to read for a `type@version` that Bicep does not know and the table does. */
  readonly read: ReadonlyMap<string, string>;
  /** Each `type@version` that Bicep does not know, be it asked for or to be read. */
  readonly unknown: ReadonlySet<string>;
}

function versionsOf(shapes: readonly Shape[], lint: Lint, known: Tables['readings']): Versions {
  const types = new Set(shapes.filter((shape) => !isAction(shape)).map(asked));
  const rows = new Map([...types].map((type) => [type, readingOf(type, known)?.[1]] as const));
  const probed = [...new Set([...rows].flatMap(([type, version]) => [type, of(type, version)]))];
  const unknown = new Set(
    linted(probed.map(probeOf), lint).flatMap(({ file, code }) => (UNKNOWN.test(code) ? (probed[file] ?? []) : [])),
  );
  const read = [...rows].flatMap(([type, version]) =>
    version !== undefined && unknown.has(type) && !unknown.has(of(type, version)) ? [[type, version] as const] : [],
  );
  return { read: new Map(read), unknown };
}

const of = (type: string, version: string | undefined): string =>
  version === undefined ? type : `${type.split('@')[0] ?? ''}@${version}`;

/** The row of a `type@version`: of the type itself, or of what it is below; in any casing. */
function readingOf(type: string, known: Tables['readings']): readonly [string, string] | undefined {
  const name = `${type.split('@')[0] ?? ''}/`.toLowerCase();
  const rows = Object.entries(known).filter(([of]) => name.startsWith(`${of.toLowerCase()}/`));
  return rows.sort(([a], [b]) => b.length - a.length)[0];
}

interface Finding {
  readonly shape: Shape;
  /** `PUT Microsoft.Network/natGateways@2024-05-01 properties.x: BCP037 The property …` */
  readonly text: string;
}

function findings(all: readonly Shape[], lint: Lint, { read, unknown }: Versions): Finding[] {
  const isUnknown = (shape: Shape): boolean => unknown.has(asked(shape)) && !read.has(asked(shape));
  const shapes = all.filter((shape) => !isAction(shape) && !isUnknown(shape));
  const literals = shapes.map((shape) => literalOf(shape, read.get(asked(shape)) ?? shape.apiVersion));
  const files = literals.map(({ text }) => text);
  const found = linted(files, lint).flatMap(({ file, line, code, message }) => {
    const shape = shapes[file];
    const member = literals[file]?.members[line - 1] ?? '';
    return shape === undefined ? [] : [{ shape, text: `${called(shape)} ${member}: ${code} ${message}` }];
  });
  const untyped = all.filter((shape) => !isAction(shape) && isUnknown(shape));
  return [...found, ...untyped.map((shape) => ({ shape, text: `${called(shape)}: Bicep has no types of it` }))];
}

const typed = z.looseObject({ type: z.string().optional(), name: z.string().optional() });

/** What needs no lint: actions have no types in Bicep, and what an answer says of itself has to fit its id. */
function withoutType(shape: Shape): Finding[] {
  const finding = (text: string): Finding[] => [{ shape, text: `${called(shape)}: ${text}` }];
  if (isAction(shape)) return finding('the body of an action, which Bicep has no type of');
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

const missing = (types: readonly string[], shapes: readonly Shape[]): string[] =>
  ['PUT', 'answer'].flatMap((wanted) => {
    const seen = new Set(shapes.filter((one) => one.seen === wanted).map(({ id }) => typeOf(id).toLowerCase()));
    const gone = types.filter((type) => !seen.has(type.toLowerCase()));
    return gone.map((type) => `${wanted} ${type}: no test records one.`);
  });

function idle(tables: Tables, found: readonly Finding[], used: ReadonlyMap<string, string>): string[] {
  const read = new Set([...used.keys()].map((type) => readingOf(type, tables.readings)?.[0]));
  const rows = tables.explained.filter(({ finding }) => !found.some(({ text }) => finding.test(text)));
  return [
    ...rows.map(({ finding }) => `explained.ts: nothing needs ${String(finding)} any more.`),
    ...Object.keys(tables.readings)
      .filter((type) => !read.has(type))
      .map((type) => `explained.ts: nothing needs the reading of ${type} any more.`),
  ];
}
