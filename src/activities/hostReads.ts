/** What the areas of the host's preflight read, each at most once however many ask for it. */
import { AzureError, type Azure } from '../azure/ports';
import { applianceOf, existingIdentityOf, groupId } from '../domain/blueprint/blueprint';
import { rolesOf } from '../domain/blueprint/grants';
import { sharedResources } from '../domain/blueprint/shared';
import type { Size, Terms } from '../domain/preflight/capacity';
import { assignableRoles } from '../domain/preflight/assignableRoles';
import { demandOf, plannedResources } from '../domain/preflight/existing';
import { networkIdOf } from '../domain/preflight/network';
import type { Permission } from '../domain/preflight/rights';
import type { Reached } from '../domain/preflight/policies';
import { groupsAbove, ROLE_ASSIGNMENT_LIMIT, subscriptionScope } from '../domain/preflight/subscriptions';
import type { VaultAnswer } from '../domain/preflight/vault';
import { type Source, sourceIn } from '../domain/preflight/vhd';
import { isSame } from '../domain/sameId';
import { isSecretOf } from '../domain/vaultUri';
import type { HostInspection } from './contracts';
import { isForbidden } from './inspected';

export type HostReads = ReturnType<typeof hostReads>;

/** A secret that nobody has: whoever may read secrets is told that it is not there. */
const NO_SECRET = 'sentry-preflight-reads-nothing';

export function hostReads({ inspection, arm, secrets }: Azure, input: HostInspection) {
  const { blueprint, sentries, settled, watched } = input;
  const { subscriptionId, location } = blueprint.request.placement;
  const appliance = applianceOf(blueprint);
  const group = groupId(blueprint.request);
  const host = subscriptionScope(subscriptionId);

  const held = new Map<string, Promise<readonly Permission[] | undefined>>();
  const permissions = (scope: string): Promise<readonly Permission[] | undefined> => {
    // Whoever holds no role at a scope may not even ask which.
    const read = held.get(scope) ?? otherwise(inspection.permissions(scope), isForbidden, []);
    held.set(scope, read);
    return read;
  };
  const resources = once(() => inspection.resources(group));
  const identity = once(() => inspection.identity());
  /** Locks are asked for at the group; at one that is not there yet, Azure answers 404. */
  const scope = async (): Promise<string> => ((await resources()) ? group : host);
  const wantedSize = appliance?.vm.size ?? '';
  /** Sizes of our machines that have another one than is wanted. */
  const formerSizes = once(async () => {
    const here = new Set((await resources())?.map(({ id }) => id.toLowerCase()));
    const ours = plannedResources(blueprint, sentries).flatMap(({ kind, id }) =>
      kind === 'virtualMachine' && here.has(id.toLowerCase()) ? [id.toLowerCase()] : [],
    );
    const shown = ours.length > 0 ? await inspection.machines(group) : [];
    return shown.flatMap(({ id, size }) =>
      ours.includes(id.toLowerCase()) && size.toLowerCase() !== wantedSize.toLowerCase() ? [size] : [],
    );
  });
  const sizes = once(async () =>
    inspection.sizes(subscriptionId, location, [wantedSize, ...new Set(await formerSizes())]),
  );
  const size = async (): Promise<Size | undefined> => (await sizes()).get(wantedSize);
  const resized = async () => {
    const former = await formerSizes();
    if (former.length === 0) return [];
    const known = await sizes();
    return former.map((name) => known.get(name));
  };
  /**
   * Of a region that it is not in, a provider says so: 400 "No registered resource provider found for location
   * 'atlantis' […]. The supported locations are 'westeurope, […]'." It says the same of an api-version.
   */
  const isElsewhere = (error: unknown): boolean => {
    if (!(error instanceof AzureError) || error.outcome.code !== 'NoRegisteredProviderFound') return false;
    const supported = /supported locations are '([^']*)'/i.exec(error.outcome.reason)?.[1];
    return supported !== undefined && !supported.toLowerCase().replaceAll(' ', '').split(',').includes(location);
  };
  const usages = once(() => otherwise(inspection.computeUsages(subscriptionId, location), isElsewhere, undefined));
  /** Where nobody asks for usages, because there is no appliance, the subscription's list tells. */
  const hasRegion = async (): Promise<boolean> =>
    appliance
      ? // That the app may not read them is said of the quota.
        otherwise(
          usages().then((found) => found !== undefined),
          isForbidden,
          true,
        )
      : (await inspection.regions(subscriptionId)).includes(location);
  const terms = async (): Promise<Terms | undefined> => {
    const agreement = sharedResources(blueprint).find(({ kind }) => kind === 'marketplaceAgreement');
    const body = agreement && (await otherwise(arm.marketplaceAgreement.get(agreement.id), hasNoTerms, undefined));
    return body && { accepted: 'accepted' in body && body.accepted === true };
  };
  const networkId = networkIdOf(blueprint) ?? '';
  const existing = appliance?.network.kind === 'existing' ? appliance.network.subnetId : undefined;
  const vhd = appliance?.image.kind === 'vhd' ? appliance.image : undefined;
  const isThere = async (id: string) => (await resources())?.some((one) => isSame(one.id, id));
  const named = {
    ...(existing === undefined ? {} : { networkId, subnetId: existing }),
    accountId: vhd?.storageAccountId,
    encryptionSetId: appliance?.vm.osDisk?.diskEncryptionSetId,
    imageId: appliance?.image.kind === 'image' ? appliance.image.id : undefined,
    identityId: existingIdentityOf(blueprint),
  };
  /** All in one query, and asked only where there is something to ask for. */
  const around = once(async () =>
    Object.values(named).every((id) => id === undefined) ? undefined : inspection.surroundings(named),
  );
  /** What was made a moment ago is not in Resource Graph yet, nor is what the app may not read. */
  const encryptionSet = async () =>
    (await around())?.encryptionSet ??
    otherwise(inspection.encryptionSet(named.encryptionSetId ?? ''), isForbidden, FORBIDDEN);
  const image = async () =>
    (await around())?.image ?? otherwise(inspection.image(named.imageId ?? ''), isForbidden, FORBIDDEN);
  const hasIdentity = async (): Promise<boolean> => {
    if ((await around())?.identity === true) return true;
    const read = arm.userAssignedIdentity.get(named.identityId ?? '').then((body) => body !== undefined);
    // Of one that the app may not read, the missing permission is told.
    return otherwise(read, isForbidden, true);
  };
  /** Where the request wants none of it, nobody need be asked. */
  const federations = async () =>
    blueprint.request.identity.federatedCredential
      ? otherwise(inspection.federations(named.identityId ?? ''), isForbidden, [])
      : [];
  const network = async () =>
    existing === undefined
      ? (await isThere(networkId)) === true
        ? inspection.network(networkId)
        : undefined
      : ((await around())?.network ?? inspection.network(networkId));
  /** Those that ours could meet, where it is still to be made. */
  const others = async () =>
    appliance?.network.kind === 'managed' && (await isThere(networkId)) !== true ? inspection.networks() : undefined;
  const inVault = vhd !== undefined && isSecretOf(secrets.vaultUri, vhd.uri);
  /** Where the VHD's URL lies in the vault, reading it is the look at the vault as well. */
  const secret = once(() => secrets.get(inVault ? vhd.uri : NO_SECRET));
  const vault = async (): Promise<VaultAnswer> => {
    try {
      await secret();
      return { kind: 'open' };
    } catch (error) {
      if (isForbidden(error)) return { kind: 'forbidden', reason: error.outcome.reason };
      throw error;
    }
  };
  /** With a SAS in it perhaps: it goes from here to Azure and nowhere else. */
  const source = async (): Promise<Source> => {
    if (!vhd) return { kind: 'absent' };
    if (!inVault) return { kind: 'url', url: vhd.uri };
    return sourceIn((await secret())?.value);
  };
  /** Everything is made and set up: what may no longer be written need not be. */
  const standing = async (): Promise<boolean> =>
    settled && demandOf(blueprint, sentries, (await resources()) ?? []).machines === 0;
  const tenant = once(async () =>
    inspection.tenant(
      (await identity()).objectId,
      ROLE_ASSIGNMENT_LIMIT - rolesOf(blueprint).length + 1,
      assignableRoles(blueprint),
    ),
  );
  /** The group, whether it exists or not, and the watched subscriptions: what policies reach. */
  const places = once(async () => {
    const facts = await tenant();
    const of = (id: string): Reached => ({ scope: subscriptionScope(id), above: groupsAbove(id, facts) });
    const { scope: at, above } = of(subscriptionId);
    return { group: { scope: group, above: [at, ...above] }, watched: watched.map(of) };
  });
  const policies = async () => {
    const { group: own, watched: rest } = await places();
    return inspection.policies([...new Set([own, ...rest].flatMap(({ scope: at, above }) => [at, ...above]))]);
  };
  return {
    identity,
    standing: once(standing),
    permissions,
    resources,
    subscriptionPermissions: () => permissions(host),
    tenant,
    registrations: once(() => inspection.registrations(subscriptionId)),
    computeUsages: usages,
    networkUsages: () => inspection.networkUsages(subscriptionId, location),
    hasRegion: once(hasRegion),
    size,
    resized,
    isResized: async () => (await formerSizes()).length > 0,
    encryptionSet,
    image,
    hasIdentity,
    federations,
    encryptionAtHost: () => inspection.feature(subscriptionId, 'Microsoft.Compute', 'EncryptionAtHost'),
    terms: once(terms),
    network: once(network),
    others,
    around,
    vault,
    source,
    answerOf: (url: string) => inspection.vhdSource(url),
    container: async () => (vhd ? inspection.container(vhd.storageAccountId, vhd.container) : 'there'),
    locks: once(async () => inspection.locks(await scope())),
    places,
    policies: once(policies),
    secretRules: () => inspection.secretRules(),
  };
}

const FORBIDDEN = { kind: 'forbidden' } as const;

/** The marketplace says of an offer that it does not have: 400 "Unable to find legal terms for this offer". */
const hasNoTerms = (error: unknown): boolean =>
  error instanceof AzureError && /unable to find legal terms/i.test(error.outcome.reason);

async function otherwise<T>(read: Promise<T>, when: (error: unknown) => boolean, instead: T): Promise<T> {
  try {
    return await read;
  } catch (error) {
    if (when(error)) return instead;
    throw error;
  }
}

const once = <T>(read: () => Promise<T>): (() => Promise<T>) => {
  let begun: Promise<T> | undefined;
  return () => (begun ??= read());
};
