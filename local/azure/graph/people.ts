import { type Azure } from '../azure';
import { type Answer, type Call, ok, param, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { type DirectoryObject } from '../store/directoryObjects';
import { demand } from './access';
import { notFound } from './errors';
import { objectShown, principalsShown } from './objects';
import { collection, entity } from './odata';

/** Users and groups, read only, as the tenant file has them. */
export const peopleRoutes = (azure: Azure): readonly Route[] => [
  { method: 'GET', path: '/v1.0/me', api: 'graph', handle: me },
  { method: 'GET', path: '/v1.0/users', api: 'graph', handle: (call) => list(azure, call, 'user') },
  { method: 'GET', path: '/v1.0/users/:id', api: 'graph', handle: (call) => get(azure, call, 'user') },
  { method: 'GET', path: '/v1.0/groups', api: 'graph', handle: (call) => list(azure, call, 'group') },
  { method: 'GET', path: '/v1.0/groups/:id', api: 'graph', handle: (call) => get(azure, call, 'group') },
  { method: 'GET', path: '/v1.0/groups/:id/members', api: 'graph', handle: (call) => members(azure, call) },
];

type PersonKind = 'user' | 'group';
const right = { user: 'readUsers', group: 'readGroups' } as const;

/** Tokens here are of applications alone. */
function me(): never {
  throw new AzureError(400, 'BadRequest', '/me request is only valid with delegated authentication flow.');
}

function list(azure: Azure, call: Call, kind: PersonKind): Answer {
  demand(call, right[kind]);
  return ok(collection(call, azure.origin, `${kind}s`, azure.directoryObjects.list(kind).map(objectShown)));
}

/** A user also by the user principal name. */
function find(azure: Azure, call: Call, kind: PersonKind): DirectoryObject {
  demand(call, right[kind]);
  const asked = decodeURIComponent(param(call, 'id')).toLowerCase();
  const found = azure.directoryObjects
    .list(kind)
    .find(({ id, document }) =>
      [id, document['userPrincipalName']].some((name) => String(name).toLowerCase() === asked),
    );
  if (found === undefined) throw notFound(param(call, 'id'));
  return found;
}

const get = (azure: Azure, call: Call, kind: PersonKind): Answer =>
  ok(entity(call, azure.origin, `${kind}s`, objectShown(find(azure, call, kind))));

function members(azure: Azure, call: Call): Answer {
  const ids = azure.directoryObjects.linked('member', find(azure, call, 'group').id);
  return ok(collection(call, azure.origin, 'directoryObjects', principalsShown(azure, ids)));
}

/** The people of the tenant file, into an empty directory. */
export function addPeople({ tenant, directoryObjects, now }: Azure): void {
  for (const { id, displayName, userPrincipalName } of tenant.users)
    directoryObjects.add('user', id, { displayName, userPrincipalName, mail: null, accountEnabled: true }, now());
  for (const { id, displayName, members: within } of tenant.groups) {
    const rest = { mailEnabled: false, securityEnabled: true, groupTypes: [] };
    directoryObjects.add('group', id, { displayName, ...rest }, now());
    for (const member of within) directoryObjects.link('member', id, member);
  }
}
