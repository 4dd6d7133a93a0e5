/** What lies in the resource group already, and the locks on it. Pure. */
import { applianceOf, type Blueprint, existingIdentityOf, groupId } from '../blueprint/blueprint';
import { isFederationOf } from '../blueprint/identity';
import { sentryResources } from '../blueprint/sentry';
import { sharedResources } from '../blueprint/shared';
import { windowResources, windowScope } from '../blueprint/window';
import { markAgain, markLost } from '../mark';
import { kinds, OWNER_TAG, type Resource } from '../resources';
import type { Demand } from './capacity';
import { finding } from './codes';
import type { Finding } from './finding';

export interface Existing {
  readonly id: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** All that the deployment makes in its group, an open window's address too. Nothing in it depends on what exists. */
export function plannedResources(blueprint: Blueprint, sentries: number): readonly Resource[] {
  const appliance = applianceOf(blueprint);
  const each = Array.from({ length: sentries }, (_, index) => {
    const ids = { networkSecurityGroupId: '', networkInterfaceId: '', expiresAt: '' };
    const window = appliance ? windowResources(windowScope(blueprint, index + 1, appliance, [], ids)) : [];
    return [...sentryResources(blueprint, index + 1, []), ...window.filter(({ kind }) => kind === 'publicIPAddress')];
  });
  return [...sharedResources(blueprint), ...each.flat()];
}

/**
 * Names that another has. Not looked at: applications, whose display names need not be unique (ours are found by a
 * unique name of their own), and deleted secrets of the vault, which are recovered.
 */
export function checkNames(blueprint: Blueprint, sentries: number, existing: readonly Existing[]): readonly Finding[] {
  const { name } = blueprint.request;
  return takenNames(blueprint, sentries, existing).map(({ id, tags }) => {
    const owner = tags[OWNER_TAG];
    const rename = 'Give another name in names, or another placement.resourceGroup';
    if (owner !== undefined) return finding('NameTaken', id, `It belongs to the deployment '${owner}'`, `${rename}.`);
    const remedy = `${rename}. Where this deployment made it, put its mark back: ${markAgain(id, name)}. If nobody needs it, run \`az resource delete --ids ${id}\`.`;
    return finding('NameTaken', id, `It bears no deployment's mark, the tag ${OWNER_TAG}`, remedy);
  });
}

function takenNames(blueprint: Blueprint, sentries: number, existing: readonly Existing[]): readonly Existing[] {
  const byId = new Map(existing.map((one) => [one.id.toLowerCase(), one]));
  return plannedResources(blueprint, sentries).flatMap(({ kind, id }) => {
    const found = byId.get(id.toLowerCase());
    return found && !kinds[kind].adopt && found.tags[OWNER_TAG] !== blueprint.request.name ? [found] : [];
  });
}

/** Of the names that are taken those that bear nobody's mark: another's, or ours that lost it, as our own state tells. */
export const unmarkedNames = (
  blueprint: Blueprint,
  sentries: number,
  existing: readonly Existing[],
): readonly string[] =>
  takenNames(blueprint, sentries, existing).flatMap(({ id, tags }) => (tags[OWNER_TAG] === undefined ? [id] : []));

/** A name that is taken by what this deployment made: nothing but its mark is lacking. */
export function checkMark(deployment: string, { where }: Finding): Finding {
  const { reason, remedy } = markLost(where, deployment);
  return finding('MarkLost', where, reason, remedy);
}

/** An identity of the customer's, whether Azure shows it or not. That the app may not read it is said elsewhere. */
export const checkIdentity = (blueprint: Blueprint, isThere: boolean): readonly Finding[] =>
  isThere
    ? []
    : [
        finding(
          'NoSuchResource',
          existingIdentityOf(blueprint) ?? '',
          'Azure knows no such identity',
          'Correct identity.resourceId (`az identity list --query "[].id"` shows what there is), or leave it out: then one is made.',
        ),
      ];

/** What an identity trusts: a credential's name, and whose tokens it takes. */
export interface Trusted {
  readonly name: string;
  readonly issuer: string;
  /** None where an expression over claims takes its place. */
  readonly subject?: string | null | undefined;
}

/** Entra takes an issuer and subject once for each identity, under whatever name. */
export function checkFederation(blueprint: Blueprint, federations: readonly Trusted[]): readonly Finding[] {
  const { name, identity } = blueprint.request;
  const { federatedCredential: wanted } = identity;
  const id = existingIdentityOf(blueprint);
  if (!wanted || id === undefined) return [];
  const taken = federations.find(
    (one) => one.issuer === wanted.issuer && one.subject === wanted.subject && !isFederationOf(name, one.name),
  );
  if (!taken) return [];
  const [, , , , group = '', , , , of = ''] = id.split('/');
  const remedy = `Ask for another subject or another identity; or, if nobody needs it, run \`az identity federated-credential delete --identity-name ${of} --resource-group ${group} --name ${taken.name}\`.`;
  const reason = `The identity has this issuer and subject in its federated credential '${taken.name}', which is not this deployment’s`;
  return [finding('FederationTaken', '/identity/federatedCredential', reason, remedy)];
}

/** How many more machines and addresses are to come than there are. The window's address counts: it must fit too. */
export function demandOf(blueprint: Blueprint, sentries: number, existing: readonly Existing[]): Demand {
  const here = new Set(existing.map(({ id }) => id.toLowerCase()));
  const missing = plannedResources(blueprint, sentries).filter(({ id }) => !here.has(id.toLowerCase()));
  const count = (kind: Resource['kind']): number => missing.filter((one) => one.kind === kind).length;
  const publicly = applianceOf(blueprint)?.access.kind === 'temporaryPublicIp';
  const windows = missing.filter(({ kind, key }) => kind === 'publicIPAddress' && key === 'publicIPAddress').length;
  return {
    machines: count('virtualMachine'),
    interfaces: count('networkInterface'),
    addresses: count('publicIPAddress') - (publicly ? 0 : windows),
  };
}

export interface Lock {
  readonly id: string;
  readonly level: string;
}

/** A lock at the subscription, the group or a resource in it. */
export function checkLocks(blueprint: Blueprint, locks: readonly Lock[], standing = false): readonly Finding[] {
  const appliance = applianceOf(blueprint);
  const opens = !standing && appliance !== undefined && appliance.configuration.kind !== 'runCommand';
  return locks.flatMap(({ id, level }) => {
    const remedy = `Whoever set it runs \`az lock delete --ids ${id}\`. Or ask for another placement.resourceGroup.`;
    const where = groupId(blueprint.request);
    if (level === 'ReadOnly' && !standing)
      return [finding('LockForbidsWrites', where, `The lock ${id} forbids every write`, remedy)];
    const code = opens ? 'LockForbidsDeletion' : 'LockForbidsTeardown';
    return [finding(code, where, `The lock ${id} (${level}) forbids every deletion`, remedy)];
  });
}

/**
 * More than one Sentry, or more to come, where the request gives all of them one principal's reach. `stands`: the fleet
 * was made by an earlier run, and keeps its identity.
 */
export function checkFleet({ request, profile }: Blueprint, sentries: number, stands = false): readonly Finding[] {
  const { grantAt, onboardNew } = request.subscriptions;
  const most = profile.maxSubscriptions;
  const several = `the subscriptions need ${sentries} Sentries, each with its own (${most} to a Sentry)`;
  const later = `one Sentry watches at most ${most} subscriptions: what comes beyond that is set aside`;
  const check = (where: string, what: string, remedy: string): readonly Finding[] => [
    ...(sentries > 1
      ? [finding('OneSentryOnly', where, `${what}, and ${several}`, `${remedy}, or ask for fewer subscriptions.`)]
      : []),
    ...(onboardNew
      ? [finding('FleetCannotGrow', where, `${what}, and ${later}`, `${remedy}; or go on, where no more are to come.`)]
      : []),
  ];
  return [
    ...(grantAt === 'managementGroup'
      ? check(
          '/subscriptions/grantAt',
          'A grant at a management group shows every Sentry everything',
          'Ask for grantAt subscription',
        )
      : []),
    ...(existingIdentityOf({ request, profile }) === undefined
      ? []
      : check('/identity/resourceId', 'It is one identity', stands ? IDENTITY_STAYS : 'Leave it out')),
  ];
}

const IDENTITY_STAYS =
  'A Sentry keeps the identity that it was made with: ask for the others in a deployment of another name';
