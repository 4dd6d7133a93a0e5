import { expect, test } from '@jest/globals';
import { addressMark, readAddressMark, readRuleMark, ruleMark, WINDOW_TAG } from '../../../src/domain/windowMark';
import { overdueWindows } from '../../../src/domain/windowSweep';

const window = { deployment: 'prod-sentry', n: 2, expiresAt: '2026-01-01T01:00:00.000Z' };
const NOW = Date.parse(window.expiresAt);
const group = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network';
const nic = `${group}/networkInterfaces/cloudknox-sentry-2-nic`;
const addressId = `${group}/publicIPAddresses/prod-sentry-2-window`;
const tags = { 'sentry-deployment': 'prod-sentry', [WINDOW_TAG]: addressMark({ ...window, networkInterfaceId: nic }) };

test('a mark says again what was written, within Azure’s 140 characters', () => {
  const description = ruleMark(window);
  expect(readRuleMark({ id: '/r', description, destinationPortRange: '22' })).toEqual({
    ...window,
    ruleId: '/r',
    port: 22,
  });
  expect(ruleMark({ ...window, deployment: 'x'.repeat(40), n: 1_000 }).length).toBeLessThanOrEqual(140);
  expect(readAddressMark(addressId, tags)).toEqual({ ...window, addressId, networkInterfaceId: nic });
});

test.each([
  undefined,
  '',
  'opened by hand',
  'sentry-deployment:prod-sentry',
  'sentry-deployment:prod-sentry sentry 2 until tomorrow',
  ' sentry-deployment:prod-sentry sentry 2 until 2026-01-01T01:00:00.000Z',
  'sentry-deployment:prod-sentry sentry 2 until 2026-01-01T01:00:00.000Z, or so',
])('%j is not our mark', (description) => {
  expect(readRuleMark({ id: '/r', description })).toBeUndefined();
});

test('an address that stays, such as the NAT gateway’s, bears no window’s mark', () => {
  expect(readAddressMark(addressId, { 'sentry-deployment': 'prod-sentry' })).toBeUndefined();
  expect(readAddressMark(addressId, { [WINDOW_TAG]: tags[WINDOW_TAG] })).toBeUndefined();
  expect(readAddressMark(addressId, undefined)).toBeUndefined();
});

test('of a window whose parts tell two times, only what is over is closed', () => {
  const rule = { ...window, ruleId: '/r22', port: 22 };
  const address = { ...window, expiresAt: '2026-01-01T02:00:00.000Z', addressId, networkInterfaceId: nic };
  const marks = { rules: [rule, { ...rule, n: 1, ruleId: '/other' }], addresses: [address] };
  const scopes = overdueWindows(marks, NOW);
  expect(scopes.map(({ n, rules, publicAddress }) => ({ n, rules, publicAddress }))).toEqual([
    { n: 2, rules: [{ id: '/r22', port: 22 }], publicAddress: undefined },
    { n: 1, rules: [{ id: '/other', port: 22 }], publicAddress: undefined },
  ]);
  expect(overdueWindows(marks, NOW - 1)).toEqual([]);
});

test('an address alone is let go of as well', () => {
  const [scope] = overdueWindows({ rules: [], addresses: [{ ...window, addressId, networkInterfaceId: nic }] }, NOW);
  expect(scope).toMatchObject({ rules: [], publicAddress: { id: addressId, networkInterfaceId: nic } });
});
