/** Every refusal of Entra and of the managed identity endpoints: what the SDK throws, and the whole message. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ClientCertificateCredential, ClientSecretCredential, ManagedIdentityCredential } from '@azure/identity';
import { type Client } from '@microsoft/microsoft-graph-client';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { createPrivateKey, randomUUID, webcrypto } from 'node:crypto';
import { SignJWT } from 'jose';
import { z } from 'zod';
import { graphOf, retryOptions } from './simulator.clients.support';
import { type Answer, instant, startTestAzure, type TestAzure } from './simulator.support';

const ARM = 'https://management.azure.com/.default';
const { tenantId, displayName } = instant;
const start = Date.now();
const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const applied = z.looseObject({ id: z.string(), appId: z.string() });

let azure: TestAzure;
let graph: Client;
let app: z.infer<typeof applied>;
let principal: string;
let secret: string;
let registered: { readonly pem: string; readonly key: string; readonly thumbprint: string };

async function newCertificate(): Promise<typeof registered & { der: string }> {
  x509.cryptoProvider.set(webcrypto);
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }; // prettier-ignore
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const made = await x509.X509CertificateGenerator.createSelfSigned({ name: 'CN=app', keys, signingAlgorithm: algorithm }); // prettier-ignore
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  const thumbprint = Buffer.from(await made.getThumbprint('SHA-256')).toString('base64url');
  return { pem: `${key}\n${made.toString('pem')}`, key, thumbprint, der: made.toString('base64') };
}

beforeAll(async () => {
  azure = await startTestAzure(instant, { startAt: start });
  graph = await graphOf(azure, 'administrator');
  const { der, ...certificate } = await newCertificate();
  registered = certificate;
  const keyCredentials = [{ type: 'AsymmetricX509Cert', usage: 'Verify', key: der }];
  app = applied.parse(await graph.api('/applications').post({ displayName: 'Signer', keyCredentials }));
  principal = applied.parse(await graph.api('/servicePrincipals').post({ appId: app.appId })).id;
  secret = z.looseObject({ secretText: z.string() }).parse(await graph.api(`/applications/${app.id}/addPassword`).post({})).secretText; // prettier-ignore
});
afterAll(async () => azure.stop());

const options = (): object => ({ authorityHost: azure.url, disableInstanceDiscovery: true, retryOptions });
const signIn = (change: { tenant?: string; client?: string; secret?: string; scope?: string } = {}): Promise<unknown> =>
  new ClientSecretCredential(
    change.tenant ?? tenantId,
    change.client ?? app.appId,
    change.secret ?? secret,
    options(),
  ).getToken(change.scope ?? ARM);

const post = async (form: Record<string, string>, tenant = tenantId, headers = {}): Promise<Answer> =>
  await azure.ask('POST', `/${tenant}/oauth2/v2.0/token`, {
    body: new URLSearchParams(form).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  });

/** The SDK throws the code and the message. */
const refuses = async (code: number, text: string, doing: Promise<unknown>): Promise<void> => {
  await expect(doing).rejects.toThrow(`AADSTS${code}: ${text} Trace ID: `);
};

describe('the SDK', () => {
  const notFound = `This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.`;
  const stranger = randomUUID();
  const rows: readonly (readonly [number, string, Parameters<typeof signIn>[0]])[] = [
    [700016, `Application with identifier '${stranger}' was not found in the directory '${displayName}'. ${notFound} You may have sent your authentication request to the wrong tenant.`, { client: stranger }], // prettier-ignore
    [500011, `The resource principal named https://nothing.example was not found in the tenant named ${displayName}. ${notFound} You might have sent your authentication request to the wrong tenant.`, { scope: 'https://nothing.example/.default' }], // prettier-ignore
    [1002012, 'The provided value for scope https://graph.microsoft.com/User.Read is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).', { scope: 'https://graph.microsoft.com/User.Read' }], // prettier-ignore
  ];
  test.each(rows)('AADSTS%i', async (code, text, change) => refuses(code, text, signIn(change)));

  test('AADSTS7000215, AADSTS7000222 and AADSTS7000112: a wrong secret, one that is past, and a disabled application', async () => {
    const { appId } = app;
    const wrong = `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${appId}'.`;
    await refuses(7000215, wrong, signIn({ secret: 'wrong' }));
    await graph.api(`/servicePrincipals/${principal}`).patch({ accountEnabled: false });
    await refuses(7000112, `Application '${appId}'(Signer) is disabled.`, signIn());
    await graph.api(`/servicePrincipals/${principal}`).patch({ accountEnabled: true });
    const endDateTime = new Date(start + 60_000).toISOString();
    const short = z.looseObject({ secretText: z.string() }).parse(await graph.api(`/applications/${app.id}/addPassword`).post({ passwordCredential: { endDateTime } })).secretText; // prettier-ignore
    azure.advance(120);
    const expired = `The provided client secret keys for app '${appId}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.`;
    await refuses(7000222, expired, signIn({ secret: short }));
  });

  test('AADSTS700027: a certificate that is not registered', async () => {
    const { pem, thumbprint } = await newCertificate();
    const credential = new ClientCertificateCredential(tenantId, app.appId, { certificate: pem }, options());
    const said = `AADSTS700027: The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Thumbprint of key used by client: '`;
    const thrown: unknown = await credential.getToken(ARM).catch((error: unknown) => error);
    expect(String(thrown)).toContain(said);
    expect(thumbprint).not.toBe(registered.thumbprint);
    const known = new ClientCertificateCredential(tenantId, app.appId, { certificate: registered.pem }, options());
    expect((await known.getToken(ARM)).token).toMatch(/^ey/);
  });
});

describe('requests that no SDK makes', () => {
  const good = (): Record<string, string> => ({ grant_type: 'client_credentials', client_id: app.appId, client_secret: secret, scope: ARM }); // prettier-ignore
  const without = (name: string): Record<string, string> =>
    Object.fromEntries(Object.entries(good()).filter(([key]) => key !== name));
  const missing = (name: string): string => `The request body must contain the following parameter: '${name}'.`;
  const unknownTenant = '11111111-2222-4333-8444-555555555555';
  type Row = readonly [code: number, status: number, error: string, text: string, form: () => Record<string, string>, tenant?: string]; // prettier-ignore
  const rows: readonly Row[] = [
    [900144, 400, 'invalid_request', missing('grant_type'), () => without('grant_type')],
    [900144, 400, 'invalid_request', missing('client_id'), () => without('client_id')],
    [900144, 400, 'invalid_request', missing('scope'), () => without('scope')],
    [7000218, 401, 'invalid_client', "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.", () => without('client_secret')], // prettier-ignore
    [70003, 400, 'unsupported_grant_type', "The app requested an unsupported grant type 'magic'.", () => ({ ...good(), grant_type: 'magic' })], // prettier-ignore
    [50034, 400, 'invalid_grant', `The user account x@y.z does not exist in the ${displayName} directory. To sign into this application, the account must be added to the directory.`, () => ({ ...good(), grant_type: 'password', username: 'x@y.z' })], // prettier-ignore
    [50021, 401, 'invalid_client', `The 'client_assertion_type' must be '${TYPE}'.`, () => ({ ...good(), client_assertion: 'x', client_assertion_type: 'y' })], // prettier-ignore
    [50027, 401, 'invalid_client', 'JWT token is invalid or malformed.', () => ({ ...good(), client_assertion: 'x', client_assertion_type: TYPE })], // prettier-ignore
    [90002, 400, 'invalid_request', `Tenant '${unknownTenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`, good, unknownTenant], // prettier-ignore
    [50059, 400, 'invalid_request', 'No tenant-identifying information found in either the request or implied by any provided credentials.', good, 'organizations'], // prettier-ignore
  ];
  test.each(rows)('AADSTS%i, %i %s', async (code, status, error, text, form, tenant = tenantId) => {
    const answer = await post(form(), tenant);
    expect(answer).toMatchObject({ status, body: { error, error_codes: [code], error_uri: `https://login.microsoftonline.com/error?code=${code}` } }); // prettier-ignore
    const { error_description: said } = z.looseObject({ error_description: z.string() }).parse(answer.body);
    expect(said.startsWith(`AADSTS${code}: ${text} Trace ID: `)).toBe(true);
  });

  /** An assertion signed with the registered certificate's key. */
  const asserted = async (change: { audience?: string; from?: number; to?: number }): Promise<Answer> => {
    const now = Math.floor(start / 1000) + 120;
    const { audience = `${azure.url}/${tenantId}/oauth2/v2.0/token`, from = now, to = now + 60 } = change;
    const assertion = await new SignJWT({})
      .setProtectedHeader({ alg: 'RS256', 'x5t#S256': registered.thumbprint })
      .setIssuer(app.appId)
      .setSubject(app.appId)
      .setAudience(audience)
      .setNotBefore(from)
      .setExpirationTime(to)
      .sign(createPrivateKey(registered.key));
    return await post({ ...without('client_secret'), client_assertion: assertion, client_assertion_type: TYPE });
  };
  const told = ({ body }: Answer): string => z.looseObject({ error_description: z.string() }).parse(body).error_description; // prettier-ignore

  test('AADSTS700023 and AADSTS700024: a certificate’s assertion for somebody else, past, and to come', async () => {
    expect(told(await asserted({ audience: 'https://x' }))).toContain('AADSTS700023: Client assertion audience claim does not match Realm issuer.'); // prettier-ignore
    const range = 'AADSTS700024: Client assertion is not within its valid time range. Current time: ';
    expect(told(await asserted({ from: 1, to: 2 }))).toContain(range);
    expect(told(await asserted({ from: 1, to: 2 }))).toContain('assertion valid from 1970-01-01T00:00:01.0000000Z, expiry time of assertion 1970-01-01T00:00:02.0000000Z.'); // prettier-ignore
    const later = Math.floor(start / 1000) + 86_400;
    expect(told(await asserted({ from: later, to: later + 60 }))).toContain(range);
    expect((await asserted({})).status).toBe(200);
  });

  test.each([
    ['POST', 'oauth2/v2.0/devicecode'],
    ['GET', 'oauth2/v2.0/authorize'],
  ] as const)('%s %s is not simulated, and says so', async (method, path) => {
    expect(await azure.ask(method, `/${tenantId}/${path}`)).toMatchObject({ status: 400, body: { error: 'invalid_request', error_description: expect.stringContaining('NotSimulated') } }); // prettier-ignore
  });
});

describe('managed identity endpoints', () => {
  const resource = encodeURIComponent('https://management.azure.com/');
  const metadata = { Metadata: 'true' };
  const imds = '/metadata/identity/oauth2/token?api-version=2018-02-01';
  const msi = '/msi/token?api-version=2019-08-01';
  const required = 'Bad request. api-version was not specified in the request';
  const versions = { 'newest-versions': expect.arrayContaining(['2018-02-01']) };
  const nobody = '22222222-2222-4333-8444-555555555555';
  type Row = readonly [path: string, headers: Record<string, string> | undefined, status: number, body: object];
  const noIdentity = 'No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.'; // prettier-ignore
  const rows: readonly Row[] = [
    [`${imds}&resource=${resource}`, {}, 400, { error: 'invalid_request', error_description: 'Required metadata header not specified' }], // prettier-ignore
    [`/metadata/identity/oauth2/token?resource=${resource}`, metadata, 400, { error: required, ...versions }],
    ['/metadata/identity/oauth2/token?api-version=2017-01-01', metadata, 400, { error: expect.stringContaining('api-version is invalid'), ...versions }], // prettier-ignore
    [imds, metadata, 400, { error: 'invalid_request', error_description: 'Required audience parameter not specified' }],
    [`${imds}&resource=https%3A%2F%2Fx`, metadata, 400, { error: 'invalid_resource', error_description: expect.stringContaining('AADSTS500011') }], // prettier-ignore
    [`${imds}&resource=${resource}&client_id=${nobody}`, metadata, 400, { error: 'invalid_request', error_description: 'Identity not found' }], // prettier-ignore
    [`${msi}&resource=${resource}`, {}, 401, { statusCode: 401, message: 'Unauthorized' }],
    ['/msi/token?api-version=2017-09-01', undefined, 400, { statusCode: 400, message: "The api-version '2017-09-01' is not supported. Supported is '2019-08-01'." }], // prettier-ignore
    [`${msi}&resource=x`, undefined, 400, { statusCode: 400, message: "The resource 'x' is not known." }],
    [`${msi}&resource=${resource}&client_id=${nobody}`, undefined, 400, { statusCode: 400, message: noIdentity }],
  ];
  test.each(rows)('%s', async (path, headers, status, body) => {
    const own = { 'x-identity-header': azure.environment['IDENTITY_HEADER'] ?? '' };
    expect(await azure.ask('GET', path, { headers: headers ?? own })).toMatchObject({ status, body });
  });

  test('the SDK says that there is no such identity', async () => {
    const before = { ...process.env };
    const { IDENTITY_ENDPOINT, IDENTITY_HEADER } = azure.environment;
    Object.assign(process.env, { IDENTITY_ENDPOINT, IDENTITY_HEADER });
    await expect(new ManagedIdentityCredential({ clientId: nobody, retryOptions }).getToken(ARM)).rejects.toThrow(noIdentity); // prettier-ignore
    process.env = before;
  });
});

test('ARM’s description of its cloud wants a version that is one', async () => {
  const ask = async (query: string): Promise<unknown> => (await azure.ask('GET', `/metadata/endpoints${query}`)).body;
  expect(await ask('')).toMatchObject({ error: { code: 'MissingApiVersionParameter', message: 'The api-version query parameter (?api-version=) is required for all requests.' } }); // prettier-ignore
  expect(await ask('?api-version=new')).toMatchObject({ error: { code: 'InvalidApiVersionParameter' } });
  expect(await ask('?api-version=2022-09-01')).toMatchObject({ authentication: { tenant: tenantId } });
});
