import { Buffer } from 'node:buffer';
import { ReadableStream } from 'node:stream/web';
import { app } from '@azure/functions';

app.setup({ enableHttpStream: true });

const facts = { cancelled: 0, aborted: 0 };
const post = (name, handler, route) =>
  app.http(name, { authLevel: 'anonymous', methods: ['GET', 'POST'], handler, ...(route && { route }) });

post('echo', (request) => ({ body: request.body, headers: { 'x-id': request.headers.get('x-id') ?? 'none' } }));
post('size', async (request) => {
  let size = 0;
  for await (const chunk of request.body ?? []) size += chunk.length;
  return { jsonBody: { size } };
});
post(
  'values',
  (request) => ({ jsonBody: { params: request.params, query: [...request.query], url: request.url } }),
  'values/{id:int}/{more?}',
);
post('nothing', () => undefined);
post('cookies', () => ({
  status: 201,
  cookies: [
    { name: 'a', value: '1' },
    { name: 'b', value: '2' },
  ],
}));
post('broken', () => {
  throw new Error('the handler broke');
});
post('torn', () => ({
  body: new ReadableStream({
    pull(controller) {
      if (this.begun) controller.error(new Error('torn in the middle'));
      else controller.enqueue(Buffer.from('begun'));
      this.begun = true;
    },
  }),
}));
/** Says a line for each line that it hears: neither side waits for the other's end. */
post('talk', (request) => ({
  body: ReadableStream.from(
    (async function* () {
      yield Buffer.from('hello\n');
      for await (const chunk of request.body) yield Buffer.from(`heard ${Buffer.from(chunk)}`);
    })(),
  ),
}));
post('upload', async (request) => {
  try {
    for await (const _ of request.body) void _;
  } catch {
    facts.aborted++;
  }
  return {};
});
post('facts', () => ({ jsonBody: facts }));
app.http('guarded', { authLevel: 'function', handler: () => ({ body: 'in' }) });
