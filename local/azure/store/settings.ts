import { z } from 'zod';
import { type Database } from './database';

const row = z.object({ value: z.string() });

export const getSetting = (db: Database, name: string): string | undefined =>
  db.row(row, 'SELECT value FROM settings WHERE name = ?', name)?.value;

export const setSetting = (db: Database, name: string, value: string): void => {
  db.run('INSERT OR REPLACE INTO settings VALUES (?, ?)', name, value);
};

/** 0, 1, 2, … and none of them twice, over restarts too. */
export function nextNumber(db: Database, name: string): number {
  const next = Number(getSetting(db, name) ?? '0');
  setSetting(db, name, String(next + 1));
  return next;
}
