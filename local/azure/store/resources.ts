import { z } from 'zod';
import { randomUUID } from '../random';
import { type Database } from './database';

/** What a caller put and gets back. `properties` has no provisioningState: that is told by the clock. */
const document = z.looseObject({
  location: z.string().optional(),
  tags: z.record(z.string(), z.string()).optional(),
  properties: z.record(z.string(), z.unknown()).default({}),
});
export type Document = z.infer<typeof document>;

const failure = z.object({ code: z.string(), message: z.string() });
export type Failure = z.infer<typeof failure>;

const json = <S extends z.ZodType>(shape: S) =>
  z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(shape);

const resource = z.object({
  id: z.string(),
  type: z.string(),
  etag: z.string(),
  document: json(document),
  /** What only the provider knows: an address not handed out yet, a VM's power state. */
  hidden: json(z.record(z.string(), z.unknown())),
  createdAt: z.number(),
  /** When the running operation ends. */
  readyAt: z.number(),
  /** When a deletion that runs will have ended. */
  goneAt: z.number().nullable(),
  phase: z.string(),
  failure: z.union([z.null(), json(failure)]),
});
export type Resource = z.infer<typeof resource>;

/** A resource whose deletion has ended is still a row; the parameter is now. */
const PRESENT = '(goneAt IS NULL OR goneAt > ?)';

const keyOf = (id: string): string => id.toLowerCase();

/** Everything that has an ARM id below a subscription. Operations end by the clock, so nothing has to run for them to end. */
export class Resources {
  constructor(
    private readonly db: Database,
    private readonly now: () => number,
  ) {}

  get(id: string): Resource | undefined {
    return this.db.row(resource, `SELECT * FROM resources WHERE key = ? AND ${PRESENT}`, keyOf(id), this.now());
  }

  /** Resources of a type whose ids begin with `prefix`, by id. */
  list(type: string, prefix = '/'): Resource[] {
    const sql = `SELECT * FROM resources WHERE type = ? AND key >= ? AND key < ? AND ${PRESENT} ORDER BY key`;
    return this.db.rows(resource, sql, type, keyOf(prefix), `${keyOf(prefix)}\uffff`, this.now());
  }

  /** Every resource below `prefix`, whatever its type. */
  below(prefix: string): Resource[] {
    const sql = `SELECT * FROM resources WHERE key >= ? AND key < ? AND ${PRESENT} ORDER BY key`;
    return this.db.rows(resource, sql, `${keyOf(prefix)}/`, `${keyOf(prefix)}/\uffff`, this.now());
  }

  /** Writes the resource with a new etag, and its links to what it uses. */
  put(put: Omit<Resource, 'etag' | 'goneAt'>, links: readonly Link[]): Resource {
    const row: Resource = { ...put, etag: `W/"${randomUUID()}"`, goneAt: null };
    this.db.run('DELETE FROM resources WHERE key = ?', keyOf(put.id));
    this.db.run(
      'INSERT INTO resources VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?)',
      keyOf(row.id),
      row.id,
      row.type,
      row.etag,
      JSON.stringify(row.document),
      JSON.stringify(row.hidden),
      row.createdAt,
      row.readyAt,
      row.phase,
      row.failure === null ? null : JSON.stringify(row.failure),
    );
    this.db.run('DELETE FROM links WHERE source = ?', keyOf(row.id));
    for (const { target, via } of links) {
      this.db.run('INSERT OR IGNORE INTO links VALUES (?, ?, ?)', keyOf(row.id), keyOf(target), via);
    }
    return row;
  }

  /** Changes what is shown, at once and under a new etag: a PATCH of tags. */
  setDocument(of: Resource, changed: Document): Resource {
    const etag = `W/"${randomUUID()}"`;
    const sql = 'UPDATE resources SET document = ?, etag = ? WHERE key = ?';
    this.db.run(sql, JSON.stringify(changed), etag, keyOf(of.id));
    return { ...of, document: changed, etag };
  }

  setHidden(id: string, hidden: Record<string, unknown>): void {
    this.db.run('UPDATE resources SET hidden = ? WHERE key = ?', JSON.stringify(hidden), keyOf(id));
  }

  /** A change beside it (a child, a new user) gives a resource another etag. */
  touch(id: string): void {
    this.db.run('UPDATE resources SET etag = ? WHERE key = ?', `W/"${randomUUID()}"`, keyOf(id));
  }

  /** Begins or, with `at` not after now, ends the deletion of a resource and of its children. */
  remove(id: string, at: number): void {
    const key = keyOf(id);
    this.db.run(
      'UPDATE resources SET goneAt = ? WHERE (key = ? OR (key >= ? AND key < ?)) AND (goneAt IS NULL OR goneAt > ?)',
      at,
      key,
      `${key}/`,
      `${key}/\uffff`,
      at,
    );
  }

  /** Who uses `target`: the sub-resource that does (`via`, an ip configuration) and the resource it belongs to. */
  users(target: string): { readonly source: string; readonly via: string }[] {
    const sql = `SELECT resources.id AS source, links.via AS via FROM links JOIN resources ON resources.key = links.source
      WHERE links.target = ? AND ${PRESENT} ORDER BY links.via`;
    return this.db.rows(z.object({ source: z.string(), via: z.string() }), sql, keyOf(target), this.now());
  }
}

/** `via`: the id, in the caller's casing, that Azure names as the user of `target`. */
export interface Link {
  readonly target: string;
  readonly via: string;
}
