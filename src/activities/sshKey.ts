import { utils } from 'ssh2';
import type { Azure, Secret } from '../azure/ports';
import { OWNER_TAG } from '../domain/resources';
import type { Effects } from './effects';
import { mergedInto } from './merge';

/** Tag values of a vault hold 256 characters; an ed25519 public key has about 80. */
const PUBLIC_KEY = 'public-key';
/** URI of the version whose key this one replaces: until that is done, the appliance knows that one alone. */
const PREVIOUS = 'previous-version';

const contentType = 'OpenSSH private key';

/** A key of ours to an appliance. */
export interface OurKey {
  readonly privateKey: string;
  readonly publicKey: string;
  readonly uri: string;
}
const asOurKey = ({ value, uri, tags }: Secret): OurKey => ({
  privateKey: value,
  publicKey: tags[PUBLIC_KEY] ?? '',
  uri,
});

/** The newest first, then the one that it replaces: whoever was killed while replacing leaves one of them in use. */
export async function ourKeys({ secrets }: Azure, name: string): Promise<readonly OurKey[]> {
  const newest = await secrets.get(name);
  const before = newest?.tags[PREVIOUS] === undefined ? undefined : await secrets.get(newest.tags[PREVIOUS]);
  return [newest, before].flatMap((secret) => (secret ? [asOurKey(secret)] : []));
}

/** Makes the key that is to replace one in use, and keeps it before anything is done with it. */
export async function makeSuccessor({ secrets }: Azure, name: string, inUse: OurKey): Promise<OurKey> {
  const { privateKey, publicKey } = makeKeyPair(name);
  const tags = (await secrets.get(inUse.uri))?.tags ?? {};
  const successor = { ...tags, [PUBLIC_KEY]: publicKey, [PREVIOUS]: inUse.uri };
  const uri = await secrets.set(name, privateKey, { tags: successor, contentType });
  return { privateKey, publicKey, uri };
}

/** Our own way into the appliance: made here, its private half in the vault, its public half in the VM's first PUT. */
export const sshKey = ({ secrets }: Azure): Effects<'sshKey'> => ({
  observe: async ({ wanted, deployment }) => {
    const stored = await secrets.get(wanted.secretName);
    if (!stored) return undefined;
    const { uri: secretUri, tags } = stored;
    const publicKey = tags[PUBLIC_KEY];
    return {
      value: { ...(publicKey === undefined ? {} : wanted), tags },
      ours: tags[OWNER_TAG] === deployment,
      outputs: { secretUri, ...(publicKey === undefined ? {} : { publicKey }) },
    };
  },
  put: async ({ wanted }, observed) => {
    const stored = observed?.outputs['publicKey'] === undefined ? undefined : await secrets.get(wanted.secretName);
    // A new key would lock us out: Azure changes no key of a VM that exists.
    const { privateKey, publicKey } = stored
      ? { privateKey: stored.value, publicKey: stored.tags[PUBLIC_KEY] ?? '' }
      : makeKeyPair(wanted.secretName);
    const tags = mergedInto(stored?.tags, { ...wanted.tags, [PUBLIC_KEY]: publicKey }, ['tags'], 'tags');
    const secretUri = await secrets.set(wanted.secretName, privateKey, { tags, contentType });
    return { outputs: { secretUri, publicKey } };
  },
  remove: async ({ wanted }) => {
    await secrets.delete(wanted.secretName);
    return {};
  },
});

/** About one in 300 of the ed25519 keys that ssh2 1.17 makes cannot be read again (measured), so each is. */
function makeKeyPair(comment: string): { readonly privateKey: string; readonly publicKey: string } {
  const { private: privateKey, public: publicKey } = utils.generateKeyPairSync('ed25519', { comment });
  const readable = !(utils.parseKey(privateKey) instanceof Error) && !(utils.parseKey(publicKey) instanceof Error);
  return readable ? { privateKey, publicKey } : makeKeyPair(comment);
}
