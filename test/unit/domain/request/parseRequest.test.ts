import { expect, test } from '@jest/globals';
import { parseRequest } from '../../../../src/domain/request/parseRequest';
import { profiles, requestBody, subscriptionId, tenantId } from '../../../support/requests';

const faultsOf = (body: unknown): readonly string[] => {
  const parsed = parseRequest(body, {
    tenantId,
    profiles,
    privateNetwork: false,
    egressAddresses: [],
    keyVaultUri: 'https://ours.vault.azure.net',
    now: Date.UTC(2027, 0, 1),
  });
  return parsed.kind === 'faults' ? parsed.faults.map(({ pointer, detail }) => `${pointer} ${detail}`) : [];
};
const access = (sourceAddresses: unknown[]) => requestBody({ access: { kind: 'temporaryPublicIp', sourceAddresses } });
const network = (addressPrefix: string) => requestBody({ network: { kind: 'managed', addressPrefix } });
const vm = requestBody()['vm'] as object;
const including = (include: unknown, more: object = {}) => requestBody({ subscriptions: { include, ...more } });
const changeWindow = { days: ['saturday'], from: '22:00', hours: 4, timeZone: 'Europe/Amsterdam' };
const windowed = (changes: object, drift = 'repair') =>
  requestBody({ drift, schedule: { changeWindows: [{ ...changeWindow, ...changes }] } });
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
  [
    'bug: a tag given twice, in other letters, of which Azure keeps one',
    requestBody({ tags: { owner: 'b2', Owner: 'zz' } }),
    /^\/tags\/Owner is the same tag to Azure as 'owner'/,
  ],
  [
    'our own mark as a tag in other letters',
    requestBody({ tags: { 'Sentry-Deployment': 'x' } }),
    /^\/tags\/Sentry-Deployment is kept for our own marks/,
  ],
  ['our own mark as a tag', requestBody({ tags: { 'sentry-deployment': 'x' } }), /^\/tags\/sentry-deployment/],
  ['a drift that is unknown', requestBody({ drift: 'mend' }), /^\/drift is not report or repair/],
  [
    'a day that is none',
    windowed({ days: ['caturday'] }),
    /^\/schedule\/changeWindows\/0\/days\/0 is not one of monday/,
  ],
  ['a zone that is none', windowed({ timeZone: 'Mars/Base' }), /\/timeZone is not a time zone such as/],
  ['a time that is none', windowed({ from: '24:00' }), /\/from is not a time of day/],
  ['a change window of minutes', windowed({ hours: 0.5 }), /^\/schedule\/changeWindows\/0\/hours /],
  ['no change window', requestBody({ schedule: { changeWindows: [] } }), /^\/schedule\/changeWindows is an empty list/],
  [
    'a moment without a zone',
    requestBody({ schedule: { notBefore: '2027-02-01T22:00:00' } }),
    /notBefore is not a moment/,
  ],
  [
    'an end before the beginning',
    requestBody({ schedule: { notBefore: '2027-02-02T00:00:00Z', notAfter: '2027-02-02T00:30:00+01:00' } }),
    /^\/schedule\/notAfter is not after notBefore/,
  ],
  [
    'an end that is over',
    requestBody({ schedule: { notAfter: '2027-01-01T00:00:00Z' } }),
    /^\/schedule\/notAfter is over/,
  ],
  [
    'change windows for nothing',
    { ...windowed({}, 'report'), subscriptions: { include: [{ kind: 'ids', ids: [subscriptionId(1)] }] } },
    /^\/schedule\/changeWindows is for what nobody asks for/,
  ],
  ['something that is no object', [], /^ /],
])('%s is refused at its JSON pointer', (_what, body, fault) => {
  const faults = faultsOf(body);
  expect(faults.some((text) => fault.test(text)) ? [] : faults).toEqual([]);
  expect(faults.length).toBeGreaterThan(0);
});

test.each([
  ['change windows for repairs', windowed({})],
  ['a summer night', windowed({ from: '00:00', hours: 24, timeZone: undefined })],
  [
    'a beginning and an end',
    requestBody({ schedule: { notBefore: '2027-02-01T22:00:00+01:00', notAfter: '2028-01-01T00:00:00Z' } }),
  ],
])('%s is taken', (_what, body) => {
  expect(faultsOf(body)).toEqual([]);
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
