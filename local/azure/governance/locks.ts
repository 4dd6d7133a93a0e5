import { z } from 'zod';
import { type Azure } from '../azure';
import { type Answer, type Call, ok, param, parseBody, type Route } from '../http/call';
import { AzureError, badRequest } from '../http/errors';
import { paged } from '../http/paging';
import { scopesWithin, subscriptionOf } from '../http/paths';
import { type Extension } from '../store/extensions';

const LOCKS = 'Microsoft.Authorization/locks';

const body = z.looseObject({
  properties: z.looseObject({
    level: z.enum(['CanNotDelete', 'ReadOnly']),
    notes: z.string().max(512).optional(),
    owners: z.array(z.looseObject({ applicationId: z.string() })).optional(),
  }),
});

/** Management locks at a subscription, a resource group or a resource. */
export const lockRoutes = (azure: Azure): readonly Route[] => {
  const one = '/_authorization/locks/:name';
  return [
    { method: 'PUT', path: one, api: 'arm', handle: (call) => put(azure, call) },
    { method: 'GET', path: one, api: 'arm', handle: (call) => ok(shown(find(azure, call))) },
    { method: 'DELETE', path: one, api: 'arm', handle: (call) => remove(azure, call) },
    {
      method: 'GET',
      path: '/_authorization/locks',
      api: 'arm',
      handle: (call) => ok(paged(azure, call, list(azure, call))),
    },
  ];
};

function put(azure: Azure, call: Call): Answer {
  const name = param(call, 'name');
  if (subscriptionOf(call.scope) === undefined)
    throw badRequest('InvalidLockScope', `A lock cannot be put at '${call.scope}': locks begin at subscriptions.`);
  if (name.length > 260 || /[<>%&:\\?/]/.test(name))
    throw badRequest('InvalidLockName', `The lock name '${name}' is not valid.`);
  const { properties } = parseBody(body, call);
  const existing = azure.extensions.get(call.scope, LOCKS, name);
  const { level, notes, owners } = properties;
  const document = { level, ...(notes === undefined ? {} : { notes }), ...(owners === undefined ? {} : { owners }) };
  const createdBy = call.caller.principalId;
  const written = azure.extensions.put({ type: LOCKS, scope: call.scope, name, document, createdBy });
  return { status: existing === undefined ? 201 : 200, body: shown(written) };
}

function find(azure: Azure, call: Call): Extension {
  const found = azure.extensions.get(call.scope, LOCKS, param(call, 'name'));
  if (found !== undefined) return found;
  throw new AzureError(404, 'LockNotFound', `The lock '${param(call, 'name')}' could not be found.`);
}

/** At the scope and below it; with `atScope()` what counts at it. */
function list(azure: Azure, call: Call): Record<string, unknown>[] {
  const filter = call.query('$filter') ?? '';
  if (filter !== '' && !/^\s*atScope\(\)\s*$/i.test(filter))
    throw badRequest('InvalidFilter', `The filter '${filter}' is not supported.`);
  if (filter !== '') return counting(azure, call.scope).map(shown);
  return [...azure.extensions.at(call.scope, LOCKS), ...azure.extensions.below(call.scope, LOCKS)].map(shown);
}

function remove(azure: Azure, call: Call): Answer {
  const found = azure.extensions.get(call.scope, LOCKS, param(call, 'name'));
  if (found === undefined) return { status: 204 };
  azure.extensions.remove(found.id);
  return { status: 200 };
}

const shown = ({ id, name, document }: Extension): Record<string, unknown> => ({
  id,
  type: LOCKS,
  name,
  properties: document,
});

const counting = (azure: Azure, scope: string): Extension[] =>
  scopesWithin(scope).flatMap((one) => azure.extensions.at(one, LOCKS));

/**
 * Refuses what a lock at the scope or above it forbids: CanNotDelete deletions, ReadOnly every write.
 * A deletion is also stopped by a lock on what would go with it. Locks themselves can always be changed.
 */
export function demandUnlocked(azure: Azure, method: string, path: string, scope: string): void {
  if (subscriptionOf(scope) === undefined || /\/providers\/microsoft\.authorization\/locks(\/|$)/i.test(path)) return;
  const above = counting(azure, scope);
  const isDelete = method === 'DELETE';
  const stopping = isDelete
    ? [...above, ...azure.extensions.below(scope, LOCKS)]
    : above.filter(({ document }) => document['level'] === 'ReadOnly');
  if (stopping.length === 0) return;
  const scopes = [...new Set(stopping.map((lock) => lock.scope))];
  throw new AzureError(
    409,
    'ScopeLocked',
    `The scope '${scope}' cannot perform ${isDelete ? 'delete' : 'write'} operation because following scope(s) are locked: '${scopes.join(',')}'. Please remove the lock and try again.`,
  );
}
