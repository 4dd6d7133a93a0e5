import { z } from 'zod';
import { doneAt, type Azure } from '../azure';
import { type Answer, type Call, ok, param, parseBody, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { randomUUID } from '../random';
import { type AppRoleAssignment, type Entry } from '../store/directory';
import { demandCreate, demandGrant, demandRead, demandWrite } from './access';
import { graphBadRequest, notFound } from './errors';
import { collection, entity } from './odata';

const ALL = '/v1.0/servicePrincipals';
const ONE = `${ALL}/:id`;

export const servicePrincipalRoutes = (azure: Azure): readonly Route[] => [
  { method: 'POST', path: ALL, api: 'graph', handle: (call) => create(azure, call) },
  { method: 'GET', path: ALL, api: 'graph', handle: (call) => list(azure, call) },
  { method: 'GET', path: ONE, api: 'graph', handle: (call) => get(azure, call) },
  { method: 'PATCH', path: ONE, api: 'graph', handle: (call) => change(azure, call) },
  { method: 'DELETE', path: ONE, api: 'graph', handle: (call) => remove(azure, call) },
  ...(['appRoleAssignments', 'appRoleAssignedTo'] as const).flatMap((side): Route[] => [
    { method: 'GET', path: `${ONE}/${side}`, api: 'graph', handle: (call) => assignments(azure, call, side) },
    { method: 'POST', path: `${ONE}/${side}`, api: 'graph', handle: (call) => assign(azure, call, side) },
    {
      method: 'GET',
      path: `${ONE}/${side}/:assignment`,
      api: 'graph',
      handle: (call) => assignment(azure, call, side),
    },
    {
      method: 'DELETE',
      path: `${ONE}/${side}/:assignment`,
      api: 'graph',
      handle: (call) => unassign(azure, call, side),
    },
  ]),
  { method: 'POST', path: '/v1.0/directoryObjects/getByIds', api: 'graph', handle: (call) => getByIds(azure, call) },
];

const creation = z.looseObject({ appId: z.guid(), tags: z.array(z.string()).optional() });

function create(azure: Azure, call: Call): Answer {
  demandCreate(call);
  const { appId, ...asked } = parseBody(creation, call);
  const application = azure.directory.byAppId('application', appId);
  if (application === undefined) {
    const message = `The appId '${appId}' of the service principal does not reference a valid application object.`;
    throw graphBadRequest(message, [{ code: 'NoBackingApplicationObject', target: 'appId', message }]);
  }
  if (azure.directory.atSource('servicePrincipal', appId) !== undefined) {
    const message = `The service principal cannot be created, updated, or restored because the service principal name ${appId} is already in use.`;
    throw new AzureError(409, 'Request_MultipleObjectsWithSameKeyValue', message, {
      members: { details: [{ code: 'ConflictingObjects', message, target: 'servicePrincipalNames' }] },
    });
  }
  demandWrite(call, application);
  const displayName = application.document['displayName'];
  const entry: Entry = {
    id: randomUUID(),
    kind: 'servicePrincipal',
    appId,
    document: {
      tags: [],
      accountEnabled: true,
      displayName,
      appDisplayName: displayName,
      ...asked,
      servicePrincipalType: 'Application',
    },
    owner: call.caller.principalId,
    createdAt: azure.now(),
    visibleAt: doneAt(azure, 'directoryReplication'),
    deletedAt: null,
  };
  azure.directory.add(entry);
  return { status: 201, body: entity(call, azure.origin, 'servicePrincipals', shown(azure, entry)) };
}

const shown = (azure: Azure, { id, appId, document }: Entry): Record<string, unknown> => ({
  id,
  deletedDateTime: null,
  appId,
  appOwnerOrganizationId: azure.tenant.tenantId,
  servicePrincipalNames: [appId],
  appRoles: [],
  oauth2PermissionScopes: [],
  appRoleAssignmentRequired: false,
  ...document,
});

function find(azure: Azure, id: string): Entry {
  const [, appId] = id.split('=');
  const found =
    appId === undefined
      ? azure.directory.get('servicePrincipal', id)
      : azure.directory.byAppId('servicePrincipal', appId);
  if (found === undefined) throw notFound(appId ?? id);
  return found;
}

function list(azure: Azure, call: Call): Answer {
  demandRead(call);
  const items = azure.directory.list('servicePrincipal').map((entry) => shown(azure, entry));
  return ok(collection(call, azure.origin, 'servicePrincipals', items));
}

function get(azure: Azure, call: Call): Answer {
  demandRead(call);
  return ok(entity(call, azure.origin, 'servicePrincipals', shown(azure, find(azure, param(call, 'id')))));
}

function change(azure: Azure, call: Call): Answer {
  const found = find(azure, param(call, 'id'));
  demandWrite(call, found);
  azure.directory.setDocument(found.id, { ...found.document, ...parseBody(z.record(z.string(), z.unknown()), call) });
  return { status: 204 };
}

function remove(azure: Azure, call: Call): Answer {
  const found = find(azure, param(call, 'id'));
  demandWrite(call, found);
  azure.directory.remove(found.id);
  return { status: 204 };
}

type Side = 'appRoleAssignments' | 'appRoleAssignedTo';
const columnOf = (side: Side): 'principalId' | 'resourceId' =>
  side === 'appRoleAssignments' ? 'principalId' : 'resourceId';

function shownAssignment(
  azure: Azure,
  { id, principalId, resourceId, appRoleId, createdAt }: AppRoleAssignment,
): Record<string, unknown> {
  const nameOf = (of: string): unknown => azure.directory.get('servicePrincipal', of)?.document['displayName'];
  return {
    id,
    deletedDateTime: null,
    appRoleId,
    createdDateTime: new Date(createdAt).toISOString(),
    principalDisplayName: nameOf(principalId),
    principalId,
    principalType: 'ServicePrincipal',
    resourceDisplayName: nameOf(resourceId),
    resourceId,
  };
}

function assignments(azure: Azure, call: Call, side: Side): Answer {
  demandRead(call);
  const all = azure.directory.appRoles(columnOf(side), find(azure, param(call, 'id')).id);
  return ok(
    collection(
      call,
      azure.origin,
      'appRoleAssignments',
      all.map((one) => shownAssignment(azure, one)),
    ),
  );
}

function findAssignment(azure: Azure, call: Call, side: Side): AppRoleAssignment | undefined {
  const all = azure.directory.appRoles(columnOf(side), find(azure, param(call, 'id')).id);
  return all.find(({ id }) => id === param(call, 'assignment'));
}

function assignment(azure: Azure, call: Call, side: Side): Answer {
  demandRead(call);
  const found = findAssignment(azure, call, side);
  if (found === undefined) throw notFound(param(call, 'assignment'));
  return ok(shownAssignment(azure, found));
}

const grant = z.looseObject({ principalId: z.guid(), resourceId: z.guid(), appRoleId: z.guid() });
const withRoles = z.looseObject({ appRoles: z.array(z.looseObject({ id: z.string() })).default([]) });
/** The default role of an application that defines none. */
const NO_ROLE = '00000000-0000-0000-0000-000000000000';

function assign(azure: Azure, call: Call, side: Side): Answer {
  demandGrant(call);
  const { principalId, resourceId, appRoleId } = parseBody(grant, call);
  const self = find(azure, param(call, 'id'));
  if ((side === 'appRoleAssignments' ? principalId : resourceId).toLowerCase() !== self.id.toLowerCase()) {
    throw graphBadRequest(`The ${columnOf(side)} must be the service principal of the path.`);
  }
  const principal = azure.directory.get('servicePrincipal', principalId);
  const resource = azure.directory.get('servicePrincipal', resourceId);
  // What a fresh service principal or managed identity meets until it has replicated (azure-facts §3).
  if (principal === undefined || resource === undefined) throw graphBadRequest('Not a valid reference update.');
  const known = withRoles.parse(resource.document).appRoles.some(({ id }) => id === appRoleId.toLowerCase());
  if (!known && appRoleId !== NO_ROLE) throw graphBadRequest('Permission being assigned was not found on application');
  const same = azure.directory
    .appRoles('principalId', principal.id)
    .some((one) => one.resourceId === resource.id && one.appRoleId === appRoleId.toLowerCase());
  if (same) throw graphBadRequest('Permission being assigned already exists on the object');
  const id = Buffer.from(`${principal.id.replaceAll('-', '')}${randomUUID().replaceAll('-', '')}`, 'hex').toString(
    'base64url',
  );
  const made = {
    id,
    principalId: principal.id,
    resourceId: resource.id,
    appRoleId: appRoleId.toLowerCase(),
    createdAt: azure.now(),
  };
  azure.directory.addAppRole(made);
  return { status: 201, body: entity(call, azure.origin, 'appRoleAssignments', shownAssignment(azure, made)) };
}

function unassign(azure: Azure, call: Call, side: Side): Answer {
  demandGrant(call);
  const found = findAssignment(azure, call, side);
  if (found === undefined) throw graphBadRequest('EntitlementGrant being updated or deleted is not found.');
  azure.directory.removeAppRole(found.id);
  return { status: 204 };
}

function getByIds(azure: Azure, call: Call): Answer {
  demandRead(call);
  const { ids } = parseBody(z.looseObject({ ids: z.array(z.guid()).max(1000) }), call);
  const value = ids.flatMap((id) => {
    const found = azure.directory.get('servicePrincipal', id);
    return found === undefined ? [] : [{ '@odata.type': '#microsoft.graph.servicePrincipal', ...shown(azure, found) }];
  });
  return ok({ value });
}
