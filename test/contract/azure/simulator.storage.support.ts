/** A storage account, and requests to its blob service as the storage clients send them. */
import { expect } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { z } from 'zod';
import { type Arm, armOf, instant, location, platform, startTestAzure, type TestAzure } from './simulator.support';

const GIB = 2 ** 30;
export const download = 'https://download.example.com/sentry.vhd';
export const vhdBytes = 30 * GIB + 512;
export const accounts = (name: string, subscription = platform): string =>
  `/subscriptions/${subscription}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/${name}`;
export const account = { location, kind: 'StorageV2', sku: { name: 'Standard_LRS' } };

export const keysOf = (body: unknown): string[] =>
  z
    .object({ keys: z.array(z.object({ value: z.string() })) })
    .parse(body)
    .keys.map(({ value }) => value);

interface Sent {
  readonly key?: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly content?: Buffer;
  readonly account?: string;
  /** Puts the account into the host instead of the path. */
  readonly host?: string;
}
export interface Got {
  readonly status: number;
  readonly header: (name: string) => string;
  readonly body: Buffer;
}

/** The account `vhdstore`, and a clock that stands still but for `advance`. */
export class TestStorage {
  keys: string[] = [];

  private constructor(
    readonly azure: TestAzure,
    readonly arm: Arm,
    private time: number,
  ) {}

  static async start(): Promise<TestStorage> {
    const timings = { ...instant.timings, storageAccount: 20, blobCopy: 60, containerDelete: 30 };
    const azure = await startTestAzure({ ...instant, timings, downloads: [{ url: download, bytes: vhdBytes }] });
    const arm = await armOf(azure);
    expect((await arm('PUT', accounts('vhdstore'), account)).status).toBe(202);
    const { body } = await arm('GET', accounts('vhdstore'));
    const created = z.object({ properties: z.object({ creationTime: z.string() }) }).parse(body)
      .properties.creationTime;
    const storage = new TestStorage(azure, arm, Date.parse(created));
    storage.advance(20);
    storage.keys = keysOf((await arm('POST', `${accounts('vhdstore')}/listKeys`)).body);
    return storage;
  }

  advance(seconds: number): void {
    this.time += seconds * 1000;
    this.azure.advance(seconds);
  }

  /** With the account's first key. */
  async keyed(method: string, path: string, sent: Sent = {}): Promise<Got> {
    return this.blob(method, path, { key: this.keys[0] ?? '', ...sent });
  }

  /** With `x-ms-version` and `x-ms-date`, and Shared Key's signature over both. */
  async blob(method: string, path: string, sent: Sent = {}): Promise<Got> {
    const { key, token, content = Buffer.alloc(0), account: name = 'vhdstore', host } = sent;
    const url = host === undefined ? `/${name}${path}` : path;
    const now = new Date(this.time).toUTCString();
    const headers: Record<string, string> = { 'x-ms-version': '2021-12-02', 'x-ms-date': now, ...sent.headers };
    if (content.length > 0 || method === 'PUT') headers['content-length'] = String(content.length);
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    if (key !== undefined) headers['authorization'] = `SharedKey ${name}:${signed(method, url, headers, name, key)}`;
    if (host !== undefined) headers['host'] = host;
    const asked = request(`${this.azure.url}${url}`, { method, headers, agent: false });
    asked.end(content);
    const [response] = z.tuple([z.instanceof(IncomingMessage)]).parse(await once(asked, 'response'));
    const body = await buffer(response);
    return { status: response.statusCode ?? 0, body, header: (one) => response.headersDistinct[one]?.[0] ?? '' };
  }

  /** A service signature for one blob. */
  signature(path: string, permissions: string, of: string, key: string, minutes = 60): string {
    const end = new Date(this.time + minutes * 60_000).toISOString().replace(/\.\d+Z/, 'Z');
    const version = '2022-11-02';
    const text = [
      permissions,
      '',
      end,
      `/blob/${of}${path}`,
      '',
      '',
      'https',
      version,
      'b',
      '',
      '',
      '',
      '',
      '',
      '',
      '',
    ];
    const sig = createHmac('sha256', Buffer.from(key, 'base64')).update(text.join('\n')).digest('base64');
    return new URLSearchParams({ sv: version, spr: 'https', se: end, sr: 'b', sp: permissions, sig }).toString();
  }
}

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
