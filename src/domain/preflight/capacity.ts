/** Providers, quota, sizes and terms: has the host subscription room for the Sentries in its region? Pure. */
import { applianceOf, type ApplianceChoice, type Blueprint } from '../blueprint/blueprint';
import { sharedResources } from '../blueprint/shared';
import { finding } from './codes';
import type { Finding } from './finding';
import { allows, type Permission } from './rights';

export type Registrations = Readonly<Record<string, string>>;

/** Namespaces of all that is made in the host subscription: each has a registration of its own among the resources. */
export const namespacesOf = (blueprint: Blueprint): readonly string[] =>
  sharedResources(blueprint).flatMap(({ kind, id }) =>
    kind === 'providerRegistration' ? [id.slice(id.lastIndexOf('/') + 1)] : [],
  );

/** Where the app may register it does so by itself: that is a resource like any other. */
export function checkProviders(
  blueprint: Blueprint,
  registrations: Registrations,
  held: readonly Permission[],
): readonly Finding[] {
  const { subscriptionId } = blueprint.request.placement;
  const states = new Map(Object.entries(registrations).map(([name, state]) => [name.toLowerCase(), state]));
  return namespacesOf(blueprint).flatMap((name) => {
    const state = states.get(name.toLowerCase()) ?? 'NotRegistered';
    if (/^regist/i.test(state) || allows(held, `${name}/register/action`)) return [];
    const reason = `The subscription is not registered for ${name} (${state}), and the app may not register it`;
    const remedy = `A Contributor runs \`az provider register --namespace ${name} --subscription ${subscriptionId} --wait\`.`;
    return [finding('ProviderNotRegistered', `/subscriptions/${subscriptionId}/providers/${name}`, reason, remedy)];
  });
}

export interface Usage {
  readonly name: string;
  readonly used: number;
  readonly limit: number;
}
export interface Size {
  readonly family: string;
  readonly cores: number;
  /** Zones of the region that have it, and those in which this subscription may not use it. */
  readonly zones: readonly string[];
  readonly restrictedZones: readonly string[];
  readonly restricted: boolean;
  readonly capabilities: Readonly<Record<string, string>>;
}

export type Sizes = ReadonlyMap<string, Size>;
/** A VM as Azure shows it. */
export interface Machine {
  readonly id: string;
  readonly size: string;
}

const QUOTA = 'https://portal.azure.com/#view/Microsoft_Azure_Capacity/QuotaMenuBlade/~/myQuotas';

/** How much more of each counted thing the deployment needs. */
export interface Demand {
  readonly machines: number;
  readonly interfaces: number;
  readonly addresses: number;
  /** What the machines have that are to get another size; undefined of one that the region does not list any more. */
  readonly resized?: readonly (Size | undefined)[];
}

/** `size` is undefined where the region does not list it: that has a finding of its own. */
export function checkQuota(
  blueprint: Blueprint,
  usages: readonly Usage[],
  size: Size | undefined,
  { machines, addresses, resized = [] }: Demand,
): readonly Finding[] {
  const { subscriptionId, location } = blueprint.request.placement;
  /** A machine that is resized gives back what it has, of its own family. */
  const coresBeside = (isKept: (former: Size) => boolean): number =>
    resized.reduce(
      (sum, former) => sum + (size?.cores ?? 0) - (former && isKept(former) ? former.cores : 0),
      machines * (size?.cores ?? 0),
    );
  const wanted: readonly (readonly [string, number])[] = [
    ['virtualMachines', machines],
    ['cores', coresBeside(() => true)],
    ...(size ? [[size.family, coresBeside(({ family }) => family === size.family)] as const] : []),
    ['PublicIPAddresses', addresses],
    ['StandardSkuPublicIpAddresses', addresses],
    ['StaticPublicIPAddresses', addresses],
  ];
  return wanted.flatMap(([name, more]) => {
    const usage = usages.find((one) => one.name.toLowerCase() === name.toLowerCase());
    if (!usage || more <= 0 || usage.used + more <= usage.limit) return [];
    const reason = `${usage.name} in ${location}: ${usage.used} of ${usage.limit} are used, and ${more} are to come`;
    const remedy = `Ask for a limit of ${usage.used + more} or more: ${QUOTA}. Or ask for a smaller vm.size or another placement.location.`;
    return [finding('QuotaExceeded', `/subscriptions/${subscriptionId}`, reason, remedy)];
  });
}

export function checkSize(blueprint: Blueprint, size: Size | undefined): readonly Finding[] {
  const appliance = applianceOf(blueprint);
  if (!appliance) return [];
  const { vm } = appliance;
  const { location, zone } = blueprint.request.placement;
  const list = `\`az vm list-skus --location ${location} --resource-type virtualMachines --output table\` shows what there is.`;
  const not = (where: string, reason: string): Finding => finding('SizeNotAvailable', where, reason, list);
  if (!size) return [not('/vm/size', `${vm.size} is not a size of ${location}`)];
  if (size.restricted) return [not('/vm/size', `${vm.size} is not available to this subscription in ${location}`)];
  const noZone = zone !== undefined && (!size.zones.includes(zone) || size.restrictedZones.includes(zone));
  const is = (name: string): boolean => size.capabilities[name]?.toLowerCase() === 'true';
  const says = (name: string): boolean => size.capabilities[name] !== undefined;
  const unencrypted =
    vm.encryptionAtHost === true && says('EncryptionAtHostSupported') && !is('EncryptionAtHostSupported');
  const untrusted =
    vm.securityType === 'TrustedLaunch' &&
    (is('TrustedLaunchDisabled') ||
      (says('HyperVGenerations') && !/V2/i.test(size.capabilities['HyperVGenerations'] ?? '')));
  return [
    ...(noZone ? [not('/placement/zone', `${vm.size} is not available in zone ${zone} of ${location}`)] : []),
    ...(unencrypted
      ? [finding('SizeNotCapable', '/vm/encryptionAtHost', `${vm.size} has no encryption at host`, list)]
      : []),
    ...(untrusted ? [finding('SizeNotCapable', '/vm/securityType', `${vm.size} has no Trusted Launch`, list)] : []),
    // Of an image that is named by its id, what it is shows with the image.
    ...(appliance.image.kind === 'image' ? [] : cannotBoot(appliance, size, appliance.offer.hyperVGeneration)),
  ];
}

/** A size boots machines of one generation or of both. */
export function cannotBoot(
  { vm }: ApplianceChoice,
  size: Size | undefined,
  generation: 'V1' | 'V2',
): readonly Finding[] {
  const boots = size?.capabilities['HyperVGenerations'];
  if (boots === undefined || boots.toUpperCase().includes(generation)) return [];
  const reason = `${vm.size} boots machines of ${boots}, and the image is of ${generation}`;
  const remedy =
    'Ask for a size that boots it: `az vm list-skus --resource-type virtualMachines` shows HyperVGenerations of each.';
  return [finding('SizeNotCapable', '/vm/size', reason, remedy)];
}

/** The terms as the marketplace has them; undefined where it has none for this offer. */
export interface Terms {
  readonly accepted: boolean;
}

export function checkOffer(blueprint: Blueprint, terms: Terms | undefined): readonly Finding[] {
  const agreement = sharedResources(blueprint).find(({ kind }) => kind === 'marketplaceAgreement');
  const appliance = applianceOf(blueprint);
  if (!appliance || !agreement || terms) return [];
  const { publisher, offer, plan } = appliance.offer;
  const reason = `The marketplace has no terms of ${publisher}, ${offer}, ${plan}: it has no such plan, or the image no purchase plan`;
  const remedy = `\`az vm image list --publisher ${publisher} --all --output table\` shows what it has. Correct the profile’s image (docs/profiles.md); one without a purchase plan it cannot have: ask for image.kind vhd or image.`;
  return [finding('OfferNotFound', agreement.id, reason, remedy)];
}
