import { z } from 'zod';
import { type Kind, type Put } from '../arm/kind';
import { find } from '../arm/resourceRoutes';
import { type Azure } from '../azure';
import { type Call, ok, parseBody, type Route } from '../http/call';
import { AzureError, badRequest } from '../http/errors';
import { nameOf, subscriptionOf } from '../http/paths';
import { type Resource } from '../store/resources';
import { ACCOUNTS, blobEndpoint, findAccount, reservedNames } from './addresses';
import { demandUpdatable, kinds, skus } from './accountUpdates';
import { Blobs } from './blobs';

const shape = z.looseObject({
  location: z.string(),
  tags: z.record(z.string(), z.string()).optional(),
  sku: z.looseObject({ name: z.enum(skus) }),
  kind: z.enum(kinds),
  properties: z.looseObject({}).prefault({}),
});

export const storageAccounts: Kind = {
  type: ACCOUNTS,
  timing: { put: 'storageAccount' },
  phases: ['Creating', 'Succeeded'],
  accepted: 'location',
  merges: true,
  schema: shape,
  readOnly: ['primaryEndpoints', 'primaryLocation', 'statusOfPrimary', 'creationTime', 'keyCreationTime'],
  prepare(azure, put) {
    demandName(put.name);
    demandFree(azure, put);
    const { sku, kind } = shape.parse(put.body);
    if (put.existing !== undefined) demandUpdatable(put.existing.document, put.body);
    const { name, existing } = put;
    const createdAt = existing?.createdAt ?? azure.now();
    const creationTime = new Date(createdAt).toISOString();
    return {
      document: {
        ...put.body,
        sku: { ...sku, tier: sku.name.split('_', 1)[0] },
        kind,
        properties: {
          accessTier: 'Hot',
          allowBlobPublicAccess: false,
          allowSharedKeyAccess: true,
          minimumTlsVersion: 'TLS1_0',
          supportsHttpsTrafficOnly: true,
          networkAcls: { bypass: 'AzureServices', virtualNetworkRules: [], ipRules: [], defaultAction: 'Allow' },
          ...put.existing?.document.properties,
          ...put.body.properties,
          creationTime,
          keyCreationTime: { key1: creationTime, key2: creationTime },
          primaryEndpoints: { blob: blobEndpoint(azure, name) },
          primaryLocation: put.body.location,
          statusOfPrimary: 'available',
        },
      },
      hidden: existing?.hidden ?? { key1: 0, key2: 0 },
      // A change is done at once, and nobody waits for it.
      ...(existing === undefined ? {} : { readyAt: existing.readyAt }),
    };
  },
  removed(azure, { id }) {
    new Blobs(azure).removeAccount(nameOf(id));
  },
};

function demandName(name: string): void {
  if (/^[a-z0-9]{3,24}$/.test(name)) return;
  throw badRequest('AccountNameInvalid', invalidName(name));
}

const invalidName = (name: string): string =>
  `${name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in length and use numbers and lower-case letters only.`;

const takenName = (name: string): string => `The storage account named ${name} is already taken.`;

function demandFree(azure: Azure, { name, id, subscriptionId }: Put): void {
  if (reservedNames.has(name)) throw new AzureError(409, 'StorageAccountAlreadyTaken', takenName(name));
  const other = findAccount(azure, name);
  if (other === undefined || other.id.toLowerCase() === id.toLowerCase()) return;
  if (subscriptionOf(other.id)?.toLowerCase() !== subscriptionId.toLowerCase())
    throw new AzureError(409, 'StorageAccountAlreadyTaken', takenName(name));
  throw new AzureError(
    409,
    'StorageAccountInAnotherResourceGroup',
    `The account ${name} is already in another resource group in this subscription.`,
  );
}

const keyNames = ['key1', 'key2'] as const;
type KeyName = (typeof keyNames)[number];
const generations = z.object({ key1: z.number(), key2: z.number() });

/** An account's keys, base64: derived, never stored. Each regeneration gives another. */
export const keysOf = (azure: Azure, account: Resource): Readonly<Record<KeyName, string>> => {
  const counts = generations.parse(account.hidden);
  const key = (name: KeyName): string =>
    azure.derive(`storage/${account.id.toLowerCase()}/${account.createdAt}/${name}/${counts[name]}`).toString('base64');
  return { key1: key('key1'), key2: key('key2') };
};

const ONE =
  '/subscriptions/:subscriptionId/resourceGroups/:resourceGroup/providers/Microsoft.Storage/storageAccounts/:name';

/** What is asked of accounts besides the common life of a resource. */
export const accountRoutes = (azure: Azure): readonly Route[] => [
  {
    method: 'POST',
    path: `${ONE}/listKeys`,
    api: 'arm',
    handle: (call) => ok(shownKeys(azure, find(azure, storageAccounts, call))),
  },
  { method: 'POST', path: `${ONE}/regenerateKey`, api: 'arm', handle: (call) => ok(regenerate(azure, call)) },
  {
    method: 'POST',
    path: '/subscriptions/:subscriptionId/providers/Microsoft.Storage/checkNameAvailability',
    api: 'arm',
    handle: (call) => ok(availability(azure, call)),
  },
];

function shownKeys(azure: Azure, account: Resource): Record<string, unknown> {
  const keys = keysOf(azure, account);
  const creationTime = new Date(account.createdAt).toISOString();
  return { keys: keyNames.map((keyName) => ({ creationTime, keyName, value: keys[keyName], permissions: 'FULL' })) };
}

function regenerate(azure: Azure, call: Call): Record<string, unknown> {
  const account = find(azure, storageAccounts, call);
  const { keyName } = parseBody(z.object({ keyName: z.enum(keyNames) }), call);
  const hidden = { ...account.hidden, [keyName]: generations.parse(account.hidden)[keyName] + 1 };
  azure.resources.setHidden(account.id, hidden);
  return shownKeys(azure, { ...account, hidden });
}

function availability(azure: Azure, call: Call): Record<string, unknown> {
  const { name } = parseBody(z.object({ name: z.string(), type: z.literal(ACCOUNTS) }), call);
  if (!/^[a-z0-9]{3,24}$/.test(name))
    return { nameAvailable: false, reason: 'AccountNameInvalid', message: invalidName(name) };
  const isTaken = reservedNames.has(name) || findAccount(azure, name) !== undefined;
  return isTaken
    ? { nameAvailable: false, reason: 'AlreadyExists', message: takenName(name) }
    : { nameAvailable: true };
}
