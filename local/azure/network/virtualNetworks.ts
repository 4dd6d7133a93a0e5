import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { tracked, type Kind, type Put, shown, usable } from '../arm/kind';
import { removeResource, store } from '../arm/resourceRoutes';
import { type Azure } from '../azure';
import { badRequest } from '../http/errors';
import { nameOf, parentOf } from '../http/paths';
import { randomUUID } from '../random';
import { type Resource } from '../store/resources';
import { reference } from './references';

const subnetProperties = z.looseObject({
  addressPrefix: z.string().optional(),
  addressPrefixes: z.array(z.string()).optional(),
  networkSecurityGroup: reference.optional(),
  natGateway: reference.optional(),
  routeTable: reference.optional(),
});
const inlineSubnet = z.looseObject({ name: z.string().min(1), properties: subnetProperties });
const vnetProperties = z.looseObject({
  addressSpace: z.looseObject({ addressPrefixes: z.array(z.string()).min(1) }),
  subnets: z.array(inlineSubnet).optional(),
});

const prefixesOf = (properties: Record<string, unknown>): string[] => {
  const { addressPrefix, addressPrefixes } = subnetProperties.parse(properties);
  return addressPrefixes ?? (addressPrefix === undefined ? [] : [addressPrefix]);
};

/** IPv4 address prefixes of a virtual network, by the id of any of its subnets or its own. */
export function addressSpaceOf(azure: Azure, id: string): string[] {
  const vnet = azure.resources.get(/^.*\/virtualNetworks\/[^/]+/i.exec(id)?.[0] ?? id);
  return vnet === undefined ? [] : vnetProperties.parse(vnet.document.properties).addressSpace.addressPrefixes;
}

const contains = (outer: string, inner: string): boolean => {
  const [address, bits] = ipaddr.parseCIDR(inner);
  const [network, outerBits] = ipaddr.parseCIDR(outer);
  return address.kind() === network.kind() && bits >= outerBits && address.match([network, outerBits]);
};

function demandPrefixes(azure: Azure, id: string, prefixes: readonly string[]): void {
  const name = nameOf(id);
  const vnetName = nameOf(parentOf(id));
  if (prefixes.length === 0) throw badRequest('InvalidRequestFormat', `Subnet ${name} has no address prefix.`, id);
  const wrong = prefixes.find((prefix) => !ipaddr.isValidCIDR(prefix));
  if (wrong !== undefined)
    throw badRequest(
      'InvalidCIDRNotation',
      `The address prefix ${wrong} in resource ${id} is not formatted correctly. It should follow CIDR notation, for example 10.0.0.0/24.`,
      id,
    );
  const space = addressSpaceOf(azure, parentOf(id));
  if (!prefixes.every((prefix) => space.some((one) => contains(one, prefix)))) {
    throw badRequest('NetcfgInvalidSubnet', `Subnet '${name}' is not valid in virtual network '${vnetName}'.`, id);
  }
  const siblings = azure.resources.list(subnets.type, `${parentOf(id)}/subnets/`);
  for (const sibling of siblings.filter((one) => one.id.toLowerCase() !== id.toLowerCase())) {
    const overlap = prefixesOf(sibling.document.properties).some((theirs) =>
      prefixes.some((ours) => contains(theirs, ours) || contains(ours, theirs)),
    );
    if (overlap) {
      throw badRequest(
        'NetcfgSubnetRangesOverlap',
        `Subnet '${name}' is not valid because its IP address range overlaps with that of an existing subnet in virtual network '${vnetName}'.`,
        id,
      );
    }
  }
}

export const subnets: Kind = {
  type: 'Microsoft.Network/virtualNetworks/subnets',
  timing: { put: 'subnet', remove: 'subnet' },
  schema: z.looseObject({ properties: subnetProperties }),
  readOnly: ['ipConfigurations'],
  prepare(azure, put) {
    const { networkSecurityGroup, natGateway, routeTable, ...rest } = subnetProperties.parse(put.body.properties);
    demandPrefixes(azure, put.id, prefixesOf(put.body.properties));
    if (networkSecurityGroup !== undefined)
      usable(azure, put, networkSecurityGroup.id, 'Microsoft.Network/networkSecurityGroups/join/action');
    if (natGateway !== undefined) usable(azure, put, natGateway.id, 'Microsoft.Network/natGateways/join/action');
    if (routeTable !== undefined) usable(azure, put, routeTable.id, 'Microsoft.Network/routeTables/join/action');
    const used = [networkSecurityGroup, natGateway, routeTable].flatMap((one) => (one === undefined ? [] : [one.id]));
    return {
      document: {
        properties: {
          delegations: [],
          privateEndpointNetworkPolicies: 'Disabled',
          privateLinkServiceNetworkPolicies: 'Enabled',
          ...rest,
          ...(networkSecurityGroup === undefined ? {} : { networkSecurityGroup }),
          ...(natGateway === undefined ? {} : { natGateway }),
          ...(routeTable === undefined ? {} : { routeTable }),
        },
      },
      links: used.map((target) => ({ target, via: put.id })),
    };
  },
  computed(azure, { id }) {
    const ipConfigurations = azure.resources.users(id).map(({ via }) => ({ id: via }));
    return ipConfigurations.length > 0 ? { ipConfigurations } : {};
  },
  demandUnused(azure, { id }) {
    const user = azure.resources.users(id)[0];
    if (user === undefined) return;
    throw badRequest(
      'InUseSubnetCannotBeDeleted',
      `Subnet ${nameOf(id)} is in use by ${user.via} and cannot be deleted. In order to delete the subnet, delete all the resources within the subnet. See aka.ms/deletesubnet.`,
    );
  },
};

export const virtualNetworks: Kind = {
  type: 'Microsoft.Network/virtualNetworks',
  timing: { put: 'virtualNetwork', remove: 'networkDelete' },
  schema: tracked(vnetProperties),
  prepare(__, { body, existing }) {
    const { subnets: _, ...properties } = vnetProperties.parse(body.properties);
    const { location, tags } = body;
    const resourceGuid = existing?.document.properties['resourceGuid'] ?? randomUUID();
    return {
      document: {
        location,
        ...(tags === undefined ? {} : { tags }),
        properties: { enableDdosProtection: false, virtualNetworkPeerings: [], ...properties, resourceGuid },
      },
    };
  },
  stored: replaceSubnets,
  computed: (azure, { id }) => ({
    subnets: azure.resources.list(subnets.type, `${id}/subnets/`).map((one) => shown(azure, subnets, one)),
  }),
  demandUnused(azure, { id }) {
    for (const subnet of azure.resources.list(subnets.type, `${id}/subnets/`)) subnets.demandUnused?.(azure, subnet);
  },
};

/** A PUT that names its subnets replaces them; one that is in use stays, and the PUT is refused. */
function replaceSubnets(azure: Azure, { id }: Resource, put: Put): void {
  const inline = vnetProperties.parse(put.body.properties).subnets;
  if (inline === undefined) return;
  const kept = new Set(inline.map(({ name }) => name.toLowerCase()));
  for (const subnet of azure.resources.list(subnets.type, `${id}/subnets/`)) {
    if (kept.has(nameOf(subnet.id).toLowerCase())) continue;
    subnets.demandUnused?.(azure, subnet);
    removeResource(azure, subnets, subnet, azure.now());
  }
  for (const { name, properties } of inline) {
    const subnetId = `${id}/subnets/${name}`;
    const existing = azure.resources.get(subnetId);
    store(azure, subnets, { ...put, id: existing?.id ?? subnetId, name, body: { properties }, existing });
  }
}

/** The first free address of a subnet; Azure keeps the first four and the last for itself. */
export function allocateAddress(subnet: Resource, taken: { readonly has: (address: string) => boolean }): string {
  const prefix = prefixesOf(subnet.document.properties).find((one) => one.includes('.')) ?? '10.0.0.0/24';
  const [network, bits] = ipaddr.IPv4.parseCIDR(prefix);
  const base = ipaddr.IPv4.networkAddressFromCIDR(prefix)
    .toByteArray()
    .reduce((sum, byte) => sum * 256 + byte, 0);
  for (let offset = 4; offset < 2 ** (32 - bits) - 1; offset += 1) {
    const address = dotted(base + offset);
    if (!taken.has(address)) return address;
  }
  throw badRequest(
    'SubnetIsFull',
    `Subnet ${nameOf(subnet.id)} with address prefix ${network.toString()}/${bits} does not have enough capacity for 1 IP addresses.`,
  );
}

export const dotted = (address: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
