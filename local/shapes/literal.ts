/** A recorded shape as a Bicep file of its own, and the way from a line of that file back to the member. */
import { type Shape, typeOf } from '../azure/simulator/shapeRecord';

export interface Literal {
  readonly text: string;
  /** The member that stands on a line, the first line being 1: `properties.ipConfigurations[].name`. */
  readonly members: readonly string[];
}

/** The scope that an extension resource lies on: any does, Bicep asks for one only. */
const SCOPE = "resource on 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = { name: 'on' }";

/**
 * What was sent is the body of a resource; what came back is an output of the type that the resource has when it is
 * read, so that read-only members may stand there.
 * @param version the api-version whose types are asked
 */
export function literalOf({ seen, id, body }: Shape, version: string): Literal {
  const type = quoted(`${typeOf(id)}@${version}`);
  if (seen === 'answer' || seen === 'listed') return given([`output it resourceOutput<${type}> =`], body);
  const { target, isExtension } = scopeOf(id);
  const head = [`targetScope = '${target}'`, ...(isExtension ? [SCOPE] : []), `resource it ${type} =`];
  return given(head, { ...body, name: nameOf(id) }, isExtension ? ['scope: on'] : []);
}

/** @param first what stands in the body and is no value */
function given(head: readonly string[], body: unknown, first: readonly string[] = []): Literal {
  const lines: Line[] = [];
  write(lines, body, '', `${head.at(-1) ?? ''} `);
  const inside = [...head.slice(0, -1), ...lines.splice(0, 1).map(({ text }) => text), ...first];
  const all = [...inside.map((text) => ({ text, member: '' })), ...lines];
  return { text: `${all.map(({ text }) => text).join('\n')}\n`, members: all.map(({ member }) => member) };
}

interface Line {
  readonly text: string;
  readonly member: string;
}

/** Every member on a line of its own, so that a finding's line tells which it is. */
function write(lines: Line[], value: unknown, member: string, before = ''): void {
  if (Array.isArray(value)) {
    lines.push({ text: `${before}[`, member });
    for (const one of value) write(lines, one, `${member}[]`);
    lines.push({ text: ']', member });
  } else if (typeof value === 'object' && value !== null) {
    lines.push({ text: `${before}{`, member });
    for (const [name, one] of Object.entries(value)) write(lines, one, memberOf(member, name), `${quoted(name)}: `);
    lines.push({ text: '}', member });
  } else lines.push({ text: `${before}${simple(value)}`, member });
}

/** An id that is a member's name stands as `*`: every test has its own. */
const memberOf = (member: string, name: string): string =>
  [...(member === '' ? [] : [member]), name.includes('/') ? '*' : name].join('.');

/** Bicep has no fractions: `json()` is how one writes them. */
function simple(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  return typeof value === 'number' && !Number.isInteger(value) ? `json('${value}')` : String(value);
}

const ESCAPES: readonly (readonly [string, string])[] = [
  ['\\', '\\\\'],
  ["'", "\\'"],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['${', '\\${'],
];
const quoted = (text: string): string =>
  `'${ESCAPES.reduce((all, [plain, escaped]) => all.replaceAll(plain, escaped), text)}'`;

/** `vnet/s1` for a child. */
function nameOf(id: string): string {
  const at = id.toLowerCase().lastIndexOf('/providers/');
  if (at < 0) return id.slice(id.lastIndexOf('/') + 1);
  const [, ...rest] = id.slice(at + '/providers/'.length).split('/');
  return rest.filter((_, index) => index % 2 === 1).join('/');
}

const SCOPES: readonly (readonly [RegExp, string])[] = [
  [/^$/, 'tenant'],
  [/^\/subscriptions\/[^/]+$/i, 'subscription'],
  [/^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+$/i, 'resourceGroup'],
  [/^\/providers\/Microsoft.Management\/managementGroups\/[^/]+$/i, 'managementGroup'],
];

function scopeOf(id: string): { readonly target: string; readonly isExtension: boolean } {
  const at = id.toLowerCase().lastIndexOf('/providers/');
  if (at < 0) return { target: 'subscription', isExtension: false };
  const found = SCOPES.find(([pattern]) => pattern.test(id.slice(0, at)));
  return { target: found?.[1] ?? 'resourceGroup', isExtension: found === undefined };
}

/** A file that is well but for a type that Bicep does not know. */
export const probeOf = (type: string): string => `resource it ${quoted(type)} existing = { name: 'it' }\n`;
