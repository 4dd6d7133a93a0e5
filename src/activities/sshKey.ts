import { utils } from 'ssh2';
import type { Azure } from '../azure/ports';
import { OWNER_TAG } from '../domain/resources';
import type { Effects } from './effects';

/** Tag values of a vault hold 256 characters; an ed25519 public key has about 80. */
const PUBLIC_KEY = 'public-key';

/** Our own way into the appliance: made here, its private half in the vault, its public half in the VM's first PUT. */
export const sshKey = ({ secrets }: Azure): Effects<'sshKey'> => ({
  observe: async ({ wanted, deployment }) => {
    const stored = await secrets.get(wanted.secretName);
    const publicKey = stored?.tags[PUBLIC_KEY];
    if (!stored || publicKey === undefined) return undefined;
    return {
      value: { ...wanted, tags: stored.tags },
      ours: stored.tags[OWNER_TAG] === deployment,
      outputs: { secretUri: stored.uri, publicKey },
    };
  },
  put: async ({ wanted }) => {
    const { privateKey, publicKey } = makeKeyPair(wanted.secretName);
    const secretUri = await secrets.set(wanted.secretName, privateKey, {
      tags: { ...wanted.tags, [PUBLIC_KEY]: publicKey },
      contentType: 'OpenSSH private key',
    });
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
