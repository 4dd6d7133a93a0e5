/** What tests and rehearsals ask about the whole: who holds which role, and what is left. */
import { z } from 'zod';
import { type Azure } from '../azure';
import { type Grant } from '../store/grants';

const at = (time: number): string => new Date(time).toISOString();

interface Held {
  readonly principalId: string;
  readonly principal: string | null;
  readonly role: string;
  readonly scope: string;
  readonly assignmentId: string;
  /** From when it counts. */
  readonly effectiveAt: string;
  readonly isEffective: boolean;
  readonly createdBy: string;
}

/** Role assignments of a principal, at and above a scope, or all of them. */
export function rolesHeld(azure: Azure, principalId: string | undefined, scope: string | undefined): Held[] {
  const { grants, hierarchy } = azure;
  const found =
    scope !== undefined
      ? hierarchy.scopesAbove(scope).flatMap((one) => grants.at(one))
      : principalId !== undefined
        ? grants.of(principalId)
        : grants.below('');
  return found
    .filter((one) => principalId === undefined || one.principalId.toLowerCase() === principalId.toLowerCase())
    .map((one) => held(azure, one));
}

function held(azure: Azure, grant: Grant): Held {
  const { name, scope, roleId, principalId, effectiveAt, createdBy } = grant;
  const principal = azure.directory.get('servicePrincipal', principalId)?.document['displayName'];
  return {
    principalId,
    principal: typeof principal === 'string' ? principal : null,
    role: azure.roles.byId(roleId)?.name ?? roleId,
    scope,
    assignmentId: `${scope === '/' ? '' : scope}/providers/Microsoft.Authorization/roleAssignments/${name}`,
    effectiveAt: at(effectiveAt),
    isEffective: effectiveAt <= azure.now(),
    createdBy,
  };
}

interface Left {
  readonly id: string;
  readonly type: string;
  readonly createdBy: string;
  readonly createdAt: string | null;
  readonly deleting?: boolean;
}

const resource = z.object({ id: z.string(), type: z.string(), goneAt: z.number().nullable() });
const entry = z.object({ id: z.string(), kind: z.string(), deletedAt: z.number().nullable() });
/** Locks, policies, custom roles, diagnostic settings: no tenant begins with one. */
const extension = z.object({ id: z.string(), type: z.string(), createdBy: z.string(), createdAt: z.number() });
const secret = z.object({ name: z.string(), createdAt: z.number(), deletedAt: z.number().nullable() });

/** Everything that the tenant did not begin with and that is still there, soft-deleted things too. */
export function whatIsLeft(azure: Azure, createdBy: string | undefined): Left[] {
  const { db } = azure;
  const sql = 'SELECT id, type, goneAt FROM resources WHERE goneAt IS NULL OR goneAt > ? ORDER BY key';
  const resources = db.rows(resource, sql, azure.now()).flatMap(({ id, type, goneAt }) => {
    return made(azure, id, type, goneAt === null ? {} : { deleting: true });
  });
  const entries = db.rows(entry, 'SELECT id, kind, deletedAt FROM directory ORDER BY createdAt, id');
  const directory = entries.flatMap(({ id, kind, deletedAt }) => {
    return made(azure, id, `Microsoft.Graph/${kind}s${deletedAt === null ? '' : ' (deleted)'}`, {});
  });
  const grants = azure.grants.below('').flatMap(({ name, scope }) => {
    const id = `${scope === '/' ? '' : scope}/providers/Microsoft.Authorization/roleAssignments/${name}`;
    return made(azure, id, 'Microsoft.Authorization/roleAssignments', {});
  });
  const secrets = db.rows(
    secret,
    'SELECT name, min(createdAt) AS createdAt, max(deletedAt) AS deletedAt FROM secrets GROUP BY vault, name ORDER BY name',
  );
  const vault = secrets.flatMap(({ name, deletedAt }) => {
    return made(azure, `/secrets/${name}`, `secret${deletedAt === null ? '' : ' (deleted)'}`, {});
  });
  const extensions = db
    .rows(extension, 'SELECT id, type, createdBy, createdAt FROM extensions ORDER BY key')
    .map(({ createdAt, ...one }) => ({ ...one, createdAt: at(createdAt) }));
  const all = [...resources, ...directory, ...grants, ...extensions, ...vault];
  return all.filter((one) => createdBy === undefined || one.createdBy.toLowerCase() === createdBy.toLowerCase());
}

function made(azure: Azure, id: string, type: string, rest: { deleting?: boolean }): Left[] {
  const maker = azure.creations.makerOf(id);
  if (maker === undefined) return [];
  return [{ id, type, createdBy: maker.caller, createdAt: maker.time === null ? null : at(maker.time), ...rest }];
}

/** Ids of all that is there: what a tenant begins with. */
export const everything = (azure: Azure): string[] => {
  const ids = (sql: string): string[] => azure.db.rows(z.object({ id: z.string() }), sql).map(({ id }) => id);
  return [
    ...ids('SELECT id FROM resources'),
    ...ids('SELECT id FROM directory'),
    ...ids(
      "SELECT iif(scope = '/', '', scope) || '/providers/Microsoft.Authorization/roleAssignments/' || name AS id FROM roleAssignments",
    ),
  ];
};
