import { z } from 'zod';
import { type Database } from './database';

const text = <S extends z.ZodType>(shape: S) =>
  z
    .string()
    .transform((value): unknown => JSON.parse(value))
    .pipe(shape);

const entry = z.object({
  id: z.string(),
  kind: z.enum(['application', 'servicePrincipal']),
  appId: z.string(),
  document: text(z.record(z.string(), z.unknown())),
  /** Object id of the service principal that made it: what `Application.ReadWrite.OwnedBy` asks for. */
  owner: z.string().nullable(),
  createdAt: z.number(),
  /** When every replica has it. */
  visibleAt: z.number(),
  deletedAt: z.number().nullable(),
});
export type Entry = z.infer<typeof entry>;
type Kind = Entry['kind'];

const password = z.object({
  keyId: z.string(),
  applicationId: z.string(),
  hash: z.string(),
  document: text(z.record(z.string(), z.unknown())),
  endsAt: z.number(),
});
export type Password = z.infer<typeof password>;

const appRoleAssignment = z.object({
  id: z.string(),
  principalId: z.string(),
  resourceId: z.string(),
  appRoleId: z.string(),
  createdAt: z.number(),
});
export type AppRoleAssignment = z.infer<typeof appRoleAssignment>;

/** The Entra directory. Reads see only what has replicated, unless they ask for all of it. */
export class Directory {
  constructor(
    private readonly db: Database,
    private readonly now: () => number,
  ) {}

  add(one: Entry): void {
    this.db.run(
      'INSERT INTO directory VALUES (?, ?, ?, ?, ?, ?, ?, NULL)',
      one.id,
      one.kind,
      one.appId,
      JSON.stringify(one.document),
      one.owner,
      one.createdAt,
      one.visibleAt,
    );
  }

  get(kind: Kind, id: string): Entry | undefined {
    const sql = 'SELECT * FROM directory WHERE kind = ? AND id = ? AND visibleAt <= ? AND deletedAt IS NULL';
    return this.db.row(entry, sql, kind, id, this.now());
  }

  byAppId(kind: Kind, appId: string): Entry | undefined {
    const sql = 'SELECT * FROM directory WHERE kind = ? AND appId = ? AND visibleAt <= ? AND deletedAt IS NULL';
    return this.db.row(entry, sql, kind, appId, this.now());
  }

  list(kind: Kind): Entry[] {
    const sql =
      'SELECT * FROM directory WHERE kind = ? AND visibleAt <= ? AND deletedAt IS NULL ORDER BY createdAt, id';
    return this.db.rows(entry, sql, kind, this.now());
  }

  /** The application that has this `uniqueName`, shown yet or not, deleted or not: the name stays taken. */
  everNamed(uniqueName: string): Entry | undefined {
    const all = this.db.rows(entry, 'SELECT * FROM directory WHERE kind = ?', 'application');
    return all.find(({ document }) => document['uniqueName'] === uniqueName);
  }

  /** Whatever the replicas know: for uniqueness, and for the identity provider's own bookkeeping. */
  atSource(kind: Kind, appId: string): Entry | undefined {
    return this.db.row(
      entry,
      'SELECT * FROM directory WHERE kind = ? AND appId = ? AND deletedAt IS NULL',
      kind,
      appId,
    );
  }

  deleted(id: string): Entry | undefined {
    return this.db.row(entry, 'SELECT * FROM directory WHERE id = ? AND deletedAt IS NOT NULL', id);
  }

  allDeleted(kind: Kind): Entry[] {
    const sql = 'SELECT * FROM directory WHERE kind = ? AND deletedAt IS NOT NULL ORDER BY deletedAt';
    return this.db.rows(entry, sql, kind);
  }

  setDocument(id: string, document: Entry['document']): void {
    this.db.run('UPDATE directory SET document = ? WHERE id = ?', JSON.stringify(document), id);
  }

  softDelete(id: string): void {
    this.db.run('UPDATE directory SET deletedAt = ? WHERE id = ?', this.now(), id);
  }

  restore(id: string): void {
    this.db.run('UPDATE directory SET deletedAt = NULL WHERE id = ?', id);
  }

  remove(id: string): void {
    this.db.run('DELETE FROM directory WHERE id = ?', id);
    this.db.run('DELETE FROM passwords WHERE applicationId = ?', id);
    this.db.run('DELETE FROM appRoleAssignments WHERE principalId = ? OR resourceId = ?', id, id);
    this.db.run('DELETE FROM identityTokens WHERE principalId = ?', id);
  }

  addPassword(one: Password): void {
    const { keyId, applicationId, hash, document, endsAt } = one;
    this.db.run(
      'INSERT INTO passwords VALUES (?, ?, ?, ?, ?)',
      keyId,
      applicationId,
      hash,
      JSON.stringify(document),
      endsAt,
    );
  }

  passwords(applicationId: string): Password[] {
    return this.db.rows(password, 'SELECT * FROM passwords WHERE applicationId = ? ORDER BY endsAt', applicationId);
  }

  /** Returns whether there was one. */
  removePassword(applicationId: string, keyId: string): boolean {
    return this.db.run('DELETE FROM passwords WHERE applicationId = ? AND keyId = ?', applicationId, keyId) > 0;
  }

  addAppRole({ id, principalId, resourceId, appRoleId, createdAt }: AppRoleAssignment): void {
    this.db.run(
      'INSERT INTO appRoleAssignments VALUES (?, ?, ?, ?, ?)',
      id,
      principalId,
      resourceId,
      appRoleId,
      createdAt,
    );
  }

  appRoles(side: 'principalId' | 'resourceId', id: string): AppRoleAssignment[] {
    // Those of a deleted principal come back with it, and count for nothing until then.
    const sql = `SELECT * FROM appRoleAssignments WHERE ${side} = ? AND principalId NOT IN
      (SELECT id FROM directory WHERE deletedAt IS NOT NULL) ORDER BY createdAt, id`;
    return this.db.rows(appRoleAssignment, sql, id);
  }

  removeAppRole(id: string): void {
    this.db.run('DELETE FROM appRoleAssignments WHERE id = ?', id);
  }
}
