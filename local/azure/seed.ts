import { roleByName } from './authorization/roles';
import { type Azure } from './azure';
import { addPeople } from './graph/people';
import { graphAppRoles, graphScopes, MICROSOFT_GRAPH_APP_ID } from './graph/permissions';
import { managementGroupId } from './http/paths';
import { vaultProperties, vaults } from './keyVault/vaults';
import { chanceOf, randomUUID } from './random';
import { createGroup } from './resources/groups';
import { everything } from './simulator/questions';
import { getSetting, setSetting } from './store/settings';
import { isolatedSubscriptionId, platformSubscriptionId, watchedSubscriptionId } from './tenant';

/** Puts the tenant into an empty state. Into one that has it, only subscriptions that are missing. */
export function seed(azure: Azure): void {
  azure.db.transaction(() => {
    addHierarchy(azure);
    if (getSetting(azure.db, 'seeded') !== undefined) return;
    addVault(azure);
    addPrincipals(azure);
    addPeople(azure);
    azure.creations.noteTenant(everything(azure));
    setSetting(azure.db, 'seeded', new Date(azure.now()).toISOString());
  });
}

const numberedName = (pattern: string, index: number): string => pattern.replace('{n}', String(index).padStart(4, '0'));
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

function addHierarchy(azure: Azure): void {
  const { hierarchy, tenant } = azure;
  const root = tenant.tenantId;
  addManagementGroups(azure);
  // Where a group was deleted since, a subscription that is new is under the root, as every new one is in Azure.
  const placed = (group: string): string => hierarchy.managementGroup(group)?.name ?? root;
  const state = 'Enabled';
  hierarchy.addSubscription({
    id: platformSubscriptionId,
    managementGroup: placed('platform'),
    state,
    ...tenant.platformSubscription,
  });
  const { watchedSubscriptions: watched, isolatedSubscriptions: isolated } = tenant;
  for (const index of upTo(watched.count)) {
    const tags = watched.tags[(index - 1) % Math.max(watched.tags.length, 1)] ?? {};
    const name = numberedName(watched.name, index);
    hierarchy.addSubscription({
      id: watchedSubscriptionId(index),
      name,
      managementGroup: placed(homeOf(tenant, index)),
      tags,
      state,
    });
  }
  for (const index of upTo(isolated.count)) {
    const name = numberedName(isolated.name, index);
    hierarchy.addSubscription({
      id: isolatedSubscriptionId(index),
      name,
      managementGroup: placed('isolated'),
      tags: {},
      state,
    });
  }
}

/** Once: a group that was deleted since stays deleted. */
function addManagementGroups({ db, hierarchy, tenant }: Azure): void {
  if (getSetting(db, 'seeded') !== undefined) return;
  const root = tenant.tenantId;
  hierarchy.addManagementGroup({ name: root, displayName: 'Tenant Root Group', parent: null });
  for (const [name, displayName] of [
    ['platform', 'Platform'],
    ['landing-zones', 'Landing Zones'],
    ['isolated', 'Isolated'],
  ] as const) {
    hierarchy.addManagementGroup({ name, displayName, parent: root });
  }
  if (tenant.generate === undefined) return;
  const { seed: from, managementGroups: count } = tenant.generate;
  const depths = [0];
  const nameOf = (index: number): string => (index === 0 ? LANDING_ZONES : generatedName(index));
  for (const index of upTo(count)) {
    let parent = Math.floor(chanceOf(from, `parent ${index}`) * index);
    while ((depths[parent] ?? 0) >= LEVELS) parent = Math.floor(parent / 2);
    depths.push((depths[parent] ?? 0) + 1);
    hierarchy.addManagementGroup({
      name: nameOf(index),
      displayName: `Management group ${index}`,
      parent: nameOf(parent),
    });
  }
}

const LANDING_ZONES = 'landing-zones';
/** Azure's six levels of management groups, of which the landing zones are the first. */
const LEVELS = 5;
const generatedName = (index: number): string => `mg-${String(index).padStart(4, '0')}`;

/** Where the n-th watched subscription is. */
function homeOf({ generate }: Azure['tenant'], index: number): string {
  if (generate === undefined) return LANDING_ZONES;
  return generatedName(1 + Math.floor(chanceOf(generate.seed, `home ${index}`) * generate.managementGroups));
}

const vaultIdOf = ({ tenant }: Azure): string =>
  `/subscriptions/${platformSubscriptionId}/resourceGroups/${tenant.vault.resourceGroup}/providers/${vaults.type}/${tenant.vault.name}`;

/** The app's own vault, in the platform subscription, as its infrastructure code would have made it. */
function addVault(azure: Azure): void {
  const { tenant, resources } = azure;
  const now = azure.now();
  createGroup(
    azure,
    `/subscriptions/${platformSubscriptionId}/resourceGroups/${tenant.vault.resourceGroup}`,
    tenant.location,
    undefined,
  );
  const properties = vaultProperties(azure, tenant.vault.name, {
    tenantId: tenant.tenantId,
    sku: { family: 'A', name: 'standard' },
    enableRbacAuthorization: true,
  });
  const document = { location: tenant.location, properties };
  resources.put(
    {
      id: vaultIdOf(azure),
      type: vaults.type,
      document,
      hidden: {},
      createdAt: now,
      readyAt: now,
      phase: 'Succeeded',
      failure: null,
    },
    [],
  );
}

function addPrincipals(azure: Azure): void {
  const { tenant } = azure;
  const graphId = randomUUID();
  const appRoles = Object.entries(graphAppRoles).map(([value, id]) => ({
    allowedMemberTypes: ['Application'],
    description: value,
    displayName: value,
    id,
    isEnabled: true,
    origin: 'Application',
    value,
  }));
  addPrincipal(azure, graphId, MICROSOFT_GRAPH_APP_ID, {
    displayName: 'Microsoft Graph',
    servicePrincipalType: 'Application',
    appRoles,
    oauth2PermissionScopes: Object.entries(graphScopes).map(([value, id]) => ({
      id,
      value,
      type: 'User',
      isEnabled: true,
      adminConsentDisplayName: value,
    })),
  });
  for (const { name, principalId, clientId, roles, graphRoles } of tenant.principals) {
    addPrincipal(azure, principalId, clientId, { displayName: name, servicePrincipalType: 'ManagedIdentity' });
    for (const { role, scope } of roles) grant(azure, principalId, role, scope);
    for (const role of graphRoles) {
      const appRoleId = graphAppRoles[role];
      if (appRoleId === undefined) throw new Error(`The tenant gives '${name}' the unknown Graph role '${role}'.`);
      azure.directory.addAppRole({
        id: randomUUID(),
        principalId,
        resourceId: graphId,
        appRoleId,
        createdAt: azure.now(),
      });
    }
  }
}

function addPrincipal(azure: Azure, id: string, appId: string, document: Record<string, unknown>): void {
  const now = azure.now();
  const whole = { accountEnabled: true, tags: [], ...document };
  azure.directory.add({
    id,
    kind: 'servicePrincipal',
    appId,
    document: whole,
    owner: null,
    createdAt: now,
    visibleAt: now,
    deletedAt: null,
  });
}

function grant(azure: Azure, principalId: string, roleName: string, scope: string): void {
  const role = roleByName(roleName);
  if (role === undefined) throw new Error(`The tenant names the unknown role '${roleName}'.`);
  const now = azure.now();
  const places: Readonly<Record<string, string>> = {
    '{platform}': `/subscriptions/${platformSubscriptionId}`,
    '{vault}': vaultIdOf(azure),
    '{tenant}': managementGroupId(azure.tenant.tenantId),
  };
  azure.grants.add({
    name: randomUUID(),
    scope: places[scope] ?? scope,
    roleId: role.id,
    principalId,
    principalType: 'ServicePrincipal',
    document: { description: null, condition: null, conditionVersion: null },
    createdAt: now,
    effectiveAt: now,
    createdBy: principalId,
  });
}
