import { randomBytes } from '../random';
import { z } from 'zod';
import { doneAt, type Azure } from '../azure';

const json = z.string().transform((text): unknown => JSON.parse(text));

const copyShape = z.object({
  id: z.string(),
  source: z.string(),
  startedAt: z.number(),
  endsAt: z.number(),
  bytes: z.number(),
  aborted: z.boolean().default(false),
});
export type Copy = z.infer<typeof copyShape>;

const containerRow = z.object({
  name: z.string(),
  etag: z.string(),
  modifiedAt: z.number(),
  goneAt: z.number().nullable(),
});
export type Container = z.infer<typeof containerRow>;

const blobRow = z.object({
  account: z.string(),
  container: z.string(),
  name: z.string(),
  etag: z.string(),
  createdAt: z.number(),
  modifiedAt: z.number(),
  bytes: z.number(),
  headers: json.pipe(z.record(z.string(), z.string())),
  copy: z.union([z.null(), json.pipe(copyShape)]),
});
export type Blob = z.infer<typeof blobRow>;

export interface BlobName {
  readonly account: string;
  readonly container: string;
  readonly name: string;
}

export const PAGE = 512;

const newEtag = (): string => `"0x8${randomBytes(7).toString('hex').toUpperCase()}"`;

/** Containers, page blobs and their pages. A page nobody wrote has no row and is zeros, so a VHD of 30 GiB costs nothing. */
export class Blobs {
  constructor(private readonly azure: Azure) {}

  container(account: string, name: string): Container | undefined {
    const found = this.azure.db.row(
      containerRow,
      'SELECT name, etag, modifiedAt, goneAt FROM containers WHERE account = ? AND name = ?',
      account,
      name,
    );
    return found !== undefined && (found.goneAt ?? Infinity) > this.azure.now() ? found : undefined;
  }

  containers(account: string): Container[] {
    const sql =
      'SELECT name, etag, modifiedAt, goneAt FROM containers WHERE account = ? AND goneAt IS NULL ORDER BY name';
    return this.azure.db.rows(containerRow, sql, account);
  }

  putContainer(account: string, name: string): Container {
    const made = { name, etag: newEtag(), modifiedAt: this.azure.now(), goneAt: null };
    const sql = 'INSERT OR REPLACE INTO containers VALUES (?, ?, ?, ?, NULL)';
    this.azure.db.run(sql, account, name, made.etag, made.modifiedAt);
    return made;
  }

  /** Its blobs are gone at once; its name is free again later. */
  removeContainer(account: string, name: string): void {
    const at = doneAt(this.azure, 'containerDelete');
    this.azure.db.run('UPDATE containers SET goneAt = ? WHERE account = ? AND name = ?', at, account, name);
    for (const table of ['blobs', 'pages'])
      this.azure.db.run(`DELETE FROM ${table} WHERE account = ? AND container = ?`, account, name);
  }

  removeAccount(account: string): void {
    for (const table of ['containers', 'blobs', 'pages'])
      this.azure.db.run(`DELETE FROM ${table} WHERE account = ?`, account);
  }

  get({ account, container, name }: BlobName): Blob | undefined {
    const sql = 'SELECT * FROM blobs WHERE account = ? AND container = ? AND name = ?';
    return this.azure.db.row(blobRow, sql, account, container, name);
  }

  list(account: string, container: string): Blob[] {
    const sql = 'SELECT * FROM blobs WHERE account = ? AND container = ? ORDER BY name';
    return this.azure.db.rows(blobRow, sql, account, container);
  }

  /** Writes the blob under a new etag. Its pages stay: `clear` takes them away. */
  put(blob: Omit<Blob, 'etag' | 'modifiedAt'>): Blob {
    const row = { ...blob, etag: newEtag(), modifiedAt: this.azure.now() };
    this.azure.db.run(
      'INSERT OR REPLACE INTO blobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      row.account,
      row.container,
      row.name,
      row.etag,
      row.createdAt,
      row.modifiedAt,
      row.bytes,
      JSON.stringify(row.headers),
      row.copy === null ? null : JSON.stringify(row.copy),
    );
    return row;
  }

  remove({ account, container, name }: BlobName): void {
    this.clear({ account, container, name });
    const sql = 'DELETE FROM blobs WHERE account = ? AND container = ? AND name = ?';
    this.azure.db.run(sql, account, container, name);
  }

  clear({ account, container, name }: BlobName): void {
    const sql = 'DELETE FROM pages WHERE account = ? AND container = ? AND name = ?';
    this.azure.db.run(sql, account, container, name);
  }

  writePages({ account, container, name }: BlobName, start: number, content: Uint8Array): void {
    for (let at = 0; at < content.length; at += PAGE) {
      const sql = 'INSERT OR REPLACE INTO pages VALUES (?, ?, ?, ?, ?)';
      this.azure.db.run(sql, account, container, name, (start + at) / PAGE, content.subarray(at, at + PAGE));
    }
  }

  copyPages(from: BlobName, to: BlobName): void {
    this.azure.db.run(
      'INSERT INTO pages SELECT ?, ?, ?, page, content FROM pages WHERE account = ? AND container = ? AND name = ?',
      to.account,
      to.container,
      to.name,
      from.account,
      from.container,
      from.name,
    );
  }

  /** Whole pages from `start` on; both are multiples of 512. */
  readPages({ account, container, name }: BlobName, start: number, bytes: number): Buffer {
    const sql =
      'SELECT page, content FROM pages WHERE account = ? AND container = ? AND name = ? AND page >= ? AND page < ?';
    const row = z.object({ page: z.number(), content: z.instanceof(Uint8Array) });
    const content = Buffer.alloc(bytes);
    for (const found of this.azure.db.rows(row, sql, account, container, name, start / PAGE, (start + bytes) / PAGE))
      content.set(found.content, found.page * PAGE - start);
    return content;
  }

  /** Whether the blob ends as a fixed VHD does. */
  isVhd(blob: Blob): boolean {
    if (blob.bytes < PAGE) return false;
    return this.readPages(blob, blob.bytes - PAGE, PAGE)
      .subarray(0, VHD_COOKIE.length)
      .equals(VHD_COOKIE);
  }
}

export const VHD_COOKIE = Buffer.from('conectix');

export const copyStatus = (copy: Copy, now: number): 'aborted' | 'pending' | 'success' =>
  copy.aborted ? 'aborted' : now < copy.endsAt ? 'pending' : 'success';
