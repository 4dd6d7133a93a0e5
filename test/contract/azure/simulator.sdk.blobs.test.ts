/** The blob service by Microsoft's own client of it: page blobs, copies that take time, and who may. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  BlobSASPermissions,
  BlobServiceClient,
  type ContainerClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  type PageBlobClient,
  RestError,
  SASProtocol,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { type TokenCredential } from '@azure/core-auth';
import { randomUUID } from 'node:crypto';
import { group, TestClients, within } from './simulator.sdk.support';
import { all, instant, location, startTestAzure, type TestAzure } from './simulator.support';

const GIB = 2 ** 30;
const download = 'https://download.example.com/sentry.vhd';
const vhdBytes = 30 * GIB + 512;

let azure: TestAzure;
let of: TestClients;
let key: string;
let service: BlobServiceClient;
let vhds: ContainerClient;

// The client signs with this machine's clock.
const options = { retryOptions: { maxTries: 1 } };
const clientOf = (credential: StorageSharedKeyCredential | TokenCredential): BlobServiceClient =>
  new BlobServiceClient(`${azure.url}/vhdstore`, credential, options);

beforeAll(async () => {
  const nobody = { name: 'nobody', principalId: randomUUID(), clientId: randomUUID(), roles: [], graphRoles: [] };
  azure = await startTestAzure({ ...instant, principals: [...instant.principals, nobody], timings: { ...instant.timings, blobCopy: 60, containerDelete: 30 }, downloads: [{ url: download, bytes: vhdBytes }] }); // prettier-ignore
  of = await TestClients.of(azure);
  await of.storage.storageAccounts.create(group, 'vhdstore', { location, kind: 'StorageV2', sku: { name: 'Standard_LRS' } }); // prettier-ignore
  const { keys = [] } = await of.storage.storageAccounts.listKeys(group, 'vhdstore');
  key = keys[0]?.value ?? '';
  service = clientOf(new StorageSharedKeyCredential('vhdstore', key));
  vhds = service.getContainerClient('vhds');
  await vhds.create();
});
afterAll(async () => azure.stop());

interface Refused {
  readonly statusCode: number;
  readonly code: string;
}
/** What the client throws: the status and the code, which stands in a header. */
async function refusal(call: () => Promise<unknown>): Promise<Refused> {
  const error: unknown = await call().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RestError) || error.response === undefined) throw new Error('Not refused.', { cause: error });
  const { status, headers, bodyAsText } = error.response;
  const code = headers.get('x-ms-error-code') ?? '';
  // In the body too, where there is one, with the request's id.
  if (error.request?.method !== 'HEAD')
    for (const part of [`<Code>${code}</Code>`, `RequestId:${headers.get('x-ms-request-id') ?? 'none'}\n`])
      expect(bodyAsText).toContain(part);
  return { statusCode: status, code };
}

describe('containers', () => {
  test('are made once, read, listed, and gone for a while', async () => {
    const one = service.getContainerClient('one');
    const made = await one.create();
    expect(made._response.status).toBe(201);
    expect(made).toMatchObject({ etag: expect.stringMatching(/^"0x8/) as unknown, requestId: expect.any(String) as unknown, version: expect.any(String) as unknown }); // prettier-ignore
    expect(await refusal(() => one.create())).toEqual({ statusCode: 409, code: 'ContainerAlreadyExists' });
    expect(await one.getProperties()).toMatchObject({ leaseState: 'available', leaseStatus: 'unlocked' });
    expect(await one.exists()).toBe(true);
    expect((await all(service.listContainers())).map(({ name }) => name)).toEqual(['one', 'vhds']);
    expect((await one.delete())._response.status).toBe(202);
    expect(await refusal(() => one.create())).toEqual({ statusCode: 409, code: 'ContainerBeingDeleted' });
    expect(await service.getContainerClient('none').exists()).toBe(false);
    expect(await refusal(() => service.getContainerClient('none').delete())).toEqual({ statusCode: 404, code: 'ContainerNotFound' }); // prettier-ignore
    expect(await refusal(() => all(service.getContainerClient('none').listBlobsFlat()))).toEqual({ statusCode: 404, code: 'ContainerNotFound' }); // prettier-ignore
    expect(await refusal(() => service.getContainerClient('No').create())).toEqual({ statusCode: 400, code: 'InvalidResourceName' }); // prettier-ignore
  });

  test('are the same by Azure Resource Manager', async () => {
    const { blobContainers } = of.storage;
    await blobContainers.create(group, 'vhdstore', 'by-arm', {});
    expect(of.last('PUT', '/by-arm').status).toBe(201);
    await blobContainers.create(group, 'vhdstore', 'by-arm', {});
    expect(of.last('PUT', '/by-arm').status).toBe(200);
    expect(await blobContainers.get(group, 'vhdstore', 'by-arm')).toMatchObject({ name: 'by-arm', publicAccess: 'None' });
    expect((await all(blobContainers.list(group, 'vhdstore'))).map(({ name }) => name)).toContain('by-arm');
    await blobContainers.delete(group, 'vhdstore', 'by-arm');
    expect(of.last('DELETE', '/by-arm').status).toBe(200);
    expect(await of.refusal(() => blobContainers.create(group, 'vhdstore', 'by-arm', {}))).toMatchObject({ status: 409, code: 'ContainerOperationFailure' });
    azure.advance(30);
    await blobContainers.delete(group, 'vhdstore', 'by-arm');
    expect(of.last('DELETE', '/by-arm').status).toBe(204);
    expect(await of.refusal(() => blobContainers.get(group, 'vhdstore', 'none'))).toMatchObject({ status: 404, code: 'ContainerNotFound' });
    expect(await of.refusal(() => blobContainers.create(group, 'vhdstore', 'no--good', {}))).toMatchObject({ status: 400, code: 'ContainerNameInvalid' });
  }); // prettier-ignore
});

describe('page blobs', () => {
  const page = (fill: number): Buffer => Buffer.alloc(512, fill);
  const one = (name: string): PageBlobClient => vhds.getPageBlobClient(name);

  test('are made, written, read, described and deleted', async () => {
    const blob = one('even.vhd');
    const made = await blob.create(2048, { metadata: { from: 'test' }, blobHTTPHeaders: { blobContentType: 'application/x-vhd' } }); // prettier-ignore
    expect([made._response.status, made.isServerEncrypted]).toEqual([201, true]);
    const written = await blob.uploadPages(page(7), 512, 512);
    expect([written._response.status, written.blobSequenceNumber]).toEqual([201, 0]);
    expect(written.etag).not.toBe(made.etag);
    expect(await blob.downloadToBuffer()).toEqual(Buffer.concat([page(0), page(7), page(0), page(0)]));
    expect((await blob.download())._response.status).toBe(200);
    const part = await blob.download(512, 512);
    expect([part._response.status, part.contentRange]).toEqual([206, 'bytes 512-1023/2048']);
    expect((await blob.clearPages(512, 512))._response.status).toBe(201);
    const properties = await blob.getProperties();
    expect(properties).toMatchObject({
      blobType: 'PageBlob',
      contentLength: 2048,
      contentType: 'application/x-vhd',
      metadata: { from: 'test' },
      leaseState: 'available',
      acceptRanges: 'bytes',
    });
    expect((await blob.setMetadata({ from: 'elsewhere' }))._response.status).toBe(200);
    expect((await blob.getProperties()).metadata).toEqual({ from: 'elsewhere' });
    const listed = await all(vhds.listBlobsFlat({ prefix: 'ev' }));
    expect(listed).toMatchObject([{ name: 'even.vhd', properties: { blobType: 'PageBlob', contentLength: 2048 } }]);
    const conditions = { ifMatch: '"0x1"' };
    expect(await refusal(() => blob.delete({ conditions }))).toEqual({ statusCode: 412, code: 'ConditionNotMet' });
    expect(await refusal(() => blob.create(512, { conditions: { ifNoneMatch: '*' } }))).toEqual({ statusCode: 409, code: 'BlobAlreadyExists' }); // prettier-ignore
    expect((await blob.delete())._response.status).toBe(202);
    expect(await blob.exists()).toBe(false);
  });

  test.each<[string, (blob: PageBlobClient) => Promise<unknown>, number, string]>([
    ['a blob that is not there', (blob) => blob.download(), 404, 'BlobNotFound'],
    ['the properties of none', (blob) => blob.getProperties(), 404, 'BlobNotFound'],
    ['pages of none', (blob) => blob.uploadPages(page(1), 0, 512), 404, 'BlobNotFound'],
    ['metadata of none', (blob) => blob.setMetadata({}), 404, 'BlobNotFound'],
    ['the deletion of none', (blob) => blob.delete(), 404, 'BlobNotFound'],
    ['the abortion of a copy to none', (blob) => blob.abortCopyFromURL('x'), 404, 'BlobNotFound'],
    ['an odd length', (blob) => blob.create(513), 400, 'InvalidHeaderValue'],
    ['a blob in no container', () => service.getContainerClient('none').getPageBlobClient('a').create(512), 404, 'ContainerNotFound'],
    ['pages beyond the end', async (blob) => (await blob.create(512), blob.uploadPages(page(1), 512, 512)), 416, 'InvalidPageRange'],
    ['half a page', async (blob) => (await blob.create(512), blob.uploadPages('x', 0, 1)), 400, 'InvalidHeaderValue'],
    ['a synchronous copy', (blob) => blob.syncCopyFromURL(download), 400, 'NotSimulated'],
    ['a snapshot', async (blob) => (await blob.create(512), blob.createSnapshot()), 400, 'NotSimulated'],
    ['a lease', async (blob) => (await blob.create(512), blob.getBlobLeaseClient().acquireLease(15)), 400, 'NotSimulated'],
    ['a block blob', () => vhds.getBlockBlobClient('b').upload('x', 1), 400, 'NotSimulated'],
    ['an append blob', () => vhds.getAppendBlobClient('b').create(), 400, 'NotSimulated'],
    ['all of a large one', async (blob) => (await blob.create(8 * 2 ** 20), blob.download()), 400, 'NotSimulated'],
  ])('%s is refused', async (what, call, statusCode, code) => {
    expect(await refusal(() => call(one(`${what.replaceAll(' ', '-')}.vhd`)))).toEqual({ statusCode, code });
  }); // prettier-ignore
});

describe('a copy', () => {
  const target = (name: string): PageBlobClient => vhds.getPageBlobClient(name);
  const poll = { intervalInMs: 0 };

  test('from outside takes its time, tells how far it is, and is done', async () => {
    const blob = target('sentry.vhd');
    const poller = await blob.beginCopyFromURL(download, poll);
    const { copyId = '' } = await blob.getProperties();
    expect(copyId).toMatch(/^[0-9a-f-]{36}$/);
    await poller.poll();
    expect(poller.isDone()).toBe(false);
    expect(await refusal(() => blob.beginCopyFromURL(download, poll))).toEqual({ statusCode: 409, code: 'PendingCopyOperation' });
    azure.advance(30);
    await poller.poll();
    expect(await blob.getProperties()).toMatchObject({
      copyStatus: 'pending',
      copyId,
      copySource: download,
      copyProgress: `${15 * GIB}/${vhdBytes}`,
    });
    azure.advance(30);
    const done = await poller.pollUntilDone();
    expect(done).toMatchObject({ copyStatus: 'success', copyId });
    expect(await blob.getProperties()).toMatchObject({
      copyStatus: 'success',
      contentLength: vhdBytes,
      copyCompletedOn: expect.any(Date) as unknown,
      copyProgress: `${vhdBytes}/${vhdBytes}`,
    });
    const listed = await all(vhds.listBlobsFlat({ prefix: 'sentry', includeCopy: true }));
    expect(listed[0]?.properties).toMatchObject({ copyStatus: 'success' });
    // The last page is the footer of a VHD.
    const footer = await blob.downloadToBuffer(vhdBytes - 512, 512);
    expect(footer.subarray(0, 8).toString()).toBe('conectix');
  }); // prettier-ignore

  test('is aborted, once, by its id', async () => {
    const blob = target('half.vhd');
    await blob.beginCopyFromURL(download, poll);
    const { copyId: id = '' } = await blob.getProperties();
    expect(await refusal(() => blob.abortCopyFromURL('other'))).toEqual({ statusCode: 409, code: 'CopyIdMismatch' });
    expect((await blob.abortCopyFromURL(id))._response.status).toBe(204);
    expect(await refusal(() => blob.abortCopyFromURL(id))).toEqual({ statusCode: 409, code: 'NoPendingCopyOperation' });
    expect(await blob.getProperties()).toMatchObject({ copyStatus: 'aborted', contentLength: 0 });
  });

  test('is cancelled by its poller too', async () => {
    const poller = await target('cancelled.vhd').beginCopyFromURL(download, poll);
    await poller.cancelOperation();
    expect(await target('cancelled.vhd').getProperties()).toMatchObject({ copyStatus: 'aborted' });
  });

  test.each([
    ['https://elsewhere.example.com/x.vhd', 'CannotVerifyCopySource'],
    ['{own}/vhds/none.vhd', 'CannotVerifyCopySource'],
    ['{own}/none/none.vhd', 'CannotVerifyCopySource'],
  ])('of %s cannot be begun', async (source, code) => {
    const url = source.replace('{own}', `${azure.url}/vhdstore`);
    expect(await refusal(() => target('x.vhd').beginCopyFromURL(url, poll))).toEqual({ statusCode: 404, code });
  });
});

describe('a signature', () => {
  const soon = (minutes: number): Date => new Date(Date.now() + minutes * 60_000);
  let blob: PageBlobClient;
  beforeAll(async () => {
    blob = vhds.getPageBlobClient('signed.vhd');
    await blob.create(512);
  });
  const shared = () => new StorageSharedKeyCredential('vhdstore', key);
  /** A client of the blob that has nothing but the signature. */
  const signed = (query: string, name = 'signed.vhd'): PageBlobClient =>
    new BlobServiceClient(`${azure.url}/vhdstore?${query}`, undefined, options).getContainerClient('vhds').getPageBlobClient(name); // prettier-ignore
  const byKey = (permissions: string, more: object = {}): string =>
    generateBlobSASQueryParameters(
      { containerName: 'vhds', blobName: 'signed.vhd', permissions: BlobSASPermissions.parse(permissions), protocol: SASProtocol.Https, expiresOn: soon(60), ...more },
      shared(),
    ).toString(); // prettier-ignore

  test('by the account key opens its blob for what it says', async () => {
    expect((await signed(byKey('r')).getProperties()).contentLength).toBe(512);
    expect(await refusal(() => signed(byKey('r')).delete())).toEqual({ statusCode: 403, code: 'AuthorizationPermissionMismatch' });
    expect(await refusal(() => signed(byKey('r'), 'other.vhd').getProperties())).toEqual({ statusCode: 403, code: 'AuthenticationFailed' });
    expect(await refusal(() => signed(byKey('r', { expiresOn: soon(-60) })).getProperties())).toEqual({ statusCode: 403, code: 'AuthenticationFailed' });
    expect(await refusal(() => signed(byKey('r', { version: '2018-03-28' })).download())).toEqual({ statusCode: 400, code: 'NotSimulated' });
    expect(await refusal(() => signed(byKey('r', { identifier: 'policy' })).download())).toEqual({ statusCode: 400, code: 'NotSimulated' });
  }); // prettier-ignore

  test('of a container opens all in it; of an account what it names', async () => {
    const container = generateBlobSASQueryParameters({ containerName: 'vhds', permissions: ContainerSASPermissions.parse('rl'), expiresOn: soon(60) }, shared()).toString();
    expect((await signed(container).getProperties()).contentLength).toBe(512);
    const account = service.generateAccountSasUrl(soon(60), undefined, 'o').split('?')[1] ?? '';
    expect((await signed(account).getProperties()).contentLength).toBe(512);
    const list = () => all(new BlobServiceClient(`${azure.url}/vhdstore?${account}`, undefined, options).listContainers());
    expect(await refusal(list)).toEqual({ statusCode: 403, code: 'AuthorizationResourceTypeMismatch' });
  }); // prettier-ignore

  test('by a key of the user opens what the user may', async () => {
    const tokenOf = async (principal: string): Promise<TokenCredential> => {
      const token = await azure.token(principal, 'https://storage.azure.com');
      return { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
    };
    const user = clientOf(await tokenOf('administrator'));
    const nobody = clientOf(await tokenOf('nobody'));
    const keyOf = (one: BlobServiceClient, expiry = soon(60)) => () => one.getUserDelegationKey(soon(-1), expiry);
    expect(await refusal(keyOf(nobody))).toEqual({ statusCode: 403, code: 'AuthorizationPermissionMismatch' });
    expect(await refusal(keyOf(service))).toEqual({ statusCode: 403, code: 'AuthenticationFailed' });
    expect(await refusal(keyOf(user, soon(8 * 24 * 60)))).toEqual({ statusCode: 400, code: 'InvalidXmlNodeValue' });
    const given = await keyOf(user)();
    expect(given).toMatchObject({ signedTenantId: instant.tenantId, signedObjectId: 'a0000000-0000-4000-8000-000000000002', signedService: 'b' });
    const query = (permissions: string, start = soon(-1)): string =>
      generateBlobSASQueryParameters({ containerName: 'vhds', blobName: 'signed.vhd', permissions: BlobSASPermissions.parse(permissions), startsOn: start, expiresOn: soon(30) }, given, 'vhdstore').toString();
    const older = generateBlobSASQueryParameters({ containerName: 'vhds', blobName: 'signed.vhd', permissions: BlobSASPermissions.parse('r'), version: '2020-02-10', expiresOn: soon(30) }, given, 'vhdstore').toString();
    expect(await refusal(() => signed(older).download())).toEqual({ statusCode: 400, code: 'NotSimulated' });
    // An owner manages the account, and may read nothing in it.
    expect(await refusal(() => signed(query('r')).getProperties())).toEqual({ statusCode: 403, code: 'AuthorizationPermissionMismatch' });
    await of.resources.resources.createOrUpdateById(
      within('Microsoft.Storage/storageAccounts/vhdstore/providers/Microsoft.Authorization/roleAssignments/0b000000-0000-4000-8000-000000000001'),
      '2022-04-01',
      { properties: { roleDefinitionId: '/providers/Microsoft.Authorization/roleDefinitions/ba92f5b4-2d11-453d-a403-e96b0029c9fe', principalId: 'a0000000-0000-4000-8000-000000000002', principalType: 'ServicePrincipal' } },
    );
    expect((await signed(query('r')).getProperties()).contentLength).toBe(512);
    expect(await refusal(() => signed(query('r')).setMetadata({}))).toEqual({ statusCode: 403, code: 'AuthorizationPermissionMismatch' });
    expect(await refusal(() => signed(query('r'), 'other.vhd').getProperties())).toEqual({ statusCode: 403, code: 'AuthenticationFailed' });
    expect(await refusal(() => signed(query('r', soon(10))).getProperties())).toEqual({ statusCode: 403, code: 'AuthenticationFailed' });
    // A copy reads its source by the signature in its URL.
    const source = `${azure.url}/vhdstore/vhds/signed.vhd?${query('r')}`;
    const copied = await (await vhds.getPageBlobClient('copied.vhd').beginCopyFromURL(source, { intervalInMs: 0 })).pollUntilDone();
    expect(copied.copyStatus).toBe('success');
  }); // prettier-ignore

  test('is needed: nobody comes in without, or with a token of no use', async () => {
    const anonymous = new BlobServiceClient(`${azure.url}/vhdstore`, undefined, options);
    expect(await refusal(() => all(anonymous.listContainers()))).toEqual({ statusCode: 401, code: 'NoAuthenticationInformation' });
    const token = await azure.token('administrator');
    const wrong = clientOf({ getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) });
    expect(await refusal(() => all(wrong.listContainers()))).toEqual({ statusCode: 401, code: 'InvalidAuthenticationInfo' });
    const other = clientOf(new StorageSharedKeyCredential('vhdstore', Buffer.alloc(64).toString('base64')));
    expect(await refusal(() => all(other.listContainers()))).toEqual({ statusCode: 403, code: 'AuthenticationFailed' });
  }); // prettier-ignore
});

describe('an account', () => {
  const accounts = () => of.storage.storageAccounts;
  const body = { location, kind: 'StorageV2', sku: { name: 'Standard_LRS' } };

  test('tells whether its name is free, and changes its keys', async () => {
    expect(await accounts().checkNameAvailability({ name: 'free1', type: 'Microsoft.Storage/storageAccounts' })).toMatchObject({ nameAvailable: true });
    expect(await accounts().checkNameAvailability({ name: 'vhdstore', type: 'Microsoft.Storage/storageAccounts' })).toMatchObject({
      nameAvailable: false,
      reason: 'AlreadyExists',
      message: 'The storage account named vhdstore is already taken.',
    });
    await accounts().create(group, 'keys1', body);
    const { keys: before = [] } = await accounts().listKeys(group, 'keys1');
    const { keys: after = [] } = await accounts().regenerateKey(group, 'keys1', { keyName: 'key1' });
    expect([after[0]?.value === before[0]?.value, after[1]?.value === before[1]?.value]).toEqual([false, true]);
  }); // prettier-ignore

  test.each<[string, () => PromiseLike<unknown>, number, string, string | RegExp]>([
    ['keys of none', () => accounts().listKeys(group, 'none'), 404, 'ResourceNotFound', /storageAccounts\/none/],
    ['new keys of none', () => accounts().regenerateKey(group, 'none', { keyName: 'key1' }), 404, 'ResourceNotFound', /storageAccounts\/none/],
    ['a name with capitals', () => accounts().create(group, 'Upper', body), 400, 'AccountNameInvalid', 'Upper is not a valid storage account name. Storage account name must be between 3 and 24 characters in length and use numbers and lower-case letters only.'],
    ['a property that stays', () => accounts().create(group, 'vhdstore', { ...body, isHnsEnabled: true }), 400, 'AccountPropertyCannotBeUpdated', "The property 'isHnsEnabled' was specified in the input, but it cannot be updated."],
  ])('%s is refused', async (_, call, status, code, message) => {
    const refused = await of.refusal(call);
    expect(refused).toMatchObject({ status, code });
    expect(refused.message).toMatch(message);
  }); // prettier-ignore
});
