/** A profile without an appliance, over the API: a run that asks nobody, and then the collector's own sign-in. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ClientAssertionCredential } from '@azure/identity';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { z } from 'zod';
import { asPlanned } from '../support/carriedOut';
import { nextLook, type TestWorld, testWorld } from '../support/e2e';
import { agentlessBody, subscriptionId, subscriptionIds } from '../support/requests';

let world: TestWorld;
let issuer: string;
beforeAll(async () => {
  world = await testWorld();
  const ca = readFileSync(join(world.state, 'azure', 'ca.pem'), 'utf8');
  setDefaultCACertificates([...getCACertificates('default'), ca]);
  issuer = `${world.azureUrl}/_simulator/issuers/pipeline`;
});
afterAll(() => world.stop());

const subject = 'repo:contoso/collector:environment:production';
const watched = subscriptionIds(12);
const body = (name: string, identity: object) =>
  agentlessBody({
    name,
    identity,
    tenantId: world.environment['AZURE_TENANT_ID'],
    // A group of its own: one that another deployment of these tests made would bind nobody to its place.
    placement: { subscriptionId: subscriptionId(0), resourceGroup: name, location: 'westeurope' },
    subscriptions: { include: [{ kind: 'ids', ids: watched }] },
  });
const seeThrough = async (name: string, identity: object) => {
  const request = body(name, identity);
  const run = async () => {
    await world.administrator.start(request);
    return world.administrator.seeThrough(name, ({ sentries }) =>
      sentries.forEach((one) => expect([one.handoff ?? null, one.receipts]).toEqual([null, []])),
    );
  };
  return asPlanned(world, request, { watched, run });
};
const identityShown = z.looseObject({
  clientId: z.string(),
  secretUri: z.string().optional(),
  federatedCredential: z.unknown().optional(),
});
type Shown = Awaited<ReturnType<typeof seeThrough>>['result'];
const identityOf = ({ sentries }: Shown) => identityShown.parse(sentries[0]?.['identity']);

/** What the collector does each hour: shows its issuer's token, and lists what it may read. */
async function subscriptionsSeen(clientId: string): Promise<string[]> {
  const minted = await world.askAzure('/_simulator/issuers/pipeline/assertions', { subject, lifetimeSeconds: 3_600 });
  const { assertion } = z.object({ assertion: z.string() }).parse(minted);
  const credential = new ClientAssertionCredential(
    world.environment['AZURE_TENANT_ID'] ?? '',
    clientId,
    () => Promise.resolve(assertion),
    { authorityHost: world.azureUrl, disableInstanceDiscovery: true, retryOptions: { maxRetries: 0 } },
  );
  const { token } = await credential.getToken('https://management.azure.com/.default');
  const list = z.looseObject({ value: z.array(z.looseObject({ subscriptionId: z.string() })) });
  const answer = await world.askAzure('/subscriptions?api-version=2022-12-01', undefined, {
    authorization: `Bearer ${token}`,
  });
  return list
    .parse(answer)
    .value.map(({ subscriptionId }) => subscriptionId)
    .sort();
}

/** Entra knows a new credential after a while. */
async function oncePropagated(clientId: string): Promise<string[]> {
  for (;;) {
    try {
      const seen = await subscriptionsSeen(clientId);
      if (seen.length === watched.length) return seen;
    } catch (error) {
      if (!(error instanceof Error && /AADSTS(70025|7002\d+|700016)/.test(error.message))) throw error;
    }
    await nextLook();
  }
}

test.each(['managedIdentity', 'appRegistration'])(
  'with %s: completed with no window and no handoff, and the holder of the issuer’s token lists the subscriptions',
  async (kind) => {
    const name = `reader-${kind.toLowerCase()}`;
    const { result: shown, calls } = await seeThrough(name, { kind, federatedCredential: { issuer, subject } });
    // Of the first alone: what is there already, the app looks at by the hour.
    if (kind === 'managedIdentity')
      expect(Math.abs(calls.estimated - calls.recorded) / calls.recorded).toBeLessThan(0.15);
    expect(shown).toMatchObject({ state: 'completed', subscriptions: { total: 12, granted: 12, setAside: 0 } });
    const { clientId, secretUri, federatedCredential } = identityOf(shown);
    expect(secretUri).toBeUndefined();
    expect(federatedCredential).toEqual({ issuer, subject, audience: 'api://AzureADTokenExchange' });
    expect(await oncePropagated(clientId)).toEqual(watched);
    expect(await world.askAzure('/_simulator/windows')).toEqual([]);

    const { result: again } = await seeThrough(name, { kind, federatedCredential: { issuer, subject } });
    expect(again.sentries.flatMap(({ resources }) => resources.map(({ change }) => change))).toEqual(
      again.sentries.flatMap(({ resources }) => resources.map(() => 'kept')),
    );
  },
);

test('a secret gives way to a federated credential; another kind of identity does not come under the same name', async () => {
  const before = await seeThrough('swap', { kind: 'appRegistration', secret: { description: 'First' } });
  const first = identityOf(before.result);
  expect(first.secretUri).toMatch(/\/secrets\/sentry-swap-1-client\//);
  const after = await seeThrough('swap', { kind: 'appRegistration', federatedCredential: { issuer, subject } });
  const second = identityOf(after.result);
  expect(second).toMatchObject({ clientId: first.clientId, federatedCredential: { issuer } });
  expect(second).not.toHaveProperty('secretUri');

  const other = body('swap', { kind: 'managedIdentity', federatedCredential: { issuer, subject } });
  for (const path of ['deployments', 'deployments?dryRun=true']) {
    const answer = await world.post(path, other);
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ code: 'IdentityKept', errors: [{ pointer: '/identity/kind' }] });
  }
  const same = body('swap', { kind: 'appRegistration', federatedCredential: { issuer, subject } });
  const placement = { ...(same['placement'] as object), location: 'northeurope' };
  for (const path of ['deployments', 'deployments?dryRun=true']) {
    const answer = await world.post(path, { ...same, placement });
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ code: 'PlacementKept', errors: [{ pointer: '/placement/location' }] });
  }
});

test('bug: who announces itself to a fleet that is full is set aside, named, and holds up no repair', async () => {
  const name = 'full';
  const group = `/subscriptions/${subscriptionId(0)}/resourceGroups/known`;
  const resourceId = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/known`;
  for (const path of [group, resourceId])
    await world.askAzure('/_simulator/outside', {
      method: 'PUT',
      path: `${path}?api-version=2024-11-30`,
      body: { location: 'westeurope' },
    });
  const include = [{ kind: 'ids', ids: subscriptionIds(50) }];
  const request = {
    ...body(name, { kind: 'managedIdentity', resourceId, federatedCredential: { issuer, subject } }),
    subscriptions: { include, onboardNew: true },
  };
  await world.administrator.start(request);
  const whole = await world.administrator.seeThrough(name, () => undefined);
  expect(whole).toMatchObject({ state: 'completed', findings: [{ code: 'FleetCannotGrow' }] });

  const hook = `${world.hostUrl}/runtime/webhooks/eventgrid?functionName=subscriptionCreated&code=${world.keys.eventGrid}`;
  const data = { subscriptionId: subscriptionId(51) };
  const event = { id: 'e', eventType: 'New', subject: '/', eventTime: '2026-01-01T00:00:00Z', dataVersion: '1', data };
  const headers = { 'content-type': 'application/json', 'aeg-event-type': 'Notification' };
  expect((await fetch(hook, { method: 'POST', headers, body: JSON.stringify([event]) })).ok).toBe(true);
  const counts = { total: 51, granted: 50, proven: 0, setAside: 1 };
  const after = async () => {
    const shown = await world.administrator.seeThrough(name, () => undefined);
    return [shown.state, shown.subscriptions, shown.problems];
  };
  while ((await world.administrator.read(name)).subscriptions.setAside === 0) await nextLook();
  expect(await after()).toEqual(['completedWithExceptions', counts, []]);
  const answer = await world.api(`deployments/${name}/subscriptions?state=setAside`);
  expect(await answer.json()).toEqual({
    value: [
      {
        subscriptionId: subscriptionId(51),
        sentry: null,
        state: 'setAside',
        code: 'NotTakenIn',
        reason: expect.stringContaining('OneSentryOnly'),
        remedy: expect.stringContaining('subscriptions.exclude'),
      },
    ],
  });

  // The same again, and a repair, come to the same.
  await world.administrator.start(request);
  expect(await after()).toEqual(['completedWithExceptions', counts, []]);
  expect((await world.post(`deployments/${name}/reconciliation?repair=true`, {})).ok).toBe(true);
  // Watched elsewhere, it is nobody's concern here.
  const excluded = { ...request, subscriptions: { ...request.subscriptions, exclude: [subscriptionId(51)] } };
  await world.administrator.start(excluded);
  expect(await after()).toEqual(['completed', { ...counts, total: 50, setAside: 0 }, []]);
});
