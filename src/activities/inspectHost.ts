import type { Azure } from '../azure/ports';
import { applianceOf, existingIdentityOf } from '../domain/blueprint/blueprint';
import { rolesOf } from '../domain/blueprint/grants';
import { hostNeeds } from '../domain/permissions/host';
import { type Area, readOf } from '../domain/preflight/areas';
import { checkOffer, checkProviders, checkQuota, checkSize } from '../domain/preflight/capacity';
import { checkEncryptionAtHost, checkEncryptionSet } from '../domain/preflight/encryption';
import { checkAssignableRoles } from '../domain/preflight/assignableRoles';
import {
  checkFederation,
  checkIdentity,
  checkLocks,
  checkNames,
  demandOf,
  plannedResources,
  unmarkedNames,
} from '../domain/preflight/existing';
import type { Finding } from '../domain/preflight/finding';
import { checkGrantPolicies } from '../domain/preflight/grantPolicies';
import { checkGraph, checkSecret } from '../domain/preflight/graphRights';
import { checkImage } from '../domain/preflight/image';
import { checkNetwork, subnetOf } from '../domain/preflight/network';
import { checkDelegation, checkHostScope, checkNeeds, checkTerms } from '../domain/preflight/permissions';
import { checkPolicies } from '../domain/preflight/policies';
import { checkRegion } from '../domain/preflight/region';
import {
  checkHost,
  checkWatched,
  subscriptionScope,
  watchedGroups,
  watchedSubscriptions,
} from '../domain/preflight/subscriptions';
import { checkVault } from '../domain/preflight/vault';
import { checkAccount, checkContainer, checkSource, noSource, vhdOf } from '../domain/preflight/vhd';
import { isSame } from '../domain/sameId';
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
    const { areas, blueprint } = input;
    return Promise.all(
      areas.map((area) => inspected(readOf(area, blueprint), reads.identity, () => looks[area](reads, input, home))),
    );
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

/** Of a fleet that stands too, where it is to get another size. */
const forSizing =
  (look: Look): Look =>
  async (reads, input, home) =>
    (await reads.standing()) && !(await reads.isResized()) ? found([]) : look(reads, input, home);

/** Whether a resource that the request names is there is asked once, and told once. */
function isLookedAt(blueprint: HostInspection['blueprint'], scope: string): boolean {
  const image = applianceOf(blueprint)?.image;
  const ofImage = image?.kind === 'image' ? image.id : image?.kind === 'vhd' ? image.storageAccountId : undefined;
  return isSame(scope, existingIdentityOf(blueprint)) || isSame(scope, ofImage);
}

async function delegation(reads: HostReads, blueprint: HostInspection['blueprint']): Promise<readonly Finding[]> {
  const scope = vhdOf(blueprint)?.storageAccountId ?? '';
  const [{ objectId }, above] = await Promise.all([reads.identity(), reads.subscriptionPermissions()]);
  const given = isWithin(scope, blueprint) && checkDelegation(scope, above ?? [], objectId).length === 0;
  return given ? [] : checkDelegation(scope, (await reads.permissions(scope)) ?? [], objectId);
}

const looks: Readonly<Record<Area, Look>> = {
  tenant: async (reads, { blueprint, watched, groups }, home) => {
    const facts = await reads.tenant();
    const roles = rolesOf(blueprint);
    const scopes = [...watchedGroups(groups, roles, facts), ...watchedSubscriptions(watched, roles, facts)];
    const findings = [
      ...checkHost(blueprint.request.placement.subscriptionId, home, facts),
      ...checkWatched(watched, home, roles, facts),
      ...checkAssignableRoles(blueprint, facts.roles),
    ];
    return { findings, limited: scopes.filter(({ limits }) => limits) };
  },
  region: forMaking(async (reads, { blueprint }) => found(checkRegion(blueprint, await reads.hasRegion()))),
  permissions: async (reads, { blueprint }) => {
    const [{ objectId }, held] = await Promise.all([reads.identity(), reads.subscriptionPermissions()]);
    if (!held) return mayHeal(checkHostScope(blueprint));
    const [existing, standing] = await Promise.all([reads.resources(), reads.standing()]);
    const needs = await Promise.all(
      hostNeeds(blueprint, existing !== undefined, standing).map(async (one) => {
        // Roles are inherited: what the subscription gives already need not be asked for below it.
        const given = isWithin(one.scope, blueprint) && checkNeeds(one, held, objectId).length === 0;
        const there = given ? undefined : await reads.permissions(one.scope);
        // What is not there has a finding of its own.
        return given || (!there && isLookedAt(blueprint, one.scope)) ? [] : checkNeeds(one, there, objectId);
      }),
    );
    const terms = checkTerms(blueprint, await reads.terms(), held, objectId);
    return mayHeal([...needs.flat(), ...terms]);
  },
  graph: forMaking(async (reads, { blueprint }) => found(checkGraph(blueprint, await reads.identity()))),
  providers: async (reads, { blueprint }) => {
    const held = (await reads.subscriptionPermissions()) ?? [];
    // Where the app may register whatever is missing, nothing depends on what is.
    const registered = checkProviders(blueprint, {}, held).length === 0 ? undefined : await reads.registrations();
    return found(registered ? checkProviders(blueprint, registered, held) : []);
  },
  quota: forSizing(async (reads, { blueprint, sentries }) => {
    const [existing, standing, resized] = await Promise.all([reads.resources(), reads.standing(), reads.resized()]);
    const toMake = demandOf(blueprint, sentries, existing ?? []);
    // Where all stands no window is opened.
    const demand = { ...toMake, resized, addresses: standing ? 0 : toMake.addresses };
    const compute = await reads.computeUsages();
    // A region that is none has no quota and no sizes either.
    if (!compute) return found([]);
    const ofNetwork = demand.addresses > 0 ? reads.networkUsages() : [];
    const [network, size] = await Promise.all([ofNetwork, reads.size()]);
    return found(checkQuota(blueprint, [...compute, ...network], size, demand));
  }),
  size: forSizing(async (reads, { blueprint }) =>
    found((await reads.hasRegion()) ? checkSize(blueprint, await reads.size()) : []),
  ),
  image: forSizing(async (reads, { blueprint }) => {
    const [image, size, app] = await Promise.all([reads.image(), reads.size(), reads.identity()]);
    const findings = checkImage(blueprint, image, size, app);
    // Machines that stand need it no more, but boot it still.
    return found((await reads.standing()) ? findings.filter(({ code }) => code === 'SizeNotCapable') : findings);
  }),
  identity: async (reads, { blueprint }) => {
    const isThere = await reads.hasIdentity();
    const federations = isThere ? await reads.federations() : [];
    return found([...checkIdentity(blueprint, isThere), ...checkFederation(blueprint, federations)]);
  },
  encryptionAtHost: forMaking(async (reads, { blueprint }) =>
    found(checkEncryptionAtHost(blueprint, await reads.encryptionAtHost())),
  ),
  encryptionSet: forMaking(async (reads, { blueprint }) => {
    const [{ objectId }, set] = await Promise.all([reads.identity(), reads.encryptionSet()]);
    const findings = checkEncryptionSet(blueprint, set, objectId);
    return set.kind === 'forbidden' ? mayHeal(findings) : found(findings);
  }),
  offer: async (reads, { blueprint }) => found(checkOffer(blueprint, await reads.terms())),
  names: async (reads, { blueprint, sentries }) => {
    const existing = (await reads.resources()) ?? [];
    const unmarked = unmarkedNames(blueprint, sentries, existing);
    return { findings: checkNames(blueprint, sentries, existing), ...(unmarked.length > 0 ? { unmarked } : {}) };
  },
  locks: async (reads, { blueprint }) => found(checkLocks(blueprint, await reads.locks(), await reads.standing())),
  policies: async (reads, { blueprint }) => {
    const [policies, places] = await Promise.all([reads.policies(), reads.places()]);
    const [existing, standing] = await Promise.all([reads.resources(), reads.standing()]);
    const isWritten = !standing || (await reads.isResized());
    const ofHost = isWritten ? checkPolicies(blueprint, policies, places.group, existing !== undefined, standing) : [];
    return found([...ofHost, ...checkGrantPolicies(blueprint, places.watched, policies)]);
  },
  network: forMaking(async (reads, { blueprint, sentries, egress }) => {
    const [network, others, existing, around, app] = await Promise.all([
      reads.network(),
      reads.others(),
      reads.resources(),
      reads.around(),
      reads.identity(),
    ]);
    const subnet = subnetOf(blueprint, network);
    const rules = around?.securityGroups.find(({ id }) => isSame(id, subnet?.networkSecurityGroupId))?.rules;
    const routes = around?.routeTables.find(({ id }) => isSame(id, subnet?.routeTableId))?.routes;
    const toMake = demandOf(blueprint, sentries, existing ?? []).interfaces;
    return found(checkNetwork(blueprint, { network, others, rules, routes, toMake, egress, app }));
  }),
  vhd: forMaking(async (reads, { blueprint }) => {
    // An image that was made of it needs no VHD any more.
    const image = plannedResources(blueprint, 0).find(({ kind }) => kind === 'image')?.id;
    if ((await reads.resources())?.some(({ id }) => isSame(id, image))) return found([]);
    const [around, container, source] = await Promise.all([reads.around(), reads.container(), reads.source()]);
    const ofSource =
      source.kind === 'url'
        ? checkSource(await reads.answerOf(source.url))
        : [noSource(source.kind, vhdOf(blueprint)?.uri ?? '')];
    const delegated = around?.account?.allowSharedKeyAccess === false ? await delegation(reads, blueprint) : [];
    return found([
      ...checkAccount(blueprint, around?.account),
      ...checkContainer(blueprint, container),
      ...ofSource,
      ...delegated,
    ]);
  }),
  vault: async (reads) => {
    const [{ objectId }, answer] = await Promise.all([reads.identity(), reads.vault()]);
    return mayHeal(checkVault(answer, objectId));
  },
  secretRules: forMaking(async (reads, { blueprint }) => found(checkSecret(blueprint, await reads.secretRules()))),
};
