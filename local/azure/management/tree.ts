import { type Azure } from '../azure';
import { type Call } from '../http/call';
import { managementGroupId } from '../http/paths';
import { type ManagementGroup, type Subscription } from '../store/hierarchy';

const GROUP_TYPE = 'Microsoft.Management/managementGroups';

interface Tree {
  readonly groups: ReadonlyMap<string, readonly ManagementGroup[]>;
  readonly subscriptions: ReadonlyMap<string, readonly Subscription[]>;
}

/** The whole hierarchy, by parent: read once for an answer, since a tenant has ten thousand subscriptions. */
function treeOf({ hierarchy }: Azure): Tree {
  const by = <T>(all: readonly T[], parent: (one: T) => string | null): Map<string, T[]> => {
    const found = new Map<string, T[]>();
    for (const one of all) {
      const key = parent(one)?.toLowerCase() ?? '';
      const siblings = found.get(key);
      if (siblings === undefined) found.set(key, [one]);
      else siblings.push(one);
    }
    return found;
  };
  return {
    groups: by(hierarchy.managementGroups(), ({ parent }) => parent),
    subscriptions: by(hierarchy.subscriptions(), ({ managementGroup }) => managementGroup),
  };
}

const shownGroup = ({ tenant }: Azure, { name, displayName }: ManagementGroup): Record<string, unknown> => ({
  id: managementGroupId(name),
  type: GROUP_TYPE,
  name,
  properties: { tenantId: tenant.tenantId, displayName },
});

/** `$expand=children` with `$recurse=true`, `$expand=path`, `$expand=ancestors`. */
export function shownTree(azure: Azure, group: ManagementGroup, call: Call): Record<string, unknown> {
  const expand = call.query('$expand')?.toLowerCase();
  const [, above, ...more] = azure.hierarchy.chain(group.name);
  const ancestors = above === undefined ? [] : [above, ...more];
  const brief = ({ name, displayName }: ManagementGroup): Record<string, unknown> => ({ name, displayName });
  const details = {
    version: 1,
    updatedTime: new Date(azure.now()).toISOString(),
    ...(above === undefined ? {} : { parent: { id: managementGroupId(above.name), ...brief(above) } }),
    ...(expand === 'path' ? { path: [...ancestors].reverse().concat(group).map(brief) } : {}),
    ...(expand === 'ancestors'
      ? {
          managementGroupAncestors: ancestors.map(({ name }) => name),
          managementGroupAncestorsChain: ancestors.map(brief),
        }
      : {}),
  };
  const recursive = /^true$/i.test(call.query('$recurse') ?? '');
  const children = expand === 'children' ? { children: childrenOf(treeOf(azure), group.name, recursive) } : {};
  const shown = shownGroup(azure, group);
  const { tenantId } = azure.tenant;
  return { ...shown, properties: { tenantId, displayName: group.displayName, details, ...children } };
}

function childrenOf(tree: Tree, name: string, recursive: boolean): Record<string, unknown>[] | null {
  const groups = (tree.groups.get(name.toLowerCase()) ?? []).map((one) => ({
    id: managementGroupId(one.name),
    type: GROUP_TYPE,
    name: one.name,
    displayName: one.displayName,
    ...(recursive ? { children: childrenOf(tree, one.name, true) } : {}),
  }));
  const subscriptions = (tree.subscriptions.get(name.toLowerCase()) ?? []).map((one) => ({
    id: `/subscriptions/${one.id}`,
    type: '/subscriptions',
    name: one.id,
    displayName: one.name,
  }));
  const all = [...groups, ...subscriptions];
  return all.length === 0 ? null : all;
}

export const visibleGroups = (azure: Azure, { caller }: Call): Record<string, unknown>[] =>
  azure.hierarchy
    .managementGroups()
    .filter(({ name }) => azure.rbac.permits(caller.principalId, `${GROUP_TYPE}/read`, managementGroupId(name)))
    .map((group) => shownGroup(azure, group));

/** Groups first, level by level, then subscriptions. */
export function descendants(azure: Azure, root: ManagementGroup): Record<string, unknown>[] {
  const tree = treeOf(azure);
  const under = (name: string): ManagementGroup[] =>
    (tree.groups.get(name.toLowerCase()) ?? []).flatMap((one) => [one, ...under(one.name)]);
  const groups = under(root.name);
  const subscriptions = [root, ...groups].flatMap(({ name }) => tree.subscriptions.get(name.toLowerCase()) ?? []);
  const child = (id: string, type: string, name: string, displayName: string, parent: string) => ({
    id,
    type,
    name,
    properties: { displayName, parent: { id: managementGroupId(parent) } },
  });
  return [
    ...groups.map(({ name, displayName, parent }) =>
      child(managementGroupId(name), GROUP_TYPE, name, displayName, parent ?? ''),
    ),
    ...subscriptions.map(({ id, name, managementGroup }) =>
      child(`/subscriptions/${id}`, `${GROUP_TYPE}/subscriptions`, id, name, managementGroup),
    ),
  ];
}

/** Every group and subscription that the caller sees, flat, with where it is. */
export function entities(azure: Azure, { caller }: Call): { value: Record<string, unknown>[]; count: number } {
  const visible = new Set(azure.rbac.visible(caller.principalId).map(({ id }) => id));
  const entity = (id: string, type: string, name: string, displayName: string, parent: string | null) => ({
    id,
    type,
    name,
    properties: {
      tenantId: azure.tenant.tenantId,
      displayName,
      parent: { id: parent === null ? null : managementGroupId(parent) },
      parentNameChain: parent === null ? [] : [...azure.hierarchy.chain(parent)].reverse().map((one) => one.name),
      permissions: 'view',
      inheritedPermissions: 'view',
    },
  });
  const groups = azure.hierarchy
    .managementGroups()
    .filter(({ name }) => azure.rbac.permits(caller.principalId, `${GROUP_TYPE}/read`, managementGroupId(name)))
    .map(({ name, displayName, parent }) => entity(managementGroupId(name), GROUP_TYPE, name, displayName, parent));
  const subscriptions = azure.hierarchy
    .subscriptions()
    .filter(({ id }) => visible.has(id))
    .map(({ id, name, managementGroup }) =>
      entity(`/subscriptions/${id}`, '/subscriptions', id, name, managementGroup),
    );
  const value = [...groups, ...subscriptions];
  return { value, count: value.length };
}
