/** Key Vault's secrets. */
import { type KeyVaultSecret, parseKeyVaultSecretIdentifier, SecretClient } from '@azure/keyvault-secrets';
import { orUndefined } from '../errors';
import { type Connection, httpClientOf } from '../client';
import { sort, sortFailure } from '../errors';
import { isSecretOf } from '../../domain/vaultUri';
import { AzureError, type Secret, type Secrets } from '../ports';

const RECOVERY_SECONDS = 10;

export function secrets({ config, credential, transport }: Connection): Secrets {
  const client = new SecretClient(config.keyVaultUri, credential, {
    // A custom cloud's vault is not under a domain that the client knows.
    disableChallengeResourceVerification: config.customAuthority,
    retryOptions: { maxRetries: 0 },
    ...httpClientOf(transport),
  });
  return {
    vaultUri: config.keyVaultUri,
    get: async (nameOrUri) => {
      if (nameOrUri.startsWith('https:') && !isSecretOf(config.keyVaultUri, nameOrUri)) throw elsewhere(nameOrUri);
      const { name, version } = nameOrUri.startsWith('https:')
        ? parseKeyVaultSecretIdentifier(nameOrUri)
        : { name: nameOrUri, version: undefined };
      const found = await orUndefined(client.getSecret(name, version === undefined ? {} : { version }));
      return found && toSecret(found);
    },
    set: async (name, value, { tags, contentType, expiresOn }) => {
      const about = { tags, contentType, ...(expiresOn ? { expiresOn } : {}) };
      try {
        return toSecret(await client.setSecret(name, value, about)).uri;
      } catch (error) {
        if (sortFailure(error).outcome.code !== 'ObjectIsDeletedButRecoverable') throw error;
        // A name in the recycle bin is taken. Purge protection forbids emptying it, so the old one comes back first.
        // Until its deletion has ended it is found nowhere: the next attempt recovers it.
        await orUndefined(client.beginRecoverDeletedSecret(name));
        throw new AzureError(
          sort(503, 'SecretIsRecovering', `The deleted secret '${name}' is being recovered`, RECOVERY_SECONDS),
          409,
          { cause: error },
        );
      }
    },
    delete: async (name) => {
      await client.beginDeleteSecret(name);
    },
  };
}

/** The client reads names only: of another vault's URI it would read our own secret of that name. */
const elsewhere = (uri: string): AzureError =>
  new AzureError(
    {
      kind: 'refused',
      code: 'SecretElsewhere',
      reason: `${uri} is not a secret of the app’s own vault`,
      remedy: 'Put the secret into the app’s Key Vault, and give its URI there.',
    },
    undefined,
  );

const toSecret = ({ value = '', properties }: KeyVaultSecret): Secret => ({
  value,
  uri: properties.id ?? '',
  tags: properties.tags ?? {},
  expiresOn: properties.expiresOn,
});
