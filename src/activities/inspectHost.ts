import type { Azure } from '../azure/ports';
import { rolesOf } from '../domain/blueprint/grants';
import { type Area, areas } from '../domain/preflight/areas';
import { checkOffer, checkProviders, checkQuota, checkSize } from '../domain/preflight/capacity';
import { checkEncryptionAtHost, checkEncryptionSet } from '../domain/preflight/encryption';
import { checkLocks, checkNames, demandOf } from '../domain/preflight/existing';
import type { Finding } from '../domain/preflight/finding';
import { checkGraph, checkSecret } from '../domain/preflight/graphRights';
import { checkNetwork, subnetOf } from '../domain/preflight/network';
import { checkHostScope, checkNeeds, checkTerms, hostNeeds } from '../domain/preflight/permissions';
import { checkPolicies } from '../domain/preflight/policies';
import {
  checkHost,
  checkWatched,
  subscriptionScope,
  watchedGroups,
  watchedSubscriptions,
} from '../domain/preflight/subscriptions';
import { checkVault } from '../domain/preflight/vault';
import type { activities, HandlerOf, HostInspection } from './contracts';
import { hostReads, type HostReads } from './hostReads';
import { type Found, HEALS_SECONDS, inspected } from './inspected';

/**
 * Looks at the host and the tenant, area by area. What one area has read another does not read again. Writes nothing;
 * each area answers by itself, so that one that cannot be read hides no other. `home` is the app's own tenant.
 */
export const makeInspectHost =
  (azure: Azure, home: string): HandlerOf<typeof activities.inspectHost> =>
  async (input) => {
    const reads = hostReads(azure, input);
    const where = subscriptionScope(input.blueprint.request.placement.subscriptionId);
    return Promise.all(input.areas.map((area) => inspected(areas[area], where, () => looks[area](reads, input, home))));
  };

const isWithin = (scope: string, { request: { placement } }: HostInspection['blueprint']): boolean =>
  `${scope}/`.toLowerCase().startsWith(`${subscriptionScope(placement.subscriptionId)}/`);

type Look = (reads: HostReads, input: HostInspection, home: string) => Promise<Found>;

const found = (findings: readonly Finding[]): Found => ({ findings });
const mayHeal = (findings: readonly Finding[]): Found =>
  findings.length > 0 ? { findings, healsWithin: HEALS_SECONDS } : { findings };

/** Of no concern where everything stands: what was made is kept, and nothing of it is made anew. */
const forMaking =
  (look: Look): Look =>
  async (reads, input, home) =>
    (await reads.standing()) ? found([]) : look(reads, input, home);

const looks: Readonly<Record<Area, Look>> = {
  tenant: async (reads, { blueprint, watched, groups }, home) => {
    const facts = await reads.tenant();
    const roles = rolesOf(blueprint);
    const scopes = [...watchedGroups(groups, roles, facts), ...watchedSubscriptions(watched, roles, facts)];
    const findings = [
      ...checkHost(blueprint.request.placement.subscriptionId, home, facts),
      ...checkWatched(watched, home, roles, facts),
    ];
    return { findings, limited: scopes.filter(({ limits }) => limits) };
  },
  permissions: async (reads, { blueprint }) => {
    const [{ objectId }, held] = await Promise.all([reads.identity(), reads.subscriptionPermissions()]);
    if (!held) return mayHeal(checkHostScope(blueprint));
    const [existing, standing] = await Promise.all([reads.resources(), reads.standing()]);
    const needs = await Promise.all(
      hostNeeds(blueprint, existing !== undefined, standing).map(async (one) => {
        // Roles are inherited: what the subscription gives already need not be asked for below it.
        const given = isWithin(one.scope, blueprint) && checkNeeds(one, held, objectId).length === 0;
        return given ? [] : checkNeeds(one, await reads.permissions(one.scope), objectId);
      }),
    );
    const terms = checkTerms(blueprint, await reads.terms(), held, objectId);
    return mayHeal([...needs.flat(), ...terms]);
  },
  graph: forMaking(async (reads, { blueprint }) => found(checkGraph(blueprint, await reads.identity()))),
  providers: async (reads, { blueprint }) => {
    const [registered, held] = await Promise.all([reads.registrations(), reads.subscriptionPermissions()]);
    return found(checkProviders(blueprint, registered, held ?? []));
  },
  quota: forMaking(async (reads, { blueprint, sentries }) => {
    const [usages, size, existing] = await Promise.all([reads.usages(), reads.size(), reads.resources()]);
    return found(checkQuota(blueprint, usages, size, demandOf(blueprint, sentries, existing ?? [])));
  }),
  size: forMaking(async (reads, { blueprint }) => found(checkSize(blueprint, await reads.size()))),
  encryptionAtHost: forMaking(async (reads, { blueprint }) =>
    found(checkEncryptionAtHost(blueprint, await reads.encryptionAtHost())),
  ),
  encryptionSet: forMaking(async (reads, { blueprint }) => {
    const [{ objectId }, set] = await Promise.all([reads.identity(), reads.encryptionSet()]);
    const findings = checkEncryptionSet(blueprint, set, objectId);
    return set.kind === 'forbidden' ? mayHeal(findings) : found(findings);
  }),
  offer: async (reads, { blueprint }) => found(checkOffer(blueprint, await reads.terms())),
  names: async (reads, { blueprint, sentries }) =>
    found(checkNames(blueprint, sentries, (await reads.resources()) ?? [])),
  locks: async (reads, { blueprint }) => found(checkLocks(blueprint, await reads.locks(), await reads.standing())),
  policies: forMaking(async (reads, { blueprint }) => {
    const [policies, existing] = await Promise.all([reads.policies(), reads.resources()]);
    return found(checkPolicies(blueprint, policies, existing !== undefined));
  }),
  network: forMaking(async (reads, { blueprint, sentries, egress }) => {
    const [network, existing] = await Promise.all([reads.network(), reads.resources()]);
    const subnet = subnetOf(blueprint, network);
    const [rules, routes] = await Promise.all([
      subnet?.networkSecurityGroupId === undefined ? undefined : reads.securityRules(subnet.networkSecurityGroupId),
      subnet?.routeTableId === undefined ? undefined : reads.routes(subnet.routeTableId),
    ]);
    const toMake = demandOf(blueprint, sentries, existing ?? []).interfaces;
    return found(checkNetwork(blueprint, { network, rules, routes, toMake, egress }));
  }),
  vault: async (reads) => {
    const [{ objectId }, answer] = await Promise.all([reads.identity(), reads.vault()]);
    return mayHeal(checkVault(answer, objectId));
  },
  secretRules: forMaking(async (reads, { blueprint }) => found(checkSecret(blueprint, await reads.secretRules()))),
};
