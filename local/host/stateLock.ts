/** One host to a state folder. The lock is SQLite's own on a file of its own: a killed process lets go of it by itself. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from './appError';
import { messageOf } from './log';

const fileOf = (stateFolder: string): string => join(stateFolder, 'lock.db');

/** For the owner's eyes only, and for no repository: it lies in the app's folder, and holds keys. */
export function makeStateFolder(stateFolder: string): void {
  if (existsSync(stateFolder)) return;
  mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
  writeFileSync(join(stateFolder, '.gitignore'), '*\n');
}

/** Whether a host ever ran on the folder. */
export const hasLock = (stateFolder: string): boolean => existsSync(fileOf(stateFolder));

/** @param stateFolder made if it is not there. @returns what lets go. @throws AppError when another host holds the folder */
export function lockState(stateFolder: string): () => void {
  const lock = openLock(stateFolder);
  try {
    lock.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    throw isBusy(error)
      ? new AppError(
          `Another host is running on the state folder ${stateFolder}. Stop it, or choose another with --state.`,
        )
      : unusable(stateFolder, error);
  }
  return () => lock.close();
}

/** SQLITE_BUSY. The lock writes a file, so a full disk fails here too. */
const isBusy = (error: unknown): boolean => error instanceof Error && 'errcode' in error && error.errcode === 5;

const unusable = (stateFolder: string, error: unknown): AppError =>
  new AppError(`Nothing can be kept in the state folder ${stateFolder}: ${messageOf(error)}.`);

function openLock(stateFolder: string): DatabaseSync {
  try {
    makeStateFolder(stateFolder);
    return new DatabaseSync(fileOf(stateFolder));
  } catch (error) {
    throw unusable(stateFolder, error);
  }
}
