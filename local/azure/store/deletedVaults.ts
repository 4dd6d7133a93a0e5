import { z } from 'zod';
import { type Database } from './database';
import { type Document } from './resources';

const row = z.object({
  name: z.string(),
  /** ARM id that it had. */
  id: z.string(),
  document: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(
      z.looseObject({
        location: z.string().optional(),
        tags: z.record(z.string(), z.string()).optional(),
        properties: z.record(z.string(), z.unknown()),
      }),
    ),
  deletedAt: z.number(),
  /** When it is purged by itself. */
  purgeAt: z.number(),
});
export type DeletedVault = z.infer<typeof row>;

const TABLE = `CREATE TABLE IF NOT EXISTS deletedVaults (
  name TEXT PRIMARY KEY COLLATE NOCASE, id TEXT NOT NULL, document TEXT NOT NULL, deletedAt INTEGER NOT NULL,
  purgeAt INTEGER NOT NULL) STRICT`;

/** Vaults that were deleted and can be recovered. Their names, unique in all of Azure, stay taken meanwhile. */
export class DeletedVaults {
  constructor(
    private readonly db: Database,
    private readonly now: () => number,
  ) {
    db.run(TABLE);
  }

  add(name: string, id: string, document: Document, deletedAt: number, purgeAt: number): void {
    const sql = 'INSERT OR REPLACE INTO deletedVaults VALUES (?, ?, ?, ?, ?)';
    this.db.run(sql, name, id, JSON.stringify(document), deletedAt, purgeAt);
  }

  get(name: string): DeletedVault | undefined {
    return this.db.row(row, 'SELECT * FROM deletedVaults WHERE name = ? AND purgeAt > ?', name, this.now());
  }

  /** @param subscriptionId whose they were */
  list(subscriptionId: string): DeletedVault[] {
    const sql = 'SELECT * FROM deletedVaults WHERE id LIKE ? AND deletedAt <= ? AND purgeAt > ? ORDER BY name';
    return this.db.rows(row, sql, `/subscriptions/${subscriptionId}/%`, this.now(), this.now());
  }

  remove(name: string): void {
    this.db.run('DELETE FROM deletedVaults WHERE name = ?', name);
  }
}
