/** What lies around the Sentry, several resources in one query of Resource Graph, which shows a change after a while. */
import { z } from 'zod';
import type { Query } from '../arm/resourceGraph';
import type { Inspection } from '../ports';
import { definitionOf, isManagedImage } from '../../domain/imageId';
import { isSame } from '../../domain/sameId';
import { encryptionSet } from './hosting';
import { managedImage, versionImage } from './images';
import { securityRule, virtualNetwork } from './networkShapes';

const resource = z.looseObject({ id: z.string(), type: z.string().toLowerCase() });
type Resource = z.output<typeof resource>;

/** Without the level `properties`, at every depth, as Azure's clients give a resource. */
function flat(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(flat);
  if (typeof value !== 'object' || value === null) return value;
  const { properties, ...rest } = value as { readonly properties?: unknown };
  const inner = typeof properties === 'object' && properties !== null ? properties : {};
  // What is null in a row is absent in a resource.
  const members = Object.entries({ ...rest, ...inner }).filter(([, one]) => one !== null);
  return Object.fromEntries(members.map(([name, one]) => [name, flat(one)]));
}

const rules = z
  .looseObject({
    securityRules: z.array(securityRule).default([]),
    defaultSecurityRules: z.array(securityRule).default([]),
  })
  .transform(({ securityRules, defaultSecurityRules }) => [...securityRules, ...defaultSecurityRules]);
const routes = z
  .looseObject({ routes: z.array(z.looseObject({ addressPrefix: z.string(), nextHopType: z.string() })).default([]) })
  .transform(({ routes: all }) => ({
    defaultHop: all.find(({ addressPrefix }) => addressPrefix === '0.0.0.0/0')?.nextHopType,
  }));
const account = z.looseObject({ location: z.string(), allowSharedKeyAccess: z.boolean().optional() });
const networksOf = z.looseObject({
  networks: z.array(z.looseObject({ id: z.string(), prefixes: z.array(z.string()).nullish() })),
});

const NETWORKS = [
  'resources',
  "where type =~ 'microsoft.network/virtualnetworks'",
  "summarize networks = make_list(bag_pack('id', id, 'prefixes', properties.addressSpace.addressPrefixes)) by subscriptionId",
].join(' | ');

/** Without its definition a version tells too little: then both are read. */
const ofVersion = (found: Resource, definition: Resource | undefined) =>
  definition && versionImage(flat(found), flat(definition));

export function surroundings(query: Query): Pick<Inspection, 'surroundings' | 'networks'> {
  return {
    surroundings: async ({ networkId, subnetId, accountId, encryptionSetId, imageId, identityId }) => {
      const definitionId = imageId && !isManagedImage(imageId) ? definitionOf(imageId) : undefined;
      const wantedIds = [networkId, accountId, encryptionSetId, imageId, definitionId, identityId];
      const ids = wantedIds.flatMap((id) => (id === undefined ? [] : [`'${id}'`]));
      // Groups and route tables name the subnets that they are on: so they are found before the subnet is read.
      const beside = `type in~ ('microsoft.network/networksecuritygroups', 'microsoft.network/routetables') and tostring(properties.subnets) contains '${subnetId ?? ''}"'`;
      const wanted = `id in~ (${ids.join(', ')})${subnetId === undefined ? '' : ` or (${beside})`}`;
      const rows = await query(`resources | where ${wanted} | project id, type, location, tags, properties`, resource);
      const byId = (id: string | undefined): Resource | undefined =>
        id === undefined ? undefined : rows.find((one) => isSame(one.id, id));
      const of = (type: string) => rows.filter((one) => one.type === `microsoft.network/${type}`);
      const [network, storage, set] = [byId(networkId), byId(accountId), byId(encryptionSetId)];
      const [found, definition] = [byId(imageId), byId(definitionId)];
      return {
        network: network && virtualNetwork.parse(flat(network)),
        account: storage && account.parse(flat(storage)),
        encryptionSet: set && encryptionSet.parse(flat(set)),
        image: found && (definitionId === undefined ? managedImage.parse(flat(found)) : ofVersion(found, definition)),
        identity: byId(identityId) !== undefined,
        securityGroups: of('networksecuritygroups').map((one) => ({ id: one.id, rules: rules.parse(flat(one)) })),
        routeTables: of('routetables').map((one) => ({ id: one.id, routes: routes.parse(flat(one)) })),
      };
    },
    networks: async () =>
      (await query(NETWORKS, networksOf)).flatMap(({ networks }) =>
        networks.map(({ id, prefixes }) => ({ id, prefixes: prefixes ?? [] })),
      ),
  };
}
