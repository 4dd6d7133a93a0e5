import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Keys {
  /** Signs tokens. */
  readonly signing: KeyObject;
  /** Signs what identity providers outside of this Azure say. Made when it is first asked for. */
  readonly outside: () => KeyObject;
  /** Seals the values of vault secrets: 32 bytes. */
  readonly vault: Buffer;
  readonly identityHeader: string;
}

const rsa = (): string =>
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

let inMemory: Keys | undefined;
let outsideInMemory: KeyObject | undefined;

/** Keys of this process, the same at each call: an RSA key takes longer to make than many a run to run. */
export const keysInMemory = (): Keys =>
  (inMemory ??= {
    signing: createPrivateKey(rsa()),
    outside: () => (outsideInMemory ??= createPrivateKey(rsa())),
    vault: randomBytes(32),
    identityHeader: randomBytes(24).toString('base64url'),
  });

/** The secrets of a state folder, each in a file of its owner alone and none of them in the database. */
export function keysIn(folder: string): Keys {
  const kept = (name: string, make: () => string): string => {
    const file = join(folder, name);
    if (!existsSync(file)) writeFileSync(file, make(), { mode: 0o600 });
    return readFileSync(file, 'utf8');
  };
  return {
    signing: createPrivateKey(kept('token-key.pem', rsa)),
    outside: () => createPrivateKey(kept('outside-key.pem', rsa)),
    vault: Buffer.from(
      kept('vault-key', () => randomBytes(32).toString('base64')),
      'base64',
    ),
    identityHeader: kept('identity-header', () => randomBytes(24).toString('base64url')),
  };
}
