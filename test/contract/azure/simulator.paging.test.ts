/** Lists in pages: ARM's nextLink with $skiptoken and $top, the blob service's marker and maxresults. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type TokenCredential } from '@azure/core-auth';
import { StorageManagementClient } from '@azure/arm-storage';
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { z } from 'zod';
import { account, accounts, keysOf } from './simulator.storage.support';
import {
  all,
  type Arm,
  armOf,
  errorOf,
  instant,
  location,
  network,
  platform,
  startTestAzure,
  type TestAzure,
} from './simulator.support';

const subscription = `/subscriptions/${platform}`;
const group = `${subscription}/resourceGroups/rg`;

let azure: TestAzure;
let arm: Arm;
let token: string;

beforeAll(async () => {
  azure = await startTestAzure({ ...instant, limits: { listPage: 2 } });
  arm = await armOf(azure);
  token = await azure.token('administrator');
  for (const name of ['one', 'two', 'three', 'four', 'five'])
    await arm('PUT', network(`networkSecurityGroups/${name}`), { location, tags: { odd: 'x' } });
  for (const name of ['accountone', 'accounttwo', 'accountthree']) await arm('PUT', accounts(name), account);
  const resources = ['a', 'b', 'c'].map((name) => ({
    type: 'Microsoft.ManagedIdentity/userAssignedIdentities',
    apiVersion: '2023-01-31',
    name,
    location,
  }));
  const schema = 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#';
  const template = { $schema: schema, contentVersion: '1.0.0.0', resources };
  for (const name of ['first', 'second', 'third'])
    await arm('PUT', `${group}/providers/Microsoft.Resources/deployments/${name}`, {
      properties: { mode: 'Incremental', template },
    });
});
afterAll(async () => azure.stop());

const page = z.object({ value: z.array(z.unknown()), nextLink: z.string().optional() });

/** The sizes of all pages. */
async function sizes(path: string, query = ''): Promise<number[]> {
  const found: number[] = [];
  let next: string | undefined = `${path}?api-version=2024-05-01${query}`;
  while (next !== undefined) {
    const answer = await azure.ask('GET', next, { token });
    expect([next, answer.status]).toEqual([next, 200]);
    const { value, nextLink } = page.parse(answer.body);
    found.push(value.length);
    if (nextLink !== undefined) expect(nextLink).toContain(`${azure.url}${path}?api-version=2024-05-01`);
    next = nextLink?.slice(azure.url.length);
  }
  return found;
}

describe('ARM', () => {
  test.each([
    ['resources of a type', network('networkSecurityGroups'), [2, 2, 1]],
    ['of a type in a subscription', `${subscription}/providers/Microsoft.Network/networkSecurityGroups`, [2, 2, 1]],
    ['storage accounts', `${group}/providers/Microsoft.Storage/storageAccounts`, [2, 1]],
    ['resources of all types', `${group}/resources`, [2, 2, 2, 2, 2, 1]],
    ['deployments', `${group}/providers/Microsoft.Resources/deployments`, [2, 1]],
    ['operations of a deployment', `${group}/providers/Microsoft.Resources/deployments/first/operations`, [2, 2]],
    ['policy definitions', `${subscription}/providers/Microsoft.Authorization/policyDefinitions`, undefined],
    ['role definitions', `${subscription}/providers/Microsoft.Authorization/roleDefinitions`, undefined],
    ['role assignments', `${subscription}/providers/Microsoft.Authorization/roleAssignments`, undefined],
    ['subscriptions', '/subscriptions', undefined],
  ])('%s', async (_, path, expected) => {
    const found = await sizes(path);
    if (expected === undefined) expect(found.slice(0, -1).every((size) => size === 2)).toBe(true);
    else expect(found).toEqual(expected);
  });

  test('$top is the size of each page, and stands in the link with the filter', async () => {
    expect(await sizes(`${group}/resources`, '&$top=1').then((found) => found.length)).toBe(11);
    const filter = `&$filter=${encodeURIComponent("resourceType eq 'Microsoft.Storage/storageAccounts'")}`;
    expect(await sizes(`${subscription}/resources`, `&$top=1${filter}`)).toEqual([1, 1, 1]);
    expect(
      await sizes(`${subscription}/resourceGroups`, "&$top=1&$filter=tagName eq 'none'".replaceAll(' ', '%20')),
    ).toEqual([0]);
    // Network has no $top: it is passed over.
    expect(await sizes(network('networkSecurityGroups'), '&$top=1')).toEqual([2, 2, 1]);
  });

  test.each(['0', '3', '-1', 'many'])('$top=%s is refused', async (top) => {
    const refused = await azure.ask('GET', `${group}/resources?api-version=2021-04-01&$top=${top}`, { token });
    expect([refused.status, refused.body]).toMatchObject([
      400,
      {
        error: {
          code: 'InvalidTopInQueryString',
          message: 'Top value must be positive integer less than or equal to 2.',
        },
      },
    ]);
  });

  test('a token that nobody gave is refused', async () => {
    const refused = await azure.ask('GET', `${group}/resources?api-version=2021-04-01&$skiptoken=nonsense`, { token });
    expect([refused.status, errorOf(refused)]).toEqual([400, 'InvalidSkipToken']);
  });

  test('the SDK of storage follows the pages, of accounts and of containers', async () => {
    const credential: TokenCredential = {
      getToken: async () => Promise.resolve({ token, expiresOnTimestamp: Infinity }),
    };
    const client = new StorageManagementClient(credential, platform, { endpoint: azure.url });
    expect(await all(client.storageAccounts.list())).toHaveLength(3);
    expect(await all(client.storageAccounts.listByResourceGroup('rg'))).toHaveLength(3);
    for (const name of ['aaa', 'bbb', 'ccc'])
      await arm('PUT', `${accounts('accountone')}/blobServices/default/containers/${name}`, {});
    expect(await all(client.blobContainers.list('rg', 'accountone'))).toHaveLength(3);
    const smallest = client.blobContainers.list('rg', 'accountone', { maxpagesize: '1' });
    expect(await all(smallest.byPage())).toHaveLength(3);
  });
});

describe('the blob service', () => {
  let client: BlobServiceClient;
  beforeAll(async () => {
    const [key = ''] = keysOf((await arm('POST', `${accounts('accounttwo')}/listKeys`)).body);
    client = new BlobServiceClient(`${azure.url}/accounttwo`, new StorageSharedKeyCredential('accounttwo', key));
    for (const name of ['data-a', 'data-b', 'data-c', 'other']) await client.createContainer(name);
    const container = client.getContainerClient('data-a');
    for (const name of ['x/1', 'x/2', 'x/3', 'y & z']) await container.getPageBlobClient(name).create(512);
  });

  test('containers by pages, by prefix', async () => {
    const pages = await all(client.listContainers({ prefix: 'data-' }).byPage({ maxPageSize: 2 }));
    expect(pages.map(({ containerItems }) => containerItems.map(({ name }) => name))).toEqual([
      ['data-a', 'data-b'],
      ['data-c'],
    ]);
    expect(pages[0]).toMatchObject({ prefix: 'data-', maxPageSize: 2 });
    expect(await all(client.listContainers())).toHaveLength(4);
  });

  test('blobs by pages, by prefix, from a marker', async () => {
    const container = client.getContainerClient('data-a');
    const pages = await all(container.listBlobsFlat().byPage({ maxPageSize: 3 }));
    expect(pages.map(({ segment }) => segment.blobItems.map(({ name }) => name))).toEqual([
      ['x/1', 'x/2', 'x/3'],
      ['y & z'],
    ]);
    const continuationToken = pages[0]?.continuationToken ?? '';
    expect(await all(container.listBlobsFlat().byPage({ continuationToken }))).toHaveLength(1);
    expect(await all(container.listBlobsFlat({ prefix: 'x/' }))).toHaveLength(3);
  });

  test('what is out of range is refused', async () => {
    const container = client.getContainerClient('data-a');
    const list = async (options: { maxPageSize?: number; continuationToken?: string }): Promise<unknown> =>
      await all(container.listBlobsFlat().byPage(options));
    await expect(list({ maxPageSize: -1 })).rejects.toMatchObject({
      statusCode: 400,
      code: 'OutOfRangeQueryParameterValue',
    });
    await expect(list({ continuationToken: 'nonsense' })).rejects.toMatchObject({
      statusCode: 400,
      code: 'InvalidQueryParameterValue',
    });
    await expect(all(container.listBlobsByHierarchy('/'))).rejects.toMatchObject({ code: 'NotSimulated' });
  });
});
