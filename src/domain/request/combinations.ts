/** What makes no sense together: each field is right by itself, and refused with what to change. Pure. */
import { canArrive, isIPv6, roomIn } from '../addressRange';
import { applianceOf, type Blueprint } from '../blueprint/blueprint';
import { isOfVault, isSecretOf } from '../vaultUri';
import { faultyNames } from '../blueprint/faultyNames';
import type { Fault } from '../faults';
import { isManagedImage } from '../imageId';
import type { NameKey } from '../profile';
import { endsAt } from '../schedule';
import { MOST_RULE_ADDRESSES, RULE_ADDRESSES } from './appliance';

/** What of the app decides about a request. */
export interface AppFacts {
  /** The app has an outbound address in a network of its own, from which private addresses can be reached. */
  readonly privateNetwork: boolean;
  /** The app's own outbound addresses, which a window lets in too. */
  readonly egressAddresses: readonly string[];
  /** The one vault whose secrets are read. */
  readonly keyVaultUri: string;
  /** Epoch ms. */
  readonly now: number;
}

type Rule = (blueprint: Blueprint, app: AppFacts) => readonly Fault[];

const fault = (broken: boolean, pointer: string, detail: string): readonly Fault[] =>
  broken ? [{ pointer, detail }] : [];

const APPLIANCE_FIELDS = ['vm', 'image', 'network', 'access', 'configuration'] as const;
const NEEDED_FIELDS = ['vm', 'network', 'access'] as const;
/** What is made for an appliance alone. */
const APPLIANCE_NAMES = [
  'networkSecurityGroup',
  'virtualMachine',
  'networkInterface',
  'virtualNetwork',
  'subnet',
  'natGateway',
  'egressAddress',
  'windowAddress',
  'image',
] as const satisfies readonly NameKey[];

const applianceFields: Rule = ({ request, profile }) => {
  if (profile.appliance)
    return NEEDED_FIELDS.flatMap((field) => fault(request[field] === undefined, `/${field}`, 'is missing'));
  const given = [
    ...APPLIANCE_FIELDS.map((field) => [`/${field}`, request[field]] as const),
    ['/placement/zone', request.placement.zone] as const,
    ...APPLIANCE_NAMES.map((key) => [`/names/${key}`, request.names[key]] as const),
  ];
  return given.flatMap(([pointer, value]) =>
    fault(value !== undefined, pointer, `is of no use: the profile ${profile.id} has no appliance`),
  );
};

const ports: Rule = ({ request, profile }) => {
  const known = profile.appliance?.ports ?? [];
  const [script] = known;
  const asked = request.access?.ports ?? [];
  const kind = request.configuration?.kind ?? 'ssh';
  return [
    ...asked.flatMap((port, index) =>
      fault(!known.includes(port), `/access/ports/${index}`, `is not a port of the profile (${known.join(', ')})`),
    ),
    ...fault(
      asked.length > 0 && script !== undefined && !asked.includes(script) && kind !== 'runCommand',
      '/access/ports',
      `lacks ${script}, by which the appliance is signed in to with configuration ${kind}; add ${script}, or leave the field out`,
    ),
  ];
};

/** The network interface has one address, of IPv4; and Azure takes no rule that mixes both families. */
const sources: Rule = ({ request: { access } }) =>
  (access?.sourceAddresses ?? []).flatMap((range, index) => {
    const pointer = `/access/sourceAddresses/${index}`;
    if (isIPv6(range)) return fault(true, pointer, IPV6_SOURCE);
    if (access?.kind === 'private') return fault(!canArrive(range, 'private'), pointer, NO_SOURCE);
    return fault(!canArrive(range, 'public'), pointer, canArrive(range, 'private') ? PRIVATE_SOURCE : NO_SOURCE);
  });
const IPV6_SOURCE =
  'is of IPv6, and the appliance has an address of IPv4 alone, which nothing from there reaches; give the addresses of IPv4 that you come from';
const PRIVATE_SOURCE =
  'is a private range, and nothing arrives from there at a public address; give the public addresses that you come from, or ask for access private';
const NO_SOURCE =
  'is a range from which nothing arrives (this host, link-local, multicast or reserved); give the addresses that you come from';

/** A rule for each port, with all sources in each. */
const addresses: Rule = (blueprint, { egressAddresses }) => {
  const access = applianceOf(blueprint)?.access;
  if (!access) return [];
  const sources = new Set([...access.sourceAddresses, ...egressAddresses]).size;
  const rules = access.ports.length;
  return fault(
    sources * rules > MOST_RULE_ADDRESSES,
    '/access/sourceAddresses',
    `makes ${rules * sources} ranges, with EGRESS_ADDRESSES and in a rule for each port; ${RULE_ADDRESSES}`,
  );
};

const credential: Rule = ({ request: { identity }, profile }) => {
  const federated = identity.federatedCredential !== undefined;
  const application = identity.kind === 'appRegistration';
  const secret = application && identity.secret !== undefined;
  return [
    ...fault(
      federated && secret,
      '/identity/federatedCredential',
      'takes the place of a secret; leave one of them out',
    ),
    ...fault(
      federated && profile.appliance !== undefined,
      '/identity/federatedCredential',
      'is for a profile without an appliance; this one’s set-up script asks for a secret or a managed identity',
    ),
    ...fault(
      !federated && !secret && !profile.appliance,
      '/identity/federatedCredential',
      `is missing: without an appliance it is how the collector signs in${application ? '. Give it, or a secret' : ''}`,
    ),
  ];
};

const configuration: Rule = ({ request, profile }, { privateNetwork }) => [
  ...fault(
    request.configuration?.kind === 'runCommand' && profile.appliance?.image.agent === false,
    '/configuration/kind',
    'needs the Azure VM agent, which the image of this profile does not have; ask for ssh or manual',
  ),
  ...fault(
    request.configuration?.kind === 'runCommand' && profile.appliance?.script.unattended === undefined,
    '/configuration/kind',
    'needs script.unattended in this profile, which says how the script is answered without a terminal; ask for ssh or manual',
  ),
  ...fault(
    request.access?.kind === 'private' && (request.configuration?.kind ?? 'ssh') === 'ssh' && !privateNetwork,
    '/access/kind',
    'needs this app to reach the network, and it is in none. Set PRIVATE_NETWORK (docs/deploy.md), or ask for temporaryPublicIp, runCommand or manual',
  ),
];

/** azure-docs, "Trusted launch": virtual machines of generation 2, and no managed images. */
const trustedLaunch: Rule = ({ request: { image: chosen, vm }, profile }) => {
  const managed = chosen?.kind === 'vhd' || (chosen?.kind === 'image' && isManagedImage(chosen.id));
  const ofMarketplace = chosen === undefined || chosen.kind === 'marketplace';
  const generation = profile.appliance?.image.hyperVGeneration;
  const asked = vm?.securityType === 'TrustedLaunch';
  return [
    ...fault(
      asked && managed,
      '/vm/securityType',
      'cannot be had with a managed image, which a VHD’s is too (azure-docs: trusted launch does not support managed images); ask for Standard, or for a version in a gallery',
    ),
    ...fault(
      asked && ofMarketplace && generation === 'V1',
      '/vm/securityType',
      'needs a machine of generation 2, and the marketplace’s image of this profile is of generation 1; ask for Standard, or for a version of generation 2 in a gallery',
    ),
  ];
};

const image: Rule = ({ request: { image: chosen } }, { keyVaultUri }) => [
  ...fault(
    chosen?.kind === 'vhd' && isOfVault(keyVaultUri, chosen.uri) && !isSecretOf(keyVaultUri, chosen.uri),
    '/image/uri',
    `is of a vault, and not of a secret in the app’s own (${keyVaultUri}); put the VHD’s URL there and give the URI of that secret`,
  ),
];

/** azure-docs, "Server-side encryption": sets, VMs and disks are all in one subscription and region. */
const encryption: Rule = ({ request: { vm, placement } }) => {
  const of = vm?.osDisk?.diskEncryptionSetId.split('/')[2];
  return fault(
    of !== undefined && of.toLowerCase() !== placement.subscriptionId.toLowerCase(),
    '/vm/osDisk/diskEncryptionSetId',
    'lies in another subscription than placement.subscriptionId, and Azure encrypts a disk with a set of its own subscription only; give one of that subscription',
  );
};

/** azure-docs, "Virtual networks and virtual machines": a NIC's network is of its own subscription and region. */
const subnet: Rule = ({ request: { network, placement } }) =>
  fault(
    network?.kind === 'existing' && network.subnetId.split('/')[2]?.toLowerCase() !== placement.subscriptionId,
    '/network/subnetId',
    'lies in another subscription than placement.subscriptionId, and Azure joins a network interface to a network of its own subscription only; give a subnet of that one, or place the Sentries there',
  );

const controller: Rule = ({ request: { controller }, profile }) => [
  ...fault(
    controller.enabled && profile.roles.controller.length === 0,
    '/controller/enabled',
    `would give no more than without it: the profile ${profile.id} has no roles.controller; leave it out`,
  ),
  ...fault(
    controller.assignableRoles !== undefined && !controller.enabled,
    '/controller/assignableRoles',
    'limits a controller that is not enabled; enable it or leave this out',
  ),
];

/** How many Sentries the listed ids alone need: rules by group or tag can only add to it. */
const leastSentries = ({ request, profile }: Blueprint): number => {
  const { include, exclude } = request.subscriptions;
  const ids = include.flatMap((rule) => (rule.kind === 'ids' ? rule.ids : []));
  return Math.ceil(ids.filter((id) => !exclude.includes(id)).length / profile.maxSubscriptions);
};

const oneSentry: Rule = (blueprint) => {
  const { subscriptions, identity, network } = blueprint.request;
  const count = leastSentries(blueprint);
  const several = count > 1;
  const byGroup = subscriptions.grantAt === 'managementGroup';
  const addresses = network?.kind === 'managed' ? roomIn(network.addressPrefix) : Infinity;
  return [
    ...fault(
      identity.kind === 'managedIdentity' && identity.resourceId !== undefined && several,
      '/identity/resourceId',
      `is one identity, and these subscriptions need ${count} Sentries, each with its own; leave it out, or ask for fewer subscriptions`,
    ),
    ...fault(
      byGroup && subscriptions.include.some(({ kind }) => kind !== 'managementGroup'),
      '/subscriptions/grantAt',
      'grants at management groups, so include may only list those; list them, or grant at each subscription',
    ),
    ...fault(
      byGroup && subscriptions.exclude.length > 0,
      '/subscriptions/exclude',
      'cannot be kept by a grant at a management group, which reaches all below it; grant at each subscription',
    ),
    ...fault(
      count > addresses,
      '/network/addressPrefix',
      `has ${addresses} addresses for ${count} Sentries; give a larger range`,
    ),
  ];
};

const schedule: Rule = ({ request }, { now }) => [
  ...fault(endsAt(request) <= now, '/schedule/notAfter', 'is over; give a later moment, or leave it out'),
  ...fault(
    request.schedule?.changeWindows !== undefined && request.drift === 'report' && !request.subscriptions.onboardNew,
    '/schedule/changeWindows',
    'is for what nobody asks for at the time, and this request has none of that; set drift to repair or subscriptions.onboardNew, or leave it out',
  ),
];

const names: Rule = (blueprint) => faultyNames(blueprint, [...new Set([1, 2, Math.max(1, leastSentries(blueprint))])]);

const rules: readonly Rule[] = [
  applianceFields,
  names,
  ports,
  sources,
  addresses,
  credential,
  configuration,
  trustedLaunch,
  image,
  encryption,
  subnet,
  controller,
  oneSentry,
  schedule,
];

export const faultyCombinations: (blueprint: Blueprint, app: AppFacts) => readonly Fault[] = (blueprint, app) =>
  rules.flatMap((rule) => rule(blueprint, app));
