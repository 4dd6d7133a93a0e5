/** App management policies that restrict secrets, and the consent that a person gives. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ManagedServiceIdentityClient } from '@azure/arm-msi';
import { ResourceManagementClient } from '@azure/arm-resources';
import { type Client } from '@microsoft/microsoft-graph-client';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { expectRefusal, graphOf, holding, optionsOf, type RefusalCase } from './simulator.clients.support';
import { instant, location, platform, startTestAzure, type TestAzure } from './simulator.support';

const DAY_MS = 86_400_000;
const DEFAULT = '/policies/defaultAppManagementPolicy';
const POLICIES = '/policies/appManagementPolicies';
const now = Date.parse('2026-11-23T12:00:00Z');

const principal = (name: string, graphRoles: string[]) => ({
  name,
  principalId: randomUUID(),
  clientId: randomUUID(),
  roles: [],
  graphRoles,
});

let azure: TestAzure;
let admin: Client;
let policies: Client;
let reader: Client;

beforeAll(async () => {
  const principals = [
    ...instant.principals,
    principal('policies', ['Policy.ReadWrite.ApplicationConfiguration', 'Application.ReadWrite.All']),
    principal('reader', ['Policy.Read.All', 'Application.ReadWrite.OwnedBy']),
  ];
  azure = await startTestAzure({ ...instant, principals }, { startAt: now });
  admin = await graphOf(azure, 'administrator');
  policies = await graphOf(azure, 'policies');
  reader = await graphOf(azure, 'reader');
});
afterAll(async () => azure.stop());

const object = z.looseObject({ id: z.string() });
const applied = z.looseObject({ id: z.string(), appId: z.string() });
const newApplication = async (rest: object = {}): Promise<z.infer<typeof applied>> =>
  applied.parse(await admin.api('/applications').post({ displayName: 'restricted', ...rest }));

/** Asks for a secret that lives so many days; without a number for as long as Graph gives by itself. */
const addPassword =
  (id: string, days?: number, set = 'applications') =>
  (): Promise<unknown> =>
    admin
      .api(`/${set}/${id}/addPassword`)
      .post(
        days === undefined ? {} : { passwordCredential: { endDateTime: new Date(now + days * DAY_MS).toISOString() } },
      );

const lifetime = (maxLifetime: string, rest: object = {}): object => ({
  passwordCredentials: [{ restrictionType: 'passwordLifetime', maxLifetime, ...rest }],
});
const tooLong = (id: string, doing: () => Promise<unknown>): RefusalCase => [
  'CredentialInvalidLifetimeAsPerAppPolicy',
  400,
  `Credential lifetime exceeds the max value allowed as per assigned policy '${id}'.`,
  doing,
];
const ZERO = '00000000-0000-0000-0000-000000000000';

describe('app management policies', () => {
  test('the tenant’s own is there, restricts nothing until it is in force, and then every application', async () => {
    expect(await reader.api(DEFAULT).get()).toMatchObject({
      id: ZERO,
      isEnabled: false,
      applicationRestrictions: { passwordCredentials: [], keyCredentials: [] },
    });
    const { id, appId } = await newApplication();
    const { id: ofPrincipal } = object.parse(await admin.api('/servicePrincipals').post({ appId }));
    await policies.api(DEFAULT).patch({ applicationRestrictions: lifetime('P90D') });
    await addPassword(id)();
    await policies.api(DEFAULT).patch({ isEnabled: true });
    await expectRefusal('graph', tooLong(ZERO, addPassword(id)));
    await expectRefusal('graph', tooLong(ZERO, addPassword(id, 91)));
    await addPassword(id, 90)();
    await addPassword(ofPrincipal, 91, 'servicePrincipals')();
    await policies.api(DEFAULT).patch({ servicePrincipalRestrictions: lifetime('P1M') });
    await expectRefusal('graph', tooLong(ZERO, addPassword(ofPrincipal, 31, 'servicePrincipals')));
    await addPassword(ofPrincipal, 30, 'servicePrincipals')();
  });

  test('one of its own counts instead, for an application or a service principal', async () => {
    const { id } = await newApplication();
    const made = object.parse(
      await policies.api(POLICIES).post({ displayName: 'short', isEnabled: true, restrictions: lifetime('P7DT12H') }),
    );
    await policies.api(`/applications/${id}/appManagementPolicies/$ref`).post({ '@odata.id': `${azure.url}/v1.0${POLICIES}/${made.id}` }); // prettier-ignore
    expect(await reader.api(`/applications/${id}/appManagementPolicies`).get()).toMatchObject({ value: [{ id: made.id }] }); // prettier-ignore
    expect(await reader.api(`${POLICIES}/${made.id}/appliesTo`).get()).toMatchObject({ value: [{ id }] });
    await expectRefusal('graph', tooLong(made.id, addPassword(id, 8)));
    await addPassword(id, 7)();
    const forbidden = { passwordCredentials: [{ restrictionType: 'passwordAddition', state: 'enabled' }] };
    await policies.api(`${POLICIES}/${made.id}`).patch({ restrictions: forbidden });
    await expectRefusal('graph', ['CredentialTypeNotAllowedAsPerAppPolicy', 400, `Credential type not allowed as per assigned policy '${made.id}'.`, addPassword(id, 1)]); // prettier-ignore
    await policies.api(`${POLICIES}/${made.id}`).patch({ restrictions: { passwordCredentials: [{ restrictionType: 'passwordAddition', state: 'disabled' }] } }); // prettier-ignore
    await addPassword(id)();
    await policies.api(`/applications/${id}/appManagementPolicies/${made.id}/$ref`).delete();
    await expectRefusal('graph', tooLong(ZERO, addPassword(id)));
    await policies.api(`${POLICIES}/${made.id}`).delete();
    expect(await reader.api(POLICIES).get()).toMatchObject({ value: [] });
  });

  test('may leave older applications alone', async () => {
    const { id } = await newApplication();
    const after = new Date(now + 60_000).toISOString();
    const made = object.parse(
      await policies.api(POLICIES).post({
        displayName: 'new ones',
        isEnabled: true,
        restrictions: lifetime('P1D', { restrictForAppsCreatedAfterDateTime: after }),
      }),
    );
    expect(await reader.api(`${POLICIES}/${made.id}`).get()).toMatchObject({ displayName: 'new ones' });
    await policies.api(`/applications/${id}/appManagementPolicies/$ref`).post({ '@odata.id': `x/${made.id}` });
    await addPassword(id)();
  });

  test('are refused in Graph’s words', async () => {
    const { id } = await newApplication();
    const made = object.parse(await policies.api(POLICIES).post({ displayName: 'one' }));
    const assign = (of: string) => (): Promise<unknown> =>
      policies.api(`/applications/${id}/appManagementPolicies/$ref`).post({ '@odata.id': `x/${of}` });
    await assign(made.id)();
    const denied = ['Authorization_RequestDenied', 403, 'Insufficient privileges to complete the operation.'] as const;
    const none = ['Request_ResourceNotFound', 404, /^Resource 'none' does not exist/] as const;
    const certificate = { keyCredentials: [{ restrictionType: 'asymmetricKeyLifetime', maxLifetime: 'P1D' }] };
    const cases: readonly RefusalCase[] = [
      [...denied, () => reader.api(DEFAULT).patch({ isEnabled: false })],
      [...denied, () => reader.api(POLICIES).post({ displayName: 'mine' })],
      [...denied, () => admin.api(DEFAULT).get()],
      [...denied, () => admin.api(POLICIES).get()],
      [...denied, () => reader.api(`${POLICIES}/${made.id}`).patch({})],
      [...denied, () => reader.api(`${POLICIES}/${made.id}`).delete()],
      [...denied, () => reader.api(`/applications/${id}/appManagementPolicies/${made.id}/$ref`).delete()],
      [...none, () => policies.api(`${POLICIES}/none`).get()],
      [...none, () => policies.api(`${POLICIES}/none`).delete()],
      [...none, assign('none')],
      [...none, () => policies.api(`/applications/${id}/appManagementPolicies/none/$ref`).delete()],
      ['Request_BadRequest', 400, /^Only one app management policy/, assign(made.id)],
      ['Request_BadRequest', 400, "A value is required for property 'displayName' of resource 'AppManagementPolicy'.", () => policies.api(POLICIES).post({})], // prettier-ignore
      ['Request_BadRequest', 400, "Invalid value specified for property 'restrictions' of resource 'AppManagementPolicy'.", () => policies.api(POLICIES).post({ displayName: 'x', restrictions: lifetime('90 days') })], // prettier-ignore
      ['NotSimulated', 400, /asymmetricKeyLifetime/, () => policies.api(POLICIES).post({ displayName: 'x', restrictions: certificate })], // prettier-ignore
      ['NotSimulated', 400, /asymmetricKeyLifetime/, () => policies.api(DEFAULT).patch({ applicationRestrictions: certificate })], // prettier-ignore
    ];
    for (const one of cases) await expectRefusal('graph', one);
  });
});

describe('a person consents', () => {
  const consent = (body: object) => azure.ask('POST', '/_simulator/consent', { body });

  test('to all that an application asks for, once and again', async () => {
    const graph = '00000003-0000-0000-c000-000000000000';
    const roles = ['7ab1d382-f21e-4acd-a863-ba3e13f7da61', 'b0afded3-3588-46d8-8b3d-9842eff778da'];
    const resourceAccess = roles.map((id) => ({ id, type: 'Role' }));
    const { appId } = await newApplication({ requiredResourceAccess: [{ resourceAppId: graph, resourceAccess }] });
    const client = object.parse(await admin.api('/servicePrincipals').post({ appId }));
    expect(await admin.api(`/servicePrincipals/${client.id}/appRoleAssignments`).get()).toMatchObject({ value: [] });
    for (const _ of [1, 2]) {
      const { status, body } = await consent({ application: appId });
      expect([status, body]).toEqual([200, { principal: client.id, roles: ['AuditLog.Read.All', 'Directory.Read.All'] }]); // prettier-ignore
    }
    const recorded = z
      .array(z.looseObject({ path: z.string(), caller: z.string() }))
      .parse((await azure.ask('GET', '/_simulator/requests?full=true')).body);
    expect(recorded.filter(({ path }) => path.endsWith(`${appId}/Consent`))).toHaveLength(2);
  });

  test('to app roles of a managed identity', async () => {
    const credential = holding(await azure.token('administrator'));
    const resources = new ResourceManagementClient(credential, platform, optionsOf(azure));
    await resources.resourceGroups.createOrUpdate('rg', { location });
    const identities = new ManagedServiceIdentityClient(credential, platform, optionsOf(azure));
    const { principalId = '' } = await identities.userAssignedIdentities.createOrUpdate('rg', 'sentry', { location });
    const [one, both] = [['Directory.Read.All'], ['AuditLog.Read.All', 'Directory.Read.All']];
    const answer = async (roles: string[]) => (await consent({ principal: principalId, roles })).body;
    expect(await answer(one)).toEqual({ principal: principalId, roles: one, alreadyThere: [] });
    // What is there already keeps back none of the others, however often it is named.
    expect(await answer([...one, ...both])).toEqual({ principal: principalId, roles: both, alreadyThere: [...one, ...one] }); // prettier-ignore
    expect(await answer(both)).toEqual({ principal: principalId, roles: both, alreadyThere: both });
    expect(await admin.api(`/servicePrincipals/${principalId}/appRoleAssignments`).get()).toMatchObject({
      value: [{ principalId }, { principalId }],
    });
  });

  test('to nothing that there is not', async () => {
    expect(await consent({ application: randomUUID() })).toMatchObject({ status: 404, body: { error: { code: 'Request_ResourceNotFound' } } }); // prettier-ignore
    expect(await consent({ principal: randomUUID(), roles: ['Directory.Read.All'] })).toMatchObject({ status: 400, body: { error: { message: 'Not a valid reference update.' } } }); // prettier-ignore
    expect(await consent({ principal: randomUUID(), roles: ['Everything'] })).toMatchObject({ status: 404, body: { error: { message: expect.stringContaining("no app role 'Everything'") } } }); // prettier-ignore
    expect((await consent({})).status).toBe(400);
  });
});
