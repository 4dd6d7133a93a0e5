/** What a network security group lets through, by its rules in order of priority. Pure. */
import ipaddr from 'ipaddr.js';

export interface SecurityRule {
  readonly name: string;
  readonly priority: number;
  readonly direction: 'Inbound' | 'Outbound';
  readonly access: 'Allow' | 'Deny';
  readonly protocol: string;
  /** CIDR ranges, addresses, service tags or `*`. */
  readonly sources: readonly string[];
  readonly destinations: readonly string[];
  /** `*`, `22` or `9000-9005`. */
  readonly ports: readonly string[];
}

/** `remote` is a CIDR range, or the service tag `Internet` or `VirtualNetwork`. */
export interface Traffic {
  readonly direction: 'Inbound' | 'Outbound';
  readonly port: number;
  readonly remote: string;
}

/**
 * The rule that denies this TCP traffic; undefined where it gets through. `rules` are the group's own and Azure's
 * defaults. A rule for a part of the range only is passed over: to what is left the next one applies.
 */
export function denying(rules: readonly SecurityRule[], traffic: Traffic): SecurityRule | undefined {
  const first = rules
    .filter(({ direction, protocol }) => direction === traffic.direction && /^(\*|tcp)$/i.test(protocol))
    .filter(({ ports }) => ports.some((range) => holdsPort(range, traffic.port)))
    .filter((rule) => remotesOf(rule).some((prefix) => holds(prefix, traffic.remote)))
    .filter((rule) => traffic.direction === 'Outbound' || rule.destinations.length > 0)
    .sort((a, b) => a.priority - b.priority)[0];
  return first?.access === 'Deny' ? first : undefined;
}

const remotesOf = ({ direction, sources, destinations }: SecurityRule): readonly string[] =>
  direction === 'Inbound' ? sources : destinations;

function holdsPort(range: string, port: number): boolean {
  if (range === '*') return true;
  const [from = NaN, to = from] = range.split('-').map(Number);
  return from <= port && port <= to;
}

/** Whether a rule's prefix covers all of the remote side. */
function holds(prefix: string, remote: string): boolean {
  if (prefix === '*' || prefix.toLowerCase() === remote.toLowerCase()) return true;
  if (/^[a-z]/i.test(remote)) return /^(internet|any|0\.0\.0\.0\/0)$/i.test(prefix) && remote === 'Internet';
  if (/^(internet|0\.0\.0\.0\/0|::\/0)$/i.test(prefix)) return !isPrivate(remote) || prefix.includes('/');
  if (/^virtualnetwork$/i.test(prefix)) return isPrivate(remote);
  const outer = prefix.includes('/') ? prefix : `${prefix}/${prefix.includes(':') ? 128 : 32}`;
  if (!ipaddr.isValidCIDR(outer) || !ipaddr.isValidCIDR(remote)) return false;
  const [network, bits] = ipaddr.parseCIDR(outer);
  const [address, length] = ipaddr.parseCIDR(remote);
  return network.kind() === address.kind() && bits <= length && address.match([network, bits]);
}

const isPrivate = (range: string): boolean => {
  const [address] = ipaddr.isValidCIDR(range) ? ipaddr.parseCIDR(range) : [];
  return address !== undefined && ['private', 'uniqueLocal', 'carrierGradeNat'].includes(address.range());
};
