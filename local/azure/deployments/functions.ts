import { v5 } from 'uuid';
import { ExpressionError, isObject, memberOf, type TemplateFunction } from './expressions';
import { uniqueString } from './uniqueString';

/** The namespace in which Azure's `guid()` makes its GUIDs (compared with Bicep's). */
const GUID_NAMESPACE = '11fb06fb-712d-4ddd-98c7-e71bbd588830';

const text = (value: unknown): string => {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return JSON.stringify(value) ?? '';
};

function number(value: unknown): number {
  const found = typeof value === 'string' ? Number(value) : value;
  if (typeof found === 'number' && Number.isInteger(found)) return found;
  throw new ExpressionError(`The template language function expects an integer, and got '${text(value)}'.`);
}

function list(value: unknown): readonly unknown[] {
  const found: readonly unknown[] | undefined = Array.isArray(value) ? value : undefined;
  if (found !== undefined) return found;
  throw new ExpressionError(`The template language function expects an array, and got '${text(value)}'.`);
}

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** A function that wants all its arguments worked out. */
const plain =
  (work: (...of: readonly unknown[]) => unknown): TemplateFunction =>
  (...of) =>
    work(...of.map((one) => one()));

const isEmpty = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === '' ||
  (Array.isArray(value) && value.length === 0) ||
  (isObject(value) && Object.keys(value).length === 0);

function lengthOf(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  return isObject(value) ? Object.keys(value).length : 0;
}

function contains(within: unknown, one: unknown): boolean {
  if (typeof within === 'string') return within.includes(text(one));
  if (Array.isArray(within)) return within.some((other) => same(other, one));
  return isObject(within) && Object.keys(within).some((key) => key.toLowerCase() === text(one).toLowerCase());
}

/** `{0}`, `{0:D3}` */
const format = (pattern: unknown, ...values: readonly unknown[]): string =>
  text(pattern).replace(/\{\{|\}\}|\{(\d+)(?::D(\d+))?\}/g, (found, index?: string, digits?: string) => {
    if (index === undefined) return found.charAt(0);
    return text(values[Number(index)]).padStart(Number(digits ?? 0), '0');
  });

function union(...of: readonly unknown[]): unknown {
  if (of.every((one) => Array.isArray(one))) {
    return of.flat().filter((one, index, all) => all.findIndex((other) => same(one, other)) === index);
  }
  return of.filter(isObject).reduce(merged, {});
}

function merged(into: Record<string, unknown>, from: Record<string, unknown>): Record<string, unknown> {
  const result = { ...into };
  for (const [key, value] of Object.entries(from)) {
    const before = result[key];
    result[key] = isObject(before) && isObject(value) ? merged(before, value) : value;
  }
  return result;
}

const concat = (...of: readonly unknown[]): unknown =>
  of.every((one) => Array.isArray(one)) ? of.flatMap((one): readonly unknown[] => one) : of.map(text).join('');

const pairs = (of: readonly unknown[]): [string, unknown][] =>
  of.flatMap((key, index): [string, unknown][] => (index % 2 === 0 ? [[text(key), of[index + 1]]] : []));

const eager: Readonly<Record<string, (...of: readonly unknown[]) => unknown>> = {
  concat,
  format,
  union,
  contains,
  createarray: (...of) => of,
  createobject: (...of) => Object.fromEntries(pairs(of)),
  array: (one): unknown => (Array.isArray(one) ? one : [one]),
  string: text,
  int: number,
  bool: (one) => one === true || /^(true|1)$/i.test(text(one)),
  null: () => null,
  true: () => true,
  false: () => false,
  not: (one) => one !== true,
  equals: same,
  greater: (a, b) => number(a) > number(b),
  greaterorequals: (a, b) => number(a) >= number(b),
  less: (a, b) => number(a) < number(b),
  lessorequals: (a, b) => number(a) <= number(b),
  empty: isEmpty,
  length: lengthOf,
  first: (of) => (typeof of === 'string' ? of.charAt(0) : (list(of)[0] ?? null)),
  last: (of) => (typeof of === 'string' ? of.slice(-1) : (list(of).at(-1) ?? null)),
  take: (of, count) => (typeof of === 'string' ? of.slice(0, number(count)) : list(of).slice(0, number(count))),
  skip: (of, count) => (typeof of === 'string' ? of.slice(number(count)) : list(of).slice(number(count))),
  range: (start, count) => Array.from({ length: number(count) }, (_, index) => number(start) + index),
  flatten: (of) => list(of).flat(),
  join: (of, by) => list(of).map(text).join(text(by)),
  split: (of, by) => text(of).split(text(by)),
  items: (of) => (isObject(of) ? Object.entries(of).map(([key, value]) => ({ key, value })) : []),
  objectkeys: (of) => (isObject(of) ? Object.keys(of) : []),
  intersection: (of, other) => list(of).filter((one) => contains(other, one)),
  tolower: (one) => text(one).toLowerCase(),
  toupper: (one) => text(one).toUpperCase(),
  trim: (one) => text(one).trim(),
  startswith: (one, start) => text(one).toLowerCase().startsWith(text(start).toLowerCase()),
  endswith: (one, end) => text(one).toLowerCase().endsWith(text(end).toLowerCase()),
  indexof: (one, part) => text(one).toLowerCase().indexOf(text(part).toLowerCase()),
  replace: (one, part, by) => text(one).replaceAll(text(part), text(by)),
  padleft: (one, width, by = ' ') => text(one).padStart(number(width), text(by)),
  substring: (one, start, count) => {
    const from = number(start);
    return text(one).slice(from, count === undefined ? undefined : from + number(count));
  },
  base64: (one) => Buffer.from(text(one)).toString('base64'),
  base64tostring: (one) => Buffer.from(text(one), 'base64').toString('utf8'),
  json: (one): unknown => JSON.parse(text(one)),
  add: (a, b) => number(a) + number(b),
  sub: (a, b) => number(a) - number(b),
  mul: (a, b) => number(a) * number(b),
  div: (a, b) => Math.trunc(number(a) / number(b)),
  mod: (a, b) => number(a) % number(b),
  min: (...of) => Math.min(...of.flat().map(number)),
  max: (...of) => Math.max(...of.flat().map(number)),
  guid: (...of) => v5(of.map(text).join('-'), GUID_NAMESPACE),
  uniquestring: (...of) => uniqueString(of.map(text).join('-')),
  tryget: (of, ...path) => {
    try {
      return path.reduce(memberOf, of);
    } catch {
      return null;
    }
  },
};

/** Only as many arguments are worked out as are needed: the other branch may not even exist. */
const lazy: Readonly<Record<string, TemplateFunction>> = {
  if: (test, yes, no) => (test?.() === true ? yes?.() : no?.()),
  and: (...of) => of.every((one) => one() === true),
  or: (...of) => of.some((one) => one() === true),
  coalesce: (...of) => {
    for (const one of of) {
      const value = one();
      if (value !== null && value !== undefined) return value;
    }
    return null;
  },
};

const known = new Map<string, TemplateFunction>([
  ...Object.entries(lazy),
  ...Object.entries(eager).map(([name, work]) => [name, plain(work)] as const),
]);

/** Functions that depend on nothing but their arguments, by lower-case name. */
export const pureFunction = (name: string): TemplateFunction | undefined => known.get(name);

export const asText = text;
export const withArguments = plain;
