/** Networks and rules as Azure's clients give them, without the level `properties`. */
import { z } from 'zod';
import type { SecurityRule } from '../../domain/preflight/securityRules';
import { isSame } from '../../domain/sameId';

const texts = z.array(z.string()).default([]);

const reference = z.looseObject({ id: z.string() }).nullish();
const subnet = z
  .looseObject({
    name: z.string(),
    addressPrefix: z.string().nullish(),
    addressPrefixes: texts,
    delegations: z.array(z.looseObject({ serviceName: z.string().default('a service') })).default([]),
    ipConfigurations: z.array(z.unknown()).default([]),
    natGateway: reference,
    routeTable: reference,
    networkSecurityGroup: reference,
    defaultOutboundAccess: z.boolean().nullish(),
  })
  .transform(({ name, ...rest }) => ({
    name,
    prefixes: rest.addressPrefixes.length > 0 ? rest.addressPrefixes : rest.addressPrefix ? [rest.addressPrefix] : [],
    delegations: rest.delegations.map(({ serviceName }) => serviceName),
    used: rest.ipConfigurations.length,
    natGateway: Boolean(rest.natGateway),
    routeTableId: rest.routeTable?.id,
    networkSecurityGroupId: rest.networkSecurityGroup?.id,
    defaultOutboundAccess: rest.defaultOutboundAccess ?? undefined,
  }));
export const virtualNetwork = z
  .looseObject({
    location: z.string(),
    tags: z.record(z.string(), z.string()).default({}),
    addressSpace: z.looseObject({ addressPrefixes: texts }),
    subnets: z.array(subnet).default([]),
    virtualNetworkPeerings: z.array(z.looseObject({ useRemoteGateways: z.boolean().nullish() })).default([]),
  })
  .transform(({ location, tags, addressSpace, subnets, virtualNetworkPeerings: peerings }) => ({
    location,
    tags,
    prefixes: addressSpace.addressPrefixes,
    subnets,
    gateway:
      subnets.some(({ name }) => isSame(name, 'GatewaySubnet')) ||
      peerings.some(({ useRemoteGateways }) => useRemoteGateways === true),
  }));

/** Azure gives one prefix or a list of them, never both. */
const either = (one: string | undefined, many: readonly string[]): readonly string[] => (one ? [one] : many);
export const securityRule = z
  .looseObject({
    name: z.string().default(''),
    priority: z.number(),
    direction: z.enum(['Inbound', 'Outbound']),
    access: z.enum(['Allow', 'Deny']),
    protocol: z.string(),
    sourceAddressPrefix: z.string().optional(),
    sourceAddressPrefixes: texts,
    destinationAddressPrefix: z.string().optional(),
    destinationAddressPrefixes: texts,
    destinationPortRange: z.string().optional(),
    destinationPortRanges: texts,
  })
  .transform(({ name, priority, direction, access, protocol, ...rest }): SecurityRule => ({
    name,
    priority,
    direction,
    access,
    protocol,
    sources: either(rest.sourceAddressPrefix, rest.sourceAddressPrefixes),
    destinations: either(rest.destinationAddressPrefix, rest.destinationAddressPrefixes),
    ports: either(rest.destinationPortRange, rest.destinationPortRanges),
  }));
