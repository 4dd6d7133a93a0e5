/** The host's keys, made at the first start and kept in the state folder, for the owner's eyes only. */
import { randomBytes, timingSafeEqual, createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const keysSchema = z.object({
  masterKey: z.string().min(1),
  functionKeys: z.record(z.string(), z.string().min(1)),
  systemKeys: z.object({ durabletask_extension: z.string().min(1), eventgrid_extension: z.string().min(1) }),
});
export type Keys = z.infer<typeof keysSchema>;

const newKey = (): string => randomBytes(32).toString('base64url');

/** @param stateFolder made if it is not there */
export function readKeys(stateFolder: string): Keys {
  const path = join(stateFolder, 'keys.json');
  if (existsSync(path)) return keysSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  const keys: Keys = {
    masterKey: newKey(),
    functionKeys: { default: newKey() },
    systemKeys: { durabletask_extension: newKey(), eventgrid_extension: newKey() },
  };
  mkdirSync(stateFolder, { recursive: true });
  writeFileSync(path, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600 });
  return keys;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Whether a key that was shown is one of those that open the door. Takes the same time whatever the key. */
export function isOneOf(shown: string | undefined, allowed: readonly string[]): boolean {
  if (shown === undefined) return false;
  const given = digest(shown);
  return allowed.filter((key) => timingSafeEqual(given, digest(key))).length > 0;
}
