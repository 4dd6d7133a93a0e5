import { expect, test } from '@jest/globals';
import {
  accessUnproven,
  isReached,
  originsOf,
  outboundBlocked,
  whyUnasked,
  withProof,
} from '../../../src/domain/proof';
import { proofScript, readAnswers } from '../../../src/domain/proofScript';
import { applianceIn, profile, request, subscriptionIds } from '../../support/requests';

const cloud = {
  armEndpoint: 'https://127.0.0.1:8443',
  armAudience: 'https://127.0.0.1:8443',
  authorityHost: 'https://127.0.0.1:8443/common',
  graphEndpoint: 'https://graph.microsoft.us',
};

test('what must be reached: the cloud’s endpoints and the profile’s hosts, each once', () => {
  expect(originsOf(cloud, ['app.cloudknox.io'])).toEqual([
    'https://127.0.0.1:8443',
    'https://graph.microsoft.us',
    'https://app.cloudknox.io',
  ]);
});

test('an answer that breaks off proves nothing of what it did not come to', () => {
  const questions = { origins: ['https://a.example', 'https://b.example', 'https://c.example'] };
  const output = 'reach 0 0 301\nreach 1 56 407\n';
  expect(readAnswers(output, questions)).toMatchObject({
    reached: ['https://a.example'],
    unreached: [
      { origin: 'https://b.example', why: 'the connection is cut off' },
      { origin: 'https://c.example', why: 'the script broke off before it' },
    ],
  });
});

test('a run command’s carriage returns, an exit code that is not in the table, and a missing curl', () => {
  const origins = ['https://a.example', 'https://b.example', 'https://c.example'];
  const output = 'reach 0 0 200\r\nreach 1 99 000\r\nreach 2 127 \r\n';
  const { reached, unreached } = readAnswers(output, { origins });
  expect(reached).toEqual(['https://a.example']);
  expect(unreached.map(({ why }) => why)).toEqual(['curl ended with 99', 'the appliance has no curl to ask with']);
});

test('a quote in a link stays inside its quotes', () => {
  const identity = { clientId: 'c', armEndpoint: 'https://arm', armAudience: 'https://arm' };
  expect(proofScript({ origins: ['https://a'], identity }, [], "https://arm/x'y")).toContain("'https://arm/x'\\''y'");
  expect(proofScript({ origins: ['https://a'], identity }, [], 'https://arm/x')).not.toContain('https://a/');
});

test('only grants are proven, or say why not', () => {
  const pending = { state: 'pending' } as const;
  const granted = { state: 'granted', collected: true, proven: false } as const;
  expect(
    withProof(
      { a: pending, b: granted, c: granted },
      (id) => id === 'b',
      (id) => `why ${id}`,
    ),
  ).toEqual({
    a: pending,
    b: { ...granted, proven: true },
    c: { ...granted, why: 'why c' },
  });
});

const byHand = (kind: string) => ({
  configuration: { kind: 'manual' },
  access: { kind, sourceAddresses: ['10.1.0.0/24'] },
});

test.each([
  ['public', ['198.51.100.1/32'], false, 'temporaryPublicIp', true],
  ['public, from the app’s private address alone', ['10.0.0.4/32'], true, 'temporaryPublicIp', false],
  ['public, with no address of the app’s', [], true, 'temporaryPublicIp', false],
  ['private, with the app in the network', ['10.0.0.4/32'], true, 'private', true],
  ['private, with the app elsewhere', ['198.51.100.1/32'], false, 'private', false],
])('whether the app is let in: %s', (_what, egressAddresses, privateNetwork, kind, expected) => {
  const appliance = applianceIn({ request: request(byHand(kind)), profile });
  expect(isReached({ egressAddresses, privateNetwork }, appliance)).toBe(expected);
});

test.each([
  ['a client secret', { identity: { kind: 'appRegistration' } }, /once the Sentry is set up/],
  ['a managed identity', {}, /when the set-up script is next run/],
  ['set up by hand', { configuration: { kind: 'manual' } }, /when the set-up script is next run/],
  ['set up by hand through a network that the app is not in', byHand('private'), /set up by hand.*PRIVATE_NETWORK/],
])('why it is not proven yet, with %s', (_what, changes, words) => {
  expect(
    whyUnasked({ request: request(changes), profile, egressAddresses: ['198.51.100.1/32'], privateNetwork: false }),
  ).toMatch(words);
});

test('refusals name the hosts, and the first few subscriptions', () => {
  const { reason, remedy } = outboundBlocked([{ origin: 'https://a.example', why: 'its name is not resolved' }]);
  expect(reason).toContain('https://a.example (its name is not resolved)');
  expect(remedy).toContain('NAT gateway');
  expect(accessUnproven(subscriptionIds(9), 'It is so.').reason).toMatch(
    /^9 granted, unproven: (\S+, ){3}…\. It is so\.$/,
  );
});
