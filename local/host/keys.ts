/** The host's keys, made at the first start and kept in the state folder, for the owner's eyes only. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { readJsonFile, writeJsonFile } from './jsonFile';
import { makeStateFolder } from './stateLock';

const key = z.string().min(1);
const keysSchema = z.object({
  masterKey: key,
  /** These open every function. */
  functionKeys: z.record(z.string(), key),
  systemKeys: z.object({ durabletask_extension: key, eventgrid_extension: key }),
  /** By the function's name: these open that function only. */
  functions: z.record(z.string(), z.record(z.string(), key)),
});
export type Keys = z.infer<typeof keysSchema>;

const newKey = (): string => randomBytes(32).toString('base64url');

/**
 * Reads `keys.json` and adds what it lacks.
 * @param stateFolder made if it is not there
 * @param guarded the functions that ask for a function key
 * @throws AppError when the file is no file of keys
 */
export function readKeys(stateFolder: string, guarded: readonly string[]): Keys {
  const path = join(stateFolder, 'keys.json');
  const found = readJsonFile(path, keysSchema.partial());
  const missing = guarded.filter((name) => found.functions?.[name] === undefined);
  const keys: Keys = {
    masterKey: found.masterKey ?? newKey(),
    functionKeys: found.functionKeys ?? { default: newKey() },
    systemKeys: found.systemKeys ?? { durabletask_extension: newKey(), eventgrid_extension: newKey() },
    functions: { ...found.functions, ...Object.fromEntries(missing.map((name) => [name, { default: newKey() }])) },
  };
  if (missing.length > 0 || Object.keys(found).length < Object.keys(keys).length) {
    makeStateFolder(stateFolder);
    writeJsonFile(path, keys);
  }
  return keys;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Whether a key that was shown is one of those that open the door. Takes the same time whatever the key. */
export function isOneOf(shown: string | undefined, allowed: readonly string[]): boolean {
  if (shown === undefined) return false;
  const given = digest(shown);
  return allowed.filter((one) => timingSafeEqual(given, digest(one))).length > 0;
}
