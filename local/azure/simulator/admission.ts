/** What a network security group really lets in from the Internet over TCP: priorities and deny rules taken into account. */
import ipaddr from 'ipaddr.js';
import { portRange, portsOf, type Rule, sourcesOf } from '../network/securityRules';
import { isAimedAt } from './reach';

/** Traffic that gets in: to these ports, from `source` but not from `except`. */
export interface Admission {
  readonly from: number;
  readonly to: number;
  /** `*`, a service tag, an address or a CIDR. */
  readonly source: string;
  readonly except: readonly string[];
  readonly rule: string;
}

interface Named {
  readonly name: string;
  readonly properties: Rule;
}

/** These never arrive at a public address. */
const INSIDE = ['virtualnetwork', 'azureloadbalancer'];

/** @param rules the first to decide first */
export function admissions(rules: readonly Named[], privateAddress: string, space: readonly string[]): Admission[] {
  const relevant = rules.filter(
    ({ properties: rule }) =>
      rule.direction === 'Inbound' &&
      ['*', 'tcp'].includes(rule.protocol.toLowerCase()) &&
      isAimedAt(rule, privateAddress, space),
  );
  const ranges = relevant.map((rule) => ({
    ...rule,
    ranges: portsOf(rule.properties).flatMap((text) => {
      const range = portRange(text);
      return range === undefined ? [] : [range];
    }),
  }));
  const edges = new Set(ranges.flatMap((rule) => rule.ranges.flatMap(([from, to]) => [from, to + 1])));
  const starts = [...edges].sort((a, b) => a - b);
  const found = starts.slice(0, -1).flatMap((from, index) => {
    const here = ranges.filter((rule) => rule.ranges.some((range) => range[0] <= from && from <= range[1]));
    return admittedAt(here, space).map((one) => ({ from, to: (starts[index + 1] ?? from + 1) - 1, ...one }));
  });
  return joined(found);
}

function admittedAt(rules: readonly Named[], space: readonly string[]): Omit<Admission, 'from' | 'to'>[] {
  const denied: string[] = [];
  const admitted: Omit<Admission, 'from' | 'to'>[] = [];
  for (const { name, properties: rule } of rules) {
    const sources = sourcesOf(rule).filter((source) => arrives(source, space));
    if (rule.access === 'Deny') denied.push(...sources);
    else
      for (const source of sources) {
        if (denied.some((one) => covers(one, source))) continue;
        admitted.push({ source, except: denied.filter((one) => covers(source, one)), rule: name });
      }
  }
  return admitted;
}

/** What both groups let in. */
export const both = (a: readonly Admission[], b: readonly Admission[]): Admission[] =>
  joined(
    a.flatMap((one) =>
      b.flatMap((other) => {
        const [from, to] = [Math.max(one.from, other.from), Math.min(one.to, other.to)];
        const source = covers(one.source, other.source)
          ? other.source
          : covers(other.source, one.source)
            ? one.source
            : undefined;
        if (from > to || source === undefined) return [];
        const except = [...new Set([...one.except, ...other.except])];
        if (except.some((prefix) => covers(prefix, source))) return [];
        return [{ from, to, source, except, rule: `${one.rule}, ${other.rule}` }];
      }),
    ),
  );

/** Neighbouring ranges that say the same, as one. */
function joined(all: readonly Admission[]): Admission[] {
  const sameAs = ({ source, except, rule }: Admission): string => JSON.stringify([source, except, rule]);
  const result: Admission[] = [];
  for (const one of [...all].sort((a, b) => sameAs(a).localeCompare(sameAs(b)) || a.from - b.from)) {
    const last = result.at(-1);
    if (last !== undefined && sameAs(last) === sameAs(one) && last.to + 1 >= one.from)
      result.splice(-1, 1, { ...last, to: Math.max(last.to, one.to) });
    else result.push(one);
  }
  return result.sort((a, b) => a.from - b.from || a.source.localeCompare(b.source));
}

function arrives(source: string, space: readonly string[]): boolean {
  if (INSIDE.includes(source.toLowerCase())) return false;
  const cidr = cidrOf(source);
  return cidr === undefined || (cidr[0].range() !== 'private' && !space.some((one) => covers(one, source)));
}

/** Whether all that comes from `inner` comes from `outer`. What is not known to be inside counts as not. */
function covers(outer: string, inner: string): boolean {
  if (outer === '*' || outer.toLowerCase() === inner.toLowerCase()) return true;
  const [a, b] = [cidrOf(outer), cidrOf(inner)];
  if (b === undefined) return false;
  if (a === undefined) return outer.toLowerCase() === 'internet';
  return a[0].kind() === b[0].kind() && a[1] <= b[1] && b[0].match([a[0], a[1]]);
}

function cidrOf(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] | undefined {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text);
  if (!ipaddr.isValid(text)) return undefined;
  const address = ipaddr.process(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}
