import { z } from 'zod';
import { type Database } from './database';

const grant = z.object({
  name: z.string(),
  scope: z.string(),
  roleId: z.string(),
  principalId: z.string(),
  principalType: z.string(),
  /** description, condition, conditionVersion: what has no meaning here but is given back. */
  document: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(z.record(z.string(), z.unknown())),
  createdAt: z.number(),
  effectiveAt: z.number(),
  createdBy: z.string(),
});
export type Grant = z.infer<typeof grant>;

/** Parameters: `{scope}/` and `{scope}0`, since 0 follows / in ASCII. A range, so that the index serves it. */
const BELOW = 'scope COLLATE NOCASE >= ? AND scope COLLATE NOCASE < ?';

/** Role assignments. A name is unique in the tenant; so is (scope, role, principal). */
export class Grants {
  private readonly known = new Map<string, readonly Grant[]>();
  private knownVersion = -1;

  constructor(private readonly db: Database) {}

  add(one: Grant): void {
    this.db.run(
      'INSERT INTO roleAssignments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      one.name,
      one.scope,
      one.roleId,
      one.principalId,
      one.principalType,
      JSON.stringify(one.document),
      one.createdAt,
      one.effectiveAt,
      one.createdBy,
    );
  }

  byName(name: string): Grant | undefined {
    return this.db.row(grant, 'SELECT * FROM roleAssignments WHERE name = ?', name);
  }

  byTriple(scope: string, roleId: string, principalId: string): Grant | undefined {
    const sql = 'SELECT * FROM roleAssignments WHERE scope = ? COLLATE NOCASE AND roleId = ? AND principalId = ?';
    return this.db.row(grant, sql, scope, roleId, principalId);
  }

  /** Remembered until a role assignment changes: every request asks. */
  of(principalId: string): readonly Grant[] {
    const version = this.db.version('roleAssignments');
    if (version !== this.knownVersion) this.known.clear();
    this.knownVersion = version;
    const found = this.known.get(principalId) ?? this.read(principalId);
    this.known.set(principalId, found);
    return found;
  }

  private read(principalId: string): Grant[] {
    return this.db.rows(grant, 'SELECT * FROM roleAssignments WHERE principalId = ? ORDER BY scope', principalId);
  }

  at(scope: string): Grant[] {
    return this.db.rows(grant, 'SELECT * FROM roleAssignments WHERE scope = ? COLLATE NOCASE', scope);
  }

  /** At scopes strictly below. */
  below(scope: string): Grant[] {
    return this.db.rows(grant, `SELECT * FROM roleAssignments WHERE ${BELOW} ORDER BY scope`, `${scope}/`, `${scope}0`);
  }

  /** How many there are at a scope and below it. */
  count(scope: string): number {
    // Two counts, because one with OR would look at every row.
    const sql = `SELECT (SELECT count(*) FROM roleAssignments WHERE scope = ? COLLATE NOCASE)
      + (SELECT count(*) FROM roleAssignments WHERE ${BELOW}) AS count`;
    return this.db.row(z.object({ count: z.number() }), sql, scope, `${scope}/`, `${scope}0`)?.count ?? 0;
  }

  /** How many there are of a role, anywhere. */
  ofRole(roleId: string): number {
    const sql = 'SELECT count(*) AS count FROM roleAssignments WHERE roleId = ?';
    return this.db.row(z.object({ count: z.number() }), sql, roleId)?.count ?? 0;
  }

  setDocument(name: string, document: Grant['document']): void {
    this.db.run('UPDATE roleAssignments SET document = ? WHERE name = ?', JSON.stringify(document), name);
  }

  remove(name: string): void {
    this.db.run('DELETE FROM roleAssignments WHERE name = ?', name);
  }

  /** Role assignments go with the resource or resource group they were made on. */
  removeWithin(scope: string): void {
    for (const { name } of [...this.at(scope), ...this.below(scope)]) this.remove(name);
  }
}
