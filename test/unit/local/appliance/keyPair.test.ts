import { expect, test } from '@jest/globals';
import { utils } from 'ssh2';
import { readableKeyPair } from '../../../../local/appliance/keyPair';

test('bug: an appliance whose host key ssh2 could make and not read again ended every connection before the handshake', () => {
  const good = utils.generateKeyPairSync('rsa', { bits: 2_048 });
  const made = [{ ...good, private: good.private.slice(0, -200) }, { ...good, public: 'ssh-ed25519 AAAA' }, good];
  expect(readableKeyPair(() => made.shift() ?? good)).toBe(good);
  expect(made).toHaveLength(0);
});
