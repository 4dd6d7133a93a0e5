import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { type Database } from './database';

const row = z.object({
  vault: z.string(),
  name: z.string(),
  version: z.string(),
  /** contentType, tags, attributes. */
  document: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(z.record(z.string(), z.unknown())),
  sealed: z.string(),
  createdAt: z.number(),
  sequence: z.number(),
  deletedAt: z.number().nullable(),
});
export type Secret = z.infer<typeof row>;

/** Vault secrets. Their values stand in the file only sealed (AES-256-GCM) with a key that is kept beside it. */
export class Secrets {
  constructor(
    private readonly db: Database,
    private readonly key: Buffer,
  ) {}

  add(secret: Omit<Secret, 'sealed' | 'sequence' | 'deletedAt'>, value: string): void {
    const { vault, name, version, document, createdAt } = secret;
    const sql = `INSERT INTO secrets VALUES (?, ?, ?, ?, ?, ?, (SELECT ifnull(max(sequence), 0) + 1 FROM secrets), NULL)`;
    this.db.run(sql, vault, name, version, JSON.stringify(document), this.seal(value), createdAt);
  }

  /** Newest first, deleted or not. */
  versions(vault: string, name: string): Secret[] {
    return this.db.rows(row, 'SELECT * FROM secrets WHERE vault = ? AND name = ? ORDER BY sequence DESC', vault, name);
  }

  /** The newest version of each name. */
  latest(vault: string, deleted: boolean): Secret[] {
    const sql = `SELECT * FROM secrets AS one WHERE vault = ? AND (deletedAt IS NOT NULL) = ? AND sequence =
      (SELECT max(sequence) FROM secrets WHERE vault = one.vault AND name = one.name) ORDER BY name`;
    return this.db.rows(row, sql, vault, deleted ? 1 : 0);
  }

  setDocument({ vault, name, version }: Secret, document: Secret['document']): void {
    const sql = 'UPDATE secrets SET document = ? WHERE vault = ? AND name = ? AND version = ?';
    this.db.run(sql, JSON.stringify(document), vault, name, version);
  }

  setDeleted(vault: string, name: string, at: number | null): void {
    this.db.run('UPDATE secrets SET deletedAt = ? WHERE vault = ? AND name = ?', at, vault, name);
  }

  purge(vault: string, name: string): void {
    this.db.run('DELETE FROM secrets WHERE vault = ? AND name = ?', vault, name);
  }

  purgeVault(vault: string): void {
    this.db.run('DELETE FROM secrets WHERE vault = ?', vault.toLowerCase());
  }

  open(secret: Secret): string {
    const sealed = Buffer.from(secret.sealed, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', this.key, sealed.subarray(0, 12));
    decipher.setAuthTag(sealed.subarray(12, 28));
    return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8');
  }

  private seal(value: string): string {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.key, nonce);
    const text = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64');
  }
}
