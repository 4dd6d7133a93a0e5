/** ASP.NET's route templates, which Azure's HTTP triggers are written in: parameters, constraints, defaults, and which route wins. */
import { AppError } from '../appError';

export interface RouteTemplate {
  /** The values of the parameters, or undefined when the path is another. */
  match(path: string): Readonly<Record<string, string>> | undefined;
  /** Of two routes that match, the one with the lesser text wins: a literal beats a parameter, a constraint beats none. */
  readonly precedence: string;
}
type Check = (value: string) => boolean;
interface Parameter {
  readonly name: string;
  readonly isCatchAll: boolean;
  readonly isOptional: boolean;
  readonly fallback: string | undefined;
  readonly checks: readonly Check[];
}
/** A segment's parts: literals and parameters. */
type Segment = readonly (string | Parameter)[];

const isInteger = (least: bigint, most: bigint): Check => {
  return (value) => {
    const digits = /^\s*\+?(-?\d+)\s*$/.exec(value)?.[1];
    return digits !== undefined && BigInt(digits) >= least && BigInt(digits) <= most;
  };
};
const isLong = isInteger(-(2n ** 63n), 2n ** 63n - 1n);
const isFloat: Check = (value) =>
  /^\s*(?:[+-]?(?=\.?\d)[\d,]*\.?\d*(?:e[+-]?\d+)?|NaN|-?Infinity|-?∞)\s*$/i.test(value);
const GUID = /^(?:[\da-f]{32}|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/i;

/** By name: makes the check of the arguments. @throws when they are no arguments of that constraint */
const CONSTRAINTS: Readonly<Record<string, (text: string) => Check>> = {
  int: () => isInteger(-(2n ** 31n), 2n ** 31n - 1n),
  long: () => isLong,
  bool: () => (value) => /^\s*(?:true|false)\s*$/i.test(value),
  datetime: () => (value) => !Number.isNaN(Date.parse(value)),
  decimal: () => (value) => /^\s*[+-]?(?=\.?\d)[\d,]*\.?\d*\s*$/.test(value),
  double: () => isFloat,
  float: () => isFloat,
  guid: () => (value) => GUID.test(value.replace(/^\{(.*)\}$|^\((.*)\)$/, '$1$2')),
  alpha: () => (value) => /^[a-z]*$/i.test(value),
  required: () => (value) => value !== '',
  minlength: (text) =>
    (
      (least) => (value) =>
        value.length >= least
    )(one(text)),
  maxlength: (text) =>
    (
      (most) => (value) =>
        value.length <= most
    )(one(text)),
  length: (text) => {
    const [least, most = least] = numbers(text, [1, 2]);
    return (value) => value.length >= least && value.length <= most;
  },
  min: (text) =>
    (
      (least) => (value) =>
        isLong(value) && Number(value) >= least
    )(one(text)),
  max: (text) =>
    (
      (most) => (value) =>
        isLong(value) && Number(value) <= most
    )(one(text)),
  range: (text) => {
    const [least, most = least] = numbers(text, [2]);
    return (value) => isLong(value) && Number(value) >= least && Number(value) <= most;
  },
  regex: (text) =>
    (
      (pattern) => (value) =>
        pattern.test(value)
    )(new RegExp(text, 'i')),
};
const one = (text: string): number => numbers(text, [1])[0];

function numbers(text: string, counts: readonly number[]): [number, ...number[]] {
  const [first = NaN, ...rest] = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  if (!counts.includes(rest.length + 1) || ![first, ...rest].every(Number.isInteger)) throw new Error(text);
  return [first, ...rest];
}

/** @param template without slashes at its ends. @throws AppError when it cannot be read */
export function parseRoute(template: string): RouteTemplate {
  const segments = splitTemplate(template).map((text) => parseSegment(text, template));
  const pattern = new RegExp(`^${segments.map(segmentPattern).join('')}/?$`, 'i');
  const parameters = segments.flat().filter((part) => typeof part !== 'string');
  return {
    precedence: segments.map(rank).join(''),
    match(path) {
      const found = pattern.exec(decodePath(path));
      if (!found) return undefined;
      const values = parameters.map(({ name, fallback }, index) => [name, found[index + 1] || fallback] as const);
      const holds = parameters.every(({ checks }, index) => {
        const value = values[index]?.[1];
        return value === undefined || checks.every((check) => check(value));
      });
      const present = values.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
      return holds ? Object.fromEntries(present) : undefined;
    },
  };
}

/** Kestrel decodes a path before it is routed, but for an encoded slash. A stray percent sign is taken as it is. */
const decodePath = (path: string): string =>
  path
    .split('/')
    .map((segment) => {
      try {
        return decodeURIComponent(segment.replaceAll(/%(?=2f)/gi, '%25'));
      } catch {
        return segment;
      }
    })
    .join('/');

/** At the slashes, but for those in braces: a regex may hold some. */
const splitTemplate = (template: string): string[] => template.match(/(?:\{(?:[^{}]|\{\{|\}\})*\}|[^/])+/g) ?? [];

function parseSegment(text: string, template: string): Segment {
  const parts = text.match(/\{(?:[^{}]|\{\{|\}\})+\}(?!\})|\{\{|\}\}|[^{}]+/g) ?? [];
  if (parts.join('') !== text) throw new AppError(`The route '${template}' cannot be read: '${text}'.`);
  const read = parts.map((part) => (/^\{[^{]/.test(part) ? parseParameter(part, template) : unescape(part)));
  if (read.length > 1 && read.some((part) => typeof part !== 'string' && (part.isOptional || part.isCatchAll)))
    throw new AppError(
      `The route '${template}' cannot be read: '${text}' mixes text with an optional part or a catch-all.`,
    );
  return read;
}

const unescape = (text: string): string => text.replaceAll('{{', '{').replaceAll('}}', '}');

function parseParameter(text: string, template: string): Parameter {
  const read = /^\{(\*{0,2})([^*:=?{}]+)((?::[a-z]+(?:\(.*?\))?(?=[:=?}]))*)(?:=(.*?))?(\?)?\}$/i.exec(text);
  if (!read) throw new AppError(`The route '${template}' cannot be read: '${text}'.`);
  const [, stars = '', name = '', constraints = '', fallback, optional] = read;
  const written = constraints.matchAll(/:([a-z]+)(?:\((.*?)\)(?=:|$))?/gi);
  return {
    name,
    isCatchAll: stars !== '',
    isOptional: stars !== '' || optional !== undefined || fallback !== undefined,
    fallback,
    checks: [...written].map(([whole, kind = '', given = '']) => makeCheck(whole, kind, unescape(given), template)),
  };
}

function makeCheck(whole: string, kind: string, given: string, template: string): Check {
  try {
    const make = CONSTRAINTS[kind.toLowerCase()];
    if (make) return make(given);
  } catch {
    // Told below.
  }
  throw new AppError(`The route '${template}' cannot be read: '${whole.slice(1)}' is no route constraint.`);
}

const escapeRegExp = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

function segmentPattern(segment: Segment): string {
  const [first] = segment;
  if (typeof first === 'object' && segment.length === 1) {
    const value = first.isCatchAll ? '(.*)' : '([^/]+)';
    return first.isOptional ? `(?:/${value})?` : `/${value}`;
  }
  return `/${segment.map((part) => (typeof part === 'string' ? escapeRegExp(part) : '([^/]+)')).join('')}`;
}

function rank(segment: Segment): number {
  const [first] = segment;
  if (segment.length > 1) return 2;
  if (typeof first !== 'object') return 1;
  return (first.isCatchAll ? 5 : 3) - (first.checks.length > 0 ? 1 : 0);
}
