import { z } from 'zod';
import { doneAt, type Azure } from '../azure';
import { type Answer, type Call, ok, param, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { type Entry } from '../store/directory';
import { demand, demandWrite } from './access';
import { graphBadRequest, graphBody, notFound } from './errors';
import { type Item } from '../http/odataFilter';
import { randomUUID } from '../random';
import { anyObject, principalsShown, servicePrincipalShown as shown } from './objects';
import { entity, type Expansions } from './odata';
import { readRoutes } from './reads';

const ALL = '/v1.0/servicePrincipals';
const ONE = `${ALL}/:id`;

export const servicePrincipalRoutes = (azure: Azure): readonly Route[] => [
  ...readRoutes(azure, {
    name: 'servicePrincipals',
    kind: 'servicePrincipal',
    shown,
    find: findServicePrincipal,
    expansions,
  }),
  { method: 'POST', path: ALL, api: 'graph', handle: (call) => create(azure, call) },
  { method: 'PATCH', path: ONE, api: 'graph', handle: (call) => change(azure, call) },
  { method: 'DELETE', path: ONE, api: 'graph', handle: (call) => remove(azure, call) },
  { method: 'POST', path: '/v1.0/directoryObjects/getByIds', api: 'graph', handle: (call) => getByIds(azure, call) },
  { method: 'GET', path: '/v1.0/directoryObjects/:id', api: 'graph', handle: (call) => getAny(azure, call) },
];

const creation = z.looseObject({ appId: z.guid(), tags: z.array(z.string()).optional() });

function create(azure: Azure, call: Call): Answer {
  demand(call, 'create');
  const { appId, ...asked } = graphBody(creation, call, 'ServicePrincipal');
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
  demandWrite(azure, call, application);
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
  azure.directoryObjects.link('owner', entry.id, call.caller.principalId);
  return { status: 201, body: entity(call, azure.origin, 'servicePrincipals', shown(azure, entry)) };
}

export function findServicePrincipal(azure: Azure, call: Call): Entry {
  const id = param(call, 'id');
  const [, appId] = id.split('=');
  const found =
    appId === undefined
      ? azure.directory.get('servicePrincipal', id)
      : azure.directory.byAppId('servicePrincipal', appId);
  if (found === undefined) throw notFound(appId ?? id);
  return found;
}

const expansions = (azure: Azure): Expansions => {
  const roles = (side: 'principalId' | 'resourceId') => (item: Item) =>
    azure.directory.appRoles(side, String(item['id'])).map(({ createdAt, ...one }) => ({
      ...one,
      createdDateTime: new Date(createdAt).toISOString(),
    }));
  return {
    owners: ({ id }) => principalsShown(azure, azure.directoryObjects.linked('owner', String(id))),
    appRoleAssignments: roles('principalId'),
    appRoleAssignedTo: roles('resourceId'),
  };
};

const READ_ONLY = ['id', 'appId', 'servicePrincipalType', 'appOwnerOrganizationId', 'deletedDateTime'];
const changes = z.looseObject({
  accountEnabled: z.boolean().optional(),
  displayName: z.string().optional(),
  tags: z.array(z.string()).optional(),
  notes: z.string().nullable().optional(),
  appRoleAssignmentRequired: z.boolean().optional(),
});

function change(azure: Azure, call: Call): Answer {
  const found = findServicePrincipal(azure, call);
  demandWrite(azure, call, found);
  const body = graphBody(changes, call, 'ServicePrincipal');
  const fixed = READ_ONLY.find((name) => body[name] !== undefined);
  if (fixed !== undefined) throw graphBadRequest(`Property '${fixed}' is read-only and cannot be set.`);
  azure.directory.setDocument(found.id, { ...found.document, ...body });
  return { status: 204 };
}

function remove(azure: Azure, call: Call): Answer {
  const found = findServicePrincipal(azure, call);
  demandWrite(azure, call, found);
  if (found.document['servicePrincipalType'] === 'ManagedIdentity')
    throw graphBadRequest(
      'This operation is not supported for a service principal of type ManagedIdentity: delete the identity that it belongs to.',
    );
  azure.directory.softDelete(found.id);
  return { status: 204 };
}

const wanted = z.looseObject({ ids: z.array(z.guid()).max(1000), types: z.array(z.string()).nullish() });

/** What is not found is left out, as Graph does. */
function getByIds(azure: Azure, call: Call): Answer {
  demand(call, 'read');
  const { ids, types } = graphBody(wanted, call, 'GetByIds');
  const found = principalsShown(azure, ids);
  const isWanted = (item: Item): boolean =>
    !types || types.length === 0 || types.some((type) => item['@odata.type'] === `#microsoft.graph.${type}`);
  return ok({
    '@odata.context': `${azure.origin}/v1.0/$metadata#directoryObjects`,
    value: found.filter((item) => isWanted(item) || types?.includes('directoryObject')),
  });
}

function getAny(azure: Azure, call: Call): Answer {
  demand(call, 'read');
  const found = anyObject(azure, param(call, 'id'));
  if (found === undefined) throw notFound(param(call, 'id'));
  return ok(entity(call, azure.origin, 'directoryObjects', found));
}
