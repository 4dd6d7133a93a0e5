import { z } from 'zod';
import { type Database } from './database';

const json = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(z.record(z.string(), z.unknown()));

const object = z.object({ id: z.string(), kind: z.string(), document: json, createdAt: z.number() });
export type DirectoryObject = z.infer<typeof object>;

export type ObjectKind =
  | 'user'
  | 'group'
  | 'directoryRole'
  | 'oauth2PermissionGrant'
  | 'federatedIdentityCredential'
  | 'appManagementPolicy'
  | 'tenantAppManagementPolicy'
  | 'unifiedRoleAssignment';

/** `source` has `target` as its … */
type Relation = 'owner' | 'member' | 'appManagementPolicy';

const TABLES = `
CREATE TABLE IF NOT EXISTS directoryObjects (
  id TEXT PRIMARY KEY COLLATE NOCASE, kind TEXT NOT NULL, document TEXT NOT NULL, createdAt INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS directoryObjectsByKind ON directoryObjects (kind, createdAt, id);
CREATE TABLE IF NOT EXISTS directoryLinks (
  relation TEXT NOT NULL, source TEXT NOT NULL COLLATE NOCASE, target TEXT NOT NULL COLLATE NOCASE,
  PRIMARY KEY (relation, source, target)) STRICT;`;

/** What the directory has besides applications and service principals, and who owns or belongs to what. */
export class DirectoryObjects {
  constructor(private readonly db: Database) {
    for (const sql of TABLES.split(';').filter((one) => one.trim() !== '')) db.run(sql);
  }

  add(kind: ObjectKind, id: string, document: DirectoryObject['document'], createdAt: number): DirectoryObject {
    this.db.run(
      'INSERT OR IGNORE INTO directoryObjects VALUES (?, ?, ?, ?)',
      id,
      kind,
      JSON.stringify(document),
      createdAt,
    );
    return { id, kind, document, createdAt };
  }

  get(kind: ObjectKind, id: string): DirectoryObject | undefined {
    return this.db.row(object, 'SELECT * FROM directoryObjects WHERE kind = ? AND id = ?', kind, id);
  }

  list(kind: ObjectKind): DirectoryObject[] {
    return this.db.rows(object, 'SELECT * FROM directoryObjects WHERE kind = ? ORDER BY createdAt, id', kind);
  }

  setDocument(id: string, document: DirectoryObject['document']): void {
    this.db.run('UPDATE directoryObjects SET document = ? WHERE id = ?', JSON.stringify(document), id);
  }

  remove(id: string): void {
    this.db.run('DELETE FROM directoryObjects WHERE id = ?', id);
    this.db.run('DELETE FROM directoryLinks WHERE source = ? OR target = ?', id, id);
  }

  /** Returns whether it was not there yet. */
  link(relation: Relation, source: string, target: string): boolean {
    return this.db.run('INSERT OR IGNORE INTO directoryLinks VALUES (?, ?, ?)', relation, source, target) > 0;
  }

  /** Returns whether it was there. */
  unlink(relation: Relation, source: string, target: string): boolean {
    const sql = 'DELETE FROM directoryLinks WHERE relation = ? AND source = ? AND target = ?';
    return this.db.run(sql, relation, source, target) > 0;
  }

  linked(relation: Relation, source: string): string[] {
    const sql = 'SELECT target FROM directoryLinks WHERE relation = ? AND source = ? ORDER BY rowid';
    return this.db.rows(z.object({ target: z.string() }), sql, relation, source).map(({ target }) => target);
  }

  /** Sources that have `target`. */
  holders(relation: Relation, target: string): string[] {
    const sql = 'SELECT source FROM directoryLinks WHERE relation = ? AND target = ? ORDER BY rowid';
    return this.db.rows(z.object({ source: z.string() }), sql, relation, target).map(({ source }) => source);
  }
}
