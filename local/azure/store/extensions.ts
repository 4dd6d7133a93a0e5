import { randomUUID } from '../random';
import { z } from 'zod';
import { type Database } from './database';

const row = z.object({
  id: z.string(),
  type: z.string(),
  scope: z.string(),
  name: z.string(),
  etag: z.string(),
  document: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(z.record(z.string(), z.unknown())),
  createdAt: z.number(),
  createdBy: z.string(),
  updatedAt: z.number(),
});
export type Extension = z.infer<typeof row>;

type Put = Pick<Extension, 'type' | 'scope' | 'name' | 'document' | 'createdBy'>;

const slash = (scope: string): string => (scope === '/' ? '' : scope);

/** `{scope}/providers/{type}/{name}`; the scope `/` is the tenant. */
const extensionId = (scope: string, type: string, name: string): string => `${slash(scope)}/providers/${type}/${name}`;

/** Extension resources: each belongs to a scope and goes with it. */
export class Extensions {
  constructor(
    private readonly db: Database,
    private readonly now: () => number,
  ) {}

  get(scope: string, type: string, name: string): Extension | undefined {
    return this.byId(extensionId(scope, type, name));
  }

  byId(id: string): Extension | undefined {
    return this.db.row(row, 'SELECT * FROM extensions WHERE key = ?', id.toLowerCase());
  }

  at(scope: string, type: string): Extension[] {
    return this.db.rows(row, 'SELECT * FROM extensions WHERE type = ? AND scope = ? ORDER BY key', type, scope);
  }

  /** At scopes strictly below; a range, so that the index serves it (0 follows / in ASCII). */
  below(scope: string, type: string): Extension[] {
    const sql = 'SELECT * FROM extensions WHERE type = ? AND scope >= ? AND scope < ? ORDER BY key';
    return this.db.rows(row, sql, type, `${slash(scope)}/`, `${slash(scope)}0`);
  }

  all(type: string): Extension[] {
    return this.db.rows(row, 'SELECT * FROM extensions WHERE type = ? ORDER BY key', type);
  }

  put({ type, scope, name, document, createdBy }: Put): Extension {
    const before = this.get(scope, type, name);
    const now = this.now();
    const written: Extension = {
      id: before?.id ?? extensionId(scope, type, name),
      type,
      scope: before?.scope ?? scope,
      name: before?.name ?? name,
      etag: `"${randomUUID()}"`,
      document,
      createdAt: before?.createdAt ?? now,
      createdBy: before?.createdBy ?? createdBy,
      updatedAt: now,
    };
    this.db.run(
      'INSERT OR REPLACE INTO extensions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      written.id.toLowerCase(),
      written.id,
      type,
      written.scope,
      written.name,
      written.etag,
      JSON.stringify(document),
      written.createdAt,
      written.createdBy,
      now,
    );
    return written;
  }

  remove(id: string): void {
    this.db.run('DELETE FROM extensions WHERE key = ?', id.toLowerCase());
  }

  /** What belongs to a resource or a resource group goes with it. */
  removeWithin(scope: string): void {
    const sql = 'DELETE FROM extensions WHERE scope = ? OR (scope >= ? AND scope < ?)';
    this.db.run(sql, scope, `${scope}/`, `${scope}0`);
  }
}
