/** What a request takes in the host subscription, from the same rows as a plan shows: preflight asks for it. Pure. */
import { applianceOf, type Blueprint, groupId } from '../blueprint/blueprint';
import { sentryResources } from '../blueprint/sentry';
import { sharedResources } from '../blueprint/shared';
import { BLOBS, DELEGATION, KEYS } from './kinds';
import { applianceUses } from './stages';
import { hostScope, type Use, usesOf, type Used } from './uses';

export interface ScopeNeeds {
  readonly scope: string;
  readonly actions: readonly string[];
  /** At least one of these too. */
  readonly oneOf?: readonly string[];
  /** A built-in role that has them all. */
  readonly role: string;
}

/** Asked for by findings of their own, that know more: whether a provider is registered, terms accepted, a set usable. */
const ELSEWHERE = ['providerRegistration', 'marketplaceAgreement'];

/**
 * Everything that making, changing, setting up and taking away needs in the host's part of Azure. `standing`: all of it
 * is made and set up; the right to make it may have been taken back since, and what it was made from may be gone.
 */
export function hostUses(blueprint: Blueprint, groupExists: boolean, standing = false): readonly Use[] {
  const resources = [...sharedResources(blueprint), ...sentryResources(blueprint, 1, [])];
  const uses = resources.flatMap((one) => ofResource(blueprint, one, groupExists, standing));
  const set = applianceOf(blueprint)?.vm.osDisk?.diskEncryptionSetId;
  return [...uses, ...applianceUses(blueprint)].filter(
    ({ scope, permission }) =>
      scope.startsWith('/subscriptions/') &&
      scope !== set &&
      !permission.startsWith(BLOBS) &&
      (!standing || permission.endsWith('/read')),
  );
}

function ofResource(blueprint: Blueprint, one: Used, groupExists: boolean, standing: boolean): readonly Use[] {
  const read = usesOf(blueprint, one, 'read');
  if (standing || ELSEWHERE.includes(one.kind)) return read;
  // One that exists is used as it is, and outlives all that is in it.
  if (one.kind === 'resourceGroup') return groupExists ? read : [...read, ...usesOf(blueprint, one, 'write')];
  const removed = usesOf(blueprint, one, 'remove').map((use) => ({ ...use, why: `To take it away again: ${use.why}` }));
  return [...read, ...usesOf(blueprint, one, 'write'), ...removed];
}

/** The same by scope, for holding against what the app may do there. */
export function hostNeeds(blueprint: Blueprint, groupExists: boolean, standing = false): readonly ScopeNeeds[] {
  const uses = Map.groupBy(hostUses(blueprint, groupExists, standing), ({ scope }) => scope);
  const group = groupId(blueprint.request);
  return rolesOf(blueprint).flatMap(([scope, role]): readonly ScopeNeeds[] => {
    const actions = [...new Set(uses.get(scope)?.map(({ permission }) => permission))];
    if (actions.length === 0) return [];
    const oneOf = actions.filter((action) => EITHER.includes(action));
    return [
      {
        // At a group that is not there nobody holds a role: what makes it is the subscription's.
        scope: scope === group && !groupExists ? hostScope(blueprint) : scope,
        actions: actions.filter((action) => !EITHER.includes(action)),
        ...(oneOf.length > 0 ? { oneOf } : {}),
        role: standing ? 'Reader' : role,
      },
    ];
  });
}
/** Where the account allows no keys, the copy goes by a SAS that the app's own identity signs. */
const EITHER: readonly string[] = [KEYS, DELEGATION];

/** Every scope that a request may touch there, with a built-in role that does. */
function rolesOf(blueprint: Blueprint): readonly (readonly [scope: string, role: string])[] {
  const { identity } = blueprint.request;
  const { network, image } = applianceOf(blueprint) ?? {};
  const resourceId = identity.kind === 'managedIdentity' ? identity.resourceId : undefined;
  return [
    [groupId(blueprint.request), 'Contributor'],
    [hostScope(blueprint), 'Reader'],
    ...(network?.kind === 'existing' ? [[network.subnetId, 'Network Contributor'] as const] : []),
    ...(resourceId === undefined
      ? []
      : [[resourceId, `Managed Identity ${identity.federatedCredential ? 'Contributor' : 'Operator'}`] as const]),
    ...(image?.kind === 'vhd' ? [[image.storageAccountId, 'Storage Account Contributor'] as const] : []),
    ...(image?.kind === 'image' ? [[image.id, 'Reader'] as const] : []),
  ];
}
