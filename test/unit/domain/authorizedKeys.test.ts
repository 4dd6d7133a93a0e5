import { expect, test } from '@jest/globals';
import { withKey, withoutOthers, writeKeys } from '../../../src/domain/authorizedKeys';

const file = 'ssh-rsa AAAA person\n\nssh-ed25519 BBBB sentry-prod-1-ssh\n';
const next = 'ssh-ed25519 CCCC sentry-prod-1-ssh';

test('a key is added once, and what is there stays', () => {
  const lines = ['ssh-rsa AAAA person', 'ssh-ed25519 BBBB sentry-prod-1-ssh', next];
  expect(withKey(file, next)).toEqual(lines);
  expect(withKey(lines.join('\n'), next)).toEqual(lines);
});

test('only our own other keys are taken off', () => {
  const others = `${file}${next}\nssh-ed25519 DDDD sentry-prod-11-ssh\n`;
  expect(withoutOthers(others, next, 'sentry-prod-1-ssh')).toEqual([
    'ssh-rsa AAAA person',
    next,
    'ssh-ed25519 DDDD sentry-prod-11-ssh',
  ]);
});

test('the file is replaced in one step, and what another hand wrote into a line is no command', () => {
  expect(writeKeys(["from='10.0.0.1' ssh-rsa AAAA me", next])).toBe(
    "umask 077 && printf '%s\\n' 'from='\\''10.0.0.1'\\'' ssh-rsa AAAA me' 'ssh-ed25519 CCCC sentry-prod-1-ssh' > .ssh/authorized_keys.new && mv .ssh/authorized_keys.new .ssh/authorized_keys",
  );
});
