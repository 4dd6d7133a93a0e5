import { expect, test } from '@jest/globals';
import { parseRequest } from '../../../../src/domain/request/parseRequest';
import { profiles, requestBody, subscriptionId, tenantId } from '../../../support/requests';

const faultsOf = (body: unknown): readonly string[] => {
  const parsed = parseRequest(body, {
    tenantId,
    profiles,
    privateNetwork: false,
    keyVaultUri: 'https://ours.vault.azure.net',
  });
  return parsed.kind === 'faults' ? parsed.faults.map(({ pointer, detail }) => `${pointer} ${detail}`) : [];
};
const access = (sourceAddresses: unknown[]) => requestBody({ access: { kind: 'temporaryPublicIp', sourceAddresses } });
const network = (addressPrefix: string) => requestBody({ network: { kind: 'managed', addressPrefix } });
const vm = requestBody()['vm'] as object;
const including = (include: unknown, more: object = {}) => requestBody({ subscriptions: { include, ...more } });
const privateKey = `-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----`;

test('the sample is a valid request', () => {
  expect(faultsOf(requestBody())).toEqual([]);
});

test.each([
  ['an unknown field', requestBody({ colour: 'red' }), /^\/colour is not a field/],
  [
    'an unknown field deep down',
    requestBody({ controller: { enabled: true, on: 1 } }),
    /^\/controller\/on is not a field/,
  ],
  ['a bad CIDR', access(['203.0.113.7/33']), /^\/access\/sourceAddresses\/0 is not a CIDR/],
  ['an address without a length', access(['203.0.113.7']), /^\/access\/sourceAddresses\/0 is not a CIDR/],
  ['a service tag', access(['Internet']), /^\/access\/sourceAddresses\/0 is not a CIDR/],
  ['a star', access(['*']), /^\/access\/sourceAddresses\/0 is not a CIDR/],
  [
    'host bits, where one address was meant',
    access(['203.0.113.7/24']),
    /^\/access\/sourceAddresses\/0 has bits set beyond/,
  ],
  ['a public range as our network', network('8.8.8.0/24'), /^\/network\/addressPrefix is not a private range/],
  ['a network too small', network('10.0.0.0/30'), /^\/network\/addressPrefix is smaller than/],
  [
    'an administrator named root',
    requestBody({ vm: { ...vm, adminUsername: 'root' } }),
    /^\/vm\/adminUsername is a name that Azure refuses/,
  ],
  ['a profile that every object has', requestBody({ profile: 'constructor' }), /^\/profile is not a profile/],
  ['no name', requestBody({ name: undefined }), /^\/name is missing$/],
  ['a number for a name', requestBody({ name: 7 }), /^\/name /],
  ['the whole internet', access(['0.0.0.0/0']), /^\/access\/sourceAddresses opens the ports to more/],
  ['two halves of it', access(['0.0.0.0/1', '128.0.0.0/1']), /^\/access\/sourceAddresses opens the ports to more/],
  ['the whole internet of IPv6', access(['::/0']), /^\/access\/sourceAddresses opens the ports to more/],
  ['an empty list of addresses', access([]), /^\/access\/sourceAddresses is an empty list/],
  [
    'an address listed twice',
    access(['10.0.0.0/8', '10.0.0.0/8']),
    /^\/access\/sourceAddresses\/1 The range is listed twice/,
  ],
  [
    'a port that the profile does not open',
    requestBody({ access: { kind: 'temporaryPublicIp', sourceAddresses: ['203.0.113.7/32'], ports: [3389] } }),
    /^\/access\/ports\/0 is not a port of the profile/,
  ],
  ['no subscriptions', including([]), /^\/subscriptions\/include may be empty only with onboardNew/],
  ['an empty list of ids', including([{ kind: 'ids', ids: [] }]), /^\/subscriptions\/include\/0\/ids is an empty list/],
  [
    'a subscription twice',
    including([{ kind: 'ids', ids: [subscriptionId(1), subscriptionId(1)] }]),
    /^\/subscriptions\/include\/0\/ids\/1 The subscription is listed twice/,
  ],
  [
    'a subscription twice in two lists',
    including([
      { kind: 'ids', ids: [subscriptionId(1)] },
      { kind: 'ids', ids: [subscriptionId(1).toUpperCase()] },
    ]),
    /^\/subscriptions\/include\/1\/ids\/0 The subscription is listed twice/,
  ],
  [
    'a key that is no public key',
    requestBody({ vm: { sshPublicKeys: ['ssh-ed25519 AAAA'] } }),
    /^\/vm\/sshPublicKeys\/0 is not an SSH public key/,
  ],
  [
    'a private key',
    requestBody({ vm: { sshPublicKeys: [privateKey] } }),
    /^\/vm\/sshPublicKeys\/0 is not an SSH public key/,
  ],
  [
    'another tenant',
    requestBody({ tenantId: '22222222-2222-4222-8222-222222222222' }),
    /^\/tenantId is not this app's tenant/,
  ],
  ['an unknown profile', requestBody({ profile: 'other' }), /^\/profile is not a profile of this app/],
  ['a name that cannot be in a URL', requestBody({ name: 'Prod Sentry' }), /^\/name must be/],
  ['our own mark as a tag', requestBody({ tags: { 'sentry-deployment': 'x' } }), /^\/tags\/sentry-deployment/],
  ['something that is no object', [], /^ /],
])('%s is refused at its JSON pointer', (_what, body, fault) => {
  const faults = faultsOf(body);
  expect(faults.some((text) => fault.test(text)) ? [] : faults).toEqual([]);
  expect(faults.length).toBeGreaterThan(0);
});

test('every fault is named at once', () => {
  const faults = faultsOf({
    ...requestBody({ colour: 'red', tenantId: '22222222-2222-4222-8222-222222222222' }),
    ...{ vm: { sshPublicKeys: [] } },
  });
  expect(faults.map((text) => text.split(' ')[0])).toEqual(
    expect.arrayContaining(['/colour', '/tenantId', '/vm/sshPublicKeys']),
  );
});

test('a private key in a request is not repeated in the answer', () => {
  expect(JSON.stringify(faultsOf(requestBody({ vm: { sshPublicKeys: [privateKey] } })))).not.toContain('BEGIN');
});
