import type { Azure } from '../azure/ports';
import { OWNER_TAG, type SpecOf } from '../domain/resources';
import type { Effects } from './effects';

const DAY_MS = 86_400_000;
/** The tag that ties the vault's secret to the credential in Entra. */
const KEY_ID = 'credential-key-id';
const APPLICATION = 'application';
const contentType = 'client secret of an Entra application';

/**
 * Guide, option 2, step 9: the client secret goes from Graph straight into Key Vault, here and nowhere else. A crash
 * between the two leaves a credential that nobody knows: the next attempt finds it by its description and removes it.
 */
export const clientSecret = ({ directory, secrets }: Azure): Effects<'clientSecret'> => {
  /** What the vault has and what Entra has. `known`: they are the same credential. */
  const read = async ({ wanted }: SpecOf<'clientSecret'>) => {
    const stored = await secrets.get(wanted.secretName);
    const owner = await directory.getApplication(wanted.applicationId);
    const credentials = owner?.passwordCredentials ?? [];
    return { stored, credentials, known: credentials.some(({ keyId }) => keyId === stored?.tags[KEY_ID]) };
  };
  return {
    observe: async (spec) => {
      const { stored, known } = await read(spec);
      return (
        stored && {
          value: { ...(known ? spec.wanted : {}), tags: stored.tags },
          ours: stored.tags[OWNER_TAG] === spec.deployment,
          outputs: { secretUri: stored.uri },
        }
      );
    },
    put: async (spec) => {
      const { wanted } = spec;
      const { stored, credentials, known } = await read(spec);
      if (stored && known) {
        // Only its tags differ: the appliance goes on using the secret that it was given.
        const { value, tags, expiresOn } = stored;
        const about = { tags: { ...tags, ...wanted.tags }, contentType, expiresOn };
        return { outputs: { secretUri: await secrets.set(wanted.secretName, value, about) } };
      }
      const orphans = credentials.filter(({ displayName }) => displayName === wanted.displayName);
      for (const { keyId } of orphans) await directory.removePassword(wanted.applicationId, keyId);

      const expiresOn = new Date(Date.now() + wanted.expiresInDays * DAY_MS);
      const made = await directory.addPassword(wanted.applicationId, wanted.displayName, expiresOn.toISOString());
      const tags = { ...wanted.tags, [KEY_ID]: made.keyId, [APPLICATION]: wanted.applicationId };
      const about = { tags, contentType, expiresOn };
      return { outputs: { secretUri: await secrets.set(wanted.secretName, made.secretText, about) } };
    },
    remove: async (spec) => {
      const { applicationId, secretName } = spec.wanted;
      const { stored, known } = await read(spec);
      // The application may be another's and stay: its credential must not.
      if (known) await directory.removePassword(applicationId, stored?.tags[KEY_ID] ?? '');
      await secrets.delete(secretName);
      return {};
    },
  };
};
