import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { type Kind, type Put } from '../arm/kind';
import { type Azure } from '../azure';
import { AzureError, badRequest } from '../http/errors';
import { nameOf, parentOf } from '../http/paths';
import { type Resource } from '../store/resources';

const texts = z.array(z.string()).default([]);

const ruleProperties = z.looseObject({
  description: z.string().max(140).optional(),
  protocol: z.enum(['*', 'Tcp', 'TCP', 'tcp', 'Udp', 'UDP', 'udp', 'Icmp', 'Esp', 'Ah']),
  sourcePortRange: z.string().optional(),
  destinationPortRange: z.string().optional(),
  sourceAddressPrefix: z.string().optional(),
  destinationAddressPrefix: z.string().optional(),
  access: z.enum(['Allow', 'Deny']),
  priority: z.number().int(),
  direction: z.enum(['Inbound', 'Outbound']),
  sourcePortRanges: texts,
  destinationPortRanges: texts,
  sourceAddressPrefixes: texts,
  destinationAddressPrefixes: texts,
});
export type Rule = z.infer<typeof ruleProperties>;

/** A rule inside a network security group, as a PUT of the group has it. */
export const inlineRule = z.looseObject({ name: z.string().min(1), properties: ruleProperties });

const SERVICE_TAG = /^[A-Za-z][A-Za-z0-9]*(\.[A-Za-z0-9]+)?$/;

const isAddressPrefix = (text: string): boolean =>
  ipaddr.isValidCIDR(text) || (ipaddr.isValid(text) && (text.includes(':') || text.split('.').length === 4));

export const sourcesOf = (rule: Rule): string[] => both(rule.sourceAddressPrefix, rule.sourceAddressPrefixes);
export const portsOf = (rule: Rule): string[] => both(rule.destinationPortRange, rule.destinationPortRanges);

const both = (one: string | undefined, many: readonly string[]): string[] =>
  one === undefined || one === '' ? [...many] : [one, ...many];

/** Throws what Azure says of a rule that is wrong in itself. */
export function demandRule(name: string, rule: Rule): void {
  const { priority } = rule;
  const refuse = (code: string, text: string): Error => badRequest(code, `Security rule ${text}`, name);
  if (priority < 100 || priority > 4096) {
    throw refuse(
      'SecurityRuleInvalidPriority',
      `has invalid Priority. Value provided: ${priority}. Allowed range 100-4096.`,
    );
  }
  const ports: [string, string[]][] = [
    ['SourcePortRange', both(rule.sourcePortRange, rule.sourcePortRanges)],
    ['DestinationPortRange', portsOf(rule)],
  ];
  const prefixes: [string, string[]][] = [
    ['SourceAddressPrefix', sourcesOf(rule)],
    ['DestinationAddressPrefix', both(rule.destinationAddressPrefix, rule.destinationAddressPrefixes)],
  ];
  for (const [field, values] of [...ports, ...prefixes]) {
    if (values.length === 0) {
      throw refuse(
        'SecurityRuleParameterNotSpecified',
        `parameter ${field} must be specified for rule with Id ${name}.`,
      );
    }
  }
  const wrongPort = ports.flatMap(([, values]) => values).find((value) => !isPortRange(value));
  if (wrongPort !== undefined)
    throw refuse(
      'SecurityRuleInvalidPortRange',
      `has invalid Port range. Value provided: ${wrongPort}. Value should be an integer OR integer range with '-' delimiter. Valid range 0-65535.`,
    );
  const wrongPrefix = prefixes.flatMap(([, values]) => values).find((value) => !isPrefix(value));
  if (wrongPrefix !== undefined)
    throw refuse('SecurityRuleInvalidAddressPrefix', `has invalid Address prefix. Value provided: ${wrongPrefix}`);
  demandOneFamily(
    name,
    prefixes.flatMap(([, values]) => values),
  );
}

/** As others met it: terraform-provider-azurerm 12534, gardener-extension-provider-azure 397. */
function demandOneFamily(name: string, prefixes: readonly string[]): void {
  const families = new Set(prefixes.filter(isAddressPrefix).map((prefix) => prefix.includes(':')));
  if (families.size < 2) return;
  throw badRequest(
    'ResourceCannotContainAddressPrefixesFromDifferentAddressFamilies',
    `Resource ${name} contains IP addresses or prefixes that belong to different address families. All IP addresses or prefixes in the resource should belong to the same address family.`,
    name,
  );
}

const isPrefix = (text: string): boolean => text === '*' || SERVICE_TAG.test(text) || isAddressPrefix(text);

/** `*`, `22` or `9000-9005` as numbers; undefined if it is none of them. */
export function portRange(text: string): readonly [from: number, to: number] | undefined {
  if (text === '*') return [0, 65_535];
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match?.[1] === undefined) return undefined;
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  return from <= to && to <= 65_535 ? [from, to] : undefined;
}
const isPortRange = (text: string): boolean => portRange(text) !== undefined;

/** Throws when two rules of one direction have one priority. */
export function demandNoConflict(rules: readonly { readonly name: string; readonly properties: Rule }[]): void {
  const taken = new Map<string, string>();
  for (const { name, properties } of rules) {
    const place = `${properties.direction} ${properties.priority}`;
    const other = taken.get(place);
    if (other !== undefined) {
      throw badRequest(
        'SecurityRuleConflict',
        `Security rule ${name} conflicts with rule ${other}. Rules cannot have the same Priority and Direction.`,
        name,
      );
    }
    taken.set(place, name);
  }
}

/** azure-docs, "Azure subscription limits": of all rules of a group together, for sources and destinations apart. */
const MOST_PREFIXES = 4_000;

/** As others met it: cloud-provider-azure 2725. */
export function demandFew(groupId: string, rules: readonly { readonly properties: Rule }[]): void {
  for (const [field, key] of [
    ['SourceAddressPrefixes', 'sourceAddressPrefixes'],
    ['DestinationAddressPrefixes', 'destinationAddressPrefixes'],
  ] as const) {
    const count = rules.reduce((sum, { properties }) => sum + properties[key].length, 0);
    if (count <= MOST_PREFIXES) continue;
    throw new AzureError(
      400,
      'SecurityRuleAddressesOrPortsPerSecurityGroupLimitReached',
      `Network security group ${groupId} has ${count} ${field}. A security group cannot have more than ${MOST_PREFIXES} ${field} as per the limit MaxSecurityRuleAddressesOrPortsPerSecurityGroup.`,
      { members: { details: [] } },
    );
  }
}

export const rulesOf = (
  azure: Azure,
  networkSecurityGroupId: string,
): { name: string; properties: Rule; resource: Resource }[] =>
  azure.resources.list(securityRules.type, `${networkSecurityGroupId}/securityRules/`).map((resource) => ({
    name: nameOf(resource.id),
    properties: ruleProperties.parse(resource.document.properties),
    resource,
  }));

export const securityRules: Kind = {
  type: 'Microsoft.Network/networkSecurityGroups/securityRules',
  timing: { put: 'securityRule', remove: 'securityRule' },
  schema: z.looseObject({ properties: ruleProperties }),
  prepare(azure, { id, name, body }) {
    const properties = ruleProperties.parse(body.properties);
    demandRule(name, properties);
    const others = rulesOf(azure, parentOf(id)).filter((one) => one.name.toLowerCase() !== name.toLowerCase());
    demandNoConflict([...others, { name, properties }]);
    demandFew(parentOf(id), [...others, { properties }]);
    return { document: { properties: properties } };
  },
  stored: recordWindow,
  removed(azure, { id }, goneAt) {
    azure.windows.close(parentOf(id), nameOf(id), goneAt);
  },
};

/** An inbound allow rule is a window from the moment it is accepted: it may let traffic in before the operation ends. */
function recordWindow(azure: Azure, { id }: Resource, { body }: Put): void {
  const rule = ruleProperties.parse(body.properties);
  const group = parentOf(id);
  if (rule.direction === 'Inbound' && rule.access === 'Allow') {
    azure.windows.open(group, nameOf(id), portsOf(rule), sourcesOf(rule));
  } else {
    azure.windows.close(group, nameOf(id), azure.now());
  }
}

const fixed = (
  direction: 'Inbound' | 'Outbound',
  name: string,
  priority: number,
  access: 'Allow' | 'Deny',
  from: string,
  to: string,
  description: string,
) => ({
  name,
  properties: ruleProperties.parse({
    description,
    protocol: '*',
    sourcePortRange: '*',
    destinationPortRange: '*',
    sourceAddressPrefix: from,
    destinationAddressPrefix: to,
    access,
    priority,
    direction,
  }),
});

/** The six rules that every network security group ends with. */
export const defaultRules: readonly { readonly name: string; readonly properties: Rule }[] = [
  fixed(
    'Inbound',
    'AllowVnetInBound',
    65000,
    'Allow',
    'VirtualNetwork',
    'VirtualNetwork',
    'Allow inbound traffic from all VMs in VNET',
  ),
  fixed(
    'Inbound',
    'AllowAzureLoadBalancerInBound',
    65001,
    'Allow',
    'AzureLoadBalancer',
    '*',
    'Allow inbound traffic from azure load balancer',
  ),
  fixed('Inbound', 'DenyAllInBound', 65500, 'Deny', '*', '*', 'Deny all inbound traffic'),
  fixed(
    'Outbound',
    'AllowVnetOutBound',
    65000,
    'Allow',
    'VirtualNetwork',
    'VirtualNetwork',
    'Allow outbound traffic from all VMs to all VMs in VNET',
  ),
  fixed(
    'Outbound',
    'AllowInternetOutBound',
    65001,
    'Allow',
    '*',
    'Internet',
    'Allow outbound traffic from all VMs to Internet',
  ),
  fixed('Outbound', 'DenyAllOutBound', 65500, 'Deny', '*', '*', 'Deny all outbound traffic'),
];
