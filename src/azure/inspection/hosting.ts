/** What the host subscription has room for, and what lies in its group and network already. */
import { ComputeManagementClient } from '@azure/arm-compute';
import { NetworkManagementClient } from '@azure/arm-network';
import { ResourceManagementClient } from '@azure/arm-resources';
import { z } from 'zod';
import type { Size, Usage } from '../../domain/preflight/capacity';
import type { EncryptionSet } from '../../domain/preflight/encryption';
import type { SecurityRule } from '../../domain/preflight/securityRules';
import { parseArmId } from '../arm/armId';
import { armOptions, type Connection } from '../client';
import { orUndefined } from '../errors';
import type { Inspection } from '../ports';

type Hosting = Pick<
  Inspection,
  | 'registrations'
  | 'feature'
  | 'encryptionSet'
  | 'computeUsages'
  | 'networkUsages'
  | 'size'
  | 'resources'
  | 'network'
  | 'securityRules'
  | 'routes'
>;

export function hosting(connection: Connection): Hosting {
  const options = armOptions(connection);
  const { credential } = connection;
  const compute = (id: string) => new ComputeManagementClient(credential, id, options);
  const network = (id: string) => new NetworkManagementClient(credential, id, options);
  const resources = (id: string) => new ResourceManagementClient(credential, id, options);
  return {
    registrations: async (subscriptionId) => {
      const found = await all(resources(subscriptionId).providers.list());
      return Object.fromEntries(
        found.map(({ namespace = '', registrationState = 'NotRegistered' }) => [namespace, registrationState]),
      );
    },
    feature: async (subscriptionId, namespace, name) => {
      const id = `/subscriptions/${subscriptionId}/providers/Microsoft.Features/providers/${namespace}/features/${name}`;
      const found = await orUndefined(resources(subscriptionId).resources.getById(id, FEATURES_VERSION));
      return found && feature.parse(found).properties.state;
    },
    encryptionSet: async (id) => {
      const { subscriptionId, resourceGroup, names } = parseArmId(id);
      const found = await orUndefined(compute(subscriptionId).diskEncryptionSets.get(resourceGroup, names[0]));
      return found ? encryptionSet.parse(found) : { kind: 'absent' };
    },
    computeUsages: async (id, location) => (await all(compute(id).usage.list(location))).map(toUsage),
    networkUsages: async (id, location) => (await all(network(id).usages.list(location))).map(toUsage),
    size: async (id, location, name) => {
      const skus = await all(compute(id).resourceSkus.list({ filter: `location eq '${location}'` }));
      const found = skus.find((one) => one.resourceType === 'virtualMachines' && same(one.name, name));
      return found && toSize(sku.parse(found), location);
    },
    resources: async (groupId) => {
      const { subscriptionId, resourceGroup } = parseArmId(groupId);
      const found = await orUndefined(all(resources(subscriptionId).resources.listByResourceGroup(resourceGroup)));
      return found?.map(({ id = '', tags = {} }) => ({ id, tags }));
    },
    network: async (id) => {
      const { subscriptionId, resourceGroup, names } = parseArmId(id);
      const found = await orUndefined(network(subscriptionId).virtualNetworks.get(resourceGroup, names[0]));
      return found && virtualNetwork.parse(found);
    },
    securityRules: async (id) => {
      const { subscriptionId, resourceGroup, names } = parseArmId(id);
      const found = await network(subscriptionId).networkSecurityGroups.get(resourceGroup, names[0]);
      return [...(found.securityRules ?? []), ...(found.defaultSecurityRules ?? [])].map((one) => rule.parse(one));
    },
    routes: async (id) => {
      const { subscriptionId, resourceGroup, names } = parseArmId(id);
      const { routes = [] } = await network(subscriptionId).routeTables.get(resourceGroup, names[0]);
      const hop = routes.find(({ addressPrefix }) => addressPrefix === '0.0.0.0/0')?.nextHopType;
      return hop === undefined ? {} : { defaultHop: hop };
    },
  };
}

async function all<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of pages) found.push(one);
  return found;
}
const same = (a: string | undefined, b: string): boolean => a?.toLowerCase() === b.toLowerCase();

const FEATURES_VERSION = '2021-07-01';
const feature = z.looseObject({ properties: z.looseObject({ state: z.string() }) });
const encryptionSet = z
  .looseObject({
    location: z.string(),
    encryptionType: z.string().default(''),
    provisioningState: z.string().default(''),
  })
  .transform(({ location, encryptionType, provisioningState: state }): EncryptionSet => ({
    kind: 'set',
    location,
    encryptionType,
    state,
  }));

interface RawUsage {
  readonly name?: { readonly value?: string };
  readonly currentValue?: number;
  readonly limit?: number;
}
const toUsage = ({ name, currentValue = 0, limit = 0 }: RawUsage): Usage => ({
  name: name?.value ?? '',
  used: currentValue,
  limit,
});

const texts = z.array(z.string()).default([]);
const sku = z.looseObject({
  family: z.string().default(''),
  capabilities: z.array(z.looseObject({ name: z.string(), value: z.string() })).default([]),
  locationInfo: z.array(z.looseObject({ location: z.string().optional(), zones: texts })).default([]),
  restrictions: z
    .array(
      z.looseObject({
        type: z.string().optional(),
        restrictionInfo: z.looseObject({ locations: texts, zones: texts }).optional(),
      }),
    )
    .default([]),
});

function toSize({ family, capabilities, locationInfo, restrictions }: z.output<typeof sku>, location: string): Size {
  const told = Object.fromEntries(capabilities.map(({ name, value }) => [name, value]));
  const here = restrictions.filter(({ restrictionInfo }) =>
    restrictionInfo?.locations.some((one) => same(one.replaceAll(' ', ''), location)),
  );
  return {
    family,
    cores: Number(told['vCPUs'] ?? 0),
    zones: locationInfo.flatMap(({ zones }) => zones),
    restricted: here.some(({ type }) => same(type, 'Location')),
    restrictedZones: here.flatMap(({ type, restrictionInfo }) =>
      same(type, 'Zone') ? (restrictionInfo?.zones ?? []) : [],
    ),
    capabilities: told,
  };
}

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
const virtualNetwork = z
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
      subnets.some(({ name }) => same(name, 'GatewaySubnet')) ||
      peerings.some(({ useRemoteGateways }) => useRemoteGateways === true),
  }));

/** Azure gives one prefix or a list of them, never both. */
const either = (one: string | undefined, many: readonly string[]): readonly string[] => (one ? [one] : many);
const rule = z
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
