/** What the areas of the host's preflight read, each at most once however many ask for it. */
import { AzureError, type Azure } from '../azure/ports';
import { applianceOf, groupId } from '../domain/blueprint/blueprint';
import { rolesOf } from '../domain/blueprint/grants';
import { sharedResources } from '../domain/blueprint/shared';
import type { Size, Terms } from '../domain/preflight/capacity';
import type { EncryptionSet } from '../domain/preflight/encryption';
import { demandOf } from '../domain/preflight/existing';
import { networkIdOf } from '../domain/preflight/network';
import type { Permission } from '../domain/preflight/rights';
import { ROLE_ASSIGNMENT_LIMIT, subscriptionScope } from '../domain/preflight/subscriptions';
import type { VaultAnswer } from '../domain/preflight/vault';
import type { HostInspection } from './contracts';
import { isForbidden } from './inspected';

export type HostReads = ReturnType<typeof hostReads>;

/** A secret that nobody has: whoever may read secrets is told that it is not there. */
const NO_SECRET = 'sentry-preflight-reads-nothing';

export function hostReads({ inspection, arm, secrets }: Azure, { blueprint, sentries, settled }: HostInspection) {
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
  /** Locks and policies are asked for at the group; at one that is not there yet, Azure answers 404. */
  const scope = async (): Promise<string> => ((await resources()) ? group : host);
  const size = async (): Promise<Size | undefined> =>
    appliance && inspection.size(subscriptionId, location, appliance.vm.size);
  const encryptionSet = (): Promise<EncryptionSet> =>
    otherwise(inspection.encryptionSet(appliance?.vm.osDisk?.diskEncryptionSetId ?? ''), isForbidden, {
      kind: 'forbidden',
    });
  const terms = async (): Promise<Terms | undefined> => {
    const agreement = sharedResources(blueprint).find(({ kind }) => kind === 'marketplaceAgreement');
    const body = agreement && (await otherwise(arm.marketplaceAgreement.get(agreement.id), hasNoTerms, undefined));
    return body && { accepted: 'accepted' in body && body.accepted === true };
  };
  const network = async () => {
    const id = networkIdOf(blueprint) ?? '';
    const ours = appliance?.network.kind === 'managed';
    const exists = async () => (await resources())?.some((one) => one.id.toLowerCase() === id.toLowerCase());
    return !ours || (await exists()) ? inspection.network(id) : undefined;
  };
  const vault = async (): Promise<VaultAnswer> => {
    try {
      await secrets.get(NO_SECRET);
      return { kind: 'open' };
    } catch (error) {
      if (isForbidden(error)) return { kind: 'forbidden', reason: error.outcome.reason };
      throw error;
    }
  };
  /** Everything is made and set up: what may no longer be written need not be. */
  const standing = async (): Promise<boolean> =>
    settled && demandOf(blueprint, sentries, (await resources()) ?? []).machines === 0;
  return {
    identity,
    standing: once(standing),
    permissions,
    resources,
    subscriptionPermissions: () => permissions(host),
    tenant: once(async () =>
      inspection.tenant((await identity()).objectId, ROLE_ASSIGNMENT_LIMIT - rolesOf(blueprint).length + 1),
    ),
    registrations: once(() => inspection.registrations(subscriptionId)),
    usages: once(async () =>
      (
        await Promise.all([
          inspection.computeUsages(subscriptionId, location),
          inspection.networkUsages(subscriptionId, location),
        ])
      ).flat(),
    ),
    size: once(size),
    encryptionSet,
    encryptionAtHost: () => inspection.feature(subscriptionId, 'Microsoft.Compute', 'EncryptionAtHost'),
    terms: once(terms),
    network: once(network),
    locks: once(async () => inspection.locks(await scope())),
    policies: once(async () => inspection.policies(await scope())),
    securityRules: (id: string) => inspection.securityRules(id),
    routes: (id: string) => inspection.routes(id),
    secretRules: () => inspection.secretRules(),
    vault,
  };
}

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
