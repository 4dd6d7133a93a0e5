/** Whether the app may do what a request takes in the host's part of Azure. Pure. */
import type { Blueprint } from '../blueprint/blueprint';
import type { ScopeNeeds } from '../permissions/host';
import { AGREEMENTS, DELEGATION } from '../permissions/kinds';
import type { Terms } from './capacity';
import { finding } from './codes';
import type { Finding } from './finding';
import { allows, missingActions, type Permission } from './rights';
import { subscriptionScope } from './subscriptions';

const ACCEPT = `${AGREEMENTS}/write`;

/** The marketplace's terms are the subscription's own. Those that are accepted already need no right to it. */
export function checkTerms(
  { request }: Blueprint,
  terms: Terms | undefined,
  held: readonly Permission[],
  appId: string,
): readonly Finding[] {
  if (!terms || terms.accepted || allows(held, ACCEPT)) return [];
  const scope = subscriptionScope(request.placement.subscriptionId);
  return [missingPermission(scope, [ACCEPT], 'Contributor', appId)];
}

/** An account that takes no keys is written with a SAS that the app signs. */
export function checkDelegation(accountId: string, held: readonly Permission[], appId: string): readonly Finding[] {
  return allows(held, DELEGATION)
    ? []
    : [missingPermission(accountId, [DELEGATION], 'Storage Blob Data Contributor', appId)];
}

export function checkHostScope({ request }: Blueprint): readonly Finding[] {
  const remedy = 'Correct placement.subscriptionId: `az account list --all` shows what there is.';
  const scope = subscriptionScope(request.placement.subscriptionId);
  return [finding('HostSubscriptionUnknown', scope, 'Azure knows no such subscription', remedy)];
}

export function checkNeeds(
  { scope, actions, oneOf = [], role }: ScopeNeeds,
  held: readonly Permission[] | undefined,
  appId: string,
): readonly Finding[] {
  if (!held)
    return [finding('NoSuchResource', scope, 'Azure knows no such resource', 'Correct its id in the request.')];
  const none = oneOf.length > 0 && !oneOf.some((action) => allows(held, action));
  const missing = [...missingActions(held, actions), ...(none ? [oneOf.join(' or ')] : [])];
  return missing.length === 0 ? [] : [missingPermission(scope, missing, role, appId)];
}

export const missingPermission = (scope: string, missing: readonly string[], role: string, appId: string): Finding =>
  finding(
    'MissingPermission',
    scope,
    `The app may not ${missing.join(', ')}`,
    `An owner runs \`az role assignment create --assignee-object-id ${appId} --assignee-principal-type ServicePrincipal --role "${role}" --scope ${scope}\` (docs/deploy.md has narrower roles).`,
  );
