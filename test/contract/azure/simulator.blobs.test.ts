/** Page blobs of the blob service: written, copied over time, signed for. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { account, accounts, download, type Got, keysOf, TestStorage, vhdBytes } from './simulator.storage.support';

const GIB = 2 ** 30;

let storage: TestStorage;
beforeAll(async () => {
  storage = await TestStorage.start();
});
afterAll(async () => storage.azure.stop());

describe('page blobs', () => {
  const header = (bytes: number): Record<string, string> => ({
    'x-ms-blob-type': 'PageBlob',
    'x-ms-blob-content-length': String(bytes),
  });

  beforeAll(async () => {
    await storage.keyed('PUT', '/disks?restype=container');
  });

  test('are made in whole pages, written, read and deleted', async () => {
    expect((await storage.keyed('PUT', '/disks/odd.vhd', { headers: header(513) })).header('x-ms-error-code')).toBe(
      'InvalidHeaderValue',
    );
    const made = await storage.keyed('PUT', '/disks/even.vhd', {
      headers: { ...header(1024), 'x-ms-meta-from': 'test' },
    });
    expect(made.status).toBe(201);
    const page = Buffer.alloc(512, 7);
    const put = await storage.keyed('PUT', '/disks/even.vhd?comp=page', {
      headers: { 'x-ms-page-write': 'update', 'x-ms-range': 'bytes=512-1023' },
      content: page,
    });
    expect(put.status).toBe(201);
    expect(put.header('etag')).not.toBe(made.header('etag'));
    const read = await storage.keyed('GET', '/disks/even.vhd');
    expect(read.body.equals(Buffer.concat([Buffer.alloc(512), page]))).toBe(true);
    const head = await storage.keyed('HEAD', '/disks/even.vhd');
    expect([head.header('content-length'), head.header('x-ms-blob-type'), head.header('x-ms-meta-from')]).toEqual([
      '1024',
      'PageBlob',
      'test',
    ]);
    const wrong = { headers: { 'if-match': '"0x1"' } };
    expect((await storage.keyed('DELETE', '/disks/even.vhd', wrong)).header('x-ms-error-code')).toBe('ConditionNotMet');
    expect((await storage.keyed('DELETE', '/disks/even.vhd')).status).toBe(202);
    expect((await storage.keyed('HEAD', '/disks/even.vhd')).header('x-ms-error-code')).toBe('BlobNotFound');
    expect((await storage.keyed('HEAD', '/nothing/even.vhd')).header('x-ms-error-code')).toBe('ContainerNotFound');
  });

  test('are copied from outside over time; a second copy is refused meanwhile', async () => {
    const source = { 'x-ms-copy-source': download };
    const begun = await storage.keyed('PUT', '/disks/sentry.vhd', { headers: source });
    expect([begun.status, begun.header('x-ms-copy-status')]).toEqual([202, 'pending']);
    expect((await storage.keyed('PUT', '/disks/sentry.vhd', { headers: source })).header('x-ms-error-code')).toBe(
      'PendingCopyOperation',
    );
    storage.advance(30);
    const half = await storage.keyed('HEAD', '/disks/sentry.vhd');
    expect(half.header('x-ms-copy-progress')).toBe(`${15 * GIB}/${vhdBytes}`);
    storage.advance(30);
    const done = await storage.keyed('HEAD', '/disks/sentry.vhd');
    expect([done.header('x-ms-copy-status'), done.header('x-ms-copy-id'), done.header('content-length')]).toEqual([
      'success',
      begun.header('x-ms-copy-id'),
      String(vhdBytes),
    ]);
    const listed = await storage.keyed('GET', '/disks?restype=container&comp=list&prefix=sen');
    expect(listed.body.toString()).toContain('<CopyStatus>success</CopyStatus>');
    const unknown = { 'x-ms-copy-source': 'https://elsewhere.example.com/x.vhd' };
    expect((await storage.keyed('PUT', '/disks/x.vhd', { headers: unknown })).header('x-ms-error-code')).toBe(
      'CannotVerifyCopySource',
    );
  });

  test('a copy is aborted, and leaves nothing', async () => {
    const headers = { 'x-ms-copy-source': download };
    const id = (await storage.keyed('PUT', '/disks/half.vhd', { headers })).header('x-ms-copy-id');
    const abort = async (of: string): Promise<Got> =>
      storage.keyed('PUT', `/disks/half.vhd?comp=copy&copyid=${of}`, { headers: { 'x-ms-copy-action': 'abort' } });
    expect((await abort('other')).header('x-ms-error-code')).toBe('CopyIdMismatch');
    expect((await abort(id)).status).toBe(204);
    expect((await abort(id)).header('x-ms-error-code')).toBe('NoPendingCopyOperation');
    const head = await storage.keyed('HEAD', '/disks/half.vhd');
    expect([head.header('x-ms-copy-status'), head.header('content-length')]).toEqual(['aborted', '0']);
  });

  test('a blob of the same account is copied at once; the account may be in the host', async () => {
    await storage.keyed('PUT', '/disks/a.vhd', { headers: header(512) });
    const headers = { 'x-ms-copy-source': `${storage.azure.url}/vhdstore/disks/a.vhd` };
    const copied = await storage.keyed('PUT', '/disks/b.vhd', { headers, host: 'vhdstore.blob.localhost' });
    expect([copied.status, copied.header('x-ms-copy-status')]).toEqual([202, 'success']);
  });

  test('a signature opens one blob for what it says, for as long as it says', async () => {
    await storage.keyed('PUT', '/disks/signed.vhd', { headers: header(512) });
    const read = storage.signature('/disks/signed.vhd', 'r', 'vhdstore', storage.keys[0] ?? '');
    expect((await storage.blob('HEAD', `/disks/signed.vhd?${read}`)).status).toBe(200);
    const codeOf = async (method: string, path: string): Promise<string> =>
      (await storage.blob(method, path)).header('x-ms-error-code');
    expect(await codeOf('DELETE', `/disks/signed.vhd?${read}`)).toBe('AuthorizationPermissionMismatch');
    expect(await codeOf('HEAD', `/disks/other.vhd?${read}`)).toBe('AuthenticationFailed');
    const old = storage.signature('/disks/signed.vhd', 'r', 'vhdstore', storage.keys[0] ?? '', -60);
    expect(await codeOf('HEAD', `/disks/signed.vhd?${old}`)).toBe('AuthenticationFailed');
  });

  test('a blob of another account is copied over time, where the URL is signed for it', async () => {
    await storage.arm('PUT', accounts('vendor1'), account);
    storage.advance(20);
    const [key = ''] = keysOf((await storage.arm('POST', `${accounts('vendor1')}/listKeys`)).body);
    await storage.blob('PUT', '/out?restype=container', { key, account: 'vendor1' });
    await storage.blob('PUT', '/out/v.vhd', { key, account: 'vendor1', headers: header(1024) });
    const source = `${storage.azure.url}/vendor1/out/v.vhd`;
    const copy = async (url: string): Promise<Got> =>
      storage.keyed('PUT', '/disks/from-vendor.vhd', { headers: { 'x-ms-copy-source': url } });
    expect((await copy(source)).header('x-ms-error-code')).toBe('CannotVerifyCopySource');
    const signed = await copy(`${source}?${storage.signature('/out/v.vhd', 'r', 'vendor1', key)}`);
    expect([signed.status, signed.header('x-ms-copy-status')]).toEqual([202, 'pending']);
    storage.advance(60);
    const done = await storage.keyed('HEAD', '/disks/from-vendor.vhd');
    expect([done.header('x-ms-copy-status'), done.header('x-ms-copy-source')]).toEqual(['success', source]);
  });

  test('a restart changes neither blobs nor keys', async () => {
    await storage.keyed('PUT', '/disks/kept.vhd', { headers: header(1024) });
    await storage.azure.restart();
    expect((await storage.keyed('HEAD', '/disks/kept.vhd')).header('content-length')).toBe('1024');
  });

  test('what is not simulated says what is', async () => {
    const answer = await storage.keyed('PUT', '/disks/text.txt', { headers: { 'x-ms-blob-type': 'BlockBlob' } });
    expect([answer.status, answer.header('x-ms-error-code')]).toEqual([400, 'NotSimulated']);
  });

  /** Headers that Microsoft's client cannot leave out, and the one operation that it does not ask. */
  test.each<[string, string, Readonly<Record<string, string>>, string]>([
    ['PUT', '/disks/new.vhd', {}, 'MissingRequiredHeader'],
    ['PUT', '/disks/new.vhd', { 'x-ms-blob-type': 'PageBlob' }, 'MissingRequiredHeader'],
    ['PUT', '/disks/kept.vhd?comp=page', { 'x-ms-page-write': 'clear' }, 'MissingRequiredHeader'],
    ['PUT', '/disks/kept.vhd?comp=copy&copyid=x', {}, 'MissingRequiredHeader'],
    ['GET', '/disks/none.vhd?comp=metadata', {}, 'BlobNotFound'],
    ['HEAD', '/nothing?restype=container', {}, 'ContainerNotFound'],
  ])('%s %s with %j is refused', async (method, path, headers, code) => {
    expect((await storage.keyed(method, path, { headers })).header('x-ms-error-code')).toBe(code);
  });

  test('are described without their content, and their containers too', async () => {
    await storage.keyed('PUT', '/disks/kept.vhd?comp=metadata', { headers: { 'x-ms-meta-of': 'test' } });
    const metadata = await storage.keyed('GET', '/disks/kept.vhd?comp=metadata');
    expect([metadata.status, metadata.header('x-ms-meta-of'), metadata.body.length]).toEqual([200, 'test', 0]);
    const container = await storage.keyed('HEAD', '/disks?restype=container');
    expect([container.status, container.header('x-ms-lease-state')]).toEqual([200, 'available']);
  });

  test('a key of the user is asked for in XML', async () => {
    const token = await storage.azure.token('administrator', 'https://storage.azure.com');
    const answer = await storage.blob('POST', '/?restype=service&comp=userdelegationkey', { token });
    expect([answer.status, answer.header('x-ms-error-code')]).toEqual([400, 'InvalidXmlDocument']);
  });
});
