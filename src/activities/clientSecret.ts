import type { Azure } from '../azure/ports';
import { OWNER_TAG } from '../domain/resources';
import type { Effects } from './effects';

const DAY_MS = 86_400_000;
/** The tag that ties the vault's secret to the credential in Entra. */
const KEY_ID = 'credential-key-id';
const APPLICATION = 'application';

/**
 * Guide, option 2, step 9: the client secret goes from Graph straight into Key Vault, here and nowhere else. A crash
 * between the two leaves a credential that nobody knows: the next attempt finds it by its description and removes it.
 */
export const clientSecret = ({ directory, secrets }: Azure): Effects<'clientSecret'> => ({
  observe: async ({ wanted, deployment }) => {
    const stored = await secrets.get(wanted.secretName);
    const owner = await directory.getApplication(wanted.applicationId);
    const known = owner?.passwordCredentials.some(({ keyId }) => keyId === stored?.tags[KEY_ID]);
    if (!stored || !known) return undefined;
    return {
      value: { ...wanted, tags: stored.tags },
      ours: stored.tags[OWNER_TAG] === deployment,
      outputs: { secretUri: stored.uri },
    };
  },
  put: async ({ wanted }) => {
    const owner = await directory.getApplication(wanted.applicationId);
    const orphans = (owner?.passwordCredentials ?? []).filter(({ displayName }) => displayName === wanted.displayName);
    for (const { keyId } of orphans) await directory.removePassword(wanted.applicationId, keyId);

    const expiresOn = new Date(Date.now() + wanted.expiresInDays * DAY_MS);
    const made = await directory.addPassword(wanted.applicationId, wanted.displayName, expiresOn.toISOString());
    const secretUri = await secrets.set(wanted.secretName, made.secretText, {
      tags: { ...wanted.tags, [KEY_ID]: made.keyId, [APPLICATION]: wanted.applicationId },
      contentType: 'client secret of an Entra application',
      expiresOn,
    });
    return { outputs: { secretUri } };
  },
  remove: async ({ wanted }) => {
    await secrets.delete(wanted.secretName);
    return {};
  },
});
