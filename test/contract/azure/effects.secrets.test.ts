/** Secrets: made once, kept through crashes and changes beside them, never in an outcome, gone without a trace. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { Outcome } from '../../../src/domain/outcome';
import type { SpecOf } from '../../../src/domain/resources';
import { deploy, startWorld, type World } from './adapters.support';
import { instant } from './simulator.support';

let world: World;
beforeAll(async () => {
  world = await startWorld({ ...instant, timings: { ...instant.timings, secretDelete: 3 } });
});
afterAll(async () => world.azure.stop());

const outputsOf = (outcome: Outcome | undefined) => (outcome?.kind === 'done' ? outcome.outputs : {});
const last = async (verb: 'ensure' | 'remove' | 'observe', spec: Parameters<World['drive']>[1]) =>
  (await world.drive(verb, spec)).at(-1);

/** An application of its own for each test, and the specs of the secrets beside it. */
async function application(name: string) {
  const { spec } = deploy(name, 'appRegistration');
  const outputs = outputsOf(await last('ensure', spec('application')));
  return {
    objectId: outputs['objectId'] ?? '',
    client: spec('clientSecret', { application: outputs }),
    ssh: spec('sshKey'),
  };
}

const credentials = async (objectId: string): Promise<string[]> => {
  const list = z.object({ passwordCredentials: z.array(z.looseObject({ keyId: z.string() })) });
  return list
    .parse(await world.demand('GET', `/v1.0/applications/${objectId}`))
    .passwordCredentials.map((one) => one.keyId);
};
const inVault = async (name: string) =>
  z
    .looseObject({ value: z.string(), tags: z.record(z.string(), z.string()) })
    .parse(await world.demand('GET', `/secrets/${name}`));

/** The vault's secret is the one credential that Entra has. */
async function demandOneCredential({ objectId, client }: { objectId: string; client: SpecOf<'clientSecret'> }) {
  const stored = await inVault(client.id);
  expect(await credentials(objectId)).toEqual([stored.tags['credential-key-id']]);
  return stored;
}

const CRASHES = [
  ['Graph answered nobody', { method: 'POST', path: 'addPassword' }, 'afterEffect'],
  ['the vault was never asked', { method: 'PUT', path: '^/secrets/' }, 'reset'],
  ['the vault broke', { method: 'PUT', path: '^/secrets/' }, 'before'],
  ['the vault answered nobody', { method: 'PUT', path: '^/secrets/' }, 'afterEffect'],
] as const;

test.each(CRASHES)(
  'client secret, %s: the next ensure leaves one credential, which the vault has',
  async (_, match, mode) => {
    const made = await application(`crash-${CRASHES.findIndex((one) => one[1] === match && one[2] === mode)}`);
    await world.fault({ match, mode, status: 500 });
    const outcomes = await world.drive('ensure', made.client);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['later', 'done']);
    const { value } = await demandOneCredential(made);
    expect(JSON.stringify(outcomes)).not.toContain(value);
  },
);

test('SSH key, the vault answered nobody: the key that was made is the key', async () => {
  const { ssh } = await application('crash-ssh');
  await world.fault({ match: { method: 'PUT', path: '^/secrets/' }, mode: 'afterEffect', status: 500 });
  const outcomes = await world.drive('ensure', ssh);
  expect(outcomes.map(({ kind }) => kind)).toEqual(['later', 'done']);
  const { value, tags } = await inVault(ssh.id);
  expect(outputsOf(outcomes.at(-1))).toMatchObject({ publicKey: tags['public-key'] });
  expect(JSON.stringify(outcomes)).not.toContain(value);
});

test('a name in the recycle bin is recovered, and then set', async () => {
  const made = await application('recycled');
  await last('ensure', made.client);
  await last('ensure', made.ssh);
  const before = await inVault(made.ssh.id);
  expect(await last('remove', made.client)).toMatchObject({ kind: 'done', change: 'removed' });
  expect(await last('remove', made.ssh)).toMatchObject({ kind: 'done', change: 'removed' });
  // At once, while the vault still deletes, and after.
  expect(await last('ensure', made.client)).toMatchObject({ kind: 'done' });
  expect(await last('ensure', made.ssh)).toMatchObject({ kind: 'done' });
  await demandOneCredential(made);
  expect((await inVault(made.ssh.id)).tags['public-key']).toBe(before.tags['public-key']);
});

test('tags put right keep the value: a new SSH key would lock us out of the VM that has the old one', async () => {
  const made = await application('retagged');
  await last('ensure', made.client);
  await last('ensure', made.ssh);
  for (const spec of [made.client, made.ssh]) {
    const before = await inVault(spec.id);
    await world.demand('PATCH', `/secrets/${spec.id}`, { tags: { ...before.tags, owner: 'somebody-else', cost: '1' } });
    expect(await last('ensure', spec)).toMatchObject({ kind: 'done', change: 'changed' });
    const after = await inVault(spec.id);
    expect(after.value).toBe(before.value);
    expect(after.tags).toEqual({ ...before.tags, cost: '1' });
  }
  await demandOneCredential(made);
});

test('bug: a tag that the request spells in another case was written beside the old one, in each run anew', async () => {
  const named = (tags: object) => deploy('respelt', 'appRegistration', { tags });
  const application = outputsOf(await last('ensure', named({}).spec('application')));
  for (const tags of [{ owner: 'a1' }, { Owner: 'b2' }, { owner: 'c3' }]) {
    const { spec } = named(tags);
    for (const one of [spec('clientSecret', { application }), spec('sshKey')]) {
      await last('ensure', one);
      expect(await last('observe', one)).toMatchObject({ kind: 'done', change: 'kept' });
      const { tags: written } = await inVault(one.id);
      expect(Object.entries(written).filter(([name]) => /owner/i.test(name))).toEqual([['owner', Object.values(tags)[0]]]); // prettier-ignore
    }
  }
});

test.each(['client', 'ssh'] as const)(
  'a secret of another hand under the name of our %s secret is refused',
  async (which) => {
    const spec = (await application(`foreign-${which}`))[which];
    await world.demand('PUT', `/secrets/${spec.id}`, { value: 'theirs', tags: { team: 'other' } });
    const written = await world.written(async () => {
      expect(await last('ensure', spec)).toMatchObject({ kind: 'refused', code: 'NotOurs' });
      expect(await last('remove', spec)).toMatchObject({ kind: 'done', change: 'kept', ours: false });
    });
    expect(written).toEqual([]);
    expect(await inVault(spec.id)).toMatchObject({ value: 'theirs' });
  },
);

test('a credential that another hand removed is made anew', async () => {
  const made = await application('revoked');
  await last('ensure', made.client);
  const [keyId] = await credentials(made.objectId);
  await world.demand('POST', `/v1.0/applications/${made.objectId}/removePassword`, { keyId });
  expect(await last('ensure', made.client)).toMatchObject({ kind: 'done', change: 'changed' });
  await demandOneCredential(made);
});

test('bug: a secret that has expired is made anew, and the dead credential goes', async () => {
  const made = await application('expired');
  const first = outputsOf(await last('ensure', made.client));
  const exp = Math.floor(Date.now() / 1_000) - 1;
  await world.demand('PATCH', `/secrets/${made.client.id}`, { attributes: { exp } });
  const plan = await last('observe', made.client);
  expect(plan).toMatchObject({ kind: 'done', change: 'changed' });
  // Which credential it will be nobody knows yet: an appliance that was told one has to be told again.
  expect(outputsOf(plan)).not.toHaveProperty('keyId');
  const second = outputsOf(await last('ensure', made.client));
  expect(second['keyId']).not.toBe(first['keyId']);
  await demandOneCredential(made);
  expect(await last('ensure', made.client)).toMatchObject({ kind: 'done', change: 'kept', outputs: second });
});

test('removing the secret removes it in the vault and in Entra', async () => {
  const made = await application('no-trace');
  await last('ensure', made.client);
  expect(await last('remove', made.client)).toMatchObject({ kind: 'done', change: 'removed' });
  expect(await credentials(made.objectId)).toEqual([]);
  expect((await world.outside('GET', `/secrets/${made.client.id}`)).status).toBe(404);
});

test('what the vault holds goes even where its credential is gone', async () => {
  const made = await application('half-gone');
  await last('ensure', made.client);
  await world.demand('DELETE', `/v1.0/applications/${made.objectId}`);
  expect(await last('remove', made.client)).toMatchObject({ kind: 'done', change: 'removed' });
  expect((await world.outside('GET', `/secrets/${made.client.id}`)).status).toBe(404);
});

test('a credential that Graph lists only after the next was made is removed by the run after that', async () => {
  const made = await application('late-orphan');
  await world.fault({ match: { method: 'POST', path: 'addPassword' }, mode: 'afterEffect', status: 500 });
  expect(await world.step('ensure', made.client)).toMatchObject({ kind: 'later' });
  const [orphan] = await credentials(made.objectId);
  const shown = await world.demand('GET', `/v1.0/applications/${made.objectId}`);
  const body = { ...shown, passwordCredentials: [] };
  await world.fault({ match: { method: 'GET', path: `/v1.0/applications/${made.objectId}$` }, count: 2, status: 200, body }); // prettier-ignore
  const first = await world.step('ensure', made.client);
  expect(first).toMatchObject({ kind: 'done', change: 'created' });
  expect(await credentials(made.objectId)).toContain(orphan);
  const { value } = await inVault(made.client.id);
  expect(await world.step('ensure', made.client)).toMatchObject({ kind: 'done', change: 'changed', outputs: outputsOf(first) }); // prettier-ignore
  expect((await demandOneCredential(made)).value).toBe(value);
  expect(await world.step('ensure', made.client)).toMatchObject({ kind: 'done', change: 'kept' });
});

test('a secret that the vault refuses opens nothing: its credential goes at once, not at the next attempt', async () => {
  const made = await application('refused');
  const error = { code: 'SecretDisabled', message: 'no' };
  await world.fault({ match: { method: 'PUT', path: '^/secrets/' }, status: 403, body: { error } });
  expect(await world.step('ensure', made.client)).toMatchObject({ kind: 'refused', code: 'SecretDisabled' });
  expect(await credentials(made.objectId)).toEqual([]);
  // Nor where the removing is cut off as well: then the next attempt does it.
  await world.fault({ match: { method: 'PUT', path: '^/secrets/' }, status: 403, body: { error } });
  await world.fault({ match: { method: 'POST', path: 'removePassword' }, mode: 'reset' });
  expect(await world.step('ensure', made.client)).toMatchObject({ kind: 'refused' });
  expect(await credentials(made.objectId)).toHaveLength(1);
  expect((await world.drive('ensure', made.client)).at(-1)).toMatchObject({ kind: 'done' });
  await demandOneCredential(made);
});

test.each(['afterEffect', 'reset'] as const)(
  'an orphan whose removal is cut off (%s) is removed all the same',
  async (mode) => {
    const made = await application(`orphan-${mode.toLowerCase()}`);
    await world.fault({ match: { method: 'POST', path: 'addPassword' }, mode: 'afterEffect', status: 500 });
    expect(await world.step('ensure', made.client)).toMatchObject({ kind: 'later' });
    await world.fault({ match: { method: 'POST', path: 'removePassword' }, mode, status: 500 });
    expect(await world.step('ensure', made.client)).toMatchObject({ kind: 'later' });
    expect((await world.drive('ensure', made.client)).at(-1)).toMatchObject({ kind: 'done' });
    await demandOneCredential(made);
  },
);

test('one that Graph still lists after its removal stops nothing', async () => {
  const made = await application('listed-still');
  await world.fault({ match: { method: 'POST', path: 'addPassword' }, mode: 'afterEffect', status: 500 });
  await world.step('ensure', made.client);
  const [keyId] = await credentials(made.objectId);
  const stale = await world.demand('GET', `/v1.0/applications/${made.objectId}`);
  await world.demand('POST', `/v1.0/applications/${made.objectId}/removePassword`, { keyId });
  await world.fault({ match: { method: 'GET', path: `/v1.0/applications/${made.objectId}$` }, count: 2, status: 200, body: stale }); // prettier-ignore
  expect(await world.step('ensure', made.client)).toMatchObject({ kind: 'done' });
  await demandOneCredential(made);
});

test('a secret dropped between making and storing leaves nothing, and another hand’s credential stays', async () => {
  const made = await application('dropped');
  const passwordCredential = { displayName: 'theirs' };
  await world.demand('POST', `/v1.0/applications/${made.objectId}/addPassword`, { passwordCredential });
  await world.fault({ match: { method: 'POST', path: 'addPassword' }, mode: 'afterEffect', status: 500 });
  await world.step('ensure', made.client);
  expect(await credentials(made.objectId)).toHaveLength(2);
  expect(await last('remove', made.client)).toMatchObject({ kind: 'done', change: 'removed' });
  const { passwordCredentials } = await world.demand('GET', `/v1.0/applications/${made.objectId}`);
  expect(passwordCredentials).toMatchObject([passwordCredential]);
  expect((await world.outside('GET', `/secrets/${made.client.id}`)).status).toBe(404);
});

test('single tenant, no redirect URI, description and expiry as asked', async () => {
  const identity = { kind: 'appRegistration', secret: { description: 'Quarterly', expiresInDays: 90 } };
  const { spec } = deploy('as-asked', 'appRegistration', { identity });
  const outputs = outputsOf(await last('ensure', spec('application')));
  const client = spec('clientSecret', { application: outputs });
  await last('ensure', client);
  expect(await world.demand('GET', `/v1.0/applications/${outputs['objectId'] ?? ''}`)).toMatchObject({
    signInAudience: 'AzureADMyOrg',
    web: { redirectUris: [] },
    passwordCredentials: [{ displayName: 'Quarterly (sentry-deployment:as-asked)' }],
  });
  const days = (date: unknown): number => Math.round((Date.parse(String(date)) - Date.now()) / 86_400_000);
  const shown = z.looseObject({ passwordCredentials: z.tuple([z.looseObject({ endDateTime: z.string() })]) });
  const { passwordCredentials } = shown.parse(
    await world.demand('GET', `/v1.0/applications/${outputs['objectId'] ?? ''}`),
  );
  expect(days(passwordCredentials[0].endDateTime)).toBe(90);
  const { attributes } = await world.demand('GET', `/secrets/${client.id}`);
  expect(z.looseObject({ exp: z.number() }).parse(attributes).exp * 1000).toBe(
    Math.floor(Date.parse(passwordCredentials[0].endDateTime) / 1000) * 1000,
  );
});
