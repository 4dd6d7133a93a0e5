/** The durable contract (reference/durable-contract.md) over HTTP, against an app on a real host. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { type Answer, type HostProcess, newFolder, send, startHostProcess, until } from './hostProcess';

let host: HostProcess;
let key = '';
beforeAll(async () => {
  host = await startHostProcess(newFolder());
  key = host.keys.systemKeys.durabletask_extension;
});
afterAll(async () => {
  await host.stop('SIGKILL');
  rmSync(host.stateFolder, { recursive: true });
});

const at = (path: string, query = ''): string =>
  `${host.url}/runtime/webhooks/durabletask/${path}?${query}&code=${key}`;
const status = (id: string, query = ''): Promise<Answer> => send(at(`instances/${id}`, query));
const post = (id: string, operation: string, body?: unknown, query = ''): Promise<Answer> =>
  send(at(`instances/${id}/${operation}`, query), 'POST', body);
const client = (operation: string, id: string, body: unknown = {}): Promise<Answer> =>
  send(`${host.url}/api/client/${operation}/${id}`, 'POST', body);
/** Starts and waits. The body is the output, or the status of one that did not complete. */
async function run(name: string, input?: unknown, id = ''): Promise<unknown> {
  const answer = await send(at(`orchestrators/${name}/${id}`, 'timeout=20&pollingInterval=0.01'), 'POST', input);
  expect(answer.status).toBe(200);
  return answer.json;
}
async function start(name: string, id: string, input?: unknown): Promise<void> {
  expect((await send(at(`orchestrators/${name}/${id}`), 'POST', input)).status).toBe(202);
}
const reaches = (id: string, state: string, query = ''): Promise<Answer> =>
  until(
    () => status(id, query),
    ({ json }) => (json as { runtimeStatus?: string } | undefined)?.runtimeStatus === state,
  );

describe('orchestrations', () => {
  test.each([
    ['activities in a row', 'helloCities', undefined, ['Hello, Tokyo!', 'Hello, Seattle!', 'Hello, Cairo!']],
    ['names in any case', 'HELLOcities', undefined, ['Hello, Tokyo!', 'Hello, Seattle!', 'Hello, Cairo!']],
    ['a fan-out of 200', 'fan', 200, 2_646_700],
    ['an input', 'input', { a: [1] }, { t: 'object', v: { a: [1] } }],
    ['no input is null', 'input', undefined, { t: 'object', v: null }],
    ['Task.any around Task.all', 'nested', undefined, [4, 9]],
    ['isReplaying is false only where code runs for the first time', 'replays', undefined, [true, true, false]],
    ['a string in continueAsNew is encoded twice', 'continueText', 'a', '"b"'],
    [
      'timers are never early, and a cancelled one keeps nothing waiting',
      'timers',
      undefined,
      { early: false, winner: 'Hello, fast!' },
    ],
  ])('%s', async (_, name, input, output) => {
    expect(await run(name, input)).toEqual(output);
  });

  test('values arrive as they were sent', async () => {
    const text = (v: string) => ({ t: 'string', v });
    const nothing = { t: 'undefined', v: '<undefined>' };
    expect(await run('types')).toEqual({
      ...{ text: text('123'), json: text('{"a":1}'), none: nothing, no: { t: 'boolean', v: false } },
      ...{ list: { t: 'object', v: [1, 'a'] }, empty: text('') },
      ...{
        'ret nothing': null,
        'ret none': null,
        'ret text': '42',
        'ret json': '{"a":1}',
        'ret yes': true,
        'ret list': [1],
      },
      ...{ sub: text('abc'), subNone: { t: 'object', v: null } },
    });
  });

  test('children know their parent; without an id they get the execution and the number', async () => {
    const output = await run('parent', undefined, 'par-1');
    expect(output).toEqual({
      child: { id: expect.stringMatching(/^[0-9a-f]{32}:0$/), parent: 'par-1', input: { n: 1 } },
      named: { id: 'par-1:kid', parent: 'par-1', input: { n: 2 } },
    });
  });

  test('retries of activities and of children', async () => {
    expect(await run('retries', undefined, 'ret-1')).toEqual({
      healed: 3,
      text: "Activity function 'flaky' failed:  failure 2",
      child: 2,
    });
  });

  test('history has the shape of the real one', async () => {
    await run('helloCities', 'x', 'shape');
    const { json } = await status('shape', 'showHistory=true&showHistoryOutput=true');
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/);
    const hello = (Result: string) => ({
      ...{ EventType: 'TaskCompleted', Result, Timestamp: time, FunctionName: 'hello', Input: null },
      ScheduledTime: expect.stringMatching(/\+00:00$/),
    });
    expect(json).toMatchObject({ input: 'x', createdTime: expect.stringMatching(/:\d\dZ$/) });
    expect((json as { historyEvents: unknown }).historyEvents).toEqual([
      {
        ...{ EventType: 'ExecutionStarted', Input: '"x"', Correlation: null, ParentTraceContext: null },
        ...{ ScheduledStartTime: null, Generation: 0, Timestamp: time, FunctionName: 'helloCities' },
      },
      ...['Tokyo', 'Seattle', 'Cairo'].map((city) => hello(`Hello, ${city}!`)),
      {
        ...{ EventType: 'ExecutionCompleted', OrchestrationStatus: 'Completed', FailureDetails: null, Timestamp: time },
        Result: ['Hello, Tokyo!', 'Hello, Seattle!', 'Hello, Cairo!'],
      },
    ]);
  });

  test('a timer of ten days starts with a leg of three', async () => {
    await start('longTimer', 'long');
    const { json } = await reaches('long', 'Running', 'showHistory=true');
    const { historyEvents } = json as { historyEvents: { FireAt?: string; Timestamp: string }[] };
    const created = historyEvents.find(({ FireAt }) => FireAt);
    expect(Date.parse(created?.FireAt ?? '') - Date.parse(created?.Timestamp ?? '')).toBeGreaterThan(
      3 * 86_400_000 - 5_000,
    );
    expect(Date.parse(created?.FireAt ?? '') - Date.parse(created?.Timestamp ?? '')).toBeLessThan(
      3 * 86_400_000 + 5_000,
    );
  });

  test('no more activities at once than host.json allows, and as many as that', async () => {
    expect(await run('crowds')).toBe(30);
  });
});

describe('failures', () => {
  test('what an activity throws, as the orchestrator sees it', async () => {
    expect(await run('failures')).toEqual({
      error: "Error: Activity function 'fail' failed:  boom",
      text: "Error: Activity function 'fail' failed:  a string",
      object: `Error: Activity function 'fail' failed:  {"a":1}`,
      empty: "Error: Activity function 'fail' failed:  ",
      nothing: null,
    });
  });

  test.each([
    ['fails', /^Orchestrator function 'fails' failed: Activity function 'fail' failed: {2}boom \n \{"\$type":/],
    ['throws', /^Orchestrator function 'throws' failed: orchestrator threw$/],
    ['throwsText', /^Orchestrator function 'throwsText' failed: The orchestrator threw a value that has no message\.$/],
    ['bigStatus', /failed: The UTF-16 size of the JSON-serialized payload must not exceed 16 KB\./],
  ])('%s', async (name, output) => {
    expect(await run(name)).toMatchObject({ runtimeStatus: 'Failed', output: expect.stringMatching(output) });
  });

  test('what does not exist, or cannot be reached, fails the task', async () => {
    const none = (kind: string) =>
      expect.stringMatching(`The function 'nobody' doesn't exist, is disabled, or is not an ${kind} function`);
    expect(await run('unknown', undefined, 'unk')).toEqual([
      ...[none('activity'), none('orchestrator'), none('entity')],
      "The instance ID 'unk' may not be used for a sub-orchestration of 'unk'.",
      'GET http://127.0.0.1:9/ failed: connect ECONNREFUSED 127.0.0.1:9',
    ]);
  });

  test('changed code: the instance fails with what was recorded and what was asked', async () => {
    await run('drift', false);
    await start('drifts', 'drifts');
    await until(
      () => status('drifts', 'showHistory=true'),
      ({ text }) => text.includes('TaskCompleted'),
    );
    await run('drift', true);
    await post('drifts', 'raiseEvent/Go', 1);
    expect((await reaches('drifts', 'Failed')).json).toMatchObject({
      output:
        "Non-Deterministic workflow detected: A previous execution of this orchestration scheduled an activity task with sequence number 0 named 'hello', but the current orchestration replay instead scheduled an activity task named 'square' with this sequence number.  Was a change made to the orchestrator code after this instance had already started running?",
    });
  });
});

describe('events', () => {
  test('raised while waited for, with the text kept', async () => {
    await start('waiter', 'ev1');
    await reaches('ev1', 'Running');
    expect(
      (await send(at('instances/ev1/raiseEvent/Go'), 'POST', '{ "big": 1.0 }', { 'Content-Type': 'application/json' }))
        .status,
    ).toBe(202);
    expect((await reaches('ev1', 'Completed', 'showHistory=true')).text).toContain(String.raw`"Input":"{\"big\":1.0}"`);
    expect((await post('ev1', 'raiseEvent/Go', 1)).status).toBe(410);
  });

  test('raised before it is waited for', async () => {
    await start('lateWaiter', 'ev2');
    await post('ev2', 'raiseEvent/Go', 'early');
    await post('ev2', 'raiseEvent/First', null);
    expect((await reaches('ev2', 'Completed')).json).toMatchObject({ output: ['early', 9] });
  });

  test('refusals', async () => {
    await start('waiter', 'ev3');
    const raise = (body: string, type: string) =>
      send(at('instances/ev3/raiseEvent/Go'), 'POST', body, { 'Content-Type': type });
    expect((await post('nobody', 'raiseEvent/Go', 1)).status).toBe(404);
    expect(await raise('"a"', 'text/plain')).toMatchObject({
      status: 400,
      json: { Message: 'Only application/json request content is supported' },
    });
    expect(await raise('{oops', 'application/json')).toMatchObject({
      status: 400,
      json: { Message: 'Invalid JSON content' },
    });
    expect(await raise('1', 'application/json')).toMatchObject({ status: 202, text: '' });
  });

  test('each round of continueAsNew reads the next event', async () => {
    await start('rounds', 'rounds', { round: 1, seen: [] });
    for (const [index, data] of ['a', 'b', 'c'].entries()) {
      await until(
        () => status('rounds'),
        ({ json }) => (json as { customStatus: { round?: number } | null }).customStatus?.round === index + 1,
      );
      await post('rounds', 'raiseEvent/Go', data);
    }
    expect((await reaches('rounds', 'Completed')).json).toMatchObject({
      ...{ output: ['a', 'b', 'c'], input: { round: 3, seen: ['a', 'b'] }, customStatus: { round: 3 } },
    });
  });
});

describe('management', () => {
  test('a start answers with the URLs, and the functions client with the rewind URL too', async () => {
    const answer = await send(at('orchestrators/waiter/m1'), 'POST', { q: 1 });
    expect(answer.status).toBe(202);
    expect(answer.headers.get('retry-after')).toBe('10');
    const names = [
      'id',
      'statusQueryGetUri',
      'sendEventPostUri',
      'terminatePostUri',
      'purgeHistoryDeleteUri',
      'restartPostUri',
      'suspendPostUri',
      'resumePostUri',
    ];
    expect(Object.keys(answer.json as object)).toEqual(names);
    expect(answer.headers.get('location')).toBe(
      `${host.url}/runtime/webhooks/durabletask/instances/m1?taskHub=ContractHub&connection=Storage&code=${key}`,
    );
    const byFunction = await send(`${host.url}/api/start/waiter/m1b`, 'POST', { q: 1 });
    expect(byFunction).toMatchObject({ status: 202, json: { id: 'm1b' } });
    const { statusQueryGetUri, rewindPostUri } = byFunction.json as Record<string, string>;
    expect(rewindPostUri).toContain(`${host.url}/runtime/webhooks/durabletask/instances/m1b/rewind?reason={text}`);
    expect((await send(statusQueryGetUri ?? '')).status).toBe(202);
  });

  test('the status of one that runs', async () => {
    await start('status', 'm2', { q: 1 });
    const answer = await until(
      () => status('m2'),
      ({ text }) => text.includes('step'),
    );
    expect(answer).toMatchObject({ status: 202 });
    expect(answer.headers.get('retry-after')).toBe('5');
    expect(Object.entries(answer.json as object).slice(0, 6)).toEqual(
      Object.entries({
        name: 'status',
        instanceId: 'm2',
        runtimeStatus: 'Running',
        input: { q: 1 },
        customStatus: { step: 1 },
        output: null,
      }),
    );
    expect((await status('m2', 'showInput=false')).json).toMatchObject({ input: null });
    expect((await status('nobody')).status).toBe(404);
    expect((await status('m2', 'taskHub=Other')).status).toBe(404);
  });

  test('a failed one is 500 only when asked', async () => {
    await run('throws', undefined, 'm3');
    expect((await status('m3')).status).toBe(200);
    expect((await status('m3', 'returnInternalServerErrorOnFailure=true')).status).toBe(500);
  });

  test('terminate', async () => {
    await start('waiter', 'm4');
    expect((await post('m4', 'terminate', undefined, 'reason=because%20I%20said')).status).toBe(202);
    expect((await reaches('m4', 'Terminated')).json).toMatchObject({ output: 'because I said' });
    expect((await post('m4', 'terminate')).status).toBe(410);
    expect((await post('nobody', 'terminate')).status).toBe(404);
  });

  test('a parent catches the termination of its child', async () => {
    await start('catchesChild', 'm5');
    await reaches('m5-kid', 'Running');
    await post('m5-kid', 'terminate', undefined, 'reason=enough');
    expect((await reaches('m5', 'Completed')).json).toMatchObject({ output: 'enough \n ' });
  });

  test('suspend and resume', async () => {
    await start('waiter', 'm6');
    await reaches('m6', 'Running');
    expect((await post('m6', 'suspend', undefined, 'reason=hold')).status).toBe(202);
    expect((await reaches('m6', 'Suspended')).json).toMatchObject({ output: 'hold' });
    expect(await post('m6', 'suspend')).toMatchObject({
      status: 500,
      json: {
        Message: 'Something went wrong while processing your request',
        ExceptionMessage: 'Cannot suspend the orchestration instance m6 because instance is in the Suspended state.',
      },
    });
    await post('m6', 'raiseEvent/Go', 'kept');
    expect((await status('m6')).json).toMatchObject({ runtimeStatus: 'Suspended' });
    expect((await post('m6', 'resume')).status).toBe(202);
    expect((await reaches('m6', 'Completed')).json).toMatchObject({ output: { got: 'kept' } });
  });

  test('refused starts', async () => {
    const refused = (name: string, id: string) => send(at(`orchestrators/${name}/${id}`), 'POST', 1);
    const Message = 'One or more of the arguments submitted is incorrect';
    expect(await refused('nobody', 'x')).toMatchObject({
      ...{
        status: 400,
        json: { Message, ExceptionMessage: expect.stringMatching(/^The function 'nobody' doesn't exist/) },
      },
    });
    expect(await refused('waiter', '@x')).toMatchObject({
      status: 400,
      json: { ExceptionMessage: expect.stringContaining('must not start with @.') },
    });
    expect(await refused('waiter', 'x'.repeat(257))).toMatchObject({ status: 400 });
    expect(
      await send(at('orchestrators/waiter'), 'POST', '{oops', { 'Content-Type': 'application/json' }),
    ).toMatchObject({
      status: 400,
      json: { Message: 'Invalid JSON content' },
    });
    await start('waiter', 'm7');
    await reaches('m7', 'Running');
    expect(await refused('waiter', 'm7')).toMatchObject({
      ...{
        status: 500,
        json: { ExceptionMessage: 'An Orchestration instance with the status Running already exists.' },
      },
    });
  });

  test('an instance that has ended gives way to a new one with its id', async () => {
    await run('input', 1, 'm8');
    expect(await run('input', 2, 'm8')).toEqual({ t: 'number', v: 2 });
  });

  test('list: order, filters, pages', async () => {
    for (const id of ['list-b', 'list-a', 'list-c']) await run('input', 1, id);
    await start('waiter', 'list-d');
    await reaches('list-d', 'Running');
    const list = (query: string, headers = {}) =>
      send(at('instances', `instanceIdPrefix=list-&${query}`), 'GET', undefined, headers);
    const ids = ({ json }: Answer) => (json as { instanceId: string }[]).map(({ instanceId }) => instanceId);
    expect(ids(await list(''))).toEqual(['list-a', 'list-b', 'list-c', 'list-d']);
    expect(ids(await list('runtimeStatus=Running,Failed'))).toEqual(['list-d']);
    expect(ids(await list('runtimeStatus=failed'))).toHaveLength(4);
    expect(ids(await list('createdTimeFrom=2099-01-01T00:00:00Z'))).toEqual([]);
    const first = await list('top=3');
    expect(ids(first)).toEqual(['list-a', 'list-b', 'list-c']);
    const second = await list('top=3', { 'x-ms-continuation-token': first.headers.get('x-ms-continuation-token') });
    expect(ids(second)).toEqual(['list-d']);
    expect(second.headers.get('x-ms-continuation-token')).toBeNull();
  });

  test('purge: one, and all that have ended', async () => {
    await run('input', 1, 'purge-1');
    await run('throws', 1, 'purge-2');
    await start('waiter', 'purge-3');
    expect(await send(at('instances/purge-1'), 'DELETE')).toMatchObject({ status: 200, json: { instancesDeleted: 1 } });
    expect((await send(at('instances/purge-1'), 'DELETE')).status).toBe(404);
    expect(await send(at('instances'), 'DELETE')).toMatchObject({
      status: 400,
      json: "Please provide value for 'createdTimeFrom' parameter.",
    });
    const ended = 'createdTimeFrom=2020-01-01T00:00:00Z&instanceIdPrefix=purge-';
    expect(await send(at('instances', ended), 'DELETE')).toMatchObject({ status: 200, json: { instancesDeleted: 1 } });
    expect((await send(at('instances', ended), 'DELETE')).status).toBe(404);
    expect((await status('purge-3')).status).toBe(202);
  });

  test.each([
    ['PUT', 'instances/m1'],
    ['GET', 'instances/m1/terminate'],
    ['POST', 'instances/m1/bogus'],
    ['GET', ''],
  ])('%s %s is 404', async (method, path) => {
    expect((await send(at(path), method)).status).toBe(404);
  });
});

describe('the client in the app', () => {
  test('its binding names this host', async () => {
    const { json } = await client('clientData', 'x');
    const { result } = json as { result: Record<string, unknown> };
    expect(result).toMatchObject({
      taskHubName: 'ContractHub',
      connectionName: null,
      baseUrl: `${host.url}/runtime/webhooks/durabletask`,
    });
    expect(result.rpcBaseUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/durabletask\/$/);
  });

  test('starts, asks, raises, suspends, resumes, ends, forgets', async () => {
    expect((await client('start', 'cl1', { name: 'lateWaiter', input: 1 })).json).toEqual({ result: 'cl1' });
    await reaches('cl1', 'Running');
    expect((await client('status', 'cl1')).json).toMatchObject({ result: { runtimeStatus: 'Running', input: 1 } });
    expect((await client('suspend', 'cl1', { reason: 's' })).status).toBe(200);
    await reaches('cl1', 'Suspended');
    expect((await client('resume', 'cl1', { reason: 'r' })).status).toBe(200);
    await reaches('cl1', 'Running');
    // Without data: the library sends an empty body.
    expect((await client('raise', 'cl1', { name: 'First' })).status).toBe(200);
    expect((await client('terminate', 'cl1', { reason: 'bye' })).status).toBe(200);
    await reaches('cl1', 'Terminated');
    expect((await client('raise', 'cl1', { name: 'Go', data: 1 })).status).toBe(200);
    expect((await client('by', 'x', { runtimeStatus: ['Terminated'] })).text).toContain('"cl1"');
    expect((await client('all', 'x')).text).toContain('"cl1"');
    expect((await client('purge', 'cl1')).json).toMatchObject({ result: { instancesDeleted: 1 } });
    expect((await client('purge', 'cl1')).json).toMatchObject({ result: { instancesDeleted: 0 } });
  });

  test('its errors', async () => {
    const error = async (operation: string, id: string, body: unknown) =>
      ((await client(operation, id, body)).json as { error?: string }).error;
    expect(await error('raise', 'nobody', { name: 'Go', data: 1 })).toBe("No instance with ID 'nobody' found.");
    expect(await error('terminate', 'nobody', { reason: 'x' })).toBe("No instance with ID 'nobody' found.");
    expect(await error('status', 'nobody', {})).toMatch(/replied with HTTP 404 response.+provided: nobody\.$/);
    expect(await error('rewind', 'nobody', { reason: 'x' })).toBe("No instance with ID 'nobody' found.");
    await run('throws', 1, 'cl4');
    expect((await client('rewind', 'cl4', { reason: 'x' })).status).toBe(200);
    expect((await reaches('cl4', 'Failed', 'showHistory=true')).text).toContain('"Data":"x"');
    await run('input', 1, 'cl2');
    expect(await error('rewind', 'cl2', { reason: 'x' })).toBe(
      'The operation failed with an unexpected status code: 410. Details: ""',
    );
  });

  test('a start without input sends the empty string', async () => {
    await client('start', 'cl3', { name: 'input' });
    expect((await reaches('cl3', 'Completed')).json).toMatchObject({ output: { t: 'string', v: '' } });
  });
});

describe('entities', () => {
  const entity = (path: string, method = 'GET', body?: unknown, headers = {}) =>
    send(at(`entities/${path.split('?')[0] ?? ''}`, path.split('?')[1]), method, body, headers);
  const state = (path: string, wanted: string) =>
    until(
      () => entity(path),
      ({ text }) => text === wanted,
    );

  test('called and signalled from an orchestration', async () => {
    expect(await run('entityUser', 'eu')).toEqual({ before: 5, after: 15, error: '[object Object]' });
    expect((await entity('counter/eu')).json).toBe(15);
    expect((await status('@counter@eu')).json).toMatchObject({
      ...{ name: '@counter@eu', runtimeStatus: 'Running', customStatus: { entityExists: true } },
      input: { exists: true, state: '15', sorter: {} },
    });
  });

  test('first in, first out for a sender', async () => {
    expect(await run('entityOrder')).toEqual(Array.from({ length: 30 }, (_, n) => n));
  });

  test('over HTTP', async () => {
    expect((await entity('counter/h1')).status).toBe(404);
    expect((await entity('Counter/h1?op=add', 'POST', 5)).status).toBe(202);
    await state('counter/h1', '5');
    // A body that is not JSON by its type is a string.
    await entity('counter/h2?op=add', 'POST', '7', { 'Content-Type': 'text/plain' });
    await state('counter/h2', '"07"');
    await entity('counter/h1?op=fail', 'POST');
    await entity('counter/h1?op=pass', 'POST', 'h3');
    await state('counter/h3', '5');
    await entity('counter/h3?op=delete', 'POST');
    await until(
      () => entity('counter/h3'),
      ({ status: code }) => code === 404,
    );
    expect(await entity('nobody/k?op=add', 'POST', 1)).toMatchObject({
      ...{
        status: 400,
        json: {
          Message: expect.stringMatching(
            /^The function 'nobody' doesn't exist, is disabled, or is not an entity function/,
          ),
        },
      },
    });
  });

  test('listed', async () => {
    await entity('journal/l1?op=add', 'POST', 'x');
    await state('journal/l1', '["x"]');
    const { json } = await entity('journal?fetchState=true');
    const l1 = (json as { entityId: { key: string } }[]).find(({ entityId }) => entityId.key === 'l1');
    expect(l1).toEqual({
      entityId: { name: 'journal', key: 'l1' },
      lastOperationTime: expect.any(String),
      state: ['x'],
    });
    expect((await entity('nobody')).json).toEqual([]);
  });

  test('by the client in the app', async () => {
    await client('signal', 'x', { name: 'counter', key: 'c1', op: 'add', input: 4 });
    await state('counter/c1', '4');
    expect((await client('read', 'x', { name: 'counter', key: 'c1' })).json).toEqual({
      result: { entityExists: true, entityState: 4 },
    });
    expect((await client('read', 'x', { name: 'counter', key: 'c2' })).json).toEqual({
      result: { entityExists: false },
    });
  });
});
