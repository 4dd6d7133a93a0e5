/** The store on SQLite: WAL and synchronous=FULL, so what was written survives the loss of the process and of power. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { z } from 'zod';
import { historyEventSchema, turnNoteSchema } from './history';
import { type Batch, instanceSchema, parentSchema, type Store } from './store';

const SCHEMA_VERSION = 2;
/**
 * A commit costs as much as the pages it touches. So what is written often has numbers for keys, which grow: the rows of
 * one commit lie side by side. With the instances' ids for keys each row would touch a page of its own.
 */
const SCHEMA = `
  CREATE TABLE instances (no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, executionId TEXT NOT NULL,
    name TEXT NOT NULL, version TEXT NOT NULL, status TEXT NOT NULL, input TEXT, output TEXT, customStatus TEXT,
    createdAt INTEGER NOT NULL, updatedAt INTEGER NOT NULL, parent TEXT) STRICT;
  CREATE TABLE history (seq INTEGER PRIMARY KEY, instance INTEGER NOT NULL, rows TEXT NOT NULL) STRICT;
  CREATE INDEX historyByInstance ON history (instance);
  CREATE TABLE messages (seq INTEGER PRIMARY KEY, instanceId TEXT NOT NULL, executionId TEXT, at INTEGER NOT NULL,
    alone INTEGER NOT NULL, timerId INTEGER, event TEXT NOT NULL) STRICT;
  CREATE INDEX messagesByInstance ON messages (instanceId, timerId);
  CREATE INDEX messagesByTime ON messages (at, seq);
  CREATE TABLE activities (seq INTEGER PRIMARY KEY, instanceId TEXT NOT NULL, executionId TEXT NOT NULL,
    taskId INTEGER NOT NULL, name TEXT NOT NULL, input TEXT, retried INTEGER NOT NULL) STRICT;
  PRAGMA user_version = ${SCHEMA_VERSION};`;

const json = <T extends z.ZodType>(schema: T) => z.string().transform((text) => schema.parse(JSON.parse(text)));
const flag = z.number().transform((value) => value === 1);
const instanceRow = instanceSchema.extend({ parent: json(parentSchema).nullable() });
const historyRow = z.object({
  rows: json(z.array(z.object({ event: historyEventSchema, note: turnNoteSchema.optional() }))),
});
const messageRow = z.object({
  seq: z.number(),
  instanceId: z.string(),
  executionId: z.string().nullable(),
  at: z.number(),
  alone: flag,
  event: json(historyEventSchema),
});
const activityRow = z.object({
  seq: z.number(),
  instanceId: z.string(),
  executionId: z.string(),
  taskId: z.number(),
  name: z.string(),
  input: z.string().nullable(),
  retried: flag,
});
const versionRow = z.object({ user_version: z.number() });
const dueRow = z.object({ at: z.number().nullable() });
const seqRow = z.object({ seq: z.number() });

/**
 * Opens the store in a file, or in memory for `:memory:`.
 * @throws if the file was written by another version of this host.
 */
export function openSqliteStore(path: string): Store {
  const db = new DatabaseSync(path);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  const found = versionRow.parse(db.prepare('PRAGMA user_version').get()).user_version;
  if (found === 0) db.exec(`BEGIN; ${SCHEMA} COMMIT;`);
  else if (found !== SCHEMA_VERSION) {
    db.close();
    throw new Error(
      `${path} has format ${found}; this host reads format ${SCHEMA_VERSION}. Remove it or use another state folder.`,
    );
  }
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const known = statements.get(sql);
    if (known) return known;
    const made = db.prepare(sql);
    statements.set(sql, made);
    return made;
  };
  const run = (sql: string, ...values: SQLInputValue[]): void => void prepare(sql).run(...values);
  const all = <T extends z.ZodType>(row: T, sql: string, ...values: SQLInputValue[]): z.infer<T>[] =>
    prepare(sql)
      .all(...values)
      .map((one) => row.parse(one));
  const writeAll = writer(run);

  return {
    write(batch) {
      run('BEGIN IMMEDIATE');
      try {
        writeAll(batch);
        run('COMMIT');
      } catch (error) {
        // A full disk has rolled it back already; the second time would hide why.
        if (db.isTransaction) run('ROLLBACK');
        throw error;
      }
    },

    instance: (id) => all(instanceRow, 'SELECT * FROM instances WHERE id = ?', id)[0],
    instances: ({ prefix = '', after = '', createdFrom, createdTo, statuses, limit }) =>
      all(
        instanceRow,
        `SELECT * FROM instances WHERE id > ? AND id >= ? AND id < ? AND createdAt BETWEEN ? AND ?
         AND (? IS NULL OR status IN (SELECT value FROM json_each(?))) ORDER BY id LIMIT ?`,
        // A prefix is a range of the index: it is found without looking at what sorts before or behind it.
        ...[after, prefix, `${prefix}\u{10ffff}`, createdFrom ?? 0, createdTo ?? Number.MAX_SAFE_INTEGER],
        ...[statuses ? 1 : null, JSON.stringify(statuses ?? []), limit ?? -1],
      ),
    history: ({ no }) =>
      all(historyRow, 'SELECT rows FROM history WHERE instance = ? ORDER BY seq', no).flatMap(({ rows }) => rows),
    messages: (after, until) =>
      all(messageRow, 'SELECT * FROM messages WHERE at > ? AND at <= ? ORDER BY at, seq', after, until),
    nextDue: (now) => all(dueRow, 'SELECT min(at) AS at FROM messages WHERE at > ?', now)[0]?.at ?? undefined,
    activities: () => all(activityRow, 'SELECT * FROM activities ORDER BY seq'),
    lastSeq: () =>
      Math.max(
        ...['instances', 'history', 'messages', 'activities'].flatMap((table) =>
          all(seqRow, `SELECT coalesce(max(rowid), 0) AS seq FROM ${table}`).map(({ seq }) => seq),
        ),
      ),
    close: () => db.close(),
  };
}

/** The statements of one transaction. */
function writer(run: (sql: string, ...values: SQLInputValue[]) => void): (batch: Batch) => void {
  return (batch) => {
    for (const { no } of batch.deleted) {
      run('DELETE FROM instances WHERE no = ?', no);
      run('DELETE FROM history WHERE instance = ?', no);
    }
    for (const { no } of batch.clearedHistories) run('DELETE FROM history WHERE instance = ?', no);
    for (const id of batch.unread) run('DELETE FROM messages WHERE instanceId = ?', id);
    for (const seq of batch.removedMessages) run('DELETE FROM messages WHERE seq = ?', seq);
    for (const { instanceId, timerId } of batch.removedTimers) {
      if (timerId === undefined) run('DELETE FROM messages WHERE instanceId = ? AND timerId IS NOT NULL', instanceId);
      else run('DELETE FROM messages WHERE instanceId = ? AND timerId = ?', instanceId, timerId);
    }
    for (const seq of batch.removedActivities) run('DELETE FROM activities WHERE seq = ?', seq);
    for (const { row: i, whole } of batch.instances) {
      const changing = [i.status, i.output, i.customStatus, i.updatedAt];
      if (!whole) {
        run(
          'UPDATE instances SET status = ?, output = ?, customStatus = ?, updatedAt = ? WHERE no = ?',
          ...changing,
          i.no,
        );
        continue;
      }
      run(
        `INSERT OR REPLACE INTO instances (status, output, customStatus, updatedAt, no, id, executionId, name, version,
         input, createdAt, parent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ...changing,
        ...[i.no, i.id, i.executionId, i.name, i.version, i.input, i.createdAt, i.parent && JSON.stringify(i.parent)],
      );
    }
    for (const { seq, instance, rows } of batch.histories)
      run('INSERT INTO history VALUES (?, ?, ?)', seq, instance, JSON.stringify(rows));
    for (const { seq, instanceId, executionId, at, alone, event } of batch.messages)
      run(
        'INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?)',
        ...[seq, instanceId, executionId, at, alone ? 1 : 0, event.TimerId ?? null, JSON.stringify(event)],
      );
    for (const { seq, instanceId, executionId, taskId, name, input, retried } of batch.activities)
      run(
        'INSERT INTO activities VALUES (?, ?, ?, ?, ?, ?, ?)',
        ...[seq, instanceId, executionId, taskId, name, input, retried ? 1 : 0],
      );
  };
}
