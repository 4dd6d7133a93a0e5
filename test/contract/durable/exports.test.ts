/** Everything that durable-functions exports: the list is complete, and what no other test uses is used here. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as df from 'durable-functions';
import { type Features, startFeatures } from './features.support';
import { send } from './hostProcess';

let features: Features;
beforeAll(async () => {
  features = await startFeatures();
});
afterAll(() => features.stop());

/** A new one needs a test, and a line in the table of what the host supports. */
test('the exports of the library that these tests know', () => {
  expect(Object.keys(df).sort()).toEqual([
    'DummyEntityContext',
    'DummyOrchestrationContext',
    'DurableLock',
    'EntityId',
    'EntityStateResponse',
    'LockState',
    'LockingRulesViolationError',
    'ManagedIdentityTokenSource',
    'OrchestrationRuntimeStatus',
    'RetryOptions',
    'TaskFailedError',
    'app',
    'getClient',
    'input',
    'trigger',
  ]);
  expect(Object.keys(df.app).sort()).toEqual([
    'activity',
    'client',
    'entity',
    'orchestration',
    'setExceptionPropertiesProvider',
    'wrapActivityHandler',
  ]);
});

test('registered functions as tasks, with and without retries', async () => {
  expect(await features.run('registered')).toEqual(['said once', 'said again', 'said child below', 'said child below']);
});

test('the context of an orchestrator, and its tasks', async () => {
  expect(await features.run('context', undefined, 'context-1')).toEqual({
    next: 2,
    same: true,
    later: true,
    winner: [true, true, false, 3],
    lost: [true, false, true],
    timer: [true, false],
    guids: 2,
    locked: false,
    parent: null,
    instanceId: 'context-1',
    function: 'context',
  });
});

test('all of the retry options', async () => {
  expect(await features.run('retryOptions')).toBe(true);
});

test('the context of an entity', async () => {
  const who = { entityName: 'self', entityKey: 'K', entityId: { name: 'self', key: 'K' }, operationName: 'who' };
  expect(await features.run('asksEntity')).toEqual({ id: '@self@K', first: { ...who, isNewlyConstructed: true } });
  expect(await features.run('asksEntity')).toEqual({ id: '@self@K', first: { ...who, isNewlyConstructed: false } });
});

test('a client function by HTTP', async () => {
  expect((await send(`${features.host.url}/api/clientHttp`, 'POST')).json).toEqual({
    done: [200, 'said x below'],
    status: ['DurableOrchestrationStatus', 'Completed', 'x', 'said x below', true],
    payload: expect.arrayContaining([
      'id',
      'purgeHistoryDeleteUri',
      'sendEventPostUri',
      'statusQueryGetUri',
      'terminatePostUri',
    ]),
    none: 0,
    unknown: false,
    isState: true,
  });
});

test('client functions by timer and by Event Grid', async () => {
  const { url, keys } = features.host;
  const master = { 'x-functions-key': keys.masterKey };
  expect((await send(`${url}/admin/functions/clientTimer`, 'POST', {}, master)).status).toBe(202);
  expect(await features.reaches('byTimer', 'Completed')).toMatchObject({ output: 'said timer below' });
  const code = keys.systemKeys.eventgrid_extension;
  const event = {
    id: 'byGrid',
    eventType: 'x',
    subject: 's',
    data: {},
    dataVersion: '1',
    eventTime: '2026-11-23T00:00:00Z',
  };
  const path = `${url}/runtime/webhooks/eventgrid?functionName=clientGrid&code=${code}`;
  expect((await send(path, 'POST', [event], { 'aeg-event-type': 'Notification' })).status).toBe(202);
  expect(await features.reaches('byGrid', 'Completed')).toMatchObject({ output: 'said grid below' });
});
