/** docs/profiles.md names every field that a profile may have, and none that it may not. */
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { profileSchema } from '../../src/domain/profile';

const text = readFileSync(join(__dirname, '..', '..', 'docs', 'profiles.md'), 'utf8');

/** Sections with a table of fields, and where these stand in a profile. */
const TABLES = {
  'Every field': '',
  Names: 'names.',
  Prompts: 'appliance.script.prompts.',
  Unattended: 'appliance.script.unattended.',
} as const;

const sectionOf = (heading: string): string => text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';

/** What the tables say, by the field's path. */
const rows = new Map(
  Object.entries(TABLES).flatMap(([heading, prefix]) =>
    [...sectionOf(heading).matchAll(/^\| `([\w.]+)` +\|(.*)$/gm)].map(([, field = '', told = '']) => [
      `${prefix}${field}`,
      told,
    ]),
  ),
);

interface Shape {
  readonly properties?: Readonly<Record<string, Shape>> | undefined;
  readonly items?: Shape | undefined;
  readonly enum?: readonly unknown[] | undefined;
}
const shape: z.ZodType<Shape> = z.lazy(() =>
  z.looseObject({
    properties: z.record(z.string(), shape).optional(),
    items: shape.optional(),
    enum: z.array(z.unknown()).optional(),
  }),
);

/** Every field below, by its path; an array's items stand where the array does. */
function fieldsOf(
  { properties = {}, items }: Shape,
  path = '',
): readonly { path: string; values: readonly unknown[] }[] {
  const own = Object.entries(properties).flatMap(([name, below]) => {
    const at = path === '' ? name : `${path}.${name}`;
    return [{ path: at, values: below.enum ?? below.items?.enum ?? [] }, ...fieldsOf(below, at)];
  });
  return items === undefined ? own : [...own, ...fieldsOf(items, path)];
}
const fields = fieldsOf(shape.parse(z.toJSONSchema(profileSchema, { io: 'input', unrepresentable: 'any' })));

/** In a row of its own, in the row of the field that holds it, or as what holds others that have rows. */
function isNamed(path: string): boolean {
  const dot = path.lastIndexOf('.');
  const [holder, name] = [path.slice(0, Math.max(dot, 0)), path.slice(dot + 1)];
  const holds = [...rows.keys()].some((row) => row.startsWith(`${path}.`));
  return rows.has(path) || holds || (rows.get(holder)?.includes(`\`${name}\``) ?? false);
}

test('every field of the schema is named, and each of its values', () => {
  expect(fields.length).toBeGreaterThan(50);
  expect(fields.map(({ path }) => path).filter((path) => !isNamed(path))).toEqual([]);
  expect(fields.flatMap(({ values }) => values).filter((value) => !text.includes(`\`${String(value)}\``))).toEqual([]);
});

test('no field is named that there is not', () => {
  const known = new Set(fields.map(({ path }) => path));
  expect([...rows.keys()].filter((path) => !known.has(path))).toEqual([]);
});
