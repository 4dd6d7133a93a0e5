/** Federated identity credentials of applications and of managed identities, and who signs in with them. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ManagedServiceIdentityClient } from '@azure/arm-msi';
import { ResourceManagementClient } from '@azure/arm-resources';
import { ClientAssertionCredential } from '@azure/identity';
import { type Client } from '@microsoft/microsoft-graph-client';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createLocalJWKSet, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import {
  expectRefusal,
  graphOf,
  holding,
  optionsOf,
  type RefusalCase,
  retryOptions,
} from './simulator.clients.support';
import { all, instant, location, pathOf, platform, startTestAzure, type TestAzure } from './simulator.support';

const EXCHANGE = 'api://AzureADTokenExchange';
const group = 'rg';
const ARM = 'https://management.azure.com/.default';

let azure: TestAzure;
let graph: Client;
let owner: Client;
let identities: ManagedServiceIdentityClient;
let github: string;

beforeAll(async () => {
  const timings = { ...instant.timings, directoryReplication: 60, federatedCredentialWrite: 2 };
  azure = await startTestAzure({ ...instant, timings });
  [graph, owner] = [await graphOf(azure, 'administrator'), await graphOf(azure, 'sentry-orchestrator')];
  const credential = holding(await azure.token('administrator'));
  identities = new ManagedServiceIdentityClient(credential, platform, optionsOf(azure));
  await new ResourceManagementClient(credential, platform, optionsOf(azure)).resourceGroups.createOrUpdate(group, {
    location,
  });
  github = `${azure.url}/_simulator/issuers/github`;
});
afterAll(async () => azure.stop());

const applied = z.looseObject({ id: z.string(), appId: z.string() });

/** An application with its service principal, known everywhere. */
async function newApplication(): Promise<z.infer<typeof applied>> {
  const app = applied.parse(await graph.api('/applications').post({ displayName: 'federated' }));
  azure.advance(60);
  await graph.api('/servicePrincipals').post({ appId: app.appId });
  azure.advance(60);
  return app;
}

interface Minted {
  readonly subject?: string;
  readonly audience?: string;
  readonly lifetimeSeconds?: number;
}

/** A token as the identity provider `name` of the simulated internet makes it. */
async function minted({ subject = 'repo:a/b', ...rest }: Minted = {}, name = 'github'): Promise<string> {
  const { body } = await azure.ask('POST', `/_simulator/issuers/${name}/assertions`, { body: { subject, ...rest } });
  return z.object({ assertion: z.string() }).parse(body).assertion;
}

const signIn = async (clientId: string, assertion: string, scope = ARM): Promise<string> => {
  const options = { authorityHost: azure.url, disableInstanceDiscovery: true, retryOptions };
  const tenant = azure.environment['AZURE_TENANT_ID'] ?? '';
  const credential = new ClientAssertionCredential(tenant, clientId, () => Promise.resolve(assertion), options);
  return (await credential.getToken(scope)).token;
};

const claimsOf = (token: string): unknown => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());

const trust = (name: string, rest: object = {}): Record<string, unknown> => ({
  name,
  issuer: github,
  subject: 'repo:a/b',
  audiences: [EXCHANGE],
  ...rest,
});

describe('of an application', () => {
  test('are made, listed, found by id or name, changed and deleted', async () => {
    const { id, appId } = await newApplication();
    const path = `/applications/${id}/federatedIdentityCredentials`;
    const made = z.looseObject({ id: z.string() }).parse(await graph.api(path).post(trust('github')));
    expect(made).toMatchObject({ ...trust('github'), description: null });
    expect(Object.keys(made).sort()).toEqual(['@odata.context', 'audiences', 'description', 'id', 'issuer', 'name', 'subject']); // prettier-ignore
    expect(await graph.api(`/applications(appId='${appId}')/federatedIdentityCredentials`).get()).toMatchObject({
      value: [{ id: made.id }],
    });
    await graph.api(`${path}/github`).patch({ name: 'github', subject: 'repo:a/c', description: 'ours' });
    expect(await graph.api(`${path}/${made.id}`).get()).toMatchObject({ subject: 'repo:a/c', description: 'ours' });
    expect(await owner.api(path).get()).toMatchObject({ value: [{ name: 'github' }] });
    await graph.api(`${path}/${made.id}`).delete();
    expect(await graph.api(path).get()).toMatchObject({ value: [] });
  });

  test('are refused in Graph’s words', async () => {
    const { id } = await newApplication();
    const path = `/applications/${id}/federatedIdentityCredentials`;
    await graph.api(path).post(trust('first'));
    await graph.api(path).post(trust('second', { subject: 'other' }));
    const post = (body: object) => (): Promise<unknown> => graph.api(path).post(body);
    const unique = `The combination of issuer and subject must be unique for the application. Issuer ${github} and Subject: repo:a/b already exist. paramName: FederatedIdentityCredential.Subject, paramValue: repo:a/b, objectType: Microsoft.Online.DirectoryServices.Application`;
    const cases: readonly RefusalCase[] = [
      ['Request_MultipleObjectsWithSameKeyValue', 409, 'FederatedIdentityCredential with name first already exists.', post(trust('first', { subject: 'x' }))], // prettier-ignore
      ['InvalidFederatedIdentityCredentialValue', 400, unique, post(trust('third'))],
      ['InvalidFederatedIdentityCredentialValue', 400, unique, () => graph.api(`${path}/second`).patch({ subject: 'repo:a/b' })], // prettier-ignore
      ['InvalidFederatedIdentityCredentialValue', 400, /exactly one audience/, post(trust('third', { audiences: ['a', 'b'] }))], // prettier-ignore
      ['InvalidFederatedIdentityCredentialValue', 400, /must be an https URL/, post(trust('third', { issuer: 'http://x' }))], // prettier-ignore
      ['Request_BadRequest', 400, "Property 'name' is read-only and cannot be set.", () => graph.api(`${path}/first`).patch({ name: 'third' })], // prettier-ignore
      ['Request_BadRequest', 400, /'name' of resource/, post(trust('a b'))],
      ['Request_BadRequest', 400, "A value is required for property 'subject' of resource 'FederatedIdentityCredential'.", post({ name: 'third', issuer: github, audiences: [EXCHANGE] })], // prettier-ignore
      ['NotSimulated', 400, /claimsMatchingExpression/, post(trust('third', { claimsMatchingExpression: { value: 'x' } }))], // prettier-ignore
      ['Request_ResourceNotFound', 404, /^Resource 'none' does not exist/, () => graph.api(`${path}/none`).get()],
      ['Request_ResourceNotFound', 404, /^Resource 'none' does not exist/, () => graph.api(`${path}/none`).delete()],
      ['Authorization_RequestDenied', 403, 'Insufficient privileges to complete the operation.', () => owner.api(path).post(trust('third'))], // prettier-ignore
      ['Authorization_RequestDenied', 403, 'Insufficient privileges to complete the operation.', () => owner.api(`${path}/first`).patch({ subject: 'x' })], // prettier-ignore
      ['Authorization_RequestDenied', 403, 'Insufficient privileges to complete the operation.', () => owner.api(`${path}/first`).delete()], // prettier-ignore
    ];
    for (const one of cases) await expectRefusal('graph', one);
    for (let n = 3; n <= 20; n += 1) await graph.api(path).post(trust(`number-${n}`, { subject: `repo:${n}` }));
    await expectRefusal('graph', ['Request_BadRequest', 400, /maximum number .* 20/, post(trust('one-too-many', { subject: 'x' }))]); // prettier-ignore
  });

  test('sign it in once they are known, and no more when they are gone', async () => {
    const { id, appId } = await newApplication();
    const path = `/applications/${id}/federatedIdentityCredentials`;
    await graph.api(path).post(trust('github'));
    await expect(signIn(appId, await minted())).rejects.toThrow('AADSTS70025: The client ');
    azure.advance(60);
    expect(claimsOf(await signIn(appId, await minted()))).toMatchObject({ appid: appId, aud: 'https://management.azure.com' }); // prettier-ignore
    await graph.api(`${path}/github`).delete();
    await expect(signIn(appId, await minted())).rejects.toThrow('AADSTS70025: The client ');
  });

  test('may name a managed identity of this tenant, and no other application', async () => {
    const { id, appId } = await newApplication();
    const name = `signer-${randomUUID()}`;
    const { principalId = '' } = await identities.userAssignedIdentities.createOrUpdate(group, name, { location });
    azure.advance(60);
    const tenant = azure.environment['AZURE_TENANT_ID'] ?? '';
    const entra = { issuer: `${azure.url}/${tenant}/v2.0`, audiences: [EXCHANGE] };
    const [orchestrator] = instant.principals;
    const path = `/applications/${id}/federatedIdentityCredentials`;
    await graph.api(path).post({ name: 'identity', subject: orchestrator?.principalId, ...entra });
    await graph.api(path).post({ name: 'application', subject: principalId, ...entra });
    azure.advance(60);
    const own = await azure.token('sentry-orchestrator', EXCHANGE);
    expect(claimsOf(await signIn(appId, own))).toMatchObject({ appid: appId });
    const other = await newApplication();
    await graph.api(`/applications/${other.id}/federatedIdentityCredentials`).post(trust('github'));
    azure.advance(60);
    const foreign = claimsOf(await signIn(other.appId, await minted()));
    await graph.api(`${path}/application`).patch({ subject: z.looseObject({ oid: z.string() }).parse(foreign).oid });
    azure.advance(60);
    const assertion = await signIn(other.appId, await minted(), `${EXCHANGE}/.default`);
    await expect(signIn(appId, assertion)).rejects.toThrow('AADSTS700226: Only MSI tokens');
  });
});

describe('an assertion that does not fit', () => {
  let appId: string;

  beforeAll(async () => {
    const app = await newApplication();
    ({ appId } = app);
    const path = `/applications/${app.id}/federatedIdentityCredentials`;
    await graph.api(path).post(trust('github', { subject: 'repo:A/b' }));
    await graph.api(path).post(trust('elsewhere', { issuer: 'https://token.example' }));
    azure.advance(60);
  });

  /** As the issuer would sign it, by a key that it does not publish, or under the name of one that it does. */
  async function forged(kid: string, issuer = github): Promise<string> {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    return await new SignJWT({})
      .setProtectedHeader({ alg: 'RS256', kid })
      .setIssuer(issuer)
      .setSubject(issuer === github ? 'repo:A/b' : 'repo:a/b')
      .setAudience(EXCHANGE)
      .setExpirationTime('1h')
      .sign(privateKey);
  }
  const published = async (): Promise<string> => {
    const { body } = await azure.ask('GET', '/_simulator/issuers/github/keys');
    return z.object({ keys: z.tuple([z.looseObject({ kid: z.string() })]) }).parse(body).keys[0].kid;
  };
  const late = async (): Promise<string> => {
    const assertion = await minted({ subject: 'repo:A/b', lifetimeSeconds: 1 });
    azure.advance(600);
    return assertion;
  };
  const record = (what: string, value: string): string =>
    `No matching federated identity record found for presented assertion ${what} '${value}'.`;

  const cases: readonly (readonly [number, () => string, () => Promise<string>])[] = [
    [700211, () => record('issuer', `${azure.url}/_simulator/issuers/gitlab`), () => minted({}, 'gitlab')],
    [700212, () => record('audience', 'api://x'), () => minted({ subject: 'repo:A/b', audience: 'api://x' })],
    [700213, () => record('subject', 'repo:c'), () => minted({ subject: 'repo:c' })],
    [7002138, () => `${record('subject', 'repo:a/b')} The subject matches with case-insensitive`, () => minted()],
    [501661, () => 'Request to External OIDC endpoint failed.', () => forged('x', 'https://token.example')],
    [7000272, () => 'The certificate with identifier STRANGE used to sign the federated credential could not be found in the metadata', () => forged('STRANGE')], // prettier-ignore
    [700027, () => 'Client assertion failed signature validation.', async () => forged(await published())],
    [700024, () => 'Client assertion is not within its valid time range. Current time: ', late],
    [50027, () => 'JWT token is invalid or malformed.', () => Promise.resolve('no.token.atall')],
  ];

  test.each(cases)('AADSTS%i', async (code, said, assertion) => {
    const made = await assertion();
    await expect(signIn(appId, made)).rejects.toThrow(`AADSTS${code}: ${said()}`);
    const asked = { grant_type: 'client_credentials', client_id: appId, scope: ARM };
    const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    const form = new URLSearchParams({ ...asked, client_assertion: made, client_assertion_type: type });
    const refusal = await azure.ask('POST', `/${azure.environment['AZURE_TENANT_ID'] ?? ''}/oauth2/v2.0/token`, {
      body: form.toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(refusal).toMatchObject({ status: 401, body: { error: 'invalid_client', error_codes: [code] } });
    const { error_description: text } = z.looseObject({ error_description: z.string() }).parse(refusal.body);
    expect(text).toMatch(/ Trace ID: \S+ Correlation ID: \S+ Timestamp: \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/);
  });

  test('its issuer publishes what it signs with', async () => {
    const { body } = await azure.ask('GET', '/_simulator/issuers/github/.well-known/openid-configuration');
    const { issuer, jwks_uri } = z.looseObject({ issuer: z.string(), jwks_uri: z.string() }).parse(body);
    const published = (await azure.ask('GET', pathOf(jwks_uri))).body;
    const keys = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) }).parse(published);
    const { payload } = await jwtVerify(await minted(), createLocalJWKSet(keys), { issuer, currentDate: new Date(0), clockTolerance: Number.MAX_SAFE_INTEGER }); // prettier-ignore
    expect(payload).toMatchObject({ sub: 'repo:a/b', aud: EXCHANGE });
  });
});

describe('of a managed identity', () => {
  const name = 'worker';
  let clientId: string;
  const body = { subject: 'repo:a/b', audiences: [EXCHANGE] };
  const put = (credential: string, rest: object = {}): Promise<unknown> =>
    identities.federatedIdentityCredentials.createOrUpdate(group, name, credential, {
      issuer: github,
      ...body,
      ...rest,
    });

  beforeAll(async () => {
    const made = await identities.userAssignedIdentities.createOrUpdate(group, name, { location });
    clientId = made.clientId ?? '';
    azure.advance(60);
  });

  test('are made one after another, listed and deleted, and sign it in', async () => {
    const { federatedIdentityCredentials: credentials } = identities;
    expect(await put('github')).toMatchObject({
      id: `/subscriptions/${platform}/resourceGroups/${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}/federatedIdentityCredentials/github`,
      type: 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials',
      name: 'github',
      issuer: github,
      ...body,
    });
    const id = `/subscriptions/${platform}/resourceGroups/${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
    await expectRefusal('arm', ['ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity', 409, `Too many Federated Identity Credentials are written concurrently for the managed identity '${id}'. Concurrent Federated Identity Credentials writes under the same managed identity are not supported.`, () => put('other', { subject: 'x' })]); // prettier-ignore
    azure.advance(2);
    await put('other', { subject: 'y' });
    azure.advance(2);
    await put('other', { subject: 'x' });
    expect((await all(credentials.list(group, name))).map((one) => one.name)).toEqual(['github', 'other']);
    expect(await credentials.get(group, name, 'other')).toMatchObject({ subject: 'x' });
    await expect(signIn(clientId, await minted())).rejects.toThrow('AADSTS70025');
    azure.advance(60);
    expect(claimsOf(await signIn(clientId, await minted()))).toMatchObject({ appid: clientId });
    await credentials.delete(group, name, 'github');
    await credentials.delete(group, name, 'github');
    await expect(signIn(clientId, await minted())).rejects.toThrow('AADSTS700213');
    await credentials.delete(group, name, 'other');
  });

  test('are refused in Azure’s words', async () => {
    await put('first');
    azure.advance(2);
    const unexpected =
      "The request format was unexpected. Federated Identity Credential must specify 'issuer', 'subject' and 'audience'.";
    const cases: readonly RefusalCase[] = [
      [
        'Conflict',
        409,
        'Issuer and subject combination already exists for this Managed Identity.',
        () => put('second'),
      ],
      ['BadRequest', 400, 'Federated identity credentials must have exactly one audience.', () => put('second', { audiences: ['a', 'b'] })], // prettier-ignore
      ['BadRequest', 400, unexpected, () => put('second', { subject: '' })],
      ['BadRequest', 400, "Federated Identity Credential name 'x' is invalid.", () => put('x', { subject: 'x' })],
      ['NotFound', 404, /federatedIdentityCredentials\/none not found/, () => identities.federatedIdentityCredentials.get(group, name, 'none')], // prettier-ignore
      ['ResourceNotFound', 404, /userAssignedIdentities\/nobody' under resource group 'rg' was not found/, () => identities.federatedIdentityCredentials.createOrUpdate(group, 'nobody', 'first', { issuer: github, ...body })], // prettier-ignore
    ];
    for (const one of cases) await expectRefusal('arm', one);
    for (let n = 2; n <= 20; n += 1) {
      await put(`number-${n}`, { subject: `repo:${n}` });
      azure.advance(2);
    }
    await expectRefusal('arm', ['BadRequest', 400, /^Too many Federated Identity Credentials/, () => put('more', { subject: 'x' })]); // prettier-ignore
    await identities.userAssignedIdentities.delete(group, name);
    await identities.userAssignedIdentities.createOrUpdate(group, name, { location });
    expect(await all(identities.federatedIdentityCredentials.list(group, name))).toEqual([]);
  });
});
