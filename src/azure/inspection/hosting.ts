/** What the host subscription has room for, and what lies in its group already. */
import { ComputeManagementClient } from '@azure/arm-compute';
import { NetworkManagementClient } from '@azure/arm-network';
import { ResourceManagementClient } from '@azure/arm-resources';
import { z } from 'zod';
import type { Size, Usage } from '../../domain/preflight/capacity';
import type { EncryptionSet } from '../../domain/preflight/encryption';
import { isSame } from '../../domain/sameId';
import { parseArmId } from '../arm/armId';
import { armOptions, type Connection } from '../client';
import type { List } from '../arm/reader';
import { orUndefined } from '../errors';
import type { Inspection } from '../ports';
import { virtualNetwork } from './networkShapes';

type Hosting = Pick<
  Inspection,
  | 'registrations'
  | 'feature'
  | 'encryptionSet'
  | 'computeUsages'
  | 'networkUsages'
  | 'sizes'
  | 'machines'
  | 'resources'
  | 'network'
>;

export function hosting(connection: Connection, list: List): Hosting {
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
    // Read plainly: the client drops what a list's refusal says, and only that tells a region that there is not.
    computeUsages: async (id, location) => {
      const path = `/subscriptions/${id}/providers/Microsoft.Compute/locations/${location}/usages`;
      return (await list(path, 'api-version=2024-07-01', usage)).map(toUsage);
    },
    networkUsages: async (id, location) => (await all(network(id).usages.list(location))).map(toUsage),
    sizes: async (id, location, names) => {
      const skus = await all(compute(id).resourceSkus.list({ filter: `location eq '${location}'` }));
      return new Map(
        names.flatMap((name) => {
          const found = skus.find((one) => one.resourceType === 'virtualMachines' && isSame(one.name, name));
          return found ? [[name, toSize(sku.parse(found), location)] as const] : [];
        }),
      );
    },
    machines: async (groupId) => {
      const { subscriptionId, resourceGroup } = parseArmId(groupId);
      const found = await all(compute(subscriptionId).virtualMachines.list(resourceGroup));
      return found.map(({ id = '', hardwareProfile }) => ({ id, size: hardwareProfile?.vmSize ?? '' }));
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
  };
}

async function all<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of pages) found.push(one);
  return found;
}

const FEATURES_VERSION = '2021-07-01';
const feature = z.looseObject({ properties: z.looseObject({ state: z.string() }) });
/** Also of a row of Resource Graph. */
export const encryptionSet = z
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

const usage = z.object({
  name: z.object({ value: z.string().optional() }).optional(),
  currentValue: z.number().optional(),
  limit: z.number().optional(),
});
const toUsage = ({ name, currentValue = 0, limit = 0 }: z.output<typeof usage>): Usage => ({
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
    restrictionInfo?.locations.some((one) => isSame(one.replaceAll(' ', ''), location)),
  );
  return {
    family,
    cores: Number(told['vCPUs'] ?? 0),
    zones: locationInfo.flatMap(({ zones }) => zones),
    restricted: here.some(({ type }) => isSame(type, 'Location')),
    restrictedZones: here.flatMap(({ type, restrictionInfo }) =>
      isSame(type, 'Zone') ? (restrictionInfo?.zones ?? []) : [],
    ),
    capabilities: told,
  };
}
