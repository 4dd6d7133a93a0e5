/** Faults that let a call be done, and spoil what becomes of it. Each runs inside the call's transaction. */
import { z } from 'zod';
import { type Azure } from '../azure';
import { type Answer, type Call } from '../http/call';
import { type Fault, type Mode } from './faults';

/** The last moment that a Date can name. */
const NEVER = 8_640_000_000_000_000;

const anyRow = z.record(z.string(), z.union([z.string(), z.number(), z.null()]));
type Row = z.infer<typeof anyRow>;

interface Spoiled {
  readonly answer: Answer;
  /** False where the call gave nothing to spoil. */
  readonly struck: boolean;
}

const SPOILING: readonly Mode[] = ['operationFails', 'operationCanceled', 'operationNeverEnds', 'lostReplication'];

/** Whether a fault lets a call be done and spoils what becomes of it. */
export const spoils = ({ mode }: Fault): boolean => SPOILING.includes(mode);

/** Does the call under a fault. */
export function spoiled(azure: Azure, fault: Fault, call: Call, handle: () => Answer): Spoiled {
  switch (fault.mode) {
    case 'operationFails':
      return operation(azure, call, handle, { failure: fault.error ?? failureOf(call) });
    case 'operationCanceled':
      return operation(azure, call, handle, { failure: { code: 'Canceled', message: 'Operation was canceled.' } });
    case 'operationNeverEnds':
      return endless(azure, call, handle);
    case 'lostReplication':
      return lost(azure, fault, handle);
    default:
      return { answer: handle(), struck: true };
  }
}

const failureOf = ({ path }: Call): { code: string; message: string } =>
  /\/microsoft\.compute\/virtualmachines\/[^/]+$/i.test(path)
    ? {
        code: 'AllocationFailed',
        message:
          'Allocation failed. We do not have sufficient capacity for the requested VM size in this region. Read more about improving likelihood of allocation success at https://aka.ms/allocation-guidance',
      }
    : { code: 'InternalServerError', message: 'An error occurred.' };

const begun = (azure: Azure, since: number): Row[] =>
  azure.db.rows(anyRow, 'SELECT * FROM operations WHERE rowid > ?', since);

const lastRow = (azure: Azure, table: 'operations' | 'directory' | 'roleAssignments'): number =>
  azure.db.row(z.object({ last: z.number().nullable() }), `SELECT max(rowid) AS last FROM ${table}`)?.last ?? 0;

/** A PUT leaves a failed resource behind; a DELETE or an action that fails has changed nothing. */
function operation(
  azure: Azure,
  call: Call,
  handle: () => Answer,
  { failure }: { failure: { code: string; message: string } },
): Spoiled {
  const { db } = azure;
  const before = lastRow(azure, 'operations');
  const text = JSON.stringify(failure);
  if (call.method === 'PUT' || call.method === 'PATCH') {
    const answer = handle();
    const struck = db.run('UPDATE operations SET failure = ? WHERE rowid > ?', text, before) > 0;
    if (struck) db.run('UPDATE resources SET failure = ? WHERE key = ?', text, call.path.toLowerCase());
    return { answer, struck };
  }
  const { answer, rows } = db.undone(() => ({ answer: handle(), rows: begun(azure, before) }));
  if (rows.length === 0) return { answer: handle(), struck: false };
  for (const row of rows) insert(azure, { ...row, failure: text });
  if (call.method === 'DELETE') {
    const endsAt = Number(rows[0]?.['endsAt'] ?? azure.now());
    const sql = "UPDATE resources SET phase = 'Deleting', readyAt = ?, failure = ? WHERE key = ?";
    db.run(sql, endsAt, text, call.path.toLowerCase());
  }
  return { answer, struck: true };
}

function insert({ db }: Azure, row: Row): void {
  const names = Object.keys(row);
  db.run(
    `INSERT INTO operations (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    ...Object.values(row),
  );
}

/** It goes on for ever, and so does what it makes, changes or deletes. */
function endless(azure: Azure, call: Call, handle: () => Answer): Spoiled {
  const { db } = azure;
  const before = lastRow(azure, 'operations');
  const answer = handle();
  if (db.run('UPDATE operations SET endsAt = ? WHERE rowid > ?', NEVER, before) === 0) return { answer, struck: false };
  const column = call.method === 'DELETE' ? 'goneAt' : 'readyAt';
  db.run(`UPDATE resources SET ${column} = ? WHERE key = ?`, NEVER, call.path.toLowerCase());
  return { answer, struck: true };
}

function lost(azure: Azure, { seconds }: Fault, handle: () => Answer): Spoiled {
  const entries = lastRow(azure, 'directory');
  const grants = lastRow(azure, 'roleAssignments');
  const answer = handle();
  const at = seconds === undefined ? NEVER : azure.now() + seconds * 1000;
  const struck =
    azure.db.run('UPDATE directory SET visibleAt = max(visibleAt, ?) WHERE rowid > ?', at, entries) +
    azure.db.run('UPDATE roleAssignments SET effectiveAt = max(effectiveAt, ?) WHERE rowid > ?', at, grants);
  return { answer, struck: struck > 0 };
}
