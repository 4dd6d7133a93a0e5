/** One simulated Azure to a state folder. The lock is SQLite's own on a file of its own: a killed process lets go of it by itself. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { UserError } from './userError';

/** @returns what lets go. @throws UserError when another holds the folder, or nothing can be kept in it */
export function lockState(folder: string): () => void {
  const lock = open(folder);
  try {
    lock.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
  } catch {
    lock.close();
    throw new UserError(
      `Another simulated Azure is running on the state folder ${folder}. Stop it, or choose another with --state.`,
    );
  }
  return () => lock.close();
}

function open(folder: string): DatabaseSync {
  try {
    return new DatabaseSync(join(folder, 'lock.sqlite'));
  } catch (error) {
    throw new UserError(
      `Nothing can be kept in the state folder ${folder}: ${error instanceof Error ? error.message : String(error)}.`,
    );
  }
}
