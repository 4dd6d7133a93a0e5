import { type Azure } from '../azure';
import { type Answer, type Call, ok, param, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { type Entry } from '../store/directory';
import { demand, demandWrite } from './access';
import { notFound } from './errors';
import { type Item } from '../http/odataFilter';
import { collection, entity } from './odata';
import { applicationShown, servicePrincipalShown } from './objects';

const DELETED = '/v1.0/directory/deletedItems';

/** What was deleted, for 30 days. */
export const deletedItemRoutes = (azure: Azure): readonly Route[] => [
  ...(['application', 'servicePrincipal'] as const).map((kind): Route => ({
    method: 'GET',
    path: `${DELETED}/microsoft.graph.${kind}`,
    api: 'graph',
    handle: (call) => list(azure, call, kind),
  })),
  { method: 'GET', path: `${DELETED}/:id`, api: 'graph', handle: (call) => get(azure, call) },
  { method: 'DELETE', path: `${DELETED}/:id`, api: 'graph', handle: (call) => purge(azure, call) },
  { method: 'POST', path: `${DELETED}/:id/restore`, api: 'graph', handle: (call) => restore(azure, call) },
];

const shown = (azure: Azure, entry: Entry): Item =>
  entry.kind === 'application' ? applicationShown(azure, entry) : servicePrincipalShown(azure, entry);

function list(azure: Azure, call: Call, kind: Entry['kind']): Answer {
  demand(call, 'read');
  const items = azure.directory.allDeleted(kind).map((entry) => shown(azure, entry));
  return ok(collection(call, azure.origin, `${kind}s`, items));
}

function find(azure: Azure, call: Call): Entry {
  demand(call, 'read');
  const found = azure.directory.deleted(param(call, 'id'));
  if (found === undefined) throw notFound(param(call, 'id'));
  return found;
}

const typed = (azure: Azure, call: Call, entry: Entry): Item =>
  entity(call, azure.origin, 'directoryObjects', {
    '@odata.type': `#microsoft.graph.${entry.kind}`,
    ...shown(azure, entry),
  });

const get = (azure: Azure, call: Call): Answer => ok(typed(azure, call, find(azure, call)));

/** Frees the names; an application's deleted service principal goes too, for nothing backs it any more. */
function purge(azure: Azure, call: Call): Answer {
  const found = find(azure, call);
  demandWrite(azure, call, found);
  const others = azure.directory.allDeleted('servicePrincipal').filter(({ appId }) => appId === found.appId);
  for (const { id } of found.kind === 'application' ? [found, ...others] : [found]) {
    azure.directory.remove(id);
    azure.directoryObjects.remove(id);
  }
  return { status: 204 };
}

/** An application comes back without its service principal: that one is restored by itself (Graph, "Restore deleted item"). */
function restore(azure: Azure, call: Call): Answer {
  const found = find(azure, call);
  demand(call, 'restore');
  if (azure.directory.atSource(found.kind, found.appId) !== undefined)
    throw new AzureError(
      409,
      'Request_MultipleObjectsWithSameKeyValue',
      'Another object with the same value for property appId already exists.',
    );
  azure.directory.restore(found.id);
  return ok(typed(azure, call, { ...found, deletedAt: null }));
}
