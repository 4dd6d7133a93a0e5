const { Buffer } = require('node:buffer');
const { app } = require('@azure/functions');
const df = require('durable-functions');

const anonymous = { authLevel: 'anonymous' };
const client = { extraInputs: [df.input.durableClient()] };

app.http('echo', {
  ...anonymous,
  route: 'echo/{area}/{id?}',
  methods: ['GET', 'POST'],
  handler: async (request) => ({
    status: 201,
    headers: { 'x-echo': request.headers.get('x-sent') ?? 'none' },
    jsonBody: {
      method: request.method,
      url: request.url,
      params: request.params,
      query: Object.fromEntries(request.query),
      body: await request.text(),
    },
  }),
});
app.http('reverse', {
  ...anonymous,
  methods: ['POST'],
  handler: async (request) => ({
    headers: { 'Content-Type': 'application/octet-stream' },
    cookies: [{ name: 'c', value: 'v', httpOnly: true }],
    body: Buffer.from(await request.arrayBuffer()).reverse(),
  }),
});
app.http('open', { handler: () => ({ body: 'open' }) });
app.http('guarded', { authLevel: 'function', handler: () => ({ body: 'in' }) });
app.http('ruled', { authLevel: 'admin', handler: () => ({ body: 'in' }) });
app.http('nothing', { ...anonymous, handler: () => undefined });
app.http('broken', {
  ...anonymous,
  handler: () => {
    throw new Error('the handler broke');
  },
});
app.http('settings', {
  ...anonymous,
  handler: () => ({
    jsonBody: {
      alreadySet: process.env.ALREADY_SET,
      fromFile: process.env.FROM_FILE,
      host: process.env.WEBSITE_HOSTNAME,
    },
  }),
});

app.http('start', {
  ...anonymous,
  ...client,
  route: 'start/{name}/{id?}',
  methods: ['POST'],
  handler: async (request, context) => {
    const durable = df.getClient(context);
    const text = await request.text();
    const { name, id } = request.params;
    const options = { ...(id && { instanceId: id }), ...(text && { input: JSON.parse(text) }) };
    return durable.createCheckStatusResponse(request, await durable.startNew(name, options));
  },
});

const operations = {
  clientData: (durable) => durable.clientData,
  start: (durable, id, b) => durable.startNew(b.name, { instanceId: id, input: b.input }),
  status: (durable, id) => durable.getStatus(id),
  all: (durable) => durable.getStatusAll(),
  by: (durable, id, b) => durable.getStatusBy({ runtimeStatus: b.runtimeStatus }),
  raise: (durable, id, b) => durable.raiseEvent(id, b.name, b.data),
  terminate: (durable, id, b) => durable.terminate(id, b.reason),
  suspend: (durable, id, b) => durable.suspend(id, b.reason),
  resume: (durable, id, b) => durable.resume(id, b.reason),
  rewind: (durable, id, b) => durable.rewind(id, b.reason),
  purge: (durable, id) => durable.purgeInstanceHistory(id),
  signal: (durable, id, b) => durable.signalEntity(new df.EntityId(b.name, b.key), b.op, b.input),
  read: (durable, id, b) => durable.readEntityState(new df.EntityId(b.name, b.key)),
};
app.http('client', {
  ...anonymous,
  ...client,
  route: 'client/{op}/{id?}',
  methods: ['POST'],
  handler: async (request, context) => {
    const text = await request.text();
    try {
      const result = await operations[request.params.op](
        df.getClient(context),
        request.params.id,
        JSON.parse(text || '{}'),
      );
      return { jsonBody: { result: result === undefined ? null : result } };
    } catch (error) {
      return { status: 500, jsonBody: { error: error.message } };
    }
  },
});
