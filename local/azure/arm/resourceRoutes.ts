import { z } from 'zod';
import { doneAt, type Azure } from '../azure';
import { type Answer, type Call, ok, param, parseBody, type Route } from '../http/call';
import { AzureError, resourceNotFound } from '../http/errors';
import { pageOf } from '../http/paging';
import { nameOf, parentOf } from '../http/paths';
import { demandGroup } from '../resources/groups';
import { demandRegion } from '../resources/regions';
import { type Document, type Resource } from '../store/resources';
import { type Kind, type Put, shown, stateOf } from './kind';
import { demandEtag, nextVersion } from './etags';

/** PUT, PATCH (tags), GET, DELETE and lists of a kind of resource, the same for all kinds. */
export function resourceRoutes(azure: Azure, kind: Kind): readonly Route[] {
  const [namespace = '', ...types] = kind.type.split('/');
  const group = `/subscriptions/:subscriptionId/resourceGroups/:resourceGroup/providers/${namespace}`;
  const last = types.at(-1) ?? '';
  const parents = types.slice(0, -1).map((type, index) => `/${type}/:parent${index}`);
  const collection = `${group}${parents.join('')}/${last}`;
  const one = `${collection}/:name`;
  const route = (method: Route['method'], path: string, handle: (call: Call) => Answer): Route => ({
    method,
    path,
    api: 'arm',
    handle,
  });
  return [
    route('PUT', one, (call) => put(azure, kind, call)),
    route('GET', one, (call) => ok(shown(azure, kind, find(azure, kind, call), call))),
    route('DELETE', one, (call) => remove(azure, kind, call)),
    route('GET', collection, (call) => list(azure, kind, call)),
    ...(types.length > 1
      ? []
      : [
          route('PATCH', one, (call) => patchTags(azure, kind, call)),
          route('GET', `/subscriptions/:subscriptionId/providers/${kind.type}`, (call) => list(azure, kind, call)),
        ]),
  ];
}

/** The id in Azure's casing for types, and in the caller's for names. */
function idOf(kind: Kind, call: Call): string {
  const [namespace = '', ...types] = kind.type.split('/');
  const group = `/subscriptions/${param(call, 'subscriptionId')}/resourceGroups/${param(call, 'resourceGroup')}`;
  const parents = types.slice(0, -1).map((type, index) => `/${type}/${param(call, `parent${index}`)}`);
  return `${group}/providers/${namespace}${parents.join('')}/${types.at(-1) ?? ''}/${param(call, 'name')}`;
}

const isChild = (kind: Kind): boolean => kind.type.split('/').length > 2;

/** The resource that the path names, or 404 in Azure's words: group, parent and resource are missed differently. */
export function find(azure: Azure, kind: Kind, call: Call): Resource {
  const resourceGroup = param(call, 'resourceGroup');
  demandGroup(azure, param(call, 'subscriptionId'), resourceGroup);
  const id = idOf(kind, call);
  if (isChild(kind)) demandParent(azure, call, id);
  const found = azure.resources.get(id);
  if (found !== undefined) return found;
  if (isChild(kind)) throw new AzureError(404, 'NotFound', `Resource ${id} not found.`, { members: { details: [] } });
  throw resourceNotFound(kind.type, param(call, 'name'), resourceGroup);
}

function demandParent(azure: Azure, call: Call, id: string): void {
  if (azure.resources.get(parentOf(id)) !== undefined) return;
  // `Microsoft.Compute/galleries/g/images` and `i`: types and names in turn.
  const parts = parentOf(id).split('/').slice(6);
  throw resourceNotFound(parts.slice(0, -1).join('/'), parts.at(-1) ?? '', param(call, 'resourceGroup'));
}

function put(azure: Azure, kind: Kind, call: Call): Answer {
  const [subscriptionId, resourceGroup] = [param(call, 'subscriptionId'), param(call, 'resourceGroup')];
  const group = demandGroup(azure, subscriptionId, resourceGroup, 'write');
  azure.registrations.demand(subscriptionId, kind.type.split('/', 1)[0] ?? '');
  const asked = idOf(kind, call);
  if (isChild(kind)) demandParent(azure, call, asked);
  const existing = azure.resources.get(asked);
  const id = existing?.id ?? asked;
  demandEtag(call, kind.type, id, existing);
  demandUnlocked(azure, kind, id, existing);
  const body = parseBody(kind.schema, call);
  demandRegion(kind.type, body.location);
  const request: Put = { id, name: param(call, 'name'), subscriptionId, resourceGroup, body, existing, call };
  return stored(azure, kind, request, group);
}

/** Stores what a checked PUT or PATCH asks for, and answers as its kind does. */
function stored(azure: Azure, kind: Kind, request: Put, group: Resource): Answer {
  const { call, existing } = request;
  demandSameLocation(request);
  const resource = store(azure, kind, request);
  const failure = resource.failure;
  const start = {
    ...operationOf(kind, call, resource.document.location ?? group.document.location),
    endsAt: resource.readyAt,
    failure,
  };
  if (kind.accepted === 'location') return acceptedLocation(azure, kind, resource, start, existing !== undefined);
  if (kind.accepted === 'resource')
    return {
      status: 202,
      body: shown(azure, kind, resource, call),
      headers: azure.operations.accepted({ ...start, output: shown(azure, kind, { ...resource, readyAt: 0 }) }),
    };
  const headers = kind.timing === undefined ? {} : azure.operations.put(start);
  return { status: existing === undefined ? 201 : 200, body: shown(azure, kind, resource, call), headers };
}

/** Polled by Location alone, which in the end gives the resource; a change is done at once. */
function acceptedLocation(
  azure: Azure,
  kind: Kind,
  resource: Resource,
  start: Parameters<Azure['operations']['accepted']>[0],
  isChange: boolean,
): Answer {
  const done = shown(azure, kind, { ...resource, readyAt: 0 });
  if (isChange) return ok(done);
  const { Location = '' } = azure.operations.accepted({ ...start, output: done });
  return { status: 202, headers: { Location, 'Retry-After': '17' } };
}

/** Stores a resource as its kind prepares it, and lets the kind follow it up. Also for inline children. */
export function store(azure: Azure, kind: Kind, asked: Put): Resource {
  const put = { ...asked, body: withoutReadOnly(kind, asked.body) };
  const { document, hidden, links, failure, readyAt } = kind.prepare(azure, put);
  const { existing } = put;
  const timing = existing === undefined ? kind.timing?.put : (kind.timing?.update ?? kind.timing?.put);
  const [created, updated] = kind.phases ?? ['Updating', 'Updating'];
  const resource = azure.resources.put(
    {
      id: put.id,
      type: kind.type,
      document,
      hidden: { ...existing?.hidden, ...hidden, version: nextVersion(existing) },
      createdAt: existing?.createdAt ?? azure.now(),
      // A PUT repeated while the first still runs does not hasten it.
      readyAt: readyAt ?? Math.max(existing?.readyAt ?? 0, timing === undefined ? azure.now() : doneAt(azure, timing)),
      phase: existing === undefined ? created : updated,
      failure: failure ?? null,
    },
    links ?? [],
  );
  if (isChild(kind)) azure.resources.touch(parentOf(put.id));
  kind.stored?.(azure, resource, put);
  return resource;
}

const READ_ONLY = ['id', 'name', 'type', 'etag', 'systemData', 'resources'];

function withoutReadOnly(kind: Kind, body: Document): Document {
  const dropped = ['provisioningState', ...(kind.readOnly ?? [])];
  const kept = (members: Record<string, unknown>, names: readonly string[]): Record<string, unknown> =>
    Object.fromEntries(Object.entries(members).filter(([name]) => !names.includes(name)));
  const { properties, location, tags, ...rest } = body;
  return {
    ...kept(rest, READ_ONLY),
    ...(location === undefined ? {} : { location }),
    ...(tags === undefined ? {} : { tags }),
    properties: kept(properties, dropped),
  };
}

function remove(azure: Azure, kind: Kind, call: Call): Answer {
  const subscriptionId = param(call, 'subscriptionId');
  const group = demandGroup(azure, subscriptionId, param(call, 'resourceGroup'));
  const existing = azure.resources.get(idOf(kind, call));
  if (existing === undefined) return { status: 204 };
  demandEtag(call, kind.type, existing.id, existing);
  if (existing.goneAt === null) {
    demandUnlocked(azure, kind, existing.id, existing);
    kind.demandUnused?.(azure, existing);
  }
  const timing = kind.timing?.remove;
  const goneAt = existing.goneAt ?? (timing === undefined ? azure.now() : doneAt(azure, timing));
  removeResource(azure, kind, existing, goneAt);
  if (timing === undefined) return { status: 200 };
  const location = existing.document.location ?? group.document.location;
  const operation = { ...operationOf(kind, call, location), endsAt: goneAt, failure: null };
  return { status: 202, headers: azure.operations.accepted(operation) };
}

/** Marks a resource as gone from `goneAt` on, with what goes with it. */
export function removeResource(azure: Azure, kind: Kind, resource: Resource, goneAt: number): void {
  azure.resources.remove(resource.id, goneAt);
  azure.grants.removeWithin(resource.id);
  azure.extensions.removeWithin(resource.id);
  if (isChild(kind)) azure.resources.touch(parentOf(resource.id));
  kind.removed?.(azure, resource, goneAt);
}

function list(azure: Azure, kind: Kind, call: Call): Answer {
  const { resourceGroup } = call.params;
  const subscription = `/subscriptions/${param(call, 'subscriptionId')}/`;
  if (resourceGroup === undefined) return ok(page(azure, kind, subscription, call));
  demandGroup(azure, param(call, 'subscriptionId'), resourceGroup);
  const path = call.path.slice(0, call.path.lastIndexOf('/') + 1);
  if (isChild(kind)) demandParent(azure, call, `${path}x/y`);
  return ok(page(azure, kind, isChild(kind) ? path : `${subscription}resourceGroups/${resourceGroup}/`, call));
}

const page = (azure: Azure, kind: Kind, prefix: string, call: Call): unknown =>
  pageOf(
    azure,
    call,
    azure.resources.list(kind.type, prefix),
    (resource) => shown(azure, kind, resource, call),
    kind.listsTop === true ? '$top' : undefined,
  );

/** A PATCH of anything else is refused, so that it is never ignored. */
const tagsOnly = z.strictObject({ tags: z.record(z.string(), z.string()).optional() });

function patchTags(azure: Azure, kind: Kind, call: Call): Answer {
  const existing = find(azure, kind, call);
  demandEtag(call, kind.type, existing.id, existing);
  if (kind.merges === true) return merge(azure, kind, existing, call);
  const patch = parseBody(tagsOnly, call);
  const tags = patch.tags ?? existing.document.tags;
  const document = { ...existing.document, ...(tags === undefined ? {} : { tags }) };
  return ok(shown(azure, kind, azure.resources.setDocument(existing, document), call));
}

function merge(azure: Azure, kind: Kind, existing: Resource, call: Call): Answer {
  const [subscriptionId, resourceGroup] = [param(call, 'subscriptionId'), param(call, 'resourceGroup')];
  const group = demandGroup(azure, subscriptionId, resourceGroup, 'write');
  demandUnlocked(azure, kind, existing.id, existing);
  const patch = parseBody(z.record(z.string(), z.unknown()), call);
  const body = parseBody(kind.schema, { ...call, body: merged(existing.document, patch) });
  const { id } = existing;
  return stored(azure, kind, { id, name: nameOf(id), subscriptionId, resourceGroup, body, existing, call }, group);
}

/** JSON merge patch: objects are merged, null takes away, all else replaces. Tags are replaced as a whole. */
export function merged(target: unknown, patch: Record<string, unknown>): Record<string, unknown> {
  const before = isObject(target) ? target : {};
  const changed = Object.entries(patch).map(([name, value]): [string, unknown] => [
    name,
    name !== 'tags' && isObject(value) ? merged(before[name], value) : value,
  ]);
  const all: Record<string, unknown> = { ...before, ...Object.fromEntries(changed) };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const operationOf = (
  kind: Kind,
  call: Call,
  location: string | undefined,
): { subscriptionId: string; namespace: string; location: string; apiVersion: string } => ({
  subscriptionId: param(call, 'subscriptionId'),
  namespace: kind.type.split('/', 1)[0] ?? '',
  location: (location ?? 'global').toLowerCase().replaceAll(' ', ''),
  apiVersion: call.query('api-version') ?? '',
});

function demandSameLocation({ id, existing, body }: Put): void {
  const [was, is] = [existing?.document.location, body.location];
  if (was === undefined || is === undefined || simple(was) === simple(is)) return;
  const name = id.slice(id.lastIndexOf('/') + 1);
  throw new AzureError(
    409,
    'InvalidResourceLocation',
    `The resource '${name}' already exists in location '${was}' in resource group '${id.split('/')[4] ?? ''}'. A resource with the same name cannot be created in location '${is}'. Please select a new resource name.`,
  );
}

const simple = (location: string): string => location.toLowerCase().replaceAll(' ', '');

/** A resource in deletion takes no write; a child takes none while its parent or a sibling is written (azure-facts §1d, §5). */
function demandUnlocked(azure: Azure, kind: Kind, id: string, existing: Resource | undefined): void {
  const now = azure.now();
  const busy = (one: Resource): boolean => one.readyAt > now || one.goneAt !== null;
  const parent = isChild(kind) && kind.siblings !== true ? azure.resources.get(parentOf(id)) : undefined;
  const family = parent === undefined ? [] : [parent, ...azure.resources.below(parent.id)];
  const blocker =
    existing !== undefined && existing.goneAt !== null
      ? existing
      : family.find((one) => busy(one) && one.id.toLowerCase() !== id.toLowerCase());
  if (blocker === undefined) return;
  if (kind.busy !== undefined) throw kind.busy(id);
  const seconds = Math.max(1, Math.ceil(((blocker.goneAt ?? blocker.readyAt) - now) / 1000));
  const text = `Operation on resource ${id} is blocked by an operation in progress on resource ${blocker.id}, which is in ${stateOf(azure, blocker)} state.`;
  if (kind.type.startsWith('Microsoft.Network/')) {
    throw new AzureError(429, 'RetryableErrorDueToAnotherOperation', text, {
      headers: { 'Retry-After': String(seconds) },
      members: { details: [] },
    });
  }
  throw new AzureError(409, 'Conflict', text, { headers: { 'Retry-After': String(seconds) } });
}
