import { z } from 'zod';
import { type Azure } from '../azure';
import { type Answer, type Call, ok, param, type Route } from '../http/call';
import { type Entry } from '../store/directory';
import { demand, demandWrite } from './access';
import { findApplication } from './applications';
import { graphBadRequest, graphBody, notFound } from './errors';
import { collection } from './odata';
import { anyObject, principalsShown } from './objects';
import { findServicePrincipal } from './servicePrincipals';

type Find = (azure: Azure, call: Call) => Entry;

/** Owners of applications and service principals: whom `Application.ReadWrite.OwnedBy` lets change them. */
export const ownerRoutes = (azure: Azure): readonly Route[] =>
  (
    [
      ['applications', findApplication],
      ['servicePrincipals', findServicePrincipal],
    ] as const
  ).flatMap(([type, find]): Route[] => {
    const owners = `/v1.0/${type}/:id/owners`;
    return [
      { method: 'GET', path: owners, api: 'graph', handle: (call) => list(azure, call, find) },
      { method: 'POST', path: `${owners}/$ref`, api: 'graph', handle: (call) => add(azure, call, find) },
      { method: 'DELETE', path: `${owners}/:owner/$ref`, api: 'graph', handle: (call) => remove(azure, call, find) },
    ];
  });

function list(azure: Azure, call: Call, find: Find): Answer {
  demand(call, 'read');
  const owners = azure.directoryObjects.linked('owner', find(azure, call).id);
  return ok(collection(call, azure.origin, 'directoryObjects', principalsShown(azure, owners)));
}

/** `{"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/{id}"}` */
const reference = z.looseObject({ '@odata.id': z.string() });

/** The id that a `$ref` body names, of an object that there is. */
export function referenced(azure: Azure, call: Call): string {
  const id = graphBody(reference, call, 'DirectoryObject')['@odata.id'].split('/').at(-1) ?? '';
  if (anyObject(azure, id) === undefined) throw notFound(id);
  return id;
}

function add(azure: Azure, call: Call, find: Find): Answer {
  const found = find(azure, call);
  demandWrite(azure, call, found);
  if (!azure.directoryObjects.link('owner', found.id, referenced(azure, call)))
    throw graphBadRequest(
      "One or more added object references already exist for the following modified properties: 'owners'.",
    );
  return { status: 204 };
}

function remove(azure: Azure, call: Call, find: Find): Answer {
  const found = find(azure, call);
  demandWrite(azure, call, found);
  if (!azure.directoryObjects.unlink('owner', found.id, param(call, 'owner'))) throw notFound(param(call, 'owner'));
  return { status: 204 };
}
