/** callHttp (contract 5.3) against a server that answers as each test needs it. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import {
  createServer,
  type IncomingHttpHeaders,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { certificatesIn } from '../../../local/azure/certificates';
import { type Features, startFeatures } from './features.support';
import { newFolder, until } from './hostProcess';

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let features: Features;
let server: Server;
let tlsServer: Server;
let url = '';
let tlsUrl = '';
let asked: Asked[] = [];
/** Paths that were polled before: the second poll ends. */
let polls = 0;

const ROUTES: Readonly<Record<string, (response: ServerResponse, request: Asked) => void>> = {
  '/echo': (response, { body, method }) => {
    response.writeHead(200, { 'x-Echo': 'yes', 'set-cookie': ['a=1', 'b=2'], 'content-type': 'application/json' });
    response.end(JSON.stringify({ method, body }));
  },
  '/latin': (response) => {
    response.writeHead(200, { 'Content-Type': 'text/plain; charset=iso-8859-1' }).end(Buffer.from([0xe9]));
  },
  '/empty': (response) => response.writeHead(404).end(),
  '/redirect': (response) => response.writeHead(302, { Location: '/echo' }).end(),
  '/toHttp': (response) => response.writeHead(302, { Location: `${url}/done` }).end('stay'),
  '/later': (response) => response.writeHead(202, { location: 'poll' }).end('not yet'),
  '/laterSecond': (response) => response.writeHead(202, { Location: '/done', 'Retry-After': '1' }).end(),
  '/laterElsewhere': (response) => {
    response.writeHead(202, { Location: `${url.replace('127.0.0.1', 'localhost')}/done` }).end();
  },
  '/laterNowhere': (response) => response.writeHead(202, { Location: 'http://' }).end(),
  '/broken': (response) => {
    response.writeHead(200, { 'Content-Length': 100 }).write('half');
    setImmediate(() => response.destroy());
  },
  '/noLocation': (response) => response.writeHead(202).end(),
  '/poll': (response) => (++polls < 3 ? response.writeHead(202, { Location: '/poll' }) : response).end('done'),
  '/done': (response) => response.end('done'),
  '/token': (response) => {
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({ access_token: 'secret', expires_on: 4_000_000_000, token_type: 'Bearer', resource: '' }),
    );
  },
};

beforeAll(async () => {
  const answer: RequestListener = (incoming, response) => {
    void text(incoming).then((body) => {
      const path = (incoming.url ?? '').split('?')[0] ?? '';
      const request = { method: incoming.method ?? '', path, headers: incoming.headers, body };
      asked.push(request);
      (ROUTES[path] ?? ROUTES['/empty'])?.(response, request);
    });
  };
  const stateFolder = newFolder();
  const { tls, authorityFile } = await certificatesIn(join(stateFolder, 'tls'));
  server = createServer(answer);
  tlsServer = createTlsServer(tls, answer);
  const portOf = async (one: Server): Promise<number> => {
    // Both names of the loopback address: two origins.
    await new Promise<void>((resolve) => one.listen(0, 'localhost', resolve));
    return (one.address() as AddressInfo).port;
  };
  url = `http://127.0.0.1:${await portOf(server)}`;
  tlsUrl = `https://127.0.0.1:${await portOf(tlsServer)}`;
  const identity = { IDENTITY_ENDPOINT: `${url}/token`, IDENTITY_HEADER: 'x' };
  features = await startFeatures('featureApp', { ...identity, NODE_EXTRA_CA_CERTS: authorityFile }, stateFolder);
});
afterAll(async () => {
  await features.stop();
  for (const one of [server, tlsServer]) {
    one.closeAllConnections();
    one.close();
  }
});
beforeEach(() => {
  asked = [];
  polls = 0;
});

const call = (path: string, options: Readonly<Record<string, unknown>> = {}) =>
  features.run('http', { method: 'GET', url: url + path, ...options });

test('the answer: status, headers without those of the content, the body as text', async () => {
  expect(await call('/echo', { method: 'POST', body: { z: 1 } })).toEqual({
    response: {
      statusCode: 200,
      headers: {
        'x-Echo': 'yes',
        'Set-Cookie': ['a=1', 'b=2'],
        Date: expect.any(String),
        Connection: expect.any(String),
        'Keep-Alive': expect.any(String),
        'Transfer-Encoding': 'chunked',
      },
      content: '{"method":"POST","body":"{\\"z\\":1}"}',
    },
    after: 'noted 200',
  });
  expect(asked[0]?.headers).toMatchObject({
    'content-type': 'text/plain',
    'content-length': '7',
    'user-agent': 'Microsoft.Azure.WebJobs.Extensions.DurableTask/3.0.0',
  });
  expect(Object.keys(asked[0]?.headers ?? {})).toEqual([
    'user-agent',
    'content-type',
    'content-length',
    'host',
    'connection',
  ]);
});

test.each([
  [
    'an own type and agent',
    { 'content-type': 'application/json', 'user-agent': 'me', 'x-many': ['1', '2'] },
    'application/json',
    'me',
  ],
  [
    'a form',
    { 'Content-Type': 'application/x-www-form-urlencoded' },
    'application/x-www-form-urlencoded; charset=utf-8',
    expect.any(String),
  ],
])('headers as given: %s', async (_, headers, type, agent) => {
  await call('/echo', { method: 'PUT', headers, body: 'a=1' });
  expect(asked[0]).toMatchObject({
    method: 'PUT',
    body: 'a=1',
    headers: { 'content-type': type, 'user-agent': agent },
  });
});

test('other answers: a charset, no body, an error, a redirect', async () => {
  expect(await call('/latin')).toMatchObject({ response: { content: 'é' } });
  expect(await call('/empty')).toMatchObject({ response: { statusCode: 404, content: '' }, after: 'noted 404' });
  const redirected = await call('/redirect', { method: 'POST', body: 'x', headers: { Authorization: 'Bearer me' } });
  expect(redirected).toMatchObject({ response: { content: '{"method":"GET","body":""}' } });
  expect(asked.at(-1)?.headers.authorization).toBeUndefined();
});

test('https, and no redirect from there to http', async () => {
  expect(await call('', { url: `${tlsUrl}/done` })).toMatchObject({ response: { statusCode: 200, content: 'done' } });
  expect(await call('', { url: `${tlsUrl}/toHttp` })).toMatchObject({ response: { statusCode: 302, content: 'stay' } });
});

test('202 with Location is polled until it is something else, relative Location and default pause included', async () => {
  const output = await features.run(
    'http',
    { method: 'POST', url: `${url}/later`, body: 'x', headers: { 'X-Functions-Key': 'k', Authorization: 'a' } },
    'poll1',
  );
  expect(output).toMatchObject({ response: { statusCode: 200, content: 'done' }, after: 'noted 200' });
  expect(asked.map(({ method, path, body }) => `${method} ${path} ${body}`)).toEqual([
    'POST /later x',
    'GET /poll ',
    'GET /poll ',
    'GET /poll ',
  ]);
  expect(asked.map(({ headers }) => [headers['x-functions-key'], headers.authorization])).toEqual([
    ['k', 'a'],
    ...Array.from({ length: 3 }, () => [undefined, 'a']),
  ]);
  const { historyEvents } = await features.reaches('poll1', 'Completed', 'showHistory=true');
  expect((historyEvents as { EventType: string }[]).map(({ EventType }) => EventType)).toEqual([
    'ExecutionStarted',
    ...Array.from({ length: 3 }, () => ['TaskCompleted', 'TimerCreated', 'TimerFired']).flat(),
    'TaskCompleted',
    'TaskCompleted',
    'ExecutionCompleted',
  ]);
});

test('Retry-After is in seconds', async () => {
  await features.run('http', { method: 'GET', url: `${url}/laterSecond` }, 'retryAfter');
  const { historyEvents } = await features.reaches('retryAfter', 'Completed', 'showHistory=true');
  const timer = (historyEvents as Record<string, string>[]).find(({ EventType }) => EventType === 'TimerFired');
  const pause = Date.parse(timer?.['FireAt'] ?? '') - Date.parse(timer?.['Timestamp'] ?? '');
  expect(pause).toBeGreaterThan(900);
  expect(pause).toBeLessThanOrEqual(1000);
});

test('another origin gets no credentials', async () => {
  const headers = { Authorization: 'secret', Cookie: 'c=1', 'x-own': 'kept' };
  expect(await call('/laterElsewhere', { headers })).toMatchObject({ response: { content: 'done' } });
  expect(asked[1]?.headers).toMatchObject({ 'x-own': 'kept' });
  expect(asked[1]?.headers).not.toHaveProperty('authorization');
  expect(asked[1]?.headers).not.toHaveProperty('cookie');
});

test('no poll without Location, or where the app wants none', async () => {
  expect(await call('/noLocation')).toMatchObject({ response: { statusCode: 202 }, after: 'noted 202' });
  expect(await call('/later', { enablePolling: false })).toMatchObject({
    response: { statusCode: 202, content: 'not yet' },
  });
  expect(polls).toBe(0);
});

test('a token source asks for a token of the managed identity, at each poll of the same origin too', async () => {
  await call('/later', { resource: 'https://management.core.windows.net' });
  const calls = asked.filter(({ path }) => path !== '/token');
  expect(calls.map(({ headers }) => headers.authorization)).toEqual(Array.from({ length: 4 }, () => 'Bearer secret'));
});

test('what cannot be asked fails the task with the reason', async () => {
  expect(await call('', { url: 'http://127.0.0.1:9/x?secret=1' })).toBe(
    'GET http://127.0.0.1:9/x failed: connect ECONNREFUSED 127.0.0.1:9',
  );
  expect(await call('/broken')).toBe(`GET ${url}/broken failed: aborted`);
  expect(await call('', { url: 'ftp://a' })).toBe("callHttp needs an absolute http or https URL, and got 'ftp://a'.");
  expect(await call('/laterNowhere')).toBe("callHttp needs an absolute http or https URL, and got 'http://'.");
  expect(await call('/echo', { method: 'POST', body: 'x', headers: { 'Content-Type': 'multipart/form-data' } })).toBe(
    'Multipart content is not supported with CallHttpAsync.',
  );
});

test('a polled call that wins against a timer', async () => {
  const output = await features.run('httpRace', { method: 'GET', url: `${url}/later` });
  expect(output).toEqual(['done', 'noted after']);
});

test('one polled call beside other work; two polled at once would mix up their numbers on Azure, and fail here', async () => {
  const beside = {
    calls: [
      { method: 'GET', url: `${url}/later` },
      { method: 'GET', url: `${url}/done` },
    ],
    note: true,
  };
  expect(await features.run('httpBeside', beside)).toEqual(['done', 'done', 'noted beside']);
  const twice = {
    calls: [
      { method: 'GET', url: `${url}/laterSecond` },
      { method: 'GET', url: `${url}/laterSecond` },
    ],
  };
  expect(await features.run('httpBeside', twice)).toMatchObject({
    runtimeStatus: 'Failed',
    output: expect.stringMatching(/has sequence number 3 for the host and 4 for the app/),
  });
});

test('a host that is killed between two polls goes on with the next', async () => {
  const stateFolder = newFolder();
  const first = await startFeatures('featureApp', {}, stateFolder);
  await first.start('http', 'killed', { method: 'GET', url: `${url}/laterSecond` });
  await until(
    async () => (await first.ask('instances/killed', 'showHistory=true')).text,
    (status) => status.includes('TimerCreated'),
  );
  await first.host.stop('SIGKILL');
  const second = await startFeatures('featureApp', {}, stateFolder);
  expect(await second.reaches('killed', 'Completed')).toMatchObject({ output: { response: { content: 'done' } } });
  expect(asked.map(({ path }) => path)).toEqual(['/laterSecond', '/done']);
  await second.stop();
});
