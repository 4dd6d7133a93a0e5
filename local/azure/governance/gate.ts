import { isObject } from '../deployments/expressions';
import { merged } from '../arm/resourceRoutes';
import { type Azure } from '../azure';
import { type Call } from '../http/call';
import { nameOf, resourceGroupOf, subscriptionOf } from '../http/paths';
import { AzureError } from '../http/errors';
import { demandGroup } from '../resources/groups';
import { outsideHand } from '../simulator/outsideHand';
import { demandUnlocked } from './locks';
import { enforced } from './policy/enforce';
import { demandTags } from './tagRules';

/**
 * What stands between a permitted call and its handler: locks, the rules for tags, and policies.
 * Returns the call, with the body as policies leave it.
 * @param scope what RBAC was asked about
 */
export function gated(azure: Azure, call: Call, scope: string): Call {
  if (call.method === 'GET' || call.method === 'HEAD') return call;
  // Somebody else may do everything: what they are told to do is what happened.
  const isFree = call.caller.principalId === outsideHand.principalId;
  if (!isFree) demandUnlocked(azure, call.method, call.path, scope);
  if (call.method === 'PUT' && call.scope !== '') demandScope(azure, call.scope);
  if (call.method === 'DELETE' || call.method === 'POST' || !isObject(call.body)) return call;
  demandTags(call.body['tags']);
  const type = typeOf(call.path);
  return type === undefined || isFree ? call : { ...call, body: held(azure, call, type, call.body) };
}

/** Nothing is put onto a management group or a resource group that is not there. */
function demandScope(azure: Azure, scope: string): void {
  const [subscription, group] = [subscriptionOf(scope), resourceGroupOf(scope)];
  if (subscription !== undefined && group !== undefined) demandGroup(azure, subscription, group);
  if (subscription !== undefined || scope === '/' || azure.hierarchy.has(scope)) return;
  throw new AzureError(404, 'NotFound', `The scope '${scope}' cannot be found.`);
}

/** The type of the resource that a path names; what is no resource to policies has none. */
function typeOf(path: string): string | undefined {
  if (subscriptionOf(path) === undefined) return undefined;
  const at = path.toLowerCase().lastIndexOf('/providers/');
  if (at < 0) return /^\/[^/]+\/[^/]+\/resourcegroups\/[^/]+$/i.test(path) ? GROUPS : undefined;
  const [namespace = '', ...rest] = path.slice(at + '/providers/'.length).split('/');
  if (rest.length === 0 || rest.length % 2 === 1) return undefined;
  const type = [namespace, ...rest.filter((_, index) => index % 2 === 0)].join('/');
  return NO_RESOURCES.test(type) ? undefined : type;
}

const GROUPS = 'Microsoft.Resources/subscriptions/resourceGroups';
const NO_RESOURCES = /^microsoft\.(resources\/(tags|deployments)|authorization\/policy|insights\/diagnostic)/i;

function held(azure: Azure, call: Call, type: string, asked: Record<string, unknown>): unknown {
  const subscriptionId = subscriptionOf(call.path) ?? '';
  const groupName = resourceGroupOf(call.path);
  const groupId = `/subscriptions/${subscriptionId}/resourceGroups/${groupName ?? ''}`;
  const group = groupName === undefined ? undefined : azure.resources.get(groupId);
  const existing = azure.resources.get(call.path);
  const body = call.method === 'PATCH' ? merged(existing?.document, asked) : asked;
  const left = enforced(azure, {
    id: call.path,
    name: nameOf(call.path),
    type: existing?.type.replace(/^Microsoft\.Resources\/resourceGroups$/i, GROUPS) ?? type,
    body,
    resourceGroup: { name: groupName, id: groupId, location: group?.document.location, tags: group?.document.tags },
    subscription: { subscriptionId, id: `/subscriptions/${subscriptionId}` },
  });
  // A PATCH stays one: of all that policies changed only tags can differ.
  if (left === body) return asked;
  return call.method === 'PATCH' ? { ...asked, tags: left['tags'] } : left;
}
