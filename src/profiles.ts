/** Reads the profiles that lie beside host.json. A broken one stops the app at its start, with every fault named. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Profile, profileSchema } from './domain/profile';

/** The app's folder: where host.json is, seen from the compiled file as from its source. */
function appFolder(from: string): string {
  if (existsSync(join(from, 'host.json'))) return from;
  if (dirname(from) === from) throw new Error('No host.json above the app: it was not deployed whole.');
  return appFolder(dirname(from));
}

/** Profiles by their id. */
export function readProfiles(folder = join(appFolder(__dirname), 'profiles')): Readonly<Record<string, Profile>> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return Object.fromEntries(files.map((name) => [name.slice(0, -'.json'.length), readProfile(join(folder, name))]));
}

function readProfile(file: string): Profile {
  const parsed = profileSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `/${path.join('/')}: ${message}`);
  throw new Error(`The profile ${file} is broken. ${faults.join('; ')}`);
}
