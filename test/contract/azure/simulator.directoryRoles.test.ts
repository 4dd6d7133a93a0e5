/** What directory roles let their members do in Microsoft Graph, and Graph's refusal of those without. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { type Answer, instant, startTestAzure, type TestAzure } from './simulator.support';

const GRAPH = '00000003-0000-0000-c000-000000000000';
const DIRECTORY_READ = '7ab1d382-f21e-4acd-a863-ba3e13f7da61';
const OWN_ROLE = '5a000000-0000-4000-8000-000000000001';
const roles = {
  'Global Administrator': '62e90394-69f5-4237-9190-012177145e10',
  'Privileged Role Administrator': 'e8611ab8-c189-46e8-94e1-60213ab1f814',
  'Application Administrator': '9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3',
  'Cloud Application Administrator': '158c047a-c907-4556-b7ef-446551a6b5f7',
  'Directory Readers': '88d8e3e3-8f55-4a1e-953a-9b9898b8876b',
};
type Role = keyof typeof roles;

let azure: TestAzure;
let admin: string;
let graphId: string;
let ownId: string;

const object = z.looseObject({ id: z.string(), appId: z.string().default('') });
const ask = async (token: string, method: string, path: string, body?: unknown): Promise<Answer> =>
  azure.ask(method, `/v1.0${path}`, { token, ...(body === undefined ? {} : { body }) });
const made = async (path: string, body: unknown): Promise<z.infer<typeof object>> =>
  object.parse((await ask(admin, 'POST', path, body)).body);

/** An application without any permission, its principal, and its token. */
async function principal(name: string): Promise<{ readonly id: string; readonly token: string }> {
  const app = await made('/applications', { displayName: name });
  const { id } = await made('/servicePrincipals', { appId: app.appId });
  const password = await ask(admin, 'POST', `/applications/${app.id}/addPassword`, {
    passwordCredential: { displayName: 'x' },
  });
  const { secretText } = z.object({ secretText: z.string() }).parse(password.body);
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: app.appId,
    client_secret: secretText,
    scope: 'https://graph.microsoft.com/.default',
  });
  const { body } = await azure.ask('POST', `/${azure.environment['AZURE_TENANT_ID'] ?? ''}/oauth2/v2.0/token`, {
    body: form.toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  return { id, token: z.object({ access_token: z.string() }).parse(body).access_token };
}

const give = async (principalId: string, role: Role): Promise<void> => {
  const body = { principalId, roleDefinitionId: roles[role], directoryScopeId: '/' };
  expect((await ask(admin, 'POST', '/roleManagement/directory/roleAssignments', body)).status).toBe(201);
};

beforeAll(async () => {
  const principals = instant.principals.map((one) => ({
    ...one,
    graphRoles: [...(one.graphRoles ?? []), 'RoleManagement.ReadWrite.Directory', 'Directory.ReadWrite.All'],
  }));
  azure = await startTestAzure({ ...instant, principals });
  admin = await azure.token('administrator', 'https://graph.microsoft.com');
  const found = await ask(admin, 'GET', `/servicePrincipals?$filter=${encodeURIComponent(`appId eq '${GRAPH}'`)}`);
  graphId =
    z
      .object({ value: z.array(object).nonempty() })
      .parse(found.body)
      .value.at(0)?.id ?? '';
  const appRoles = [
    {
      id: OWN_ROLE,
      displayName: 'own',
      description: 'own',
      value: 'Own',
      isEnabled: true,
      allowedMemberTypes: ['Application'],
    },
  ];
  const app = await made('/applications', { displayName: 'resource', appRoles });
  ownId = (await made('/servicePrincipals', { appId: app.appId })).id;
});
afterAll(async () => azure.stop());

/** What was tried, and whether it went through; a refusal is always Graph's own. */
async function tried(token: string, subject: string): Promise<Record<string, boolean>> {
  const attempts: Record<string, Promise<Answer>> = {
    read: ask(token, 'GET', '/applications'),
    createApplication: ask(token, 'POST', '/applications', { displayName: 'new' }),
    grantGraph: ask(token, 'POST', `/servicePrincipals/${graphId}/appRoleAssignedTo`, {
      principalId: subject,
      resourceId: graphId,
      appRoleId: DIRECTORY_READ,
    }),
    grantOther: ask(token, 'POST', `/servicePrincipals/${subject}/appRoleAssignments`, {
      principalId: subject,
      resourceId: ownId,
      appRoleId: OWN_ROLE,
    }),
    delegated: ask(token, 'POST', '/oauth2PermissionGrants', {
      clientId: subject,
      consentType: 'AllPrincipals',
      resourceId: graphId,
      scope: 'User.Read',
    }),
    giveRoles: ask(token, 'POST', '/roleManagement/directory/roleAssignments', {
      principalId: subject,
      roleDefinitionId: roles['Directory Readers'],
      directoryScopeId: '/',
    }),
  };
  const results = Object.entries(attempts).map(async ([name, attempt]) => {
    const { status, body } = await attempt;
    const text = 'Insufficient privileges to complete the operation.';
    if (status >= 400)
      expect([name, status, body]).toMatchObject([
        name,
        403,
        { error: { code: 'Authorization_RequestDenied', message: text } },
      ]);
    return [name, status < 400] as const;
  });
  return Object.fromEntries(await Promise.all(results));
}

const nothing = {
  read: false,
  createApplication: false,
  grantGraph: false,
  grantOther: false,
  delegated: false,
  giveRoles: false,
};
const everything = {
  read: true,
  createApplication: true,
  grantGraph: true,
  grantOther: true,
  delegated: true,
  giveRoles: true,
};

describe('a member of', () => {
  test.each<[Role, Record<string, boolean>]>([
    ['Global Administrator', everything],
    ['Privileged Role Administrator', { ...everything, createApplication: false }],
    ['Application Administrator', { ...everything, grantGraph: false, giveRoles: false }],
    ['Cloud Application Administrator', { ...everything, grantGraph: false, giveRoles: false }],
    ['Directory Readers', { ...nothing, read: true }],
  ])('%s', async (role, expected) => {
    const [member, subject] = [await principal(role), await principal('subject')];
    expect(await tried(member.token, subject.id)).toEqual(nothing);
    await give(member.id, role);
    expect(await tried(member.token, subject.id)).toEqual(expected);
  });
});

test('an administrator of applications cannot take a Graph permission away, and a role that is taken away counts no more', async () => {
  const [member, subject] = [await principal('administrator of applications'), await principal('subject')];
  const body = { principalId: subject.id, resourceId: graphId, appRoleId: DIRECTORY_READ };
  const { id } = await made(`/servicePrincipals/${subject.id}/appRoleAssignments`, body);
  await give(member.id, 'Application Administrator');
  expect((await ask(member.token, 'DELETE', `/servicePrincipals/${subject.id}/appRoleAssignments/${id}`)).status).toBe(
    403,
  );
  expect((await ask(member.token, 'GET', '/servicePrincipals')).status).toBe(200);
  const role = `/directoryRoles/roleTemplateId=${roles['Application Administrator']}`;
  expect((await ask(admin, 'DELETE', `${role}/members/${member.id}/$ref`)).status).toBe(204);
  expect((await ask(member.token, 'GET', '/servicePrincipals')).status).toBe(403);
});

test('admin consent of a Graph permission needs an administrator of privileged roles', async () => {
  const required = [{ resourceAppId: GRAPH, resourceAccess: [{ id: DIRECTORY_READ, type: 'Role' }] }];
  const app = await made('/applications', { displayName: 'wants', requiredResourceAccess: required });
  await made('/servicePrincipals', { appId: app.appId });
  const member = await principal('consents');
  const consent = async (): Promise<number> =>
    (
      await azure.ask('POST', `/api/RegisteredApplications/${app.appId}/Consent?onBehalfOfAll=true`, {
        token: member.token,
      })
    ).status;
  expect(await consent()).toBe(403);
  await give(member.id, 'Cloud Application Administrator');
  expect(await consent()).toBe(403);
  await give(member.id, 'Privileged Role Administrator');
  expect(await consent()).toBe(204);
});
