/** Federated credentials in place of secrets: whoever holds the outside issuer's token signs in and reads what was granted. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ClientAssertionCredential } from '@azure/identity';
import { z } from 'zod';
import { readTenant } from '../../../local/azure/tenant';
import { formerCredentials } from '../../../src/domain/blueprint/identity';
import { type Given, outputsOf, type Progress, reversed } from '../../../src/domain/graph';
import { specify } from '../../../src/domain/resources';
import { agentless, request } from '../../support/requests';
import { deploy, startWorld, type World } from './adapters.support';
import { location, platform, watched } from './simulator.support';

let world: World;
let issuer: string;
beforeAll(async () => {
  world = await startWorld(readTenant('samples/tenant.json'));
  issuer = `${world.azure.url}/_simulator/issuers/pipeline`;
});
afterAll(async () => world.azure.stop());

const SUBJECT = 'repo:contoso/collector:environment:production';
type IdentityKind = 'managedIdentity' | 'appRegistration';
const identityOf = (kind: IdentityKind, changes: object = {}) => ({
  kind,
  federatedCredential: { issuer, subject: SUBJECT, ...changes },
});
const agentlessOf = (name: string, kind: IdentityKind, changes: object = {}) =>
  deploy(name, kind, { identity: identityOf(kind, changes) }, agentless);
const kindOf = { managedIdentity: 'identityFederatedCredential', appRegistration: 'applicationFederatedCredential' } as const; // prettier-ignore

const changes = (progress: Progress): string[] =>
  Object.entries(progress).map(([key, state]) => `${key} ${state.state === 'done' ? state.change : state.state}`);

/** What the collector does: shows the issuer's token, and lists what it is let read. */
async function subscriptionsSeen(clientId: string, subject = SUBJECT): Promise<string[]> {
  const { body } = await world.azure.ask('POST', '/_simulator/issuers/pipeline/assertions', { body: { subject } });
  const { assertion } = z.object({ assertion: z.string() }).parse(body);
  const tenant = world.azure.environment['AZURE_TENANT_ID'] ?? '';
  const credential = new ClientAssertionCredential(tenant, clientId, () => Promise.resolve(assertion), {
    authorityHost: world.azure.url,
    disableInstanceDiscovery: true,
    retryOptions: { maxRetries: 0 },
  });
  const { token } = await credential.getToken('https://management.azure.com/.default');
  const answer = await world.azure.ask('GET', '/subscriptions?api-version=2022-12-01', { token });
  const list = z.object({ value: z.array(z.object({ subscriptionId: z.string() })) });
  return list.parse(answer.body).value.map(({ subscriptionId }) => subscriptionId);
}

describe.each(['managedIdentity', 'appRegistration'] as const)('with %s', (kind) => {
  const name = `agentless-${kind.toLowerCase()}`;
  let given: Given;

  test('identity, roles and credential are all there is to make, and its holder reads what was granted', async () => {
    const { resources } = agentlessOf(name, kind);
    const made = await world.carryOut('ensure', name, resources);
    expect(Object.values(made).every(({ state }) => state === 'done')).toBe(true);
    expect(resources.map((one) => one.kind)).not.toContain('virtualMachine');
    expect(resources.map((one) => one.kind)).toContain(kindOf[kind]);
    given = outputsOf(made);
    world.azure.advance(900);
    const principal = given[kind === 'managedIdentity' ? 'userAssignedIdentity' : 'servicePrincipal'];
    expect(await subscriptionsSeen(principal?.['clientId'] ?? '')).toEqual([watched(1)]);
    await expect(subscriptionsSeen(principal?.['clientId'] ?? '', 'repo:other')).rejects.toThrow('AADSTS700213');
  });

  test('again, everything is kept and nothing is written', async () => {
    const { resources } = agentlessOf(name, kind);
    let again: Progress = {};
    expect(
      await world.written(async () => {
        again = await world.carryOut('ensure', name, resources);
      }),
    ).toEqual([]);
    expect(new Set(changes(again).map((one) => one.split(' ').at(-1)))).toEqual(new Set(['kept']));
  });

  test.each([
    ['subject', { subject: 'repo:contoso/other' }, ['subject', SUBJECT, 'repo:contoso/other']],
    [
      'nothing but the case of its subject',
      { subject: 'REPO:contoso/other' },
      ['subject', 'repo:contoso/other', 'REPO:contoso/other'],
    ],
    [
      'audience',
      { subject: 'REPO:contoso/other', audience: 'api://other' },
      ['audiences', ['api://AzureADTokenExchange'], ['api://other']],
    ],
  ])('another %s is planned with what it was and will be, and put in its place', async (_, trust, [path, from, to]) => {
    const spec = agentlessOf(name, kind, trust).any(kindOf[kind], given);
    expect(await world.step('observe', spec)).toMatchObject({ kind: 'done', changes: [{ path, from, to }] });
    expect((await world.drive('ensure', spec)).at(-1)).toMatchObject({ kind: 'done', change: 'changed', outputs: trust }); // prettier-ignore
    expect(await world.step('ensure', spec)).toMatchObject({ kind: 'done', change: 'kept' });
  });

  test('to another deployment it is neither written nor removed', async () => {
    const resource = agentlessOf(name, kind).resources.find((one) => one.kind === kindOf[kind]);
    if (!resource) throw new Error('There is no credential.');
    const spec = specify(resource, 'other', given);
    expect(
      await world.written(async () => {
        expect(await world.step('ensure', spec)).toMatchObject({ kind: 'refused', code: 'NotOurs' });
        expect(await world.step('remove', spec)).toMatchObject({ kind: 'done', change: 'kept', ours: false });
      }),
    ).toEqual([]);
  });

  test('a write that was done and whose answer was lost is found', async () => {
    const { resources, any } = agentlessOf(`${name}-lost`, kind);
    const first = resources.filter((one) => one.kind !== kindOf[kind]);
    const made = outputsOf(await world.carryOut('ensure', `${name}-lost`, first));
    world.azure.advance(900);
    const spec = any(kindOf[kind], made);
    await world.fault({ match: { path: 'federatedIdentityCredentials', method: kind === 'managedIdentity' ? 'PUT' : 'POST' }, mode: 'afterEffect', status: 500 }); // prettier-ignore
    const outcomes = await world.drive('ensure', spec);
    expect(outcomes[0]).toMatchObject({ kind: 'later' });
    expect(outcomes.at(-1)).toMatchObject({ kind: 'done', ours: true });
    await world.fault({ match: { path: 'federatedIdentityCredentials', method: 'DELETE' }, mode: 'afterEffect', status: 500 }); // prettier-ignore
    expect((await world.drive('remove', spec)).at(-1)).toMatchObject({ kind: 'done' });
    expect(await world.step('ensure', spec)).toMatchObject({ kind: 'done', change: 'created' });
  });

  test('what is ours goes in reverse order, and is proven gone', async () => {
    const { resources } = agentlessOf(name, kind);
    const gone = await world.carryOut('remove', name, reversed(resources), given);
    expect(changes(gone).filter((one) => !/ (removed|kept)$/.test(one))).toEqual([]);
    expect(gone['federatedCredential']).toMatchObject({ change: 'removed' });
  });
});

test('credentials of one identity are written one after another: what is refused meanwhile is asked again', async () => {
  const { resources, any } = agentlessOf('concurrent', 'managedIdentity');
  const made = await world.carryOut('ensure', 'concurrent', resources.filter((one) => one.kind !== 'identityFederatedCredential')); // prettier-ignore
  world.azure.advance(900);
  const spec = any('identityFederatedCredential', outputsOf(made));
  const other = spec.id.replace(/[^/]+$/, 'another-hand');
  await world.demand('PUT', other, { properties: { issuer, subject: 'x', audiences: ['api://x'] } });
  const outcome = await world.step('ensure', spec);
  expect(outcome).toMatchObject({ kind: 'later', code: 'ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity' }); // prettier-ignore
  expect((await world.drive('ensure', spec)).at(-1)).toMatchObject({ kind: 'done', change: 'created' });
});

test('an issuer and subject that another credential of an existing identity has are refused with what to do', async () => {
  const id = `/subscriptions/${platform}/resourceGroups/known/providers/Microsoft.ManagedIdentity/userAssignedIdentities/known`;
  await world.demand('PUT', `/subscriptions/${platform}/resourceGroups/known`, { location });
  await world.demand('PUT', id, { location });
  await world.demand('PUT', `${id}/federatedIdentityCredentials/theirs`, {
    properties: { issuer, subject: SUBJECT, audiences: ['api://AzureADTokenExchange'] },
  });
  world.azure.advance(60);
  const identity = { ...identityOf('managedIdentity'), resourceId: id };
  const { any } = deploy('taken', 'managedIdentity', { identity }, agentless);
  const [outcome] = await world.drive('ensure', any('identityFederatedCredential'));
  expect(outcome).toMatchObject({ kind: 'refused', code: 'FederationTaken' });
  expect(outcome).toHaveProperty('remedy', expect.stringContaining('az identity federated-credential list'));
});

test('from a secret to a federated credential and back, the former is taken away', async () => {
  const blueprint = (identity: object) => ({ request: request({ name: 'swap', identity }), profile: agentless });
  const secret = { kind: 'appRegistration', secret: {} };
  const known = ['clientSecret', 'federatedCredential'];
  const swap = async (identity: object) => {
    const { resources } = deploy('swap', 'appRegistration', { identity }, agentless);
    const made = outputsOf(await world.carryOut('ensure', 'swap', resources));
    const former = formerCredentials(blueprint(identity), 1, known);
    const gone = await world.carryOut('remove', 'swap', former, made);
    const application = made['application']?.['objectId'] ?? '';
    const { passwordCredentials } = await world.demand('GET', `/v1.0/applications/${application}`);
    const { value } = await world.demand('GET', `/v1.0/applications/${application}/federatedIdentityCredentials`);
    return { gone: changes(gone), left: z.tuple([z.array(z.unknown()), z.array(z.unknown())]).parse([passwordCredentials, value]).map((all) => all.length) }; // prettier-ignore
  };
  expect((await swap(secret)).left).toEqual([1, 0]);
  expect(await swap(identityOf('appRegistration'))).toEqual({ gone: ['clientSecret removed'], left: [0, 1] });
  expect(await swap(secret)).toEqual({ gone: ['federatedCredential removed'], left: [1, 0] });
  expect(formerCredentials(blueprint(secret), 1, ['clientSecret'])).toEqual([]);
});
