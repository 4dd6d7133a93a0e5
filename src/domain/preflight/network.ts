/** The network that the Sentries are put into: an existing subnet, or our own where it exists already. Pure. */
import { applianceOf, type ApplianceChoice, armId, type Blueprint } from '../blueprint/blueprint';
import { sharedName } from '../blueprint/naming';
import { overlap, roomIn } from '../addressRange';
import { OWNER_TAG } from '../resources';
import { notChecked } from './areas';
import { finding } from './codes';
import type { Finding } from './finding';
import type { AppIdentity } from './graphRights';
import { denying, isExcepted, type SecurityRule } from './securityRules';

export interface Subnet {
  readonly name: string;
  readonly prefixes: readonly string[];
  readonly delegations: readonly string[];
  /** Addresses in use. */
  readonly used: number;
  readonly natGateway: boolean;
  readonly routeTableId?: string | undefined;
  readonly networkSecurityGroupId?: string | undefined;
  /** Absent in subnets of before 2025, which have Azure's default way out. */
  readonly defaultOutboundAccess?: boolean | undefined;
}
export interface Network {
  readonly location: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly prefixes: readonly string[];
  readonly subnets: readonly Subnet[];
  /** It has a gateway of its own, or uses a peer's or a hub's: routes come from there that no table shows. */
  readonly gateway?: boolean | undefined;
}
/** What a network covers: those that overlap can never be peered. */
export interface AddressSpace {
  readonly id: string;
  readonly prefixes: readonly string[];
}
/** The next hop of the route to 0.0.0.0/0; undefined where the table has none. */
export interface Routes {
  readonly defaultHop?: string | undefined;
}

/** The virtual network that preflight reads: the existing subnet's, or our own. */
export function networkIdOf(blueprint: Blueprint): string | undefined {
  const network = applianceOf(blueprint)?.network;
  if (!network) return undefined;
  return network.kind === 'existing'
    ? network.subnetId.replace(/\/subnets\/[^/]+$/i, '')
    : armId(blueprint.request, 'Microsoft.Network/virtualNetworks', sharedName(blueprint, 'virtualNetwork'));
}

/** The existing subnet of the request in its network. */
export function subnetOf(blueprint: Blueprint, network: Network | undefined): Subnet | undefined {
  const wanted = applianceOf(blueprint)?.network;
  if (wanted?.kind !== 'existing') return undefined;
  const name = wanted.subnetId.slice(wanted.subnetId.lastIndexOf('/') + 1).toLowerCase();
  return network?.subnets.find((one) => one.name.toLowerCase() === name);
}

/** Everything on the way: what lies beside the subnet was read where the subnet names it. */
export interface Surroundings {
  readonly network: Network | undefined;
  /** Every network that the app may read; absent where ours is not to be made. */
  readonly others?: readonly AddressSpace[] | undefined;
  readonly rules?: readonly SecurityRule[] | undefined;
  readonly routes?: Routes | undefined;
  /** Sentries whose interfaces are still to be made. */
  readonly toMake: number;
  readonly egress: readonly string[];
  /** Who is to be given what may not be read. */
  readonly app?: AppIdentity | undefined;
}

export function checkNetwork(blueprint: Blueprint, around: Surroundings): readonly Finding[] {
  const appliance = applianceOf(blueprint);
  if (!appliance) return [];
  return appliance.network.kind === 'existing'
    ? existingSubnet(blueprint, appliance, appliance.network.subnetId, around)
    : [
        ...ownNetwork(blueprint, appliance.network.addressPrefix, around.network),
        ...ownRoom(blueprint, appliance.network.addressPrefix, around),
        ...overlapping(appliance.network.addressPrefix, around.others ?? []),
      ];
}

/** One of another owner has a finding of its own: its name is taken. */
function ownNetwork(blueprint: Blueprint, prefix: string, network: Network | undefined): readonly Finding[] {
  const ours = network?.tags[OWNER_TAG] === blueprint.request.name;
  if (!network || !ours || network.prefixes.includes(prefix)) return [];
  const has = network.prefixes.join(', ');
  const reason = `The network has ${has}, and the request asks for ${prefix}`;
  return [
    finding('AddressSpaceDiffers', networkIdOf(blueprint) ?? '', reason, `Ask for ${has} in network.addressPrefix.`),
  ];
}

/** A subnet in use cannot grow, and the request keeps the range that it was made with. */
const NO_ROOM =
  'Ask for fewer subscriptions here and for the others in a deployment of another name, which has a network of its own; or delete this deployment, and ask for it again with a larger network.addressPrefix.';

/** Of ours one that exists counts as it is; another owner's has a finding of its own. */
function ownRoom(blueprint: Blueprint, prefix: string, { network, toMake }: Surroundings): readonly Finding[] {
  const ours = network?.tags[OWNER_TAG] === blueprint.request.name ? network : undefined;
  const name = sharedName(blueprint, 'subnet').toLowerCase();
  const subnet = ours?.subnets.find((one) => one.name.toLowerCase() === name);
  const free = subnet ? freeIn(subnet) : roomIn(prefix);
  if (free >= toMake) return [];
  const reason = `${subnet ? `The subnet ${subnet.name}` : prefix} has ${free} free addresses, and ${toMake} Sentries are to be made`;
  const remedy = ours ? NO_ROOM : 'Ask for a larger range in network.addressPrefix, or for fewer subscriptions.';
  return [finding('SubnetFull', '/network/addressPrefix', reason, remedy)];
}

/** So many are named. */
const NAMED = 5;

function overlapping(prefix: string, others: readonly AddressSpace[]): readonly Finding[] {
  const meeting = others.flatMap(({ id, prefixes }) => {
    const shared = prefixes.filter((one) => overlap(one, prefix));
    return shared.length > 0 ? [`${id} (${shared.join(', ')})`] : [];
  });
  if (meeting.length === 0) return [];
  const more = meeting.length - NAMED;
  const reason = `${prefix} overlaps ${meeting.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more networks` : ''}`;
  const remedy = 'Ask for a free range in network.addressPrefix if the networks are ever to be peered; or go on.';
  return [finding('AddressSpaceOverlaps', '/network/addressPrefix', reason, remedy)];
}

function existingSubnet(
  blueprint: Blueprint,
  appliance: ApplianceChoice,
  subnetId: string,
  around: Surroundings,
): readonly Finding[] {
  const { location } = blueprint.request.placement;
  const subnet = subnetOf(blueprint, around.network);
  if (!around.network || !subnet)
    return [
      finding(
        'SubnetNotFound',
        subnetId,
        'There is no such subnet',
        'Correct network.subnetId: `az network vnet subnet list --resource-group <group> --vnet-name <network>` shows what there is.',
      ),
    ];
  const elsewhere = around.network.location.toLowerCase().replaceAll(' ', '') !== location;
  const regions = `Its network lies in ${around.network.location}, and the Sentry is to be in ${location}`;
  return [
    ...(elsewhere
      ? [
          finding(
            'SubnetInOtherRegion',
            subnetId,
            regions,
            'Ask for a subnet of that region, or for another placement.location.',
          ),
        ]
      : []),
    ...room(subnetId, subnet, around.toMake),
    ...delegated(subnetId, subnet),
    ...unseen(subnet, around),
    ...wayOut(subnetId, subnet, around),
    ...blocked(subnet, appliance, around),
  ];
}

/** A group or table of the subnet that Resource Graph does not show. */
const unseen = (
  { networkSecurityGroupId, routeTableId }: Subnet,
  { rules, routes, app }: Surroundings,
): readonly Finding[] => {
  const missing = [
    ['security group', 'networkSecurityGroups', rules ? undefined : networkSecurityGroupId],
    ['route table', 'routeTables', routes ? undefined : routeTableId],
  ] as const;
  const why = 'Resource Graph does not show it: it is new, or the app has no right to read it';
  return missing.flatMap(([what, type, scope]) => {
    const read = { what: `The subnet’s ${what}`, where: '/network/subnetId', right: `Microsoft.Network/${type}/read` };
    return scope === undefined ? [] : [notChecked({ ...read, scope }, why, app)];
  });
};

const freeIn = ({ prefixes, used }: Subnet): number =>
  Math.max(0, prefixes.filter((one) => !one.includes(':')).reduce((sum, one) => sum + roomIn(one), 0) - used);

function room(subnetId: string, subnet: Subnet, toMake: number): readonly Finding[] {
  const free = freeIn(subnet);
  if (free >= toMake) return [];
  const reason = `It has ${free} free addresses, and ${toMake} Sentries are to be made`;
  return [finding('SubnetFull', subnetId, reason, 'Free addresses in it, or ask for a larger subnet.')];
}

const delegated = (subnetId: string, { delegations }: Subnet): readonly Finding[] =>
  delegations.length === 0
    ? []
    : [finding('SubnetDelegated', subnetId, `It is delegated to ${delegations.join(', ')}`, 'Ask for another subnet.')];

/** A route to an appliance or gateway is taken for a way out: what stands there, 443 proven from the Sentry tells. */
function wayOut(
  subnetId: string,
  subnet: Subnet,
  { network: around, routes, rules }: Surroundings,
): readonly Finding[] {
  const dropped = routes?.defaultHop?.toLowerCase() === 'none';
  const routed = routes?.defaultHop !== undefined && !['none', 'internet'].includes(routes.defaultHop.toLowerCase());
  const isPrivate = subnet.defaultOutboundAccess === false && !subnet.natGateway && !routed && !around?.gateway;
  const [network = ''] = subnetId.split('/subnets/');
  const command = `\`az network vnet subnet update --ids ${subnetId} --nat-gateway <id>\``;
  const traffic = { direction: 'Outbound', port: 443, remote: 'Internet' } as const;
  const denied = rules && denying(rules, traffic);
  // Where some destinations are let out before (service tags, a proxy), 443 proven from the Sentry tells.
  const outbound = rules && denied && !isExcepted(rules, denied, traffic) ? denied : undefined;
  return [
    ...(dropped || isPrivate
      ? [
          finding(
            'NoWayOut',
            subnetId,
            dropped
              ? 'Its route to 0.0.0.0/0 leads nowhere'
              : 'It is private, without a NAT gateway and without a default route',
            dropped
              ? `Correct the route table of ${network}.`
              : `Its owner runs: ${command}. Or routes 0.0.0.0/0 to a firewall.`,
          ),
        ]
      : []),
    ...(outbound
      ? [
          finding(
            'OutboundDenied',
            subnet.networkSecurityGroupId ?? subnetId,
            `The rule ${outbound.name} denies outbound TCP 443`,
            `Its owner runs \`az network nsg rule create --ids ${subnet.networkSecurityGroupId ?? ''} --name Allow443Out --direction Outbound --priority ${Math.max(100, outbound.priority - 1)} --protocol Tcp --destination-port-ranges 443 --destination-address-prefixes Internet\`.`,
          ),
        ]
      : []),
  ];
}

/** Our own rule goes onto the interface's group: the subnet's group has to let the same through. */
function blocked(
  subnet: Subnet,
  { access, configuration }: ApplianceChoice,
  { rules, egress }: Surroundings,
): readonly Finding[] {
  if (!rules || configuration.kind === 'runCommand') return [];
  const sources = [...new Set([...access.sourceAddresses, ...egress])];
  const stopped = access.ports.flatMap((port) =>
    sources.flatMap((remote) => {
      const rule = denying(rules, { direction: 'Inbound', port, remote });
      return rule ? [`${remote} on ${port} (${rule.name})`] : [];
    }),
  );
  if (stopped.length === 0) return [];
  const group = subnet.networkSecurityGroupId ?? '';
  const reason = `The subnet’s group lets not in ${stopped.join(', ')}`;
  const remedy = `Its owner runs \`az network nsg rule create --ids ${group} --name AllowSentryWindow --direction Inbound --priority 200 --protocol Tcp --destination-port-ranges ${access.ports.join(' ')} --source-address-prefixes ${sources.join(' ')}\`. Or ask for configuration.kind runCommand.`;
  return [finding('WindowBlocked', group, reason, remedy)];
}
