/** JSON files that people or other programs write: read with one clear line where they are wrong, written whole or not at all. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { type z } from 'zod';
import { AppError } from './appError';
import { messageOf } from './log';

/** A file that is not there counts as `{}`. @throws AppError with the file, and the place in it */
export function readJsonFile<T extends z.ZodType>(path: string, schema: T): z.infer<T> {
  try {
    // Editors on Windows begin a file with a byte order mark, and .NET reads over it.
    return schema.parse(existsSync(path) ? JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, '')) : {});
  } catch (error) {
    throw new AppError(`${path} cannot be read: ${messageOf(error)}`);
  }
}

/** For the owner's eyes only. A kill leaves the old file or the new one. */
export function writeJsonFile(path: string, value: unknown): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
