import { AzureError, type Azure } from '../azure/ports';
import { isClientSecretOf } from '../domain/blueprint/identity';
import { differences } from '../domain/compare';
import { kinds, OWNER_TAG, type SpecOf } from '../domain/resources';
import type { Effects } from './effects';
import { mergedInto } from './merge';

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
  /** What the vault has and what Entra has of ours. `keyId`: the vault's credential, if it is one of them and good still. */
  const read = async ({ wanted, deployment }: SpecOf<'clientSecret'>) => {
    const stored = await secrets.get(wanted.secretName);
    const owner = await directory.getApplication({ id: wanted.applicationId });
    const expired = stored?.expiresOn !== undefined && stored.expiresOn.getTime() <= Date.now();
    const tagged = stored?.tags[KEY_ID];
    const ours = owner?.passwordCredentials.filter(({ displayName }) => isClientSecretOf(deployment, displayName));
    const keyId = expired ? undefined : owner?.passwordCredentials.find((one) => one.keyId === tagged)?.keyId;
    const orphans = ours?.map((one) => one.keyId).filter((one) => one !== keyId) ?? [];
    return { stored, orphans, keyId };
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
      const { stored, orphans, keyId } = await read(spec);
      if (!stored) return orphans.length > 0 ? { value: {}, ours: true, outputs: {} } : undefined;
      return {
        value: { ...(keyId !== undefined && orphans.length === 0 ? spec.wanted : {}), tags: stored.tags },
        ours: stored.tags[OWNER_TAG] === spec.deployment,
        outputs: outputsOf(stored.uri, keyId),
      };
    },
    put: async (spec) => {
      const { wanted } = spec;
      const { stored, orphans, keyId } = await read(spec);
      for (const orphan of orphans) await revoke(wanted.applicationId, orphan);
      if (stored && keyId !== undefined) {
        // The appliance goes on using the secret that it was given: nothing but its tags may be put right.
        if (differences({ tags: wanted.tags }, stored, kinds.clientSecret.exact).length === 0)
          return { outputs: outputsOf(stored.uri, keyId) };
        const { value, tags, expiresOn } = stored;
        const about = { tags: mergedInto(tags, wanted.tags, ['tags'], 'tags'), contentType, expiresOn };
        return { outputs: outputsOf(await secrets.set(wanted.secretName, value, about), keyId) };
      }
      const expiresOn = new Date(Date.now() + wanted.expiresInDays * DAY_MS);
      const made = await directory.addPassword(wanted.applicationId, wanted.displayName, expiresOn.toISOString());
      return { outputs: outputsOf(await store(spec, made, expiresOn), made.keyId) };
    },
    remove: async (spec) => {
      const { applicationId, secretName } = spec.wanted;
      const { stored, orphans, keyId } = await read(spec);
      // The application may be another's and stay: its credentials must not.
      for (const one of keyId === undefined ? orphans : [...orphans, keyId]) await revoke(applicationId, one);
      if (stored) await secrets.delete(secretName);
      return {};
    },
  };
};

type Made = Awaited<ReturnType<Azure['directory']['addPassword']>>;

/** `keyId` says which credential it is: the vault's URI changes with its tags. It is absent where it opens nothing. */
const outputsOf = (secretUri: string, keyId: string | undefined) =>
  keyId === undefined ? { secretUri } : { secretUri, keyId };
