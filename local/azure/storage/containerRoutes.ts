import { find } from '../arm/resourceRoutes';
import { type Azure } from '../azure';
import { type Answer, type Call, ok, param, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { pageOf } from '../http/paging';
import { storageAccounts } from './accounts';
import { type Container, Blobs } from './blobs';

const ALL =
  '/subscriptions/:subscriptionId/resourceGroups/:resourceGroup/providers/Microsoft.Storage/storageAccounts/:name/blobServices/default/containers';

/** Containers through Azure Resource Manager: the same ones that the blob service has. */
export const containerRoutes = (azure: Azure): readonly Route[] => [
  { method: 'GET', path: ALL, api: 'arm', handle: (call) => list(azure, call) },
  { method: 'PUT', path: `${ALL}/:container`, api: 'arm', handle: (call) => put(azure, call) },
  { method: 'GET', path: `${ALL}/:container`, api: 'arm', handle: (call) => get(azure, call) },
  { method: 'DELETE', path: `${ALL}/:container`, api: 'arm', handle: (call) => remove(azure, call) },
];

const shown = (accountId: string, { name, etag, modifiedAt }: Container): Record<string, unknown> => ({
  id: `${accountId}/blobServices/default/containers/${name}`,
  name,
  type: 'Microsoft.Storage/storageAccounts/blobServices/containers',
  etag,
  properties: {
    publicAccess: 'None',
    leaseStatus: 'Unlocked',
    leaseState: 'Available',
    lastModifiedTime: new Date(modifiedAt).toISOString(),
    hasImmutabilityPolicy: false,
    hasLegalHold: false,
  },
});

function list(azure: Azure, call: Call): Answer {
  const account = find(azure, storageAccounts, call);
  const all = new Blobs(azure).containers(param(call, 'name'));
  return ok(pageOf(azure, call, all, (one) => shown(account.id, one), '$maxpagesize'));
}

function put(azure: Azure, call: Call): Answer {
  const account = find(azure, storageAccounts, call);
  const [name, container] = [param(call, 'name'), param(call, 'container')];
  if (!/^(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(container)) {
    throw new AzureError(
      400,
      'ContainerNameInvalid',
      `The specified resource name contains invalid characters: '${container}'.`,
    );
  }
  const blobs = new Blobs(azure);
  const existing = blobs.container(name, container);
  if (existing === undefined) return { status: 201, body: shown(account.id, blobs.putContainer(name, container)) };
  if (existing.goneAt === null) return ok(shown(account.id, existing));
  throw new AzureError(
    409,
    'ContainerOperationFailure',
    'The specified container is being deleted. Try operation later.',
  );
}

function get(azure: Azure, call: Call): Answer {
  const account = find(azure, storageAccounts, call);
  const found = new Blobs(azure).container(param(call, 'name'), param(call, 'container'));
  if (found !== undefined && found.goneAt === null) return ok(shown(account.id, found));
  throw new AzureError(404, 'ContainerNotFound', 'The specified container does not exist.');
}

function remove(azure: Azure, call: Call): Answer {
  find(azure, storageAccounts, call);
  const blobs = new Blobs(azure);
  const found = blobs.container(param(call, 'name'), param(call, 'container'));
  if (found === undefined || found.goneAt !== null) return { status: 204 };
  blobs.removeContainer(param(call, 'name'), param(call, 'container'));
  return { status: 200 };
}
