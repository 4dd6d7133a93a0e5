import { z } from 'zod';
import { roleByName } from '../authorization/roles';
import { doneAt, type Azure } from '../azure';
import { type Answer, type Call, ok, param, parseBody, type Route } from '../http/call';
import { AzureError, badRequest } from '../http/errors';
import { paged } from '../http/paging';
import { managementGroupId, nameOf } from '../http/paths';
import { randomUUID } from '../random';
import { type ManagementGroup } from '../store/hierarchy';
import { descendants, entities, shownTree, visibleGroups } from './tree';

const ALL = '/providers/Microsoft.Management/managementGroups';
const ONE = `${ALL}/:name`;
const SUBSCRIPTION = `${ONE}/subscriptions/:subscription`;
const GROUP_TYPE = 'Microsoft.Management/managementGroups';

/** Levels below the root. */
const DEEPEST = 6;

/** Management groups: the tree, its changes, and the subscriptions in it. */
export const managementGroupRoutes = (azure: Azure): readonly Route[] => {
  const route = (method: Route['method'], path: string, handle: (call: Call) => Answer, authorize = true): Route => ({
    method,
    path,
    api: 'arm',
    authorize,
    handle,
  });
  return [
    route('GET', ALL, (call) => ok(paged(azure, call, visibleGroups(azure, call))), false),
    route('POST', '/providers/Microsoft.Management/getEntities', (call) => ok(entities(azure, call)), false),
    route('GET', ONE, (call) => ok(shownTree(azure, demandGroup(azure, param(call, 'name')), call))),
    route('GET', `${ONE}/descendants`, (call) =>
      ok(paged(azure, call, descendants(azure, demandGroup(azure, param(call, 'name'))))),
    ),
    // Rights are asked where they count: at the parents.
    route('PUT', ONE, (call) => put(azure, call), false),
    route('PATCH', ONE, (call) => patch(azure, call)),
    route('DELETE', ONE, (call) => remove(azure, call)),
    route('GET', `${ONE}/subscriptions`, (call) => ok(paged(azure, call, listSubscriptions(azure, call)))),
    route('GET', SUBSCRIPTION, (call) => ok(getSubscription(azure, call))),
    route('PUT', SUBSCRIPTION, (call) => moveIn(azure, call)),
    route('DELETE', SUBSCRIPTION, (call) => moveOut(azure, call)),
  ];
};

function demandGroup(azure: Azure, name: string): ManagementGroup {
  const found = azure.hierarchy.managementGroup(name);
  if (found !== undefined) return found;
  throw new AzureError(404, 'NotFound', `The management group '${name}' cannot be found.`);
}

const parent = z.looseObject({ id: z.string() });
const body = z.looseObject({
  properties: z
    .looseObject({
      displayName: z.string().max(90).nullish(),
      details: z.looseObject({ parent: parent.nullish() }).nullish(),
    })
    .optional(),
});

function put(azure: Azure, call: Call): Answer {
  const name = param(call, 'name');
  if (!/^[\w\-.()]{1,90}$/.test(name) || name.endsWith('.'))
    throw badRequest('BadRequest', `The management group ID '${name}' is not valid. It has letters, digits, '-', '_', '(', ')' and '.', at most 90 of them, and no period at its end.`); // prettier-ignore
  const { properties } = parseBody(body, call);
  const existing = azure.hierarchy.managementGroup(name);
  const parentId = properties?.details?.parent?.id;
  const displayName = properties?.displayName ?? existing?.displayName ?? name;
  if (existing !== undefined) {
    demandWrite(azure, call, name);
    change(azure, call, existing, displayName, parentId);
  } else create(azure, call, name, displayName, parentId);
  return ok(shownTree(azure, demandGroup(azure, name), call));
}

const demandWrite = (azure: Azure, { caller }: Call, group: string): void =>
  azure.rbac.demand(caller, `${GROUP_TYPE}/write`, managementGroupId(group));

/** Anyone may make a group under the root, which has no hierarchy protection here, and becomes its Owner. */
function create(azure: Azure, call: Call, name: string, displayName: string, parentId: string | undefined): void {
  const root = azure.tenant.tenantId;
  const above = demandParent(azure, parentId ?? managementGroupId(root));
  if (above.name !== root) demandWrite(azure, call, above.name);
  demandDepth(azure, above, 1);
  azure.hierarchy.addManagementGroup({ name, displayName, parent: above.name });
  const owner = roleByName('Owner');
  const { principalId } = call.caller;
  if (owner === undefined) return;
  azure.grants.add({
    name: randomUUID(),
    scope: managementGroupId(name),
    roleId: owner.id,
    principalId,
    principalType: 'ServicePrincipal',
    document: { description: null, condition: null, conditionVersion: null },
    createdAt: azure.now(),
    effectiveAt: doneAt(azure, 'roleAssignmentPropagation'),
    createdBy: principalId,
  });
}

function demandParent(azure: Azure, id: string): ManagementGroup {
  const found = id.toLowerCase().startsWith(`${ALL}/`.toLowerCase())
    ? azure.hierarchy.managementGroup(nameOf(id))
    : undefined;
  if (found !== undefined) return found;
  throw new AzureError(404, 'ParentNotFound', `The parent management group '${id}' cannot be found.`);
}

function demandDepth(azure: Azure, above: ManagementGroup, height: number): void {
  if (azure.hierarchy.chain(above.name).length - 1 + height <= DEEPEST) return;
  throw badRequest(
    'BadRequest',
    `The management group hierarchy cannot be deeper than ${DEEPEST} levels below the root.`,
  );
}

/** How many levels a group and what is under it have. */
function heightOf(azure: Azure, name: string): number {
  const all = azure.hierarchy.managementGroups();
  const height = (of: string): number =>
    1 + Math.max(0, ...all.filter((one) => one.parent === of).map((one) => height(one.name)));
  return height(name);
}

/** A move wants rights at both parents, except at the root. */
function change(
  azure: Azure,
  call: Call,
  existing: ManagementGroup,
  displayName: string,
  parentId: string | null | undefined,
): void {
  const target = typeof parentId === 'string' ? demandParent(azure, parentId) : undefined;
  if (target === undefined || target.name === existing.parent) {
    azure.hierarchy.setManagementGroup({ ...existing, displayName });
    return;
  }
  const root = azure.tenant.tenantId;
  if (existing.parent === null) throw badRequest('BadRequest', 'The root management group cannot be moved.');
  for (const one of [existing.parent, target.name].filter((name) => name !== root)) demandWrite(azure, call, one);
  if (azure.hierarchy.chain(target.name).some((one) => one.name === existing.name))
    throw badRequest('BadRequest', `The management group '${existing.name}' cannot be moved under '${target.name}', which is a descendant of it.`); // prettier-ignore
  demandDepth(azure, target, heightOf(azure, existing.name));
  azure.hierarchy.setManagementGroup({ ...existing, displayName, parent: target.name });
}

const patchBody = z.looseObject({ displayName: z.string().max(90).nullish(), parentGroupId: z.string().nullish() });

function patch(azure: Azure, call: Call): Answer {
  const existing = demandGroup(azure, param(call, 'name'));
  const { displayName, parentGroupId } = parseBody(patchBody, call);
  change(azure, call, existing, displayName ?? existing.displayName, parentGroupId);
  return ok(shownTree(azure, demandGroup(azure, existing.name), call));
}

function remove(azure: Azure, call: Call): Answer {
  const found = azure.hierarchy.managementGroup(param(call, 'name'));
  if (found === undefined) return { status: 204 };
  const { name } = found;
  if (found.parent === null) throw badRequest('BadRequest', 'The root management group cannot be deleted.');
  const groups = azure.hierarchy.managementGroups().filter((one) => one.parent === name);
  if (groups.length > 0 || azure.hierarchy.subscriptionsOf(name).length > 0)
    throw badRequest(
      'BadRequest',
      `The management group '${name}' cannot be deleted: it has child management groups or subscriptions. Move or delete them first.`,
    );
  azure.hierarchy.removeManagementGroup(name);
  azure.grants.removeWithin(managementGroupId(name));
  azure.extensions.removeWithin(managementGroupId(name));
  return { status: 204 };
}

function listSubscriptions(azure: Azure, call: Call): Record<string, unknown>[] {
  const { name } = demandGroup(azure, param(call, 'name'));
  return azure.hierarchy.subscriptionsOf(name).map(({ id }) => shownSubscription(azure, name, id));
}

function shownSubscription(azure: Azure, group: string, id: string): Record<string, unknown> {
  const found = azure.hierarchy.subscription(id);
  return {
    id: `${managementGroupId(group)}/subscriptions/${id}`,
    type: `${GROUP_TYPE}/subscriptions`,
    name: id,
    properties: {
      tenant: azure.tenant.tenantId,
      displayName: found?.name,
      parent: { id: managementGroupId(group) },
      state: 'Active',
    },
  };
}

function demandSubscriptionOf(azure: Azure, call: Call): { id: string; managementGroup: string } {
  const found = azure.hierarchy.subscription(param(call, 'subscription'));
  if (found !== undefined) return found;
  throw new AzureError(
    404,
    'SubscriptionNotFound',
    `The subscription '${param(call, 'subscription')}' could not be found.`,
  );
}

function getSubscription(azure: Azure, call: Call): Record<string, unknown> {
  const { name } = demandGroup(azure, param(call, 'name'));
  const { id, managementGroup } = demandSubscriptionOf(azure, call);
  if (managementGroup.toLowerCase() === name.toLowerCase()) return shownSubscription(azure, name, id);
  throw new AzureError(404, 'NotFound', `The subscription '${id}' is not under the management group '${name}'.`);
}

/** Moves a subscription here: its Owner, with write at the parent that it leaves and (asked already) at the new one. */
function moveIn(azure: Azure, call: Call): Answer {
  const { name } = demandGroup(azure, param(call, 'name'));
  const { id, managementGroup } = demandSubscriptionOf(azure, call);
  demandMove(azure, call, id, managementGroup);
  azure.hierarchy.moveSubscription(id, name);
  return ok(shownSubscription(azure, name, id));
}

function demandMove(azure: Azure, call: Call, id: string, from: string): void {
  if (from !== azure.tenant.tenantId) demandWrite(azure, call, from);
  azure.rbac.demand(call.caller, 'Microsoft.Authorization/roleAssignments/write', `/subscriptions/${id}`);
}

/** Back under the root. */
function moveOut(azure: Azure, call: Call): Answer {
  const { name } = demandGroup(azure, param(call, 'name'));
  const { id, managementGroup } = demandSubscriptionOf(azure, call);
  if (managementGroup.toLowerCase() !== name.toLowerCase()) return { status: 204 };
  demandMove(azure, call, id, managementGroup);
  azure.hierarchy.moveSubscription(id, azure.tenant.tenantId);
  return { status: 200 };
}
