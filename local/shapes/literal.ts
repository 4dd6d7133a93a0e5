/** A recorded shape as a Bicep file of its own, and the way from a line of that file back to the member. */
import { type Shape, typeOf } from '../azure/simulator/shapeRecord';

export interface Literal {
  readonly text: string;
  /** The member that stands on a line, the first line being 1: `properties.ipConfigurations[].name`. */
  readonly members: readonly string[];
}

/** The scope that an extension resource lies on: any does, Bicep asks for one only. */
const SCOPE = "resource on 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = { name: 'on' }";

/** @param version the api-version whose types are asked */
export function literalOf({ id, body }: Shape, version: string): Literal {
  const { target, isExtension } = scopeOf(id);
  const head = [
    `targetScope = '${target}'`,
    ...(isExtension ? [SCOPE] : []),
    `resource it ${quoted(`${typeOf(id)}@${version}`)} =`,
  ];
  const lines: Line[] = head.map((text) => ({ text, member: '' }));
  write(lines, { ...body, name: nameOf(id) }, '');
  if (isExtension) lines.splice(head.length + 1, 0, { text: 'scope: on', member: '' });
  // A literal begins on the line of what it is given to.
  const [first = { text: '', member: '' }] = lines.splice(head.length, 1);
  lines[head.length - 1] = { text: `${head.at(-1) ?? ''} ${first.text}`, member: '' };
  return { text: `${lines.map(({ text }) => text).join('\n')}\n`, members: lines.map(({ member }) => member) };
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
