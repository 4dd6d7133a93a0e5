/** Key Vault's secrets. */
import { type KeyVaultSecret, parseKeyVaultSecretIdentifier, SecretClient } from '@azure/keyvault-secrets';
import { orUndefined } from '../arm/operations';
import { type Connection, httpClientOf } from '../client';
import type { Secret, Secrets } from '../ports';

export function secrets({ config, credential, transport }: Connection): Secrets {
  const client = new SecretClient(config.keyVaultUri, credential, {
    // A custom cloud's vault is not under a domain that the client knows.
    disableChallengeResourceVerification: config.customAuthority,
    retryOptions: { maxRetries: 0 },
    ...httpClientOf(transport),
  });
  return {
    get: async (nameOrUri) => {
      const { name, version } = nameOrUri.startsWith('https:')
        ? parseKeyVaultSecretIdentifier(nameOrUri)
        : { name: nameOrUri, version: undefined };
      const found = await orUndefined(client.getSecret(name, version === undefined ? {} : { version }));
      return found && toSecret(found);
    },
    set: async (name, value, { tags, contentType, expiresOn }) => {
      const stored = await client.setSecret(name, value, { tags, contentType, ...(expiresOn ? { expiresOn } : {}) });
      return toSecret(stored).uri;
    },
    delete: async (name) => {
      await client.beginDeleteSecret(name);
    },
  };
}

const toSecret = ({ value = '', properties }: KeyVaultSecret): Secret => ({
  value,
  uri: properties.id ?? '',
  tags: properties.tags ?? {},
  expiresOn: properties.expiresOn,
});
