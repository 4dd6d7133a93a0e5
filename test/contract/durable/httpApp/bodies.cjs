const { Buffer } = require('node:buffer');
const { createHash } = require('node:crypto');
const { ReadableStream } = require('node:stream/web');
const { app, output } = require('@azure/functions');

const post = (name, handler, more) =>
  app.http(name, { authLevel: 'anonymous', methods: ['GET', 'POST', 'PUT', 'OPTIONS'], handler, ...more });
const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');

post('digest', async (request) => {
  const bytes = new Uint8Array(await request.arrayBuffer());
  return { jsonBody: { size: bytes.length, sha: sha(bytes), type: request.headers.get('content-type') } };
});
post('json', async (request) => ({ jsonBody: await request.json() }));
post('form', async (request) => {
  const form = await request.formData();
  const parts = [...form].map(async ([name, value]) =>
    typeof value === 'string' ? [name, value] : [name, value.name, sha(new Uint8Array(await value.arrayBuffer()))],
  );
  return { jsonBody: await Promise.all(parts) };
});
post('request', (request) => ({
  jsonBody: { headers: Object.fromEntries(request.headers), query: [...request.query], hasBody: request.body !== null },
}));
post('large', (request) => ({ body: Buffer.alloc(Number(request.query.get('size')), 'x') }));
post('streamed', () => ({
  headers: { 'Content-Type': 'text/plain' },
  body: ReadableStream.from(['one ', 'two ', 'three'].map((text) => Buffer.from(text))),
}));
post('cookies', () => ({
  headers: [
    ['x-many', 'a'],
    ['x-many', 'b'],
  ],
  cookies: [
    { name: 'a', value: '1 2', path: '/', secure: true, sameSite: 'None' },
    { name: 'b', value: '', maxAge: 0, expires: new Date(86_400_000), domain: 'example.test' },
  ],
}));
post('status', (request) => ({ status: Number(request.query.get('status')), body: 'no body with 204 and 304' }));
post('text', () => 'no object');
post('off', () => ({ body: 'switched off' }));
post('queued', () => ({ body: 'told nobody' }), {
  extraOutputs: [output.storageQueue({ queueName: 'q', connection: 'c' })],
});
