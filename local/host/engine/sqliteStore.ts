/** The store on SQLite: WAL and synchronous=FULL, so what was committed survives the loss of the process and of power. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { z } from 'zod';
import { historyEventSchema, type HistoryRow, turnNoteSchema } from './history';
import { instanceSchema, parentSchema, type Store } from './store';

const SCHEMA_VERSION = 1;
/** Instances whose history stays in memory. */
const HISTORIES_KEPT = 500;
const SCHEMA = `
  CREATE TABLE instances (id TEXT PRIMARY KEY, executionId TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
    status TEXT NOT NULL, input TEXT, output TEXT, customStatus TEXT, createdAt INTEGER NOT NULL,
    updatedAt INTEGER NOT NULL, parent TEXT) STRICT;
  CREATE TABLE history (instanceId TEXT NOT NULL, position INTEGER NOT NULL, event TEXT NOT NULL, note TEXT,
    PRIMARY KEY (instanceId, position)) STRICT, WITHOUT ROWID;
  CREATE TABLE messages (seq INTEGER PRIMARY KEY AUTOINCREMENT, instanceId TEXT NOT NULL, executionId TEXT,
    at INTEGER NOT NULL, alone INTEGER NOT NULL, timerId INTEGER, event TEXT NOT NULL) STRICT;
  CREATE INDEX messagesByInstance ON messages (instanceId, at, seq);
  CREATE INDEX messagesByTime ON messages (at);
  CREATE TABLE activities (seq INTEGER PRIMARY KEY AUTOINCREMENT, instanceId TEXT NOT NULL, executionId TEXT NOT NULL,
    taskId INTEGER NOT NULL, name TEXT NOT NULL, input TEXT, retried INTEGER NOT NULL) STRICT;
  CREATE INDEX activitiesByInstance ON activities (instanceId);
  PRAGMA user_version = ${SCHEMA_VERSION};`;

const json = <T extends z.ZodType>(schema: T) => z.string().transform((text) => schema.parse(JSON.parse(text)));
const flag = z.number().transform((value) => value === 1);
const instanceRow = instanceSchema.extend({ parent: json(parentSchema).nullable() });
const historyRow = z.object({
  event: json(historyEventSchema),
  note: json(turnNoteSchema)
    .nullable()
    .transform((note) => note ?? undefined),
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

/**
 * Opens the store in a file, or in memory for `:memory:`.
 * @throws if the file was written by another version of this host.
 */
export function openSqliteStore(path: string): Store {
  const db = new DatabaseSync(path);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  const found = z.object({ user_version: z.number() }).parse(db.prepare('PRAGMA user_version').get()).user_version;
  if (found === 0) db.exec(`BEGIN; ${SCHEMA} COMMIT;`);
  else if (found !== SCHEMA_VERSION) {
    db.close();
    throw new Error(
      `${path} has format ${found}; this host reads format ${SCHEMA_VERSION}. Remove it or use another state folder.`,
    );
  }
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const known = statements.get(sql) ?? db.prepare(sql);
    statements.set(sql, known);
    return known;
  };
  const run = (sql: string, ...values: SQLInputValue[]) => prepare(sql).run(...values);
  const all = <T extends z.ZodType>(row: T, sql: string, ...values: SQLInputValue[]): z.infer<T>[] =>
    prepare(sql)
      .all(...values)
      .map((found) => row.parse(found));

  // Histories are read at each turn and only grow: kept as read, and forgotten when a transaction fails.
  const histories = new Map<string, readonly HistoryRow[]>();
  const readHistory = (id: string): readonly HistoryRow[] => {
    const known = histories.get(id);
    if (known) return known;
    const rows = all(historyRow, 'SELECT event, note FROM history WHERE instanceId = ? ORDER BY position', id);
    if (histories.size >= HISTORIES_KEPT) histories.clear();
    histories.set(id, rows);
    return rows;
  };

  return {
    transaction(work) {
      db.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        db.exec('COMMIT');
        return result;
      } catch (error) {
        db.exec('ROLLBACK');
        histories.clear();
        throw error;
      }
    },

    instance: (id) => all(instanceRow, 'SELECT * FROM instances WHERE id = ?', id)[0],
    putInstance(i) {
      run(
        'INSERT OR REPLACE INTO instances VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
        ...[i.id, i.executionId, i.name, i.version, i.status, i.input, i.output, i.customStatus],
        ...[i.createdAt, i.updatedAt, i.parent && JSON.stringify(i.parent)],
      );
    },
    deleteInstance(id) {
      histories.delete(id);
      run('DELETE FROM instances WHERE id = ?', id);
      for (const table of ['history', 'messages', 'activities']) run(`DELETE FROM ${table} WHERE instanceId = ?`, id);
    },
    listInstances: ({ prefix = '', after = '', createdFrom, createdTo, statuses, limit }) =>
      all(
        instanceRow,
        `SELECT * FROM instances WHERE id > ? AND substr(id, 1, ?) = ? AND createdAt BETWEEN ? AND ?
         AND (? IS NULL OR status IN (SELECT value FROM json_each(?))) ORDER BY id LIMIT ?`,
        ...[after, prefix.length, prefix, createdFrom ?? 0, createdTo ?? Number.MAX_SAFE_INTEGER],
        ...[statuses ? 1 : null, JSON.stringify(statuses ?? []), limit ?? -1],
      ),

    history: readHistory,
    appendHistory(id, rows) {
      const before = readHistory(id);
      rows.forEach(({ event, note }, index) => {
        const values = [before.length + index, JSON.stringify(event), note ? JSON.stringify(note) : null];
        run('INSERT INTO history VALUES (?, ?, ?, ?)', id, ...values);
      });
      histories.set(id, [...before, ...rows]);
    },
    clearHistory(id) {
      histories.delete(id);
      run('DELETE FROM history WHERE instanceId = ?', id);
    },

    addMessage: (m) =>
      void run(
        'INSERT INTO messages (instanceId, executionId, at, alone, timerId, event) VALUES (?, ?, ?, ?, ?, ?)',
        ...[m.instanceId, m.executionId, m.at, m.alone ? 1 : 0, m.event.TimerId ?? null, JSON.stringify(m.event)],
      ),
    messages: (id, now) =>
      all(messageRow, 'SELECT * FROM messages WHERE instanceId = ? AND at <= ? ORDER BY at, seq', id, now),
    hasMessages: (id, now) =>
      prepare('SELECT 1 FROM messages WHERE instanceId = ? AND at <= ? LIMIT 1').get(id, now) !== undefined,
    removeMessages: (seqs) => seqs.forEach((seq) => run('DELETE FROM messages WHERE seq = ?', seq)),
    clearMessages: (id) => void run('DELETE FROM messages WHERE instanceId = ?', id),
    removeTimer: (id, execution, timer) =>
      void run('DELETE FROM messages WHERE instanceId = ? AND executionId = ? AND timerId = ?', id, execution, timer),
    instancesWithMessages: (now) =>
      all(z.object({ id: z.string() }), 'SELECT DISTINCT instanceId AS id FROM messages WHERE at <= ?', now).map(
        ({ id }) => id,
      ),
    nextDue: (now) =>
      all(z.object({ at: z.number().nullable() }), 'SELECT min(at) AS at FROM messages WHERE at > ?', now)[0]?.at ??
      undefined,

    addActivity(a) {
      const { lastInsertRowid } = run(
        'INSERT INTO activities (instanceId, executionId, taskId, name, input, retried) VALUES (?, ?, ?, ?, ?, ?)',
        ...[a.instanceId, a.executionId, a.taskId, a.name, a.input, a.retried ? 1 : 0],
      );
      return { ...a, seq: Number(lastInsertRowid) };
    },
    activities: () => all(activityRow, 'SELECT * FROM activities ORDER BY seq'),
    removeActivity: (seq) => run('DELETE FROM activities WHERE seq = ?', seq).changes === 1,
    removeActivitiesOf: (id) => void run('DELETE FROM activities WHERE instanceId = ?', id),

    close: () => db.close(),
  };
}
