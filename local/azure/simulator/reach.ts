import ipaddr from 'ipaddr.js';
import { type Azure } from '../azure';
import { addressOf } from '../network/publicAddresses';
import { networkInterfaces, nicProperties } from '../network/networkInterfaces';
import { defaultRules, portRange, portsOf, type Rule, rulesOf, sourcesOf } from '../network/securityRules';
import { addressSpaceOf } from '../network/virtualNetworks';
import { type Resource } from '../store/resources';

export interface Reach {
  /** Null where the address belongs to a network interface without a machine. */
  readonly vmId: string | null;
  readonly allowed: boolean;
  /** The rule that decided. */
  readonly rule: string;
}

interface Target {
  readonly nic: Resource;
  readonly subnetId: string;
  readonly privateAddress: string;
  readonly isPublic: boolean;
}

/** What the network says to a TCP connection; undefined if no network interface has the address now. */
export function reach(azure: Azure, address: string, port: number, source: string): Reach | undefined {
  const target = findTarget(azure, address);
  if (target === undefined) return undefined;
  const { nic, subnetId } = target;
  const vmId = azure.resources.users(nic.id)[0]?.source ?? null;
  const groups = [groupOf(azure.resources.get(subnetId)), groupOf(nic)].flatMap((id) => id ?? []);
  // A Standard public address lets nothing in that no security group allows.
  if (groups.length === 0) return { vmId, allowed: !target.isPublic, rule: 'no network security group' };
  const verdicts = groups.map((group) => decide(azure, group, target, port, source));
  const denied = verdicts.find(({ allowed }) => !allowed);
  return { vmId, ...(denied ?? verdicts.at(-1) ?? { allowed: false, rule: 'none' }) };
}

/** The network security group of a subnet or network interface. */
export const groupOf = (resource: Resource | undefined): string | undefined => {
  const group: unknown = resource?.document.properties['networkSecurityGroup'];
  return typeof group === 'object' && group !== null && 'id' in group && typeof group.id === 'string'
    ? group.id
    : undefined;
};

/** The network interface that has a private or public address at this moment. */
function findTarget(azure: Azure, address: string): Target | undefined {
  for (const nic of azure.resources.list(networkInterfaces.type)) {
    for (const { properties } of nicProperties.parse(nic.document.properties).ipConfigurations) {
      const publicAddress = publicAddressOf(azure, properties.publicIPAddress?.id);
      if (address !== properties.privateIPAddress && address !== publicAddress) continue;
      const privateAddress = properties.privateIPAddress ?? '';
      return { nic, subnetId: properties.subnet.id, privateAddress, isPublic: address === publicAddress };
    }
  }
  return undefined;
}

/** The address of a public IP that has been provisioned. */
export function publicAddressOf(azure: Azure, id: string | undefined): string | undefined {
  const found = id === undefined ? undefined : azure.resources.get(id);
  return found === undefined ? undefined : addressOf(azure, found);
}

function decide(
  azure: Azure,
  group: string,
  target: Target,
  port: number,
  source: string,
): { allowed: boolean; rule: string } {
  const space = addressSpaceOf(azure, target.subnetId);
  const found = rulesInForce(azure, group).find(({ properties }) => applies(properties, target, port, source, space));
  return { allowed: found?.properties.access === 'Allow', rule: found?.name ?? 'none' };
}

/** A group's rules as they work now, the first to decide first. */
export function rulesInForce(azure: Azure, group: string): readonly { name: string; properties: Rule }[] {
  const now = azure.now();
  // A new rule works once its operation has ended; one being deleted works until then.
  const own = rulesOf(azure, group).filter(({ resource }) => resource.readyAt <= now);
  return [...own, ...defaultRules].sort((a, b) => a.properties.priority - b.properties.priority);
}

function applies(rule: Rule, target: Target, port: number, source: string, space: readonly string[]): boolean {
  if (rule.direction !== 'Inbound' || !['*', 'tcp'].includes(rule.protocol.toLowerCase())) return false;
  return (
    portsOf(rule).some((text) => within(portRange(text), port)) &&
    sourcesOf(rule).some((prefix) => matches(prefix, source, space)) &&
    isAimedAt(rule, target.privateAddress, space)
  );
}

export const isAimedAt = (rule: Rule, privateAddress: string, space: readonly string[]): boolean =>
  [rule.destinationAddressPrefix ?? [], rule.destinationAddressPrefixes]
    .flat()
    .some((prefix) => matches(prefix, privateAddress, space));

export const within = (range: readonly [number, number] | undefined, port: number): boolean =>
  range !== undefined && port >= range[0] && port <= range[1];

export function matches(prefix: string, address: string, space: readonly string[]): boolean {
  if (prefix === '*') return true;
  switch (prefix.toLowerCase()) {
    case 'virtualnetwork':
      return space.some((one) => inCidr(one, address));
    case 'internet':
      return !space.some((one) => inCidr(one, address)) && ipaddr.process(address).range() !== 'private';
    case 'azureloadbalancer':
      return address === '168.63.129.16';
    default:
      return inCidr(prefix, address);
  }
}

function inCidr(prefix: string, text: string): boolean {
  const address = ipaddr.process(text);
  if (ipaddr.isValidCIDR(prefix)) {
    const [network, bits] = ipaddr.parseCIDR(prefix);
    return network.kind() === address.kind() && address.match([network, bits]);
  }
  return ipaddr.isValid(prefix) && ipaddr.process(prefix).toNormalizedString() === address.toNormalizedString();
}
