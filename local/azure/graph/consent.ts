import { z } from 'zod';
import { type Azure } from '../azure';
import { type Answer, type Call, ok, param, type Route } from '../http/call';
import { randomUUID } from '../random';
import { type Entry } from '../store/directory';
import { type DirectoryObject } from '../store/directoryObjects';
import { demand, demandConsent, demandGrant } from './access';
import { graphBadRequest, graphBody, notFound } from './errors';
import { newAssignment } from './appRoleAssignments';
import { objectShown, offered } from './objects';
import { collection, entity } from './odata';
import { findServicePrincipal } from './servicePrincipals';

const ALL = '/v1.0/oauth2PermissionGrants';
const ONE = `${ALL}/:id`;
const CONSENT = '/api/RegisteredApplications/:appId/Consent';

/** OAuth consent: delegated permissions granted to applications, and the admin consent of the Azure CLI. */
export const consentRoutes = (azure: Azure): readonly Route[] => [
  { method: 'GET', path: ALL, api: 'graph', handle: (call) => list(azure, call) },
  { method: 'POST', path: ALL, api: 'graph', handle: (call) => create(azure, call) },
  { method: 'GET', path: ONE, api: 'graph', handle: (call) => get(azure, call) },
  { method: 'PATCH', path: ONE, api: 'graph', handle: (call) => change(azure, call) },
  { method: 'DELETE', path: ONE, api: 'graph', handle: (call) => remove(azure, call) },
  {
    method: 'GET',
    path: '/v1.0/servicePrincipals/:id/oauth2PermissionGrants',
    api: 'graph',
    handle: (call) => listOf(azure, call),
  },
  { method: 'POST', path: CONSENT, api: 'graph', handle: (call) => consent(azure, call) },
];

const everyOne = (azure: Azure): DirectoryObject[] => azure.directoryObjects.list('oauth2PermissionGrant');

function list(azure: Azure, call: Call): Answer {
  demand(call, 'readGrants');
  return ok(collection(call, azure.origin, 'oauth2PermissionGrants', everyOne(azure).map(objectShown)));
}

function listOf(azure: Azure, call: Call): Answer {
  demand(call, 'readGrants');
  const { id } = findServicePrincipal(azure, call);
  const own = everyOne(azure).filter(({ document }) => document['clientId'] === id);
  return ok(collection(call, azure.origin, 'oauth2PermissionGrants', own.map(objectShown)));
}

const grant = z.looseObject({
  clientId: z.guid(),
  consentType: z.enum(['AllPrincipals', 'Principal']),
  resourceId: z.guid(),
  principalId: z.guid().nullish(),
  scope: z.string(),
});

function create(azure: Azure, call: Call): Answer {
  demand(call, 'writeGrants');
  const { clientId, consentType, resourceId, principalId, scope } = graphBody(grant, call, 'OAuth2PermissionGrant');
  if ((consentType === 'Principal') !== (typeof principalId === 'string'))
    throw graphBadRequest("The principalId must be given exactly when the consentType is 'Principal'.");
  const resource = azure.directory.get('servicePrincipal', resourceId);
  if (azure.directory.get('servicePrincipal', clientId) === undefined) throw notFound(clientId);
  if (resource === undefined) throw notFound(resourceId);
  demandScopes(azure, resource, scope);
  const document = { clientId, consentType, principalId: principalId ?? null, resourceId, scope };
  const same = everyOne(azure).some(
    ({ document: one }) =>
      one['clientId'] === clientId &&
      one['resourceId'] === resourceId &&
      one['consentType'] === consentType &&
      one['principalId'] === document.principalId,
  );
  if (same) throw graphBadRequest('Permission entry already exists.');
  const made = azure.directoryObjects.add('oauth2PermissionGrant', idOf(document), document, azure.now());
  return { status: 201, body: entity(call, azure.origin, 'oauth2PermissionGrants', objectShown(made)) };
}

const idOf = ({ clientId, resourceId }: { readonly clientId: string; readonly resourceId: string }): string =>
  Buffer.from(`${clientId}${resourceId}${randomUUID()}`.replaceAll('-', ''), 'hex').toString('base64url');

function demandScopes(azure: Azure, resource: Entry, scope: string): void {
  const known = offered(azure, resource).oauth2PermissionScopes.map(({ value }) => value);
  const unknown = scope.split(' ').find((one) => one !== '' && !known.includes(one));
  if (unknown === undefined) return;
  throw graphBadRequest(
    `The scope '${unknown}' is not a delegated permission of the resource. Known here are: ${known.join(', ')}.`,
  );
}

function find(azure: Azure, call: Call): DirectoryObject {
  const found = azure.directoryObjects.get('oauth2PermissionGrant', param(call, 'id'));
  if (found === undefined) throw notFound(param(call, 'id'));
  return found;
}

function get(azure: Azure, call: Call): Answer {
  demand(call, 'readGrants');
  return ok(entity(call, azure.origin, 'oauth2PermissionGrants', objectShown(find(azure, call))));
}

function change(azure: Azure, call: Call): Answer {
  demand(call, 'writeGrants');
  const found = find(azure, call);
  const { scope } = graphBody(z.looseObject({ scope: z.string() }), call, 'OAuth2PermissionGrant');
  const resource = azure.directory.get('servicePrincipal', String(found.document['resourceId']));
  if (resource !== undefined) demandScopes(azure, resource, scope);
  azure.directoryObjects.setDocument(found.id, { ...found.document, scope });
  return { status: 204 };
}

function remove(azure: Azure, call: Call): Answer {
  demand(call, 'writeGrants');
  azure.directoryObjects.remove(find(azure, call).id);
  return { status: 204 };
}

const required = z
  .array(
    z.looseObject({
      resourceAppId: z.string(),
      resourceAccess: z.array(z.looseObject({ id: z.string(), type: z.string() })),
    }),
  )
  .catch([]);

/** What the portal and `az ad app permission admin-consent` do: everything that the application asks for is granted. */
function consent(azure: Azure, call: Call): Answer {
  demandConsent(call);
  const appId = param(call, 'appId');
  const application = azure.directory.byAppId('application', appId);
  const client = azure.directory.byAppId('servicePrincipal', appId);
  if (application === undefined || client === undefined) throw notFound(appId);
  for (const { resourceAppId, resourceAccess } of required.parse(application.document['requiredResourceAccess'])) {
    const resource = azure.directory.byAppId('servicePrincipal', resourceAppId);
    if (resource === undefined) throw notFound(resourceAppId);
    if (resourceAccess.some(({ type }) => type === 'Role')) demandGrant(call, resource);
    const wanted = (type: string): string[] => resourceAccess.filter((one) => one.type === type).map(({ id }) => id);
    for (const id of wanted('Role')) newAssignment(azure, client, resource, id);
    grantScopes(azure, client, resource, wanted('Scope'));
  }
  return { status: 204 };
}

function grantScopes(azure: Azure, client: Entry, resource: Entry, ids: readonly string[]): void {
  const scopes = offered(azure, resource).oauth2PermissionScopes.filter(({ id }) => ids.includes(id));
  if (scopes.length === 0) return;
  const names = scopes.map(({ value }) => value);
  const document = {
    clientId: client.id,
    consentType: 'AllPrincipals',
    principalId: null,
    resourceId: resource.id,
    scope: names.join(' '),
  };
  const known = everyOne(azure).find(
    ({ document: one }) => one['clientId'] === client.id && one['resourceId'] === resource.id,
  );
  if (known === undefined) azure.directoryObjects.add('oauth2PermissionGrant', idOf(document), document, azure.now());
  else azure.directoryObjects.setDocument(known.id, document);
}
