/** Arithmetic on CIDR ranges, so that a request cannot open a port to half of the internet. Pure. */
import { z } from 'zod';

/** More than a /16 of IPv4, or than a /32 of IPv6, is no longer "the administrator's addresses". */
const WIDEST = { 4: 16, 6: 32 } as const;
const LENGTH = { 4: 32, 6: 128 } as const;

export const cidr = z
  .union([z.cidrv4(), z.cidrv6()], { error: 'is not a CIDR range, such as 203.0.113.7/32' })
  .refine((text) => !hasHostBits(text), { error: () => HOST_BITS });

/** Almost always a /32 was meant, and 256 addresses would be let in. */
export const HOST_BITS = 'has bits set beyond its length; for one address write /32 (IPv6: /128)';

/** True for `203.0.113.7/24`: the address is not the first of its range. The text is a valid CIDR range already. */
export function hasHostBits(text: string): boolean {
  const { bits, all } = parseRange(text);
  return all.slice(bits.length).includes('1');
}

interface Range {
  readonly version: 4 | 6;
  /** The network's leading bits, as text: one range holds another where its bits are a prefix of the other's. */
  readonly bits: string;
  /** All bits of the address. */
  readonly all: string;
}

/** True when the ranges together cover more addresses than one range of the widest size that we allow. */
export function opensTooMuch(ranges: readonly string[]): boolean {
  const parsed = ranges.map(parseRange);
  return ([4, 6] as const).some((version) => {
    // In this order a range stands before all that lies in it.
    const bits = parsed.flatMap((range) => (range.version === version ? [range.bits] : [])).sort();
    let [size, last]: [bigint, string | undefined] = [0n, undefined];
    for (const one of bits) {
      if (last !== undefined && one.startsWith(last)) continue;
      size += 2n ** BigInt(LENGTH[version] - one.length);
      last = one;
    }
    return size > 2n ** BigInt(LENGTH[version] - WIDEST[version]);
  });
}

/** The range's network bits; the text is a valid CIDR range already. */
function parseRange(text: string): Range {
  const [address = '', length = '0'] = text.split('/');
  const version = address.includes(':') ? 6 : 4;
  const all = version === 4 ? groupBits(address.split('.'), 10, 8) : groupBits(expand(address), 16, 16);
  return { version, bits: all.slice(0, Number(length)), all };
}

const groupBits = (groups: readonly string[], radix: number, width: number): string =>
  groups.map((group) => parseInt(group, radix).toString(2).padStart(width, '0')).join('');

/** The eight groups of an IPv6 address, `::` and an embedded IPv4 address written out. */
function expand(address: string): string[] {
  const plain = address.replace(/\d+\.\d+\.\d+\.\d+$/, (v4) => {
    const [a = 0, b = 0, c = 0, d = 0] = v4.split('.').map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [head = '', tail] = plain.split('::');
  const left = head.split(':').filter(Boolean);
  const right = (tail ?? '').split(':').filter(Boolean);
  return [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
}

/** How many addresses a range of IPv4 has. */
const addressesOf = (range: string): number => 2 ** (LENGTH[4] - Number(range.split('/')[1]));

/** Azure keeps the first four addresses of a subnet and its last (azure-docs, "virtual networks FAQ"). */
const KEPT_ADDRESSES = 5;

/** How many addresses a subnet of this range has for interfaces. */
export const roomIn = (range: string): number => addressesOf(range) - KEPT_ADDRESSES;

export const isIPv6 = (range: string): boolean => parseRange(range).version === 6;

/** What never comes from another machine: this host, link-local, multicast and reserved (RFC 6890). */
const NOWHERE = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3'];
/** Not routed on the internet, so nothing from there arrives at a public address: RFC 1918, and RFC 6598 of carriers. */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'];

/** Can a packet from this range of IPv4 arrive at an address that is public, or private? */
export const canArrive = (range: string, at: 'public' | 'private'): boolean =>
  ![...NOWHERE, ...(at === 'public' ? PRIVATE : [])].some((other) => overlap(range, other));

/** Have two ranges an address in common? Both are valid CIDR ranges. */
export function overlap(a: string, b: string): boolean {
  const [one, other] = [parseRange(a), parseRange(b)];
  return one.version === other.version && (one.bits.startsWith(other.bits) || other.bits.startsWith(one.bits));
}
