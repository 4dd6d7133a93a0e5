import { z } from 'zod';
import { doneAt, type Azure } from '../azure';
import { type Answer, type Call, ok, param, parseBody, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { paged } from '../http/paging';
import { type Resource } from '../store/resources';
import { demandGroupRegion } from './regions';
import { chosenResources } from './resourceFilter';

const TYPE = 'Microsoft.Resources/resourceGroups';

const idOf = (subscriptionId: string, name: string): string =>
  `/subscriptions/${subscriptionId}/resourceGroups/${name}`;

/** The resource group, or 404 ResourceGroupNotFound; for a write also 409 while it is being deleted. */
export function demandGroup(
  azure: Azure,
  subscriptionId: string,
  name: string,
  intent: 'read' | 'write' = 'read',
): Resource {
  const found = azure.resources.get(idOf(subscriptionId, name));
  if (found === undefined) {
    throw new AzureError(404, 'ResourceGroupNotFound', `Resource group '${name}' could not be found.`);
  }
  if (intent === 'read' || found.goneAt === null) return found;
  throw new AzureError(
    409,
    'ResourceGroupBeingDeleted',
    `The resource group '${name}' is in deprovisioning state and cannot perform this operation.`,
  );
}

const schema = z.looseObject({
  location: z.string(),
  tags: z.record(z.string(), z.string()).optional(),
  properties: z.record(z.string(), z.unknown()).default({}),
});

const shown = ({ id, document, goneAt }: Resource): Record<string, unknown> => ({
  id,
  name: id.slice(id.lastIndexOf('/') + 1),
  type: TYPE,
  ...document,
  properties: { provisioningState: goneAt === null ? 'Succeeded' : 'Deleting' },
});

/** How a resource of any type is removed with its group. */
type RemoveOne = (resource: Resource, goneAt: number) => void;

/** Resource groups: PUT is synchronous, DELETE takes everything inside along and is polled by its Location. */
export function groupRoutes(azure: Azure, removeOne: RemoveOne): readonly Route[] {
  const all = '/subscriptions/:subscriptionId/resourceGroups';
  const one = `${all}/:resourceGroup`;
  const group = (call: Call): Resource =>
    demandGroup(azure, param(call, 'subscriptionId'), param(call, 'resourceGroup'));
  const arm = { api: 'arm' } as const;
  return [
    { ...arm, method: 'PUT', path: one, handle: (call) => put(azure, call) },
    { ...arm, method: 'PATCH', path: one, handle: (call) => patch(azure, group(call), call) },
    { ...arm, method: 'GET', path: one, handle: (call) => ok(shown(group(call))) },
    { ...arm, method: 'HEAD', path: one, handle: (call) => ({ status: exists(azure, call) ? 204 : 404 }) },
    { ...arm, method: 'DELETE', path: one, handle: (call) => remove(azure, call, removeOne) },
    { ...arm, method: 'GET', path: all, handle: (call) => ok(list(azure, call)) },
    {
      ...arm,
      method: 'GET',
      path: `${one}/resources`,
      handle: (call) => ok(paged(azure, call, chosenResources(call, contents(azure, group(call).id)), '$top')),
    },
    {
      ...arm,
      method: 'GET',
      path: '/subscriptions/:subscriptionId/resources',
      handle: (call) =>
        ok(
          paged(
            azure,
            call,
            chosenResources(call, contents(azure, `/subscriptions/${param(call, 'subscriptionId')}`)),
            '$top',
          ),
        ),
    },
  ];
}

const exists = (azure: Azure, call: Call): boolean =>
  azure.resources.get(idOf(param(call, 'subscriptionId'), param(call, 'resourceGroup'))) !== undefined;

function put(azure: Azure, call: Call): Answer {
  const [subscriptionId, name] = [param(call, 'subscriptionId'), param(call, 'resourceGroup')];
  const existing = exists(azure, call) ? demandGroup(azure, subscriptionId, name, 'write') : undefined;
  const { location, tags } = parseBody(schema, call);
  demandGroupRegion(location);
  const was = existing?.document.location;
  if (was !== undefined && was.toLowerCase() !== location.toLowerCase()) {
    throw new AzureError(
      409,
      'InvalidResourceGroupLocation',
      `Invalid resource group location '${location}'. The Resource group already exists in location '${was}'.`,
    );
  }
  const resource = createGroup(azure, existing?.id ?? idOf(subscriptionId, name), location, tags);
  return { status: existing === undefined ? 201 : 200, body: shown(resource) };
}

/** Also for the groups that a tenant begins with. */
export function createGroup(
  azure: Azure,
  id: string,
  location: string,
  tags: Record<string, string> | undefined,
): Resource {
  const now = azure.now();
  const document = { location, ...(tags === undefined ? {} : { tags }), properties: {} };
  return azure.resources.put(
    { id, type: TYPE, document, hidden: {}, createdAt: now, readyAt: now, phase: 'Succeeded', failure: null },
    [],
  );
}

const patchSchema = z.looseObject({ tags: z.record(z.string(), z.string()).optional() });

function patch(azure: Azure, group: Resource, call: Call): Answer {
  const { tags } = parseBody(patchSchema, call);
  return ok(shown(azure.resources.setDocument(group, { ...group.document, ...(tags === undefined ? {} : { tags }) })));
}

function remove(azure: Azure, call: Call, removeOne: RemoveOne): Answer {
  const [subscriptionId, name] = [param(call, 'subscriptionId'), param(call, 'resourceGroup')];
  const group = demandGroup(azure, subscriptionId, name);
  const goneAt = group.goneAt ?? doneAt(azure, 'resourceGroupDelete');
  if (group.goneAt === null) {
    for (const resource of azure.resources.below(group.id)) removeOne(resource, goneAt);
    azure.grants.removeWithin(group.id);
    azure.extensions.removeWithin(group.id);
    azure.resources.remove(group.id, goneAt);
  }
  const { Location = '' } = azure.operations.accepted({
    subscriptionId,
    namespace: 'Microsoft.Resources',
    location: group.document.location ?? 'global',
    apiVersion: call.query('api-version') ?? '',
    endsAt: goneAt,
    failure: null,
  });
  return { status: 202, headers: { Location, 'Retry-After': '15' } };
}

const list = (azure: Azure, call: Call): unknown =>
  paged(
    azure,
    call,
    chosenResources(call, azure.resources.list(TYPE, `/subscriptions/${param(call, 'subscriptionId')}/`).map(shown)),
    '$top',
  );

/** Members of a resource that stand in every list, as in GenericResource of the specification. */
const LISTED = ['kind', 'sku', 'plan', 'zones', 'location', 'tags'];

/** Top-level resources only, as Azure lists them: no children, no properties. */
const contents = (azure: Azure, scope: string): Record<string, unknown>[] =>
  azure.resources
    .below(scope)
    .filter(({ type }) => type !== TYPE && type.split('/').length === 2)
    .map(({ id, type, document }) => ({
      id,
      name: id.slice(id.lastIndexOf('/') + 1),
      type,
      ...Object.fromEntries(Object.entries(document).filter(([name]) => LISTED.includes(name))),
    }));
