/** Hooks that change what they see, timers that know what they missed, and the doors that are kept shut. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { type HostProcess, newFolder, send, startHostProcess, until, writeApp } from './hostProcess';

const HOOKS = `
const { app } = require('@azure/functions');
const said = [];
const of = (name, act) => (context) => { if (context.invocationContext.functionName === name) act(context); };
const http = (name, handler) => app.http(name, { authLevel: 'anonymous', handler });

app.hook.appStart((context) => { context.hookData.started = 'yes'; });
app.hook.preInvocation(of('inputs', (context) => { context.inputs = [{ replaced: true }, ...context.inputs.slice(1)]; }));
http('inputs', (request) => ({ jsonBody: request }));
app.hook.preInvocation(of('handler', (context) => {
  const before = context.functionHandler;
  context.functionHandler = async (...given) => ({ body: 'around ' + (await before(...given)).body });
}));
http('handler', () => ({ body: 'the handler' }));
app.hook.preInvocation(of('refused', () => { throw new Error('refused by the hook'); }));
http('refused', () => ({ body: 'never' }));
app.hook.postInvocation(of('result', (context) => { context.result = { status: 202, body: context.result.body + ' and more' }; }));
http('result', () => ({ body: 'some' }));
app.hook.postInvocation(of('mended', (context) => {
  context.result = { body: 'mended: ' + context.error.message };
  context.error = null;
}));
http('mended', () => { throw new Error('broken'); });
app.hook.postInvocation(of('failed', (context) => { context.error = new Error('failed by the hook'); }));
http('failed', () => ({ body: 'fine' }));
app.hook.preInvocation(of('shared', (context) => { context.hookData.seen = ['pre']; }));
app.hook.postInvocation(of('shared', (context) => { context.result = { jsonBody: [...context.hookData.seen, typeof context.hookData.seen] }; }));
http('shared', () => ({}));
const once = app.hook.preInvocation(of('disposed', () => said.push('hook')));
once.dispose();
http('disposed', () => ({ jsonBody: said }));
app.hook.log((context) => {
  if (context.message === 'secret') { context.message = 'redacted'; context.level = 'warning'; }
});
http('logs', (_, context) => { context.log('secret'); return {}; });
app.warmup('warm', { handler: () => undefined });
app.hook.appTerminate(() => { process.stderr.write('terminated\\n'); });
`;

const TIMERS = `
const { app } = require('@azure/functions');
const runs = { daily: [], atStart: [], plain: [], often: [] };
const timer = (name, options) => app.timer(name, { ...options, handler: (given) => void runs[name].push(given) });
timer('daily', { schedule: '0 0 3 * * *' });
timer('atStart', { schedule: '1.00:00:00', runOnStartup: true });
timer('plain', { schedule: '0 0 3 * * *', useMonitor: false });
timer('often', { schedule: '00:00:01' });
app.generic('batch', {
  trigger: { type: 'eventGridTrigger', name: 'e', cardinality: 'Many' },
  handler: (events) => void (runs.batch = events),
});
app.http('runs', { authLevel: 'anonymous', handler: () => ({ jsonBody: runs }) });
`;

const main = { 'package.json': '{"main":"app.js"}' };
const [state, timerState] = [newFolder(), newFolder()];
const apps = { hooks: writeApp({ ...main, 'app.js': HOOKS }), timers: writeApp({ ...main, 'app.js': TIMERS }) };
let host: HostProcess;
let timers: HostProcess;
beforeAll(async () => {
  [host, timers] = await Promise.all([startHostProcess(state, apps.hooks), startHostProcess(timerState, apps.timers)]);
});
afterAll(async () => {
  await Promise.all([host.stop('SIGKILL'), timers.stop('SIGKILL')]);
  for (const folder of [state, timerState, apps.hooks, apps.timers]) rmSync(folder, { recursive: true });
});

describe('hooks', () => {
  test.each([
    ['inputs', { status: 200, json: { replaced: true } }],
    ['handler', { status: 200, text: 'around the handler' }],
    ['refused', { status: 500, text: '' }],
    ['result', { status: 202, text: 'some and more' }],
    ['mended', { status: 200, text: 'mended: broken' }],
    ['failed', { status: 500, text: '' }],
    ['shared', { status: 200, json: ['pre', 'object'] }],
    ['disposed', { status: 200, json: [] }],
  ])('%s', async (name, answer) => {
    expect(await send(`${host.url}/api/${name}`)).toMatchObject(answer);
  });

  test('failures of hooks are logged by the function', () => {
    expect(host.output()).toMatch(/error \[refused\] failed: Error: refused by the hook/);
    expect(host.output()).toMatch(/error \[failed\] failed: Error: failed by the hook/);
  });

  test('a log hook changes the line', async () => {
    await send(`${host.url}/api/logs`);
    expect(host.output()).toMatch(/warning \[logs\] redacted/);
    expect(host.output()).not.toContain('secret');
  });
});

describe('timers', () => {
  interface Run {
    readonly isPastDue: boolean;
    readonly scheduleStatus: { readonly last: string; readonly next: string; readonly lastUpdated: string } | null;
  }
  const runs = async () => (await send(`${timers.url}/api/runs`)).json as Record<string, Run[]>;
  const runByHand = (name: string) =>
    send(`${timers.url}/admin/functions/${name}`, 'POST', { input: '' }, { 'x-functions-key': timers.keys.masterKey });
  const never = '0001-01-01T00:00:00';

  test('one that runs at the start, one that comes often, and two by hand', async () => {
    expect((await runByHand('DAILY')).status).toBe(202);
    expect((await runByHand('plain')).status).toBe(202);
    const told = await until(runs, ({ atStart, daily, plain, often }) =>
      [atStart, daily, plain, often].every((some) => (some?.length ?? 0) > 0),
    );
    expect(told.atStart).toEqual([
      expect.objectContaining({ isPastDue: false, scheduleStatus: expect.objectContaining({ last: never }) }),
    ]);
    expect(told.daily?.[0]).toEqual({
      schedule: { adjustForDST: true },
      scheduleStatus: { last: never, next: expect.stringMatching(/T03:00:00\.000Z$/), lastUpdated: never },
      isPastDue: false,
    });
    expect(told.plain?.[0]?.scheduleStatus).toBeNull();
    expect(told.often?.[0]?.scheduleStatus).toBeNull();
  });

  test('a run that was missed while no host ran is made up for, as past due', async () => {
    expect(await timers.stop('SIGTERM')).toBe(0);
    const file = join(timerState, 'timers.json');
    const missed = Date.parse('2026-01-02T03:00:00Z');
    const kept = JSON.parse(readFileSync(file, 'utf8')) as Record<string, object>; // as the test above left it
    writeFileSync(file, JSON.stringify({ ...kept, daily: { ...kept.daily, last: missed - 86_400_000, next: missed } }));
    timers = await startHostProcess(timerState, apps.timers);
    const { daily } = await until(runs, (told) => (told.daily?.length ?? 0) > 0);
    expect(daily).toEqual([
      expect.objectContaining({
        isPastDue: true,
        scheduleStatus: expect.objectContaining({ next: '2026-01-02T03:00:00.000Z', last: '2026-01-01T03:00:00.000Z' }),
      }),
    ]);
  });

  test('cardinality many takes a batch at once', async () => {
    const key = timers.keys.systemKeys.eventgrid_extension;
    const hook = `${timers.url}/runtime/webhooks/eventgrid?functionName=batch&code=${key}`;
    const batch = [
      { id: '1', data: { A: 1 } },
      { id: '2', data: null },
    ];
    expect((await send(hook, 'POST', batch, { 'aeg-event-type': 'Notification' })).status).toBe(202);
    expect((await runs()).batch).toEqual(batch);
    expect((await send(hook, 'POST', '[{', { 'aeg-event-type': 'Notification' })).status).toBe(400);
    const handshake = await send(hook, 'OPTIONS', undefined, { 'WebHook-Request-Origin': 'eventgrid.azure.net' });
    expect(handshake).toMatchObject({
      status: 400,
      text: expect.stringMatching(/OPTIONS is not answered, as on Azure/),
    });
    expect(handshake.headers.has('webhook-allowed-origin')).toBe(false);
  });
});

describe('doors', () => {
  const admin = (path: string, method: string, key = host.keys.masterKey) =>
    send(`${host.url}/admin/${path}`, method, {}, { 'x-functions-key': key });

  test('what cannot be run by hand, and what is not there', async () => {
    expect(await admin('functions/result', 'POST')).toMatchObject({
      status: 400,
      text: expect.stringMatching(/httpTrigger/),
    });
    expect((await admin('functions/warm', 'POST')).status).toBe(202);
    expect((await admin('functions/nothing', 'POST')).status).toBe(404);
    expect((await admin('functions/warm', 'DELETE')).status).toBe(404);
    expect((await admin('functions/warm', 'POST', host.keys.functionKeys.default)).status).toBe(401);
  });

  /** `fetch` lets nobody choose the Host header. */
  const statusOf = (url: string, headers: Record<string, string>): Promise<number | undefined> =>
    new Promise((resolve, reject) =>
      request(url, { headers }, (answer) => resolve(answer.resume().statusCode))
        .on('error', reject)
        .end(),
    );

  test('the address without a key answers neither a page of a browser nor a borrowed name', async () => {
    const { rpcUrl } = await startClient();
    const at = `${rpcUrl}instances/`;
    expect(await statusOf(at, {})).toBe(200);
    expect(await statusOf(at, { host: `localhost:${new URL(at).port}` })).toBe(200);
    expect(await statusOf(at, { origin: 'https://page.test' })).toBe(403);
    expect(await statusOf(at, { host: `page.test:${new URL(at).port}` })).toBe(403);
  });

  /** It tells the address that its durable client was given. */
  const CLIENT = `
    const { app } = require('@azure/functions'); const df = require('durable-functions');
    app.http('rpc', { authLevel: 'anonymous', extraInputs: [df.input.durableClient()],
      handler: (_, context) => ({ jsonBody: { rpcUrl: df.getClient(context).clientData.rpcBaseUrl } }) });`;
  const clients: { host: HostProcess; folders: string[] }[] = [];
  afterAll(async () => {
    for (const { host: one, folders } of clients) {
      await one.stop('SIGKILL');
      folders.forEach((folder) => rmSync(folder, { recursive: true }));
    }
  });
  async function startClient(): Promise<{ rpcUrl: string }> {
    const folders = [newFolder(), writeApp({ ...main, 'app.js': CLIENT })] as const;
    const one = await startHostProcess(...folders);
    clients.push({ host: one, folders: [...folders] });
    return (await send(`${one.url}/api/rpc`)).json as { rpcUrl: string };
  }
});

test('keys: one of a function opens that function only; kept over a restart, the owner’s alone', async () => {
  const guarded = `const { app } = require('@azure/functions');
    for (const name of ['one', 'two']) app.http(name, { authLevel: 'function', handler: () => ({ body: name }) });`;
  const folders = [newFolder(), writeApp({ ...main, 'app.js': guarded })] as const;
  const first = await startHostProcess(...folders);
  const key = first.keys.functions.one?.default ?? '';
  expect(key).toHaveLength(43);
  expect((await send(`${first.url}/api/one?code=${key}`)).text).toBe('one');
  expect((await send(`${first.url}/api/two?code=${key}`)).status).toBe(401);
  expect((await send(`${first.url}/api/two?code=${first.keys.functionKeys.default}`)).text).toBe('two');
  await first.stop('SIGTERM');
  const again = await startHostProcess(...folders);
  expect(again.keys).toEqual(first.keys);
  await again.stop('SIGKILL');
  folders.forEach((folder) => rmSync(folder, { recursive: true }));
});
