/** An application that others could sign in as is given nothing, whatever mark it bears. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { Outcome } from '../../../src/domain/outcome';
import { deploy, startWorld, type World } from './adapters.support';
import { instant } from './simulator.support';

let world: World;
beforeAll(async () => {
  world = await startWorld(instant);
});
afterAll(async () => world.azure.stop());

const outputsOf = (outcome: Outcome | undefined) => (outcome?.kind === 'done' ? outcome.outputs : {});
const last = async (verb: 'ensure' | 'remove' | 'observe', spec: Parameters<World['drive']>[1]) =>
  (await world.drive(verb, spec)).at(-1);
const made = z.looseObject({ id: z.string(), appId: z.string() });

/** What the deployment would make, made by somebody else first. */
async function byAnother(name: string, changes: object) {
  const { spec } = deploy(name, 'appRegistration');
  const { wanted } = spec('application');
  const { id, appId } = made.parse(await world.demand('POST', '/v1.0/applications', { ...wanted, ...changes }));
  return { spec, id, appId };
}

test('bug: another’s application of our display name and with our mark is not ours: we make our own', async () => {
  const { spec, appId } = await byAnother('lookalike', { uniqueName: undefined });
  const outcome = await last('ensure', spec('application'));
  expect(outcome).toMatchObject({ kind: 'done', change: 'created', ours: true });
  expect(outputsOf(outcome)['appId']).not.toBe(appId);
});

test('bug: another’s application of our unique name and with our mark is refused while that person owns it', async () => {
  const { spec, id } = await byAnother('hijacked', {});
  const refusal = { kind: 'refused', code: 'HeldByOthers', reason: expect.stringContaining('its owner ') };
  expect(await last('observe', spec('application'))).toMatchObject(refusal);
  const written = await world.written(async () => {
    expect(await last('ensure', spec('application'))).toMatchObject(refusal);
  });
  expect(written).toEqual([]);
  expect(await world.demand('GET', `/v1.0/applications/${id}`)).toMatchObject({ displayName: 'hijacked-app' });
});

test('one of our unique name without our mark is another’s, and the way out names it', async () => {
  const { spec, id } = await byAnother('unmarked', { tags: [] });
  const refusal = { kind: 'refused', code: 'NotOurs', remedy: expect.stringContaining(id) };
  expect(await last('observe', spec('application'))).toMatchObject(refusal);
  expect(await last('ensure', spec('application'))).toMatchObject(refusal);
  expect(await last('remove', spec('application'))).toMatchObject({ kind: 'done', change: 'kept', ours: false });
});

const HELD: readonly (readonly [string, (ids: Ids) => readonly [string, object], string])[] = [
  ['a secret', ({ objectId }) => [`/v1.0/applications/${objectId}/addPassword`, { passwordCredential: { displayName: 'mine' } }], 'its client secret '], // prettier-ignore
  ['a federated credential', ({ objectId }) => [`/v1.0/applications/${objectId}/federatedIdentityCredentials`, { name: 'mine', issuer: 'https://issuer.example', subject: 'me', audiences: ['api://AzureADTokenExchange'] }], "its federated credential 'mine'"], // prettier-ignore
  ['a secret of its principal', ({ principalId }) => [`/v1.0/servicePrincipals/${principalId}/addPassword`, { passwordCredential: { displayName: 'mine' } }], 'its client secret '], // prettier-ignore
];
interface Ids {
  readonly objectId: string;
  readonly principalId: string;
}

test.each(HELD)(
  '%s that somebody added to ours is told, and it is still removed with the rest',
  async (what, by, told) => {
    const { spec } = deploy(`held-${HELD.findIndex(([one]) => one === what)}`, 'appRegistration');
    const application = outputsOf(await last('ensure', spec('application')));
    const principalSpec = spec('servicePrincipal', { application });
    const principal = outputsOf(await last('ensure', principalSpec));
    const ids = { objectId: application['objectId'] ?? '', principalId: principal['principalId'] ?? '' };
    const [path, body] = by(ids);
    const isPrincipals = path.includes('servicePrincipals');
    await world.demand('POST', path, body);
    const outcomes = [await last('ensure', spec('application')), await last('ensure', principalSpec)];
    const refusal = { kind: 'refused', code: 'HeldByOthers', reason: expect.stringContaining(told) };
    const kept = { kind: 'done', change: 'kept' };
    expect(outcomes).toMatchObject(isPrincipals ? [kept, refusal] : [refusal, kept]);
    expect(await last('remove', spec('application'))).toMatchObject({ kind: 'done', change: 'removed' });
  },
);

test('bug: an application that is called otherwise is the same one: only its display name changes', async () => {
  const named = (application: string) =>
    deploy('renamed', 'appRegistration', { names: { application } }).spec('application');
  const first = await last('ensure', named('first'));
  const plan = await last('observe', named('second'));
  expect(plan).toMatchObject({ change: 'changed', changes: [{ path: 'displayName', from: 'first', to: 'second' }] });
  const second = await last('ensure', named('second'));
  expect(second).toMatchObject({ kind: 'done', change: 'changed', outputs: outputsOf(first) });
});

test('bug: whoever is trusted by our managed identity beside what the request asks for is told', async () => {
  const { resources, spec } = deploy('trusting', 'managedIdentity');
  await world.carryOut('ensure', 'trusting', resources.slice(0, resources.findIndex(({ kind }) => kind === 'userAssignedIdentity') + 1)); // prettier-ignore
  const { id } = spec('userAssignedIdentity');
  const properties = { issuer: 'https://evil.example', subject: 'me', audiences: ['api://AzureADTokenExchange'] };
  await world.demand('PUT', `${id}/federatedIdentityCredentials/evil`, { properties });
  const refusal = { kind: 'refused', code: 'HeldByOthers', reason: expect.stringContaining("'evil'") };
  expect(await last('observe', spec('userAssignedIdentity'))).toMatchObject(refusal);
  expect(await last('ensure', spec('userAssignedIdentity'))).toMatchObject(refusal);
  await world.demand('DELETE', `${id}/federatedIdentityCredentials/evil`);
  expect(await last('ensure', spec('userAssignedIdentity'))).toMatchObject({ kind: 'done', change: 'kept' });
});

test('bug: a redirect URI that was added to our application is drift, and goes', async () => {
  const { spec } = deploy('redirected', 'appRegistration');
  const { objectId } = outputsOf(await last('ensure', spec('application')));
  await world.demand('PATCH', `/v1.0/applications/${objectId}`, { web: { redirectUris: ['https://evil.example/'] } });
  const changed = { kind: 'done', change: 'changed' };
  const changes = [{ path: 'web.redirectUris', from: ['https://evil.example/'], to: [] }];
  expect(await last('observe', spec('application'))).toMatchObject({ ...changed, changes });
  expect(await last('ensure', spec('application'))).toMatchObject(changed);
  const shown = await world.demand('GET', `/v1.0/applications/${objectId}`);
  expect(shown).toMatchObject({ web: { redirectUris: [] }, spa: { redirectUris: [] } });
});

test('a principal that somebody disabled is told, and not enabled over their head', async () => {
  const { spec } = deploy('disabled', 'appRegistration');
  const principal = spec('servicePrincipal', { application: outputsOf(await last('ensure', spec('application'))) });
  const { principalId } = outputsOf(await last('ensure', principal));
  await world.demand('PATCH', `/v1.0/servicePrincipals/${principalId}`, { accountEnabled: false });
  const refusal = { kind: 'refused', code: 'PrincipalDisabled', remedy: expect.stringContaining(`${principalId}`) };
  expect(await last('observe', principal)).toMatchObject(refusal);
  expect(await last('ensure', principal)).toMatchObject(refusal);
});
