import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { type z } from 'zod';
import { schema } from './schema';

/**
 * The one SQLite file that holds the whole simulated Azure.
 * WAL with synchronous=NORMAL: what was committed survives a killed process, and that is committed before the answer goes out.
 */
export class Database {
  private readonly sqlite: DatabaseSync;
  private readonly statements = new Map<string, StatementSync>();

  /** @param file a path, or ':memory:' */
  constructor(file: string) {
    this.sqlite = new DatabaseSync(file);
    this.sqlite.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;');
    this.sqlite.exec(schema);
  }

  run(sql: string, ...values: SQLInputValue[]): number {
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

  /** All or nothing. Not nested. */
  transaction<T>(work: () => T): T {
    this.sqlite.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.sqlite.exec('COMMIT');
      return result;
    } catch (error) {
      this.sqlite.exec('ROLLBACK');
      throw error;
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
