import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { type z } from 'zod';
import { UserError } from '../userError';
import { schema } from './schema';

/** The format of the file, raised when an older program could no longer read it. */
const FORMAT = 1;

/**
 * The one SQLite file that holds the whole simulated Azure.
 * WAL with synchronous=NORMAL: what was committed survives a killed process, and that is committed before the answer goes out.
 */
export class Database {
  private readonly sqlite: DatabaseSync;
  private readonly statements = new Map<string, StatementSync>();
  /** The table that a statement writes; '' if none. */
  private readonly written = new Map<string, string>();
  private readonly versions = new Map<string, number>();
  private rollbacks = 0;
  private depth = 0;

  /**
   * @param file a path, or ':memory:'
   * @param use `check`: only whether it could be used
   * @throws UserError, with nothing written, for what is no database or one of a newer program
   */
  constructor(file: string, use: 'serve' | 'check' = 'serve') {
    this.sqlite = openChecked(file);
    if (use === 'check') return;
    this.sqlite.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;');
    this.sqlite.exec(`${schema} PRAGMA user_version = ${FORMAT};`);
  }

  run(sql: string, ...values: SQLInputValue[]): number {
    let table = this.written.get(sql);
    if (table === undefined) {
      table = /^\s*(?:INSERT(?:\s+OR\s+\w+)?\s+INTO|UPDATE|DELETE\s+FROM)\s+(\w+)/i.exec(sql)?.[1] ?? '';
      this.written.set(sql, table);
    }
    this.versions.set(table, (this.versions.get(table) ?? 0) + 1);
    return Number(this.prepare(sql).run(...values).changes);
  }

  rows<S extends z.ZodType>(shape: S, sql: string, ...values: SQLInputValue[]): z.infer<S>[] {
    return this.prepare(sql)
      .all(...values)
      .map((row) => shape.parse(row));
  }

  row<S extends z.ZodType>(shape: S, sql: string, ...values: SQLInputValue[]): z.infer<S> | undefined {
    const row = this.prepare(sql).get(...values);
    return row === undefined ? undefined : shape.parse(row);
  }

  /** Another number whenever a table may have changed: what was read from it while the number stays is still so. */
  version(table: string): number {
    return (this.versions.get(table) ?? 0) + this.rollbacks;
  }

  /** All or nothing. One inside another is part of it. */
  transaction<T>(work: () => T): T {
    if (this.depth > 0) return work();
    this.prepare('BEGIN IMMEDIATE').run();
    this.depth += 1;
    try {
      const result = work();
      this.prepare('COMMIT').run();
      return result;
    } catch (error) {
      this.prepare('ROLLBACK').run();
      this.rollbacks += 1;
      throw error;
    } finally {
      this.depth -= 1;
    }
  }

  /** What `work` gives, with all that it wrote undone. Inside a transaction. */
  undone<T>(work: () => T): T {
    this.prepare('SAVEPOINT trial').run();
    try {
      return work();
    } finally {
      this.prepare('ROLLBACK TO trial').run();
      this.rollbacks += 1;
      this.prepare('RELEASE trial').run();
    }
  }

  /** All or nothing inside a transaction: what is refused here leaves the rest of it standing. */
  savepoint<T>(work: () => T): T {
    this.sqlite.exec('SAVEPOINT inner');
    try {
      const result = work();
      this.sqlite.exec('RELEASE inner');
      return result;
    } catch (error) {
      this.sqlite.exec('ROLLBACK TO inner; RELEASE inner');
      this.rollbacks += 1;
      throw error;
    }
  }

  close(): void {
    this.sqlite.close();
  }

  private prepare(sql: string): StatementSync {
    const known = this.statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.sqlite.prepare(sql);
    this.statements.set(sql, statement);
    return statement;
  }
}

function openChecked(file: string): DatabaseSync {
  const sqlite = new DatabaseSync(file);
  const refuse = (what: string): UserError => {
    sqlite.close();
    return new UserError(`${file} ${what} Choose another folder with --state.`);
  };
  let found: number;
  try {
    found = Number(sqlite.prepare('PRAGMA user_version').get()?.['user_version']);
    sqlite.prepare('SELECT count(*) FROM sqlite_schema').get();
  } catch (error) {
    throw refuse(`cannot be read: ${error instanceof Error ? error.message : String(error)}.`);
  }
  if (found > FORMAT)
    throw refuse(`was written by a newer version of this program (format ${found}; this one knows ${FORMAT}).`);
  return sqlite;
}

/** Something read from a table, read again only when the table may have changed. */
export function remembered<T>(db: Database, tables: readonly string[], read: () => T): () => T {
  let known: { readonly version: string; readonly value: T } | undefined;
  return () => {
    const version = tables.map((table) => db.version(table)).join();
    if (known?.version !== version) known = { version, value: read() };
    return known.value;
  };
}
