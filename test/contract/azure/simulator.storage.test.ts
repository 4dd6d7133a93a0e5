/** Storage accounts by ARM, and the blob service for VHDs: signed with a key, or with a token. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { z } from 'zod';
import {
  type Arm,
  armOf,
  errorOf,
  instant,
  location,
  platform,
  startTestAzure,
  type TestAzure,
  watched,
} from './simulator.support';

const GIB = 2 ** 30;
const download = 'https://download.example.com/sentry.vhd';
const vhdBytes = 30 * GIB + 512;
const accounts = (name: string, subscription = platform): string =>
  `/subscriptions/${subscription}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/${name}`;
const account = { location, kind: 'StorageV2', sku: { name: 'Standard_LRS' } };

let azure: TestAzure;
let arm: Arm;
let keys: string[];

const keysOf = (body: unknown): string[] =>
  z
    .object({ keys: z.array(z.object({ value: z.string() })) })
    .parse(body)
    .keys.map(({ value }) => value);

beforeAll(async () => {
  const timings = { ...instant.timings, storageAccount: 20, blobCopy: 60, containerDelete: 30 };
  azure = await startTestAzure({ ...instant, timings, downloads: [{ url: download, bytes: vhdBytes }] });
  arm = await armOf(azure);
  expect((await arm('PUT', accounts('vhdstore'), account)).status).toBe(202);
  azure.advance(20);
  keys = keysOf((await arm('POST', `${accounts('vhdstore')}/listKeys`)).body);
});
afterAll(async () => azure.stop());

interface Sent {
  readonly key?: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly content?: Buffer;
  readonly account?: string;
  /** Puts the account into the host instead of the path. */
  readonly host?: string;
}
interface Got {
  readonly status: number;
  readonly header: (name: string) => string;
  readonly body: Buffer;
}

/** A request as the storage clients send it: `x-ms-version`, `x-ms-date`, and Shared Key's signature over both. */
async function blob(method: string, path: string, sent: Sent = {}): Promise<Got> {
  const { key, token, content = Buffer.alloc(0), account: name = 'vhdstore', host } = sent;
  const url = host === undefined ? `/${name}${path}` : path;
  const now = await clock();
  const headers: Record<string, string> = { 'x-ms-version': '2021-12-02', 'x-ms-date': now, ...sent.headers };
  if (content.length > 0 || method === 'PUT') headers['content-length'] = String(content.length);
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
  if (key !== undefined) headers['authorization'] = `SharedKey ${name}:${signed(method, url, headers, name, key)}`;
  if (host !== undefined) headers['host'] = host;
  const asked = request(`${azure.url}${url}`, { method, headers });
  asked.end(content);
  const [response] = z.tuple([z.instanceof(IncomingMessage)]).parse(await once(asked, 'response'));
  const body = await buffer(response);
  return { status: response.statusCode ?? 0, body, header: (one) => response.headersDistinct[one]?.[0] ?? '' };
}

/** The simulator's time, which the test moves. */
const clock = async (): Promise<string> => {
  const { body } = await arm('GET', accounts('vhdstore'));
  const now = z.object({ properties: z.object({ creationTime: z.string() }) }).parse(body).properties.creationTime;
  return new Date(Date.parse(now) + offset * 1000).toUTCString();
};
let offset = 20;
const advance = (seconds: number): void => {
  offset += seconds;
  azure.advance(seconds);
};

function signed(
  method: string,
  url: string,
  headers: Readonly<Record<string, string>>,
  name: string,
  key: string,
): string {
  const [path = '', query = ''] = url.split('?');
  const own = Object.keys(headers).filter((header) => header.startsWith('x-ms-'));
  const parameters = [...new URLSearchParams(query)].sort(([a], [b]) => (a < b ? -1 : 1));
  const length = headers['content-length'] ?? '';
  const text = [
    ...[method, '', '', length === '0' ? '' : length, '', '', '', '', headers['if-match'] ?? '', '', '', ''],
    ...own.sort().map((header) => `${header}:${headers[header] ?? ''}`),
    `/${name}${path}${parameters.map(([parameter, value]) => `\n${parameter}:${value}`).join('')}`,
  ].join('\n');
  return createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64');
}

const keyed = (sent: Sent = {}): Sent => ({ key: keys[0] ?? '', ...sent });

describe('accounts', () => {
  test('a new one is polled by its Location, which gives it in the end', async () => {
    const made = await arm('PUT', accounts('another1'), account);
    expect(made).toMatchObject({ status: 202, body: undefined });
    expect(made.header('retry-after')).toBe('17');
    const poll = async (): Promise<unknown> => {
      const token = await azure.token('sentry-orchestrator');
      const { pathname, search } = new URL(made.header('location'));
      const { status, body } = await azure.ask('GET', `${pathname}${search}`, { token });
      return { status, body };
    };
    expect(await poll()).toMatchObject({ status: 202 });
    advance(20);
    expect(await poll()).toMatchObject({
      status: 200,
      body: {
        name: 'another1',
        properties: { provisioningState: 'Succeeded', primaryEndpoints: { blob: `${azure.url}/another1/` } },
      },
    });
    expect((await arm('PUT', accounts('another1'), account)).status).toBe(200);
    expect((await arm('DELETE', accounts('another1'))).status).toBe(200);
    expect((await arm('DELETE', accounts('another1'))).status).toBe(204);
  });

  test.each([
    ['Upper', 400, 'AccountNameInvalid'],
    ['ab', 400, 'AccountNameInvalid'],
    ['subscriptions', 409, 'StorageAccountAlreadyTaken'],
  ])('the name %s is refused', async (name, status, code) => {
    const answer = await arm('PUT', accounts(name), account);
    expect([answer.status, errorOf(answer)]).toEqual([status, code]);
  });

  test('a name is one account’s in all of Azure', async () => {
    await arm('PUT', `/subscriptions/${platform}/resourceGroups/other`, { location });
    const inOther = accounts('vhdstore').replace('/rg/', '/other/');
    expect(errorOf(await arm('PUT', inOther, account))).toBe('StorageAccountInAnotherResourceGroup');
    const token = await azure.token('administrator');
    const rest = { token };
    await arm('PUT', `/subscriptions/${watched(1)}/resourceGroups/rg`, { location }, rest);
    const foreign = await arm('PUT', accounts('vhdstore', watched(1)), account, rest);
    expect(errorOf(foreign)).toBe('StorageAccountAlreadyTaken');
    const check = `/subscriptions/${platform}/providers/Microsoft.Storage/checkNameAvailability`;
    const type = 'Microsoft.Storage/storageAccounts';
    expect((await arm('POST', check, { name: 'vhdstore', type })).body).toMatchObject({ reason: 'AlreadyExists' });
    expect((await arm('POST', check, { name: 'free1', type })).body).toEqual({ nameAvailable: true });
  });

  test('a regenerated key no longer opens the account, the other still does', async () => {
    const old = keys;
    keys = keysOf((await arm('POST', `${accounts('vhdstore')}/regenerateKey`, { keyName: 'key1' })).body);
    expect(keys[0]).not.toBe(old[0]);
    expect(keys[1]).toBe(old[1]);
    const refused = await blob('GET', '/?comp=list', { key: old[0] ?? '' });
    expect([refused.status, refused.header('x-ms-error-code')]).toEqual([403, 'AuthenticationFailed']);
    expect(refused.body.toString()).toContain('<Code>AuthenticationFailed</Code>');
    expect((await blob('GET', '/?comp=list', { key: old[1] ?? '' })).status).toBe(200);
  });

  test('containers are the same by ARM and by the blob service', async () => {
    const container = `${accounts('vhdstore')}/blobServices/default/containers/by-arm`;
    expect((await arm('PUT', container, {})).status).toBe(201);
    expect((await arm('PUT', container, {})).status).toBe(200);
    expect((await blob('PUT', '/by-arm?restype=container', keyed())).header('x-ms-error-code')).toBe(
      'ContainerAlreadyExists',
    );
    expect((await arm('DELETE', container)).status).toBe(200);
    expect((await arm('GET', container)).status).toBe(404);
    expect((await blob('PUT', '/by-arm?restype=container', keyed())).header('x-ms-error-code')).toBe(
      'ContainerBeingDeleted',
    );
    advance(30);
    expect((await blob('PUT', '/by-arm?restype=container', keyed())).status).toBe(201);
  });
});

describe('who may', () => {
  test('nobody without a signature or a token', async () => {
    const answer = await blob('GET', '/?comp=list');
    expect([answer.status, answer.header('x-ms-error-code')]).toEqual([401, 'NoAuthenticationInformation']);
    expect(answer.header('www-authenticate')).toContain('resource_id=https://storage.azure.com');
  });

  test('a token with a data role, from when it counts', async () => {
    const token = await azure.token('sentry-orchestrator', 'https://storage.azure.com');
    await blob('PUT', '/vhds?restype=container', keyed());
    const list = async (): Promise<Got> => blob('GET', '/vhds?restype=container&comp=list', { token });
    expect((await list()).header('x-ms-error-code')).toBe('AuthorizationPermissionMismatch');
    const administrator = await azure.token('administrator');
    const role = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe';
    const granted = await azure.ask(
      'PUT',
      `${accounts('vhdstore')}/providers/Microsoft.Authorization/roleAssignments/0b000000-0000-4000-8000-000000000001?api-version=2022-04-01`,
      {
        token: administrator,
        body: {
          properties: {
            roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${role}`,
            principalId: 'a0000000-0000-4000-8000-000000000001',
            principalType: 'ServicePrincipal',
          },
        },
      },
    );
    expect(granted.status).toBe(201);
    expect((await list()).status).toBe(200);
    const forArm = await azure.token('sentry-orchestrator');
    expect((await blob('GET', '/vhds?restype=container&comp=list', { token: forArm })).header('x-ms-error-code')).toBe(
      'InvalidAuthenticationInfo',
    );
  });

  test('a key no more where the account forbids it', async () => {
    await arm('PUT', accounts('tokensonly'), { ...account, properties: { allowSharedKeyAccess: false } });
    advance(20);
    const [key = ''] = keysOf((await arm('POST', `${accounts('tokensonly')}/listKeys`)).body);
    const answer = await blob('GET', '/?comp=list', { key, account: 'tokensonly' });
    expect(answer.header('x-ms-error-code')).toBe('KeyBasedAuthenticationNotPermitted');
  });
});

describe('page blobs', () => {
  const header = (bytes: number): Record<string, string> => ({
    'x-ms-blob-type': 'PageBlob',
    'x-ms-blob-content-length': String(bytes),
  });

  beforeAll(async () => {
    await blob('PUT', '/disks?restype=container', keyed());
  });

  test('are made in whole pages, written, read and deleted', async () => {
    expect((await blob('PUT', '/disks/odd.vhd', keyed({ headers: header(513) }))).header('x-ms-error-code')).toBe(
      'InvalidHeaderValue',
    );
    const made = await blob(
      'PUT',
      '/disks/even.vhd',
      keyed({ headers: { ...header(1024), 'x-ms-meta-from': 'test' } }),
    );
    expect(made.status).toBe(201);
    const page = Buffer.alloc(512, 7);
    const put = await blob(
      'PUT',
      '/disks/even.vhd?comp=page',
      keyed({
        headers: { 'x-ms-page-write': 'update', 'x-ms-range': 'bytes=512-1023' },
        content: page,
      }),
    );
    expect(put.status).toBe(201);
    expect(put.header('etag')).not.toBe(made.header('etag'));
    const read = await blob('GET', '/disks/even.vhd', keyed());
    expect(read.body.equals(Buffer.concat([Buffer.alloc(512), page]))).toBe(true);
    const head = await blob('HEAD', '/disks/even.vhd', keyed());
    expect([head.header('content-length'), head.header('x-ms-blob-type'), head.header('x-ms-meta-from')]).toEqual([
      '1024',
      'PageBlob',
      'test',
    ]);
    const wrong = keyed({ headers: { 'if-match': '"0x1"' } });
    expect((await blob('DELETE', '/disks/even.vhd', wrong)).header('x-ms-error-code')).toBe('ConditionNotMet');
    expect((await blob('DELETE', '/disks/even.vhd', keyed())).status).toBe(202);
    expect((await blob('HEAD', '/disks/even.vhd', keyed())).header('x-ms-error-code')).toBe('BlobNotFound');
    expect((await blob('HEAD', '/nothing/even.vhd', keyed())).header('x-ms-error-code')).toBe('ContainerNotFound');
  });

  test('are copied from outside over time; a second copy is refused meanwhile', async () => {
    const source = { 'x-ms-copy-source': download };
    const begun = await blob('PUT', '/disks/sentry.vhd', keyed({ headers: source }));
    expect([begun.status, begun.header('x-ms-copy-status')]).toEqual([202, 'pending']);
    expect((await blob('PUT', '/disks/sentry.vhd', keyed({ headers: source }))).header('x-ms-error-code')).toBe(
      'PendingCopyOperation',
    );
    advance(30);
    const half = await blob('HEAD', '/disks/sentry.vhd', keyed());
    expect(half.header('x-ms-copy-progress')).toBe(`${15 * GIB}/${vhdBytes}`);
    advance(30);
    const done = await blob('HEAD', '/disks/sentry.vhd', keyed());
    expect([done.header('x-ms-copy-status'), done.header('x-ms-copy-id'), done.header('content-length')]).toEqual([
      'success',
      begun.header('x-ms-copy-id'),
      String(vhdBytes),
    ]);
    const listed = await blob('GET', '/disks?restype=container&comp=list&prefix=sen', keyed());
    expect(listed.body.toString()).toContain('<CopyStatus>success</CopyStatus>');
    const unknown = { 'x-ms-copy-source': 'https://elsewhere.example.com/x.vhd' };
    expect((await blob('PUT', '/disks/x.vhd', keyed({ headers: unknown }))).header('x-ms-error-code')).toBe(
      'CannotVerifyCopySource',
    );
  });

  test('a copy is aborted, and leaves nothing', async () => {
    const headers = { 'x-ms-copy-source': download };
    const id = (await blob('PUT', '/disks/half.vhd', keyed({ headers }))).header('x-ms-copy-id');
    const abort = async (of: string): Promise<Got> =>
      blob('PUT', `/disks/half.vhd?comp=copy&copyid=${of}`, keyed({ headers: { 'x-ms-copy-action': 'abort' } }));
    expect((await abort('other')).header('x-ms-error-code')).toBe('CopyIdMismatch');
    expect((await abort(id)).status).toBe(204);
    expect((await abort(id)).header('x-ms-error-code')).toBe('NoPendingCopyOperation');
    const head = await blob('HEAD', '/disks/half.vhd', keyed());
    expect([head.header('x-ms-copy-status'), head.header('content-length')]).toEqual(['aborted', '0']);
  });

  test('a blob of the same account is copied at once; the account may be in the host', async () => {
    await blob('PUT', '/disks/a.vhd', keyed({ headers: header(512) }));
    const headers = { 'x-ms-copy-source': `${azure.url}/vhdstore/disks/a.vhd` };
    const copied = await blob('PUT', '/disks/b.vhd', keyed({ headers, host: 'vhdstore.blob.localhost' }));
    expect([copied.status, copied.header('x-ms-copy-status')]).toEqual([202, 'success']);
  });

  test('what is not simulated says what is', async () => {
    const answer = await blob('PUT', '/disks/text.txt', keyed({ headers: { 'x-ms-blob-type': 'BlockBlob' } }));
    expect([answer.status, answer.header('x-ms-error-code')]).toEqual([400, 'NotSimulated']);
  });
});
