import type { Appliance, Ran } from '../appliance/port';
import { AzureError, type Azure } from '../azure/ports';
import { READ_KEYS, withKey, withoutOthers, writeKeys } from '../domain/authorizedKeys';
import type { activities, Entry, HandlerOf, KeyReplaced } from './contracts';
import { makeSuccessor, type OurKey, ourKeys } from './sshKey';

/**
 * Replaces our key to the appliance. Nothing of it can lock us out: the new one is in the vault before the appliance
 * hears of it, the old one is taken off only over a session that the new one opened, and every session tries both.
 * Killed half-way, it goes on with the key that it made.
 */
export const makeReplaceSshKey =
  (azure: Azure, appliance: Appliance): HandlerOf<typeof activities.replaceSshKey> =>
  async (entry) => {
    try {
      return await replace(azure, appliance, entry);
    } catch (error) {
      if (!(error instanceof AzureError)) throw error;
      return kept(error.outcome.reason);
    }
  };

async function replace(azure: Azure, appliance: Appliance, entry: Entry): Promise<KeyReplaced> {
  const { sshKeyName: name } = entry;
  const run = (keys: readonly OurKey[], command: string): Promise<Ran> =>
    appliance.run({ ...entry, privateKeys: keys.map(({ privateKey }) => privateKey) }, command);

  const keys = await ourKeys(azure, name);
  const read = await run(keys, READ_KEYS);
  const inUse = read.kind === 'ran' ? keys[read.key] : undefined;
  if (!wentWell(read) || !inUse) return kept(whyNot(read, 'the keys could not be read'));
  // Where the one before is in use, the newest was made by a replacement that did not come to its end.
  const next = inUse === keys[0] ? await makeSuccessor(azure, name, inUse) : keys[0];
  if (!next) return kept('the vault holds no key');

  const added = await run([inUse], writeKeys(withKey(read.output, next.publicKey)));
  if (!wentWell(added)) return kept(whyNot(added, 'the new key could not be let in'));
  const proven = await run([next], READ_KEYS);
  if (!wentWell(proven)) return kept(whyNot(proven, 'the new key did not open a session'));
  // Another run of this activity has made a newer one: that run takes the others off.
  if ((await ourKeys(azure, name))[0]?.uri !== next.uri) return { kind: 'replaced' };
  const removed = await run([next], writeKeys(withoutOthers(proven.output, next.publicKey, name)));
  return wentWell(removed) ? { kind: 'replaced' } : kept(whyNot(removed, 'the old key could not be shut out'));
}

const wentWell = (ran: Ran): ran is Extract<Ran, { kind: 'ran' }> => ran.kind === 'ran' && ran.status === 0;

const whyNot = (ran: Ran, otherwise: string): string =>
  ran.kind === 'ran' ? `${otherwise}: the command ended with ${ran.status}` : `${otherwise}: ${ran.reason}`;

const kept = (reason: string): KeyReplaced => ({ kind: 'kept', reason });
