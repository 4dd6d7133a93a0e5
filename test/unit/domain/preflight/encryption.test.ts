import { describe, expect, test } from '@jest/globals';
import { areasOf } from '../../../../src/domain/preflight/areas';
import {
  checkEncryptionAtHost,
  checkEncryptionSet,
  type EncryptionSet,
} from '../../../../src/domain/preflight/encryption';
import { profile, requestFor } from '../../../support/requests';

const { placement, vm } = requestFor(1);
const id = `/subscriptions/${placement.subscriptionId}/resourceGroups/keys/providers/Microsoft.Compute/diskEncryptionSets/disks`;
const blueprint = (more: object = {}) => ({ request: requestFor(1, { vm: { ...vm, ...more } }), profile });
const set = (more: object = {}): EncryptionSet => ({
  kind: 'set',
  location: placement.location,
  encryptionType: 'EncryptionAtRestWithCustomerKey',
  state: 'Succeeded',
  ...more,
});

test('nothing is looked at that the request does not ask for', () => {
  const asked = (more: object) => areasOf(blueprint(more)).filter((area) => /^encryption/.test(area));
  expect(asked({})).toEqual([]);
  // Azure refuses any word of it, a no too.
  expect(asked({ encryptionAtHost: false })).toEqual(['encryptionAtHost']);
  expect(asked({ encryptionAtHost: true, osDisk: { diskEncryptionSetId: id } })).toEqual([
    'encryptionAtHost',
    'encryptionSet',
  ]);
});

describe('a disk encryption set', () => {
  test.each<readonly [string, EncryptionSet, readonly string[]]>([
    ['as it is to be', set(), []],
    ['in the region as Azure displays it', set({ location: 'West Europe' }), []],
    ['that is not there', { kind: 'absent' }, ['NoSuchResource']],
    ['that the app may not read', { kind: 'forbidden' }, ['MissingPermission']],
    ['elsewhere', set({ location: 'northeurope' }), ['EncryptionSetElsewhere']],
    [
      'for confidential VMs',
      set({ encryptionType: 'ConfidentialVmEncryptedWithCustomerKey' }),
      ['EncryptionSetUnusable'],
    ],
    ['that failed', set({ state: 'Failed' }), ['EncryptionSetUnusable']],
  ])('%s', (_what, found, codes) => {
    const findings = checkEncryptionSet(blueprint({ osDisk: { diskEncryptionSetId: id } }), found, 'the app');
    expect(findings.map(({ code }) => code)).toEqual(codes);
    expect(findings.every(({ where, severity }) => where === id && severity === 'error')).toBe(true);
  });

  test('one that the app may not read is mended by a role', () => {
    const [found] = checkEncryptionSet(
      blueprint({ osDisk: { diskEncryptionSetId: id } }),
      { kind: 'forbidden' },
      'the-app',
    );
    expect(found?.reason).toBe('The app may not Microsoft.Compute/diskEncryptionSets/read');
    expect(found?.remedy).toContain(`--assignee-object-id the-app --assignee-principal-type ServicePrincipal --role "Reader" --scope ${id}`); // prettier-ignore
  });
});

test.each([
  ['Registered', 0],
  // In a cloud that knows no such feature Azure asks for none.
  [undefined, 0],
  ['NotRegistered', 1],
  ['Registering', 1],
  ['Unregistered', 1],
])('encryption at host with a feature that is %s', (state, count) => {
  const found = checkEncryptionAtHost(blueprint({ encryptionAtHost: true }), state);
  expect(found).toHaveLength(count);
  for (const { code, where, remedy } of found) {
    expect([code, where]).toEqual(['FeatureNotRegistered', '/vm/encryptionAtHost']);
    expect(remedy).toContain(`az feature register --namespace Microsoft.Compute --name EncryptionAtHost --subscription ${placement.subscriptionId}`); // prettier-ignore
  }
});
