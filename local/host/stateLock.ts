/** One host to a state folder. The lock is SQLite's own on a file of its own: a killed process lets go of it by itself. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from './appError';
import { messageOf } from './log';

const fileOf = (stateFolder: string): string => join(stateFolder, 'lock.db');

/** Whether a host ever ran on the folder. */
export const hasLock = (stateFolder: string): boolean => existsSync(fileOf(stateFolder));

/** @param stateFolder made if it is not there. @returns what lets go. @throws AppError when another host holds the folder */
export function lockState(stateFolder: string): () => void {
  const lock = openLock(stateFolder);
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

function openLock(stateFolder: string): DatabaseSync {
  try {
    mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
    return new DatabaseSync(fileOf(stateFolder));
  } catch (error) {
    throw new AppError(`Nothing can be kept in the state folder ${stateFolder}: ${messageOf(error)}.`);
  }
}
