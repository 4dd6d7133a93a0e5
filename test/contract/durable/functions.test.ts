/** Everything around the durable part: HTTP functions and their keys, Event Grid, timers, hooks and the admin calls. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { APP, type HostProcess, newFolder, send, startHostProcess, until } from './hostProcess';

let host: HostProcess;
const state = newFolder();
beforeAll(async () => {
  host = await startHostProcess(state, APP, { ALREADY_SET: 'from the environment' });
});
afterAll(async () => {
  await host.stop('SIGKILL');
  rmSync(state, { recursive: true });
});

const api = (path: string): string => `${host.url}/api/${path}`;
interface Facts {
  readonly events: readonly { readonly id: string; readonly metadata: unknown }[];
  readonly ticks: readonly unknown[];
  readonly runs: number;
  readonly hooks: readonly string[];
}
const facts = async (): Promise<Facts> => (await send(api('facts'))).json as Facts;

describe('HTTP functions', () => {
  test('route values, query, headers and body go in; status, headers and body come out', async () => {
    const answer = await send(api('Echo/a%20b/7?x=1&empty='), 'POST', 'text', {
      'Content-Type': 'text/plain',
      'x-sent': 'yes',
    });
    expect(answer).toMatchObject({
      status: 201,
      json: { method: 'POST', params: { area: 'a b', id: '7' }, query: { x: '1', empty: '' }, body: 'text' },
    });
    expect(answer.headers.get('x-echo')).toBe('yes');
  });

  test('an optional segment may be left out, with its slash', async () => {
    for (const path of ['echo/a', 'echo/a/'])
      expect((await send(api(path))).json).toMatchObject({ params: { area: 'a' }, body: '' });
    expect((await send(api('echo'))).status).toBe(404);
    expect((await send(api('echo/a/b/c'))).status).toBe(404);
    expect((await send(api('echo/a'), 'DELETE')).status).toBe(404);
  });

  test('bytes stay bytes', async () => {
    const answer = await fetch(api('reverse'), { method: 'POST', body: Uint8Array.of(0, 255, 10, 128) });
    expect([...new Uint8Array(await answer.arrayBuffer())]).toEqual([128, 10, 255, 0]);
    expect(answer.headers.get('content-type')).toBe('application/octet-stream');
    expect(answer.headers.get('set-cookie')).toBe('c=v; HttpOnly');
  });

  test('nothing is 204; a throw is 500 without a body, and logged', async () => {
    expect(await send(api('nothing'))).toMatchObject({ status: 204, text: '' });
    expect(await send(api('broken'))).toMatchObject({ status: 500, text: '' });
    expect(host.output()).toMatch(/error \[broken\] failed: Error: the handler broke/);
  });

  test('keys by level, in the query or the header', async () => {
    const { masterKey, functionKeys } = host.keys;
    const status = async (path: string, key?: string) =>
      (await send(api(path), 'GET', undefined, key ? { 'x-functions-key': key } : {})).status;
    expect(await status('guarded')).toBe(401);
    expect(await status('guarded', 'wrong')).toBe(401);
    expect(await status('guarded', functionKeys.default)).toBe(200);
    expect(await status(`guarded?code=${functionKeys.default}`)).toBe(200);
    expect(await status('guarded', masterKey)).toBe(200);
    expect(await status('ruled', functionKeys.default)).toBe(401);
    expect(await status('ruled', masterKey)).toBe(200);
    const durable = await send(`${host.url}/runtime/webhooks/durabletask/instances?code=${functionKeys.default}`);
    expect(durable.status).toBe(401);
    expect(durable.headers.get('www-authenticate')).toBe('Bearer');
    expect((await send(`${host.url}/runtime/webhooks/durabletask/instances?code=${masterKey}`)).status).toBe(200);
    expect(statSync(join(state, 'keys.json')).mode & 0o777).toBe(0o600);
  });

  test('local.settings.json fills in what is not set', async () => {
    const { json } = await send(api('settings'));
    expect(json).toEqual({ alreadySet: 'from the environment', fromFile: 'yes', host: new URL(host.url).host });
  });
});

describe('Event Grid', () => {
  const grid = (type: string, body: unknown, name = 'onEvent', key = host.keys.systemKeys.eventgrid_extension) =>
    send(`${host.url}/runtime/webhooks/EventGrid?functionName=${name}&code=${key}`, 'POST', body, {
      'aeg-event-type': type,
    });

  test('the handshake, in both schemas', async () => {
    const data = { validationCode: '512d38b6' };
    expect(await grid('SubscriptionValidation', [{ id: '1', data }])).toMatchObject({
      status: 200,
      json: { validationResponse: '512d38b6' },
    });
    expect((await grid('SubscriptionValidation', { specversion: '1.0', data: JSON.stringify(data) })).json).toEqual({
      validationResponse: '512d38b6',
    });
  });

  test('a batch is one run for each event', async () => {
    const events = ['e1', 'e2'].map((id) => ({ id, eventType: 'created', data: { Name: id } }));
    expect((await grid('Notification', events)).status).toBe(202);
    expect(
      (await grid('Notification', { specversion: '1.0', id: 'e3', type: 'created', data: { Name: 'e3' } })).status,
    ).toBe(202);
    const seen = (await facts()).events;
    expect(seen.map(({ id }) => id)).toEqual(['e1', 'e2', 'e3']);
    expect(seen[0]?.metadata).toMatchObject({ data: { name: 'e1' } });
  });

  test('one failure fails the batch', async () => {
    const answer = await grid('Notification', [{ id: 'x', subject: 'bad', data: {} }]);
    expect(answer).toMatchObject({ status: 500, text: 'cannot take it' });
  });

  test('refusals', async () => {
    expect((await grid('Notification', [], 'onEvent', 'wrong')).status).toBe(401);
    expect(await grid('Notification', [], 'onevent')).toMatchObject({
      status: 404,
      text: "cannot find function: 'onevent'",
    });
    expect((await grid('Unsubscribe', {})).status).toBe(202);
    expect((await grid('Else', {})).status).toBe(400);
    expect((await grid('Notification', [], 'onEvent', host.keys.masterKey)).status).toBe(202);
  });
});

describe('timers, hooks and the admin calls', () => {
  test('a timer runs on its schedule', async () => {
    const { ticks } = await until(facts, (now) => now.ticks.length > 0);
    expect(ticks[0]).toMatchObject({
      schedule: { adjustForDST: true },
      isPastDue: false,
      // Azure keeps none for a timer that comes more than once a minute.
      scheduleStatus: null,
    });
  });

  test('a run by hand wants the master key', async () => {
    const run = (key: string) => send(`${host.url}/admin/functions/byHand?code=${key}`, 'POST', {});
    expect((await run(host.keys.functionKeys.default)).status).toBe(401);
    expect((await run(host.keys.masterKey)).status).toBe(202);
    await until(facts, ({ runs }) => runs === 1);
  });

  test('hooks run around invocations and log lines', async () => {
    expect((await send(api('open'))).text).toBe('changed by the hook');
    expect((await facts()).hooks).toEqual(['appStart', 'preInvocation']);
    await send(api('logs'));
    await until(
      async () => host.output(),
      (output) => output.includes('information [logs] said by the hook'),
    );
  });

  test('the status is for everyone', async () => {
    expect((await send(`${host.url}/admin/host/status`)).json).toEqual({ state: 'Running' });
    expect((await send(`${host.url}/admin/functions`)).status).toBe(401);
  });

  test('no payload is logged', () => {
    expect(host.output()).not.toContain('512d38b6');
  });
});
