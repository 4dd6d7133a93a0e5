/** One host to a state folder. The lock is SQLite's own on a file of its own: a killed process lets go of it by itself. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from './app/loadApp';

/** @returns what lets go. @throws AppError when another host holds the folder */
export function lockState(stateFolder: string): () => void {
  mkdirSync(stateFolder, { recursive: true });
  const lock = new DatabaseSync(join(stateFolder, 'lock.db'));
  try {
    lock.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
  } catch {
    lock.close();
    throw new AppError(
      `Another host is running on the state folder ${stateFolder}. Stop it, or choose another with --state.`,
    );
  }
  return () => lock.close();
}
