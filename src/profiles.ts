/** Reads the profiles that lie beside host.json. Broken ones stop the app at its start, with every fault of each named. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Profile } from './domain/profile';
import { parseProfile, type ReadProfile } from './domain/profileFaults';

/** The app's folder: where host.json is, seen from the compiled file as from its source. */
function appFolder(from: string): string {
  if (existsSync(join(from, 'host.json'))) return from;
  if (dirname(from) === from) throw new Error('No host.json above the app: it was not deployed whole.');
  return appFolder(dirname(from));
}

const ENDING = '.json';

/** Profiles by their id. @throws one error that names each fault of each file: its pointer (RFC 6901) and what is wrong */
export function readProfiles(folder = join(appFolder(__dirname), 'profiles')): Readonly<Record<string, Profile>> {
  const names = readdirSync(folder).filter((name) => name.endsWith(ENDING));
  const read = names.map((name) => ({ name, ...readProfile(join(folder, name), name.slice(0, -ENDING.length)) }));
  const faults = read.flatMap((one) =>
    one.kind === 'faults' ? one.faults.map(({ pointer, detail }) => `profiles/${one.name} ${pointer}: ${detail}`) : [],
  );
  if (names.length === 0) faults.push('profiles/ holds no profile');
  if (faults.length > 0) throw new Error(`A profile is broken. See docs/profiles.md. ${faults.join('; ')}`);
  return Object.fromEntries(read.flatMap((one) => (one.kind === 'profile' ? [[one.profile.id, one.profile]] : [])));
}

function readProfile(file: string, id: string): ReadProfile {
  try {
    return parseProfile(JSON.parse(readFileSync(file, 'utf8')), id);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { kind: 'faults', faults: [{ pointer: '', detail: `is not JSON: ${error.message}` }] };
  }
}
