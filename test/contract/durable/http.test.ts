/** HTTP functions over real HTTP: which function a request finds, and what goes in and comes out, whole and as a stream. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { type IncomingMessage, request as open } from 'node:http';
import { join } from 'node:path';
import { type HostProcess, newFolder, send, startHostProcess, until } from './hostProcess';

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const [wholeState, streamState] = [newFolder(), newFolder()];
let host: HostProcess;
let streams: HostProcess;
beforeAll(async () => {
  [host, streams] = await Promise.all([
    startHostProcess(wholeState, join(__dirname, 'httpApp')),
    startHostProcess(streamState, join(__dirname, 'streamApp')),
  ]);
});
afterAll(async () => {
  await Promise.all([host.stop('SIGKILL'), streams.stop('SIGKILL')]);
  for (const state of [wholeState, streamState]) rmSync(state, { recursive: true });
});

describe('routes', () => {
  test.each<[method: string, path: string, name: string | undefined, params: Record<string, string> | undefined]>([
    ['GET', '/', 'root', {}],
    ['GET', '/items/new', 'fixed', {}],
    ['GET', '/ITEMS/NEW/', 'fixed', {}],
    ['GET', '/items/7', 'numbered', { id: '7' }],
    ['GET', '/items/0', 'item', { name: '0' }],
    ['GET', '/items/Se%C3%A9n', 'item', { name: 'Seén' }],
    ['DELETE', '/items/7', 'removed', { name: '7' }],
    ['GET', '/items/a/b', 'anything', { rest: 'a/b' }],
    ['GET', '/items', 'anything', {}],
    ['GET', '/area51', 'setting', {}],
    ['GET', '/area51/0f8fad5b-d9cb-469f-a165-70867728950e', 'setting', { id: '0f8fad5b-d9cb-469f-a165-70867728950e' }],
    ['GET', '/area51/x', undefined, undefined],
    ['PATCH', '/items/new', undefined, undefined],
    ['GET', '/headed', undefined, undefined],
    ['GET', '/off', undefined, undefined],
  ])('%s %s', async (method, path, name, params) => {
    const answer = await send(host.url + path, method);
    if (name === undefined) expect(answer).toMatchObject({ status: 404, text: '' });
    else expect(answer).toMatchObject({ status: 200, json: { function: name, params } });
  });

  test('HEAD has headers and no body', async () => {
    const answer = await send(`${host.url}/headed`, 'HEAD');
    expect(answer).toMatchObject({ status: 200, text: '' });
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(answer.headers.get('x-from')).toBe('host.json');
  });
});

describe('bodies', () => {
  const at = (path: string): string => `${host.url}/${path}`;

  test.each([0, 1, 6_000_000])('%s bytes in', async (size) => {
    const body = Buffer.alloc(size, 7);
    const { json } = await send(at('digest'), 'PUT', body, { 'Content-Type': 'application/octet-stream' });
    expect(json).toEqual({ size, sha: sha(body), type: 'application/octet-stream' });
  });

  test('6 MB out, and what a function gives as a stream', async () => {
    expect((await send(at('large?size=6000000'))).text).toHaveLength(6_000_000);
    expect(await send(at('streamed'))).toMatchObject({ status: 200, text: 'one two three' });
  });

  test('JSON; what is no JSON fails the function', async () => {
    expect((await send(at('json'), 'POST', { a: ['ü', null, 1.5] })).json).toEqual({ a: ['ü', null, 1.5] });
    expect(await send(at('json'), 'POST', '{', { 'Content-Type': 'application/json' })).toMatchObject({ status: 500 });
  });

  test('forms', async () => {
    const fields = await fetch(at('form'), { method: 'POST', body: new URLSearchParams({ a: '1 & 2', b: '' }) });
    expect(await fields.json()).toEqual([
      ['a', '1 & 2'],
      ['b', ''],
    ]);
    const form = new FormData();
    form.append('name', 'value');
    form.append('file', new Blob([Uint8Array.of(0, 255, 13, 10)]), 'bytes.bin');
    const multipart = await fetch(at('form'), { method: 'POST', body: form });
    expect(await multipart.json()).toEqual([
      ['name', 'value'],
      ['file', 'bytes.bin', sha(Uint8Array.of(0, 255, 13, 10))],
    ]);
  });

  test('repeated headers and query values are joined', async () => {
    const answer = await ask(host.url, '/request?x=1&x=2&empty=', { 'x-two': ['a', 'b'], cookie: 'a=1; b=2' });
    expect(JSON.parse(await textOf(answer))).toMatchObject({
      headers: { 'x-two': 'a, b', cookie: 'a=1; b=2' },
      query: [
        ['x', '1,2'],
        ['empty', ''],
      ],
      hasBody: false,
    });
  });

  test('cookies and repeated headers out', async () => {
    const { headers } = await send(at('cookies'));
    expect(headers.get('x-many')).toBe('a, b');
    expect(headers.getSetCookie()).toEqual([
      'a=1%202; Path=/; SameSite=None; Secure',
      'b=; Domain=example.test; Expires=Fri, 02 Jan 1970 00:00:00 GMT; Max-Age=0',
    ]);
  });

  test.each([204, 304, 418])('status %s', async (status) => {
    expect((await send(at(`status?status=${status}`))).status).toBe(status);
  });

  test('an answer that is none is 500', async () => {
    expect(await send(at('text'))).toMatchObject({ status: 500, text: '' });
    expect(await send(at('status?status=99'))).toMatchObject({ status: 500 });
  });

  test('a body above 100 MB is refused', async () => {
    const body = ReadableStream.from(Array.from({ length: 101 }, () => new Uint8Array(1024 * 1024)));
    const answer = await fetch(at('digest'), { method: 'POST', body, duplex: 'half' });
    expect(answer.status).toBe(413);
  });

  test('a binding that nothing serves is told of', () => {
    expect(host.output()).toMatch(/warning \[queued\] the binding 'queue' is not served/);
  });

  test('what is no path of ours is 400', async () => {
    const answer = await ask(host.url, 'http://elsewhere.test/');
    expect(answer.statusCode).toBe(400);
  });
});

/** A request as Node sends it: nothing is tidied on the way. */
function ask(origin: string, path: string, headers: Record<string, string | string[]> = {}): Promise<IncomingMessage> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => open({ hostname, port, path, headers }, resolve).on('error', reject).end());
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) text += String(chunk);
  return text;
}

describe('streams', () => {
  const at = (path: string): string => `${streams.url}/api/${path}`;

  test('route and query values, and the address as it was asked for', async () => {
    const { json } = await send(at('values/7?x=a%20b&y=&id=8'));
    expect(json).toEqual({
      params: { id: '7', x: 'a b', y: '' },
      query: [
        ['x', 'a b'],
        ['y', ''],
        ['id', '8'],
      ],
      url: at('values/7?x=a%20b&y=&id=8'),
    });
    expect((await send(at('values/x'))).status).toBe(404);
  });

  test('a body in and out, with its headers', async () => {
    const answer = await send(at('echo'), 'POST', Buffer.from('some bytes'), { 'x-id': '5' });
    expect(answer).toMatchObject({ status: 200, text: 'some bytes' });
    expect(answer.headers.get('x-id')).toBe('5');
    expect(answer.headers.has('x-ms-invocation-id')).toBe(false);
    const size = 150 * 1024 * 1024;
    const body = ReadableStream.from(Array.from({ length: 150 }, () => new Uint8Array(1024 * 1024)));
    const large = await fetch(at('size'), { method: 'POST', body, duplex: 'half' });
    expect(await large.json()).toEqual({ size });
  });

  test('both sides talk at once', async () => {
    const { hostname, port } = new URL(streams.url);
    const sent = open({ hostname, port, path: '/api/talk', method: 'POST' });
    sent.flushHeaders();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]; // what the event gives
    const lines = answer.setEncoding('utf8')[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('hello\n');
    for (const word of ['one\n', 'two\n']) {
      sent.write(word);
      expect((await lines.next()).value).toBe(`heard ${word}`);
    }
    sent.end();
    expect((await lines.next()).done).toBe(true);
  });

  test('nothing is 204; cookies are kept apart', async () => {
    expect(await send(at('nothing'))).toMatchObject({ status: 204, text: '' });
    expect(await send(at('nothing'), 'POST', 'x')).toMatchObject({ status: 204, text: '' });
    const { status, headers } = await send(at('cookies'));
    expect([status, headers.getSetCookie()]).toEqual([201, ['a=1', 'b=2']]);
  });

  test('a throw is 500, also with a body on its way; a tear cuts the answer', async () => {
    expect(await send(at('broken'))).toMatchObject({ status: 500, text: '' });
    expect(await send(at('broken'), 'POST', Buffer.alloc(3_000_000))).toMatchObject({ status: 500, text: '' });
    expect(streams.output()).toMatch(/error \[broken\] failed: Error: the handler broke/);
    const torn = fetch(at('torn')).then((answer) => answer.text().then(() => answer.status));
    // A failure that overtakes the answer's head is a 500 still.
    expect([500, 'cut']).toContain(await torn.catch(() => 'cut'));
    expect(await send(at('cookies'))).toMatchObject({ status: 201 });
  });

  test('a caller that goes away ends the function’s request', async () => {
    const { hostname, port } = new URL(streams.url);
    const sent = open({ hostname, port, path: '/api/upload', method: 'POST' });
    sent.on('error', () => undefined);
    await new Promise((resolve) => sent.write('begun', resolve));
    sent.destroy();
    await until(
      async () => (await send(at('facts'))).json as { aborted: number },
      ({ aborted }) => aborted === 1,
    );
  });

  test('a key is asked for before anything else', async () => {
    expect((await send(at('guarded'), 'POST', 'x')).status).toBe(401);
    const own = streams.keys.functions.guarded?.default ?? '';
    expect((await send(at(`guarded?code=${own}`))).text).toBe('in');
  });
});
