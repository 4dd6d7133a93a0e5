import { z } from 'zod';
import { type Azure } from '../azure';
import { type Answer, type Call, ok, param, type Route } from '../http/call';
import { randomUUID } from '../random';
import { type AppRoleAssignment, type Entry } from '../store/directory';
import { demand, demandGrant } from './access';
import { graphBadRequest, graphBody, notFound } from './errors';
import { collection, entity } from './odata';
import { displayNameOf, offered } from './objects';
import { findServicePrincipal } from './servicePrincipals';

/** App roles given to service principals, seen from who holds them and from who offers them. */
export const appRoleAssignmentRoutes = (azure: Azure): readonly Route[] =>
  (['appRoleAssignments', 'appRoleAssignedTo'] as const).flatMap((side): Route[] => {
    const all = `/v1.0/servicePrincipals/:id/${side}`;
    const one = `${all}/:assignment`;
    return [
      { method: 'GET', path: all, api: 'graph', handle: (call) => list(azure, call, side) },
      { method: 'POST', path: all, api: 'graph', handle: (call) => assign(azure, call, side) },
      { method: 'GET', path: one, api: 'graph', handle: (call) => get(azure, call, side) },
      { method: 'DELETE', path: one, api: 'graph', handle: (call) => unassign(azure, call, side) },
    ];
  });

type Side = 'appRoleAssignments' | 'appRoleAssignedTo';
const columnOf = (side: Side): 'principalId' | 'resourceId' =>
  side === 'appRoleAssignments' ? 'principalId' : 'resourceId';

function shownAssignment(
  azure: Azure,
  { id, principalId, resourceId, appRoleId, createdAt }: AppRoleAssignment,
): Record<string, unknown> {
  return {
    id,
    deletedDateTime: null,
    appRoleId,
    createdDateTime: new Date(createdAt).toISOString(),
    principalDisplayName: displayNameOf(azure, principalId),
    principalId,
    principalType: 'ServicePrincipal',
    resourceDisplayName: displayNameOf(azure, resourceId),
    resourceId,
  };
}

function list(azure: Azure, call: Call, side: Side): Answer {
  demand(call, 'read');
  const all = azure.directory.appRoles(columnOf(side), findServicePrincipal(azure, call).id);
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
  const all = azure.directory.appRoles(columnOf(side), findServicePrincipal(azure, call).id);
  return all.find(({ id }) => id === param(call, 'assignment'));
}

function get(azure: Azure, call: Call, side: Side): Answer {
  demand(call, 'read');
  const found = findAssignment(azure, call, side);
  if (found === undefined) throw notFound(param(call, 'assignment'));
  return ok(shownAssignment(azure, found));
}

const grant = z.looseObject({ principalId: z.guid(), resourceId: z.guid(), appRoleId: z.guid() });
/** The default role of an application that defines none. */
const NO_ROLE = '00000000-0000-0000-0000-000000000000';

function assign(azure: Azure, call: Call, side: Side): Answer {
  const { principalId, resourceId, appRoleId } = graphBody(grant, call, 'AppRoleAssignment');
  demandGrant(call, azure.directory.get('servicePrincipal', resourceId));
  const self = findServicePrincipal(azure, call);
  if ((side === 'appRoleAssignments' ? principalId : resourceId).toLowerCase() !== self.id.toLowerCase()) {
    throw graphBadRequest(`The ${columnOf(side)} must be the service principal of the path.`);
  }
  const principal = azure.directory.get('servicePrincipal', principalId);
  const resource = azure.directory.get('servicePrincipal', resourceId);
  // What a fresh service principal or managed identity meets until it has replicated (azure-facts §3).
  if (principal === undefined || resource === undefined) throw graphBadRequest('Not a valid reference update.');
  const made = newAssignment(azure, principal, resource, appRoleId);
  if (made === undefined) throw graphBadRequest('Permission being assigned already exists on the object');
  return { status: 201, body: entity(call, azure.origin, 'appRoleAssignments', shownAssignment(azure, made)) };
}

/** Undefined where the principal has the role already. */
export function newAssignment(
  azure: Azure,
  principal: Entry,
  resource: Entry,
  appRoleId: string,
): AppRoleAssignment | undefined {
  const known = offered(azure, resource).appRoles.some(({ id }) => id.toLowerCase() === appRoleId.toLowerCase());
  if (!known && appRoleId !== NO_ROLE) throw graphBadRequest('Permission being assigned was not found on application');
  const same = azure.directory
    .appRoles('principalId', principal.id)
    .some((one) => one.resourceId === resource.id && one.appRoleId === appRoleId.toLowerCase());
  if (same) return undefined;
  const id = `${principal.id}${randomUUID()}`.replaceAll('-', '');
  const made = {
    id: Buffer.from(id, 'hex').toString('base64url'),
    principalId: principal.id,
    resourceId: resource.id,
    appRoleId: appRoleId.toLowerCase(),
    createdAt: azure.now(),
  };
  azure.directory.addAppRole(made);
  return made;
}

function unassign(azure: Azure, call: Call, side: Side): Answer {
  const found = findAssignment(azure, call, side);
  demandGrant(call, found && azure.directory.get('servicePrincipal', found.resourceId));
  if (found === undefined) throw graphBadRequest('EntitlementGrant being updated or deleted is not found.');
  azure.directory.removeAppRole(found.id);
  return { status: 204 };
}
