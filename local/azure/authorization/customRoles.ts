import { z } from 'zod';
import { type Extension, type Extensions } from '../store/extensions';
import { builtInRoles, type Role, roleById, roleByName } from './roles';

const ROLE_DEFINITIONS = 'Microsoft.Authorization/roleDefinitions';
/** Custom roles live at the tenant: their name is unique in it, wherever they may be assigned. */
const TENANT = '/';

const patterns = z.array(z.string()).default([]);
export const permission = z.looseObject({
  actions: patterns,
  notActions: patterns,
  dataActions: patterns,
  notDataActions: patterns,
});
export const customRole = z.looseObject({
  roleName: z.string().min(1).max(512),
  description: z.string().max(2048).default(''),
  permissions: z.array(permission).length(1),
  assignableScopes: z.array(z.string()).min(1),
});

interface KnownRole extends Role {
  readonly assignableScopes: readonly string[];
  /** Undefined for a built-in role. */
  readonly stored?: Extension;
}

/** Built-in and custom roles. */
export class Roles {
  constructor(private readonly extensions: Extensions) {}

  /** @param id the GUID, in any case */
  byId(id: string): KnownRole | undefined {
    const builtIn = roleById(id);
    if (builtIn !== undefined) return { ...builtIn, assignableScopes: [TENANT] };
    const stored = this.extensions.get(TENANT, ROLE_DEFINITIONS, id);
    return stored === undefined ? undefined : known(stored);
  }

  byName(name: string): KnownRole | undefined {
    const builtIn = roleByName(name);
    if (builtIn !== undefined) return { ...builtIn, assignableScopes: [TENANT] };
    return this.custom().find((one) => one.name.toLowerCase() === name.toLowerCase());
  }

  all(): KnownRole[] {
    return [...builtInRoles.map((one) => ({ ...one, assignableScopes: [TENANT] })), ...this.custom()];
  }

  put(id: string, properties: z.infer<typeof customRole>, createdBy: string): KnownRole {
    const written = this.extensions.put({
      type: ROLE_DEFINITIONS,
      scope: TENANT,
      name: id,
      document: properties,
      createdBy,
    });
    return known(written);
  }

  remove({ stored }: KnownRole): void {
    if (stored !== undefined) this.extensions.remove(stored.id);
  }

  private custom(): KnownRole[] {
    return this.extensions.all(ROLE_DEFINITIONS).map(known);
  }
}

function known(stored: Extension): KnownRole {
  const { roleName, description, permissions, assignableScopes } = customRole.parse(stored.document);
  const [one = permission.parse({})] = permissions;
  const { actions, notActions, dataActions, notDataActions } = one;
  return {
    id: stored.name,
    name: roleName,
    description,
    actions,
    notActions,
    dataActions,
    notDataActions,
    assignableScopes,
    stored,
  };
}
