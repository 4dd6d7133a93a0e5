import { expect, test } from '@jest/globals';
import { hasIdentity, identityFaults } from '../../../../src/domain/request/identityChange';
import type { ResourceState, SentryState } from '../../../../src/domain/states';
import { request } from '../../../support/requests';

const managed = (resourceId?: string) => ({
  identity: { kind: 'managedIdentity', ...(resourceId ? { resourceId } : {}) },
});
const application = (more: object = {}) => ({ identity: { kind: 'appRegistration', ...more } });
const known = (name: string): string =>
  `/subscriptions/5b000000-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
const federatedCredential = { issuer: 'https://issuer.example', subject: 'x' };

test.each<readonly [string, object, object, readonly string[]]>([
  ['the same', managed(), managed(), []],
  ['another kind', managed(), application(), ['/identity/kind']],
  ['another existing identity', managed(known('a')), managed(known('b')), ['/identity/resourceId']],
  ['our own in place of an existing one', managed(known('a')), managed(), ['/identity/resourceId']],
  ['the same in other letters', managed(known('a')), managed(known('A')), []],
  ['another profile', { profile: 'x' }, { profile: 'y' }, ['/profile']],
  ['another credential', application({ secret: {} }), application({ federatedCredential }), []],
])('%s', (_what, before, after, pointers) => {
  expect(identityFaults(request(before), request(after)).map(({ pointer }) => pointer)).toEqual(pointers);
});

const sentry = (key: string, state: ResourceState['state']): SentryState => ({
  n: 1,
  instanceId: 'x',
  stage: 'stopped',
  resources: { [key]: { kind: key, id: key, state } },
  subscriptions: {},
  receipts: [],
});

test('what was refused before it was made binds nobody', () => {
  expect(hasIdentity(sentry('userAssignedIdentity', 'done'))).toBe(true);
  expect(hasIdentity(sentry('servicePrincipal', 'later'))).toBe(true);
  expect(hasIdentity(sentry('userAssignedIdentity', 'refused'))).toBe(false);
  expect(hasIdentity(sentry('resourceGroup', 'done'))).toBe(false);
});
