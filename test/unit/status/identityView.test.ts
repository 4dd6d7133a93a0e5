import { expect, test } from '@jest/globals';
import type { ResourceState, SentryState } from '../../../src/domain/states';
import { deploymentView } from '../../../src/status/views';
import { request } from '../../support/requests';

const resource = (kind: string, outputs: Readonly<Record<string, string>>): ResourceState => ({
  kind,
  id: kind,
  state: 'done',
  outputs,
});
const principal = { principalId: 'p', clientId: 'c' };

function identityOf(resources: SentryState['resources']): unknown {
  const sentry = { n: 1, instanceId: 'x', stage: 'completed', resources, subscriptions: {}, receipts: [] } as const;
  const deployment = { request: request(), onboarded: [], pending: [], placement: [[]], resources: {}, startedAt: '' };
  const run = { runtimeStatus: 'Completed', atWork: false };
  return deploymentView(deployment, [sentry], run, 'etag', 0).sentries[0]?.identity;
}

test('an app registration shows its client id and where its secret lies', () => {
  const clientSecret = resource('clientSecret', { secretUri: 'https://vault/secrets/x/1' });
  expect(identityOf({ servicePrincipal: resource('servicePrincipal', principal), clientSecret })).toEqual({
    ...principal,
    secretUri: 'https://vault/secrets/x/1',
  });
});

test('an identity, made or existing, shows whose tokens it trusts', () => {
  const trust = { issuer: 'i', subject: 's', audience: 'a' };
  for (const kind of ['userAssignedIdentity', 'existingIdentity']) {
    const userAssignedIdentity = resource(kind, { id: '/id', ...principal });
    const federatedCredential = resource('identityFederatedCredential', { id: '/id', ...trust });
    expect(identityOf({ userAssignedIdentity, federatedCredential })).toEqual({ ...principal, federatedCredential: trust }); // prettier-ignore
  }
});

test('before there is one, there is none', () => {
  expect(identityOf({})).toBeNull();
});
