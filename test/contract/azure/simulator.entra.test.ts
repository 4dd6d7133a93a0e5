/** Sign-in: secrets, certificates, managed identities, and how Entra refuses. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ClientCertificateCredential, ClientSecretCredential, ManagedIdentityCredential } from '@azure/identity';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { randomUUID, webcrypto } from 'node:crypto';
import { jwtVerify } from 'jose';
import { z } from 'zod';
import { type Answer, instant, startTestAzure, type TestAzure } from './simulator.support';

const GRAPH = 'https://graph.microsoft.com/.default';
const person = { id: randomUUID(), displayName: 'Ada', userPrincipalName: 'ada@contoso.onmicrosoft.com' };

let azure: TestAzure;
let tenantId: string;
let clientId: string;
let clientSecret: string;
let graph: string;

beforeAll(async () => {
  azure = await startTestAzure({ ...instant, users: [person] });
  const { body } = await azure.ask('POST', '/_simulator/secret', { body: { principal: 'administrator' } });
  ({ tenantId, clientId, clientSecret } = z
    .object({ tenantId: z.string(), clientId: z.string(), clientSecret: z.string() })
    .parse(body));
  graph = await azure.token('administrator', 'https://graph.microsoft.com');
});
afterAll(async () => azure.stop());

const ask = async (form: Record<string, string>, tenant = tenantId): Promise<Answer> =>
  await azure.ask('POST', `/${tenant}/oauth2/v2.0/token`, {
    body: new URLSearchParams(form).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });

const good = (): Record<string, string> => ({
  grant_type: 'client_credentials',
  client_id: clientId,
  client_secret: clientSecret,
  scope: GRAPH,
});

describe('what Entra refuses', () => {
  const cases: readonly (readonly [
    number,
    number,
    string,
    (form: Record<string, string>) => Record<string, string>,
  ])[] = [
    [7000215, 401, 'invalid_client', (form) => ({ ...form, client_secret: 'wrong' })],
    [7000218, 401, 'invalid_client', ({ client_secret: _, ...form }) => form],
    [700016, 400, 'unauthorized_client', (form) => ({ ...form, client_id: randomUUID() })],
    [500011, 400, 'invalid_resource', (form) => ({ ...form, scope: 'https://nothing.example/.default' })],
    [1002012, 400, 'invalid_scope', (form) => ({ ...form, scope: 'https://graph.microsoft.com/User.Read' })],
    [900144, 400, 'invalid_request', ({ grant_type: _, ...form }) => form],
    [70003, 400, 'unsupported_grant_type', (form) => ({ ...form, grant_type: 'magic' })],
    [50034, 400, 'invalid_grant', (form) => ({ ...form, grant_type: 'password', username: 'x@contoso.com' })],
  ];
  test.each(cases)('AADSTS%i', async (code, status, error, change) => {
    const answer = await ask(change(good()));
    expect([answer.status, answer.body]).toMatchObject([status, { error, error_codes: [code] }]);
    expect(answer.body).toMatchObject({
      error_description: expect.stringMatching(
        new RegExp(
          `^AADSTS${code}: .+ Trace ID: [0-9a-f-]{36} Correlation ID: [0-9a-f-]{36} Timestamp: \\d{4}-\\d\\d-\\d\\d .+Z$`,
        ),
      ),
      timestamp: expect.any(String),
      trace_id: expect.any(String),
      correlation_id: expect.any(String),
      error_uri: expect.stringContaining(String(code)),
    });
  });

  test('another tenant, and none', async () => {
    expect((await ask(good(), randomUUID())).body).toMatchObject({ error_codes: [90002] });
    expect((await ask(good(), 'common')).body).toMatchObject({ error_codes: [50059] });
    expect((await ask(good(), instant.domain)).status).toBe(200);
    const path = `/${randomUUID()}/v2.0/.well-known/openid-configuration`;
    expect((await azure.ask('GET', path)).body).toMatchObject({ error: 'invalid_tenant', error_codes: [90002] });
  });

  test('an expired secret is told from a wrong one', async () => {
    const other = await startTestAzure(instant);
    const { body } = await other.ask('POST', '/_simulator/secret', { body: { principal: 'administrator' } });
    const made = z.object({ clientId: z.string(), clientSecret: z.string() }).parse(body);
    other.advance(3 * 365 * 24 * 3600);
    const form = { ...good(), client_id: made.clientId, client_secret: made.clientSecret };
    const answer = await other.ask('POST', `/${tenantId}/oauth2/v2.0/token`, {
      body: new URLSearchParams(form).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect([answer.status, answer.body]).toMatchObject([401, { error: 'invalid_client', error_codes: [7000222] }]);
    await other.stop();
  });

  test('users do not sign in here, and are told so', async () => {
    const said = { error_description: expect.stringContaining('NotSimulated') };
    expect((await ask({ ...good(), grant_type: 'password', username: person.userPrincipalName })).body).toMatchObject(
      said,
    );
    expect((await azure.ask('POST', `/${tenantId}/oauth2/v2.0/devicecode`)).body).toMatchObject(said);
    expect((await azure.ask('GET', `/${tenantId}/oauth2/v2.0/authorize`)).body).toMatchObject(said);
  });
});

const signIn = { authorityHost: '', disableInstanceDiscovery: true, retryOptions: { maxRetries: 0 } };

test('a token is signed, and the discovery document leads to its key', async () => {
  const options = { ...signIn, authorityHost: azure.url };
  const { token } = await new ClientSecretCredential(tenantId, clientId, clientSecret, options).getToken(GRAPH);
  const document = z
    .looseObject({ jwks_uri: z.string(), issuer: z.string() })
    .parse((await azure.ask('GET', `/${tenantId}/v2.0/.well-known/openid-configuration`)).body);
  const keys = await azure.ask('GET', new URL(document.jwks_uri).pathname);
  const { keys: all } = z
    .object({ keys: z.array(z.looseObject({ kty: z.string(), n: z.string(), e: z.string() })) })
    .parse(keys.body);
  const key = await webcrypto.subtle.importKey(
    'jwk',
    { kty: 'RSA', n: all[0]?.n ?? '', e: all[0]?.e ?? '' },
    { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
    false,
    ['verify'],
  );
  const { payload } = await jwtVerify(token, key, { issuer: document.issuer, audience: 'https://graph.microsoft.com' });
  expect(payload).toMatchObject({
    tid: tenantId,
    appid: clientId,
    idtyp: 'app',
    roles: expect.arrayContaining(['Directory.Read.All']),
  });
});

test('a certificate signs in, and one that is not registered does not', async () => {
  x509.cryptoProvider.set(webcrypto);
  const algorithm = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  };
  const make = async (): Promise<{ pem: string; der: string }> => {
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: 'CN=app',
      keys,
      signingAlgorithm: algorithm,
    });
    const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
    return { pem: `${key}\n${certificate.toString('pem')}`, der: certificate.toString('base64') };
  };
  const [registered, other] = [await make(), await make()];
  const keyCredentials = [{ type: 'AsymmetricX509Cert', usage: 'Verify', key: registered.der }];
  const path = `/v1.0/applications(appId='${clientId}')`;
  expect((await azure.ask('PATCH', path, { token: graph, body: { keyCredentials } })).status).toBe(204);
  expect((await azure.ask('GET', path, { token: graph })).body).toMatchObject({ keyCredentials: [{ key: null }] });
  const credential = ({ pem: certificate }: { pem: string }): ClientCertificateCredential =>
    new ClientCertificateCredential(tenantId, clientId, { certificate }, { ...signIn, authorityHost: azure.url });
  expect((await credential(registered).getToken(GRAPH)).token).toMatch(/^ey/);
  await expect(credential(other).getToken(GRAPH)).rejects.toThrow('AADSTS700027');
});

describe('managed identity', () => {
  const imds = async (query: string, headers: Record<string, string> = { Metadata: 'true' }): Promise<unknown> =>
    (await azure.ask('GET', `/metadata/identity/oauth2/token${query}`, { headers })).body;
  const arm = `resource=${encodeURIComponent('https://management.azure.com/')}`;

  test('the metadata service gives a token, and says what a request lacks', async () => {
    expect(await imds(`?api-version=2018-02-01&${arm}`)).toMatchObject({
      token_type: 'Bearer',
      client_id: instant.principals[0]?.clientId,
      expires_on: expect.stringMatching(/^\d+$/),
      expires_in: expect.stringMatching(/^\d+$/),
    });
    expect(await imds(`?api-version=2018-02-01&${arm}`, {})).toEqual({
      error: 'invalid_request',
      error_description: 'Required metadata header not specified',
    });
    expect(await imds('?api-version=2018-02-01')).toMatchObject({
      error_description: 'Required audience parameter not specified',
    });
    expect(await imds(`?${arm}`)).toMatchObject({ 'newest-versions': expect.any(Array) });
    expect(await imds(`?api-version=2018-02-01&${arm}&client_id=${randomUUID()}`)).toEqual({
      error: 'invalid_request',
      error_description: 'Identity not found',
    });
  });

  test('the SDK takes it from the metadata service too', async () => {
    process.env['AZURE_POD_IDENTITY_AUTHORITY_HOST'] = azure.url;
    const { token } = await new ManagedIdentityCredential().getToken('https://management.azure.com/.default');
    const other = new ManagedIdentityCredential({ clientId: randomUUID(), retryOptions: { maxRetries: 0 } });
    await expect(other.getToken('https://management.azure.com/.default')).rejects.toThrow('Identity not found'); // prettier-ignore
    delete process.env['AZURE_POD_IDENTITY_AUTHORITY_HOST'];
    expect(token).toMatch(/^ey/);
  });

  test('the endpoint of App Service wants its header and version', async () => {
    const headers = { 'x-identity-header': azure.environment['IDENTITY_HEADER'] ?? '' };
    expect((await azure.ask('GET', `/msi/token?api-version=2019-08-01&${arm}`)).status).toBe(401);
    expect((await azure.ask('GET', `/msi/token?api-version=2017-09-01&${arm}`, { headers })).status).toBe(400);
    expect((await azure.ask('GET', `/msi/token?api-version=2019-08-01&${arm}`, { headers })).body).toMatchObject({
      resource: 'https://management.azure.com/',
    });
  });
});
