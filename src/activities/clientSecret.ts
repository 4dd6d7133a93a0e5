import { AzureError, type Azure } from '../azure/ports';
import { differences } from '../domain/compare';
import { OWNER_TAG, ownerMark, type SpecOf } from '../domain/resources';
import type { Effects } from './effects';

const DAY_MS = 86_400_000;
/** The tag that ties the vault's secret to the credential in Entra. */
const KEY_ID = 'credential-key-id';
const APPLICATION = 'application';
const contentType = 'client secret of an Entra application';

/** Graph is slow to stop listing what it has removed: then it is gone, which is all that was asked. */
const ALREADY_GONE = /no password credential found/i;

/**
 * Guide, option 2, step 9: the client secret goes from Graph straight into Key Vault, here and nowhere else. A crash
 * between the two leaves a credential that nobody knows: the next attempt finds it by our mark and removes it, however
 * late Graph lists it.
 */
export const clientSecret = ({ directory, secrets }: Azure): Effects<'clientSecret'> => {
  /** What the vault has and what Entra has of ours. `known`: the vault's credential is one of them. */
  const read = async ({ wanted, deployment }: SpecOf<'clientSecret'>) => {
    const stored = await secrets.get(wanted.secretName);
    const owner = await directory.getApplication(wanted.applicationId);
    const kept = stored?.tags[KEY_ID];
    const keyIds = owner?.passwordCredentials.map(({ keyId }) => keyId) ?? [];
    const ours = owner?.passwordCredentials.filter(({ displayName }) => displayName?.endsWith(markOf(deployment)));
    const orphans = ours?.map(({ keyId }) => keyId).filter((keyId) => keyId !== kept) ?? [];
    return { stored, orphans, known: kept !== undefined && keyIds.includes(kept) };
  };
  const revoke = async (applicationId: string, keyId: string): Promise<void> => {
    try {
      await directory.removePassword(applicationId, keyId);
    } catch (error) {
      if (!(error instanceof AzureError && ALREADY_GONE.test(error.outcome.reason))) throw error;
    }
  };
  /** A secret that did not get into the vault must not open anything. Where this fails too, the next attempt does it. */
  const store = async ({ wanted }: SpecOf<'clientSecret'>, { keyId, secretText }: Made, expiresOn: Date) => {
    const tags = { ...wanted.tags, [KEY_ID]: keyId, [APPLICATION]: wanted.applicationId };
    try {
      return await secrets.set(wanted.secretName, secretText, { tags, contentType, expiresOn });
    } catch (error) {
      await revoke(wanted.applicationId, keyId).catch(() => undefined);
      throw error;
    }
  };
  return {
    observe: async (spec) => {
      const { stored, orphans, known } = await read(spec);
      if (!stored) return orphans.length > 0 ? { value: {}, ours: true, outputs: {} } : undefined;
      return {
        value: { ...(known && orphans.length === 0 ? spec.wanted : {}), tags: stored.tags },
        ours: stored.tags[OWNER_TAG] === spec.deployment,
        outputs: { secretUri: stored.uri },
      };
    },
    put: async (spec) => {
      const { wanted } = spec;
      const { stored, orphans, known } = await read(spec);
      for (const keyId of orphans) await revoke(wanted.applicationId, keyId);
      if (stored && known) {
        // The appliance goes on using the secret that it was given: nothing but its tags may be put right.
        if (differences(wanted.tags, stored.tags).length === 0) return { outputs: { secretUri: stored.uri } };
        const { value, tags, expiresOn } = stored;
        const about = { tags: { ...tags, ...wanted.tags }, contentType, expiresOn };
        return { outputs: { secretUri: await secrets.set(wanted.secretName, value, about) } };
      }
      const expiresOn = new Date(Date.now() + wanted.expiresInDays * DAY_MS);
      const made = await directory.addPassword(wanted.applicationId, wanted.displayName, expiresOn.toISOString());
      return { outputs: { secretUri: await store(spec, made, expiresOn) } };
    },
    remove: async (spec) => {
      const { applicationId, secretName } = spec.wanted;
      const { stored, orphans, known } = await read(spec);
      // The application may be another's and stay: its credentials must not.
      const keyIds = [...orphans, ...(known ? [stored?.tags[KEY_ID] ?? ''] : [])];
      for (const keyId of keyIds) await revoke(applicationId, keyId);
      if (stored) await secrets.delete(secretName);
      return {};
    },
  };
};

type Made = Awaited<ReturnType<Azure['directory']['addPassword']>>;

/** How each of our credentials' descriptions ends, whatever the request calls it. */
const markOf = (deployment: string): string => `(${ownerMark(deployment)})`;
