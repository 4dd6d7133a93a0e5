/** JSON files that people or other programs write: read with one clear line where they are wrong, written whole or not at all. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { type z } from 'zod';
import { AppError } from './appError';
import { messageOf, oneLine } from './log';

/** A file that is not there counts as `{}`. @throws AppError with the file, and the place in it */
export function readJsonFile<T extends z.ZodType>(path: string, schema: T): z.infer<T> {
  try {
    return schema.parse(existsSync(path) ? JSON.parse(plainJson(readFileSync(path, 'utf8'))) : {});
  } catch (error) {
    throw new AppError(`${path} cannot be read: ${oneLine(messageOf(error))}`);
  }
}

/** What .NET reads over, and apps have in host.json: a byte order mark, comments, a comma after the last value. */
function plainJson(text: string): string {
  return text
    .replace(/^\uFEFF/, '')
    .replaceAll(/("(?:[^"\\]|\\.)*")|\/\/.*|\/\*[^]*?\*\//g, (_, string?: string) => string ?? ' ')
    .replaceAll(/("(?:[^"\\]|\\.)*")|,(?=\s*[\]}])/g, (_, string?: string) => string ?? '');
}

/** For the owner's eyes only. A kill leaves the old file or the new one. @throws AppError when it cannot be written */
export function writeJsonFile(path: string, value: unknown): void {
  try {
    writeFileSync(`${path}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch (error) {
    throw new AppError(`${path} cannot be written: ${messageOf(error)}`);
  }
}
