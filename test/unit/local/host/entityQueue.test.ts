/** Which requests of an entity run next (contract 6.3). */
import { expect, test } from '@jest/globals';
import { openLocks } from '../../../../local/host/engine/entityLocks';
import {
  type EntityRequest,
  isLock,
  type LockRequest,
  type Operation,
  readMessage,
  readSent,
  releaseEvent,
  requestEvent,
} from '../../../../local/host/engine/entityMessages';
import { entityColumns, holderFirst, mayRun, readEntity, takeBatch } from '../../../../local/host/engine/entityQueue';
import { EVENT, type HistoryEvent, makeEvent } from '../../../../local/host/engine/history';
import { NonDeterminism, Replay } from '../../../../local/host/engine/replay';

const NOW = Date.parse('2026-01-01T00:00:00.123Z');
/** `x:op` is an operation asked for by x. */
function operation(text: string): Operation {
  const [sender = '', name = ''] = text.split(':');
  const parent = { id: sender, executionId: 'e' };
  return { id: text, operation: name, input: null, signal: false, parent, sentAt: NOW };
}
const lock = (sender: string): LockRequest => ({
  id: `lock ${sender}`,
  parent: { id: sender, executionId: 'e' },
  lockSet: [{ name: 'a', key: '1' }],
  position: 0,
  sentAt: NOW,
});
const release = (sender: string) => ({ parent: sender, id: `lock ${sender}` });
const fresh = { exists: false, state: null, queue: [], lockedBy: undefined };
const ids = (requests: readonly EntityRequest[]): string[] => requests.map(({ id }) => id);

function take(entity: Parameters<typeof takeBatch>[0], arrived: Parameters<typeof takeBatch>[1], limit = 100) {
  const { operations, lock: asked, queue, lockedBy } = takeBatch(entity, arrived, limit);
  return { runs: ids(operations), lock: asked?.id, waits: ids(queue), lockedBy };
}

test('what waits longest runs first, up to the size of a batch', () => {
  const entity = { ...fresh, queue: [operation('x:1'), operation('y:1')] };
  expect(take(entity, [operation('x:2'), operation('y:2')], 3)).toEqual({
    ...{ runs: ['x:1', 'y:1', 'x:2'], waits: ['y:2'] },
    ...{ lock: undefined, lockedBy: undefined },
  });
});

test('a lock request ends the batch, and what comes after it waits', () => {
  const arrived = [operation('x:1'), lock('x'), operation('y:1'), lock('y')];
  expect(take(fresh, arrived)).toMatchObject({ runs: ['x:1'], lock: 'lock x', waits: ['y:1', 'lock y'] });
  expect(take(fresh, [lock('x'), operation('x:1')])).toMatchObject({ runs: [], lock: 'lock x', waits: ['x:1'] });
});

test('while it is locked only the holder gets through, before all that wait', () => {
  const entity = { ...fresh, queue: [operation('y:1')], lockedBy: 'x' };
  const arrived = [operation('y:2'), operation('x:1'), operation('x:2')];
  expect(take(entity, arrived)).toMatchObject({ runs: ['x:1', 'x:2'], waits: ['y:1', 'y:2'], lockedBy: 'x' });
});

test("a release frees it for those that wait; another orchestration's release changes nothing", () => {
  const entity = { ...fresh, queue: [operation('y:1'), lock('z'), operation('y:2')], lockedBy: 'x' };
  expect(take(entity, [release('w')])).toMatchObject({ runs: [], lockedBy: 'x' });
  expect(take(entity, [operation('x:1'), release('x')])).toMatchObject({
    ...{ runs: ['x:1', 'y:1'], lock: 'lock z', waits: ['y:2'], lockedBy: undefined },
  });
  // z has ended, and its request is no longer wanted.
  expect(take(entity, [release('z'), release('x')])).toMatchObject({ runs: ['y:1', 'y:2'], lock: undefined });
});

test('an entity knows whether its queue goes on', () => {
  expect(mayRun({ queue: [], lockedBy: undefined })).toBe(false);
  expect(mayRun({ queue: [operation('x:1')], lockedBy: undefined })).toBe(true);
  expect(mayRun({ queue: [operation('y:1'), operation('x:1')], lockedBy: 'x' })).toBe(false);
  const queue = holderFirst([operation('y:1'), operation('x:1'), operation('x:2')], 'x');
  expect(ids(queue)).toEqual(['x:1', 'x:2', 'y:1']);
  expect(mayRun({ queue, lockedBy: 'x' })).toBe(true);
});

test('an entity is kept as Azure shows it, and read back whole', () => {
  const shown = (entity: Parameters<typeof entityColumns>[0]) => {
    const { input, customStatus } = entityColumns(entity);
    return [JSON.parse(input), JSON.parse(customStatus)] as unknown[];
  };
  expect(shown({ ...fresh, exists: true, state: '0' })).toEqual([
    { exists: true, state: '0', sorter: {} },
    { entityExists: true },
  ]);
  expect(shown(fresh)).toEqual([{ sorter: {} }, {}]);
  const queue = [
    { ...operation('y:1'), input: '{"a":1}', signal: true, due: NOW },
    { ...lock('y'), position: 1 },
  ];
  const locked = { exists: true, state: '"s"', queue, lockedBy: 'x' };
  expect(shown(locked)[1]).toEqual({ entityExists: true, queueSize: 2, lockedBy: 'x' });
  const base = { version: '', status: 'Running' as const, output: null, createdAt: 0, updatedAt: 0, parent: null };
  const row = { ...base, id: '@a@1', name: '@a@1', executionId: 'e', ...entityColumns(locked) };
  expect(readEntity(row)).toEqual(locked);
});

test('messages have the fields of the protocol', () => {
  const event = requestEvent({ ...lock('x'), position: 1 });
  expect(event).toMatchObject({ EventType: EVENT.eventRaised, Name: 'op' });
  expect(JSON.parse(event.Input ?? '')).toEqual({
    $type: expect.stringMatching(/RequestMessage/),
    op: null,
    ...{ id: 'lock x', parent: 'x', parentExecution: 'e', lockset: [{ name: 'a', key: '1' }], pos: 1 },
    ...{ Timestamp: '2026-01-01T00:00:00.1230000Z', Predecessor: '0001-01-01T00:00:00' },
  });
  const scheduled = requestEvent({ ...operation('x:add'), signal: true, due: NOW });
  expect(scheduled.Name).toBe('op@2026-01-01T00:00:00.1230000Z');
  expect(JSON.parse(scheduled.Input ?? '')).toMatchObject({ op: 'add', due: '2026-01-01T00:00:00.1230000Z' });
  const read = readMessage(event);
  expect(read && 'sentAt' in read && isLock(read) && read.position).toBe(1);
  expect(readMessage(releaseEvent(NOW, release('x')))).toEqual({ parent: 'x', id: 'lock x' });
});

test('an orchestration holds what it has asked for and not released', () => {
  const sent = (event: ReturnType<typeof requestEvent>) => ({ event: { ...event, EventType: EVENT.eventSent } });
  const history = [sent(requestEvent(operation('x:1'))), sent(requestEvent(lock('x')))];
  expect(openLocks(history)).toEqual([{ id: 'lock x', lockSet: [{ name: 'a', key: '1' }] }]);
  expect(openLocks([...history, sent(releaseEvent(NOW, release('x')))])).toEqual([]);
});

/** The decisions of a turn that asks for `actions`, after one that asked for the first of them. */
function replayed(recorded: HistoryEvent, actions: readonly unknown[]) {
  const row = (event: HistoryEvent) => ({ event });
  const started = [makeEvent(EVENT.orchestratorStarted, NOW), makeEvent(EVENT.executionStarted, NOW)].map(row);
  const sent = { ...recorded, EventType: EVENT.eventSent, EventId: 0, InstanceId: '@a@1' };
  const completed = { event: makeEvent(EVENT.orchestratorCompleted, NOW), note: { actions: 1, cancelled: [] } };
  const answer = makeEvent(EVENT.eventRaised, NOW, { Name: readSent(sent).id, Input: '{}' });
  const replay = new Replay({ httpPollMs: 30_000, strict: false });
  replay.extend(actions);
  replay.read([...started, row(sent), completed]);
  return replay.turn([makeEvent(EVENT.orchestratorStarted, NOW), answer].map(row)).decisions;
}
const lockAction = (...keys: string[]) => ({
  actionType: 13,
  lockRequestId: 'lock x',
  lockSet: keys.map((key) => ({ name: 'a', key })),
});
const callAction = { actionType: 7, instanceId: '@a@1', operation: 'get' };

test('a release is of the set that was asked for last, and takes a number for each entity', () => {
  const decisions = replayed(requestEvent(lock('x')), [lockAction('2', '1'), { actionType: 14 }, callAction]);
  expect(decisions).toMatchObject([
    { id: 1, kind: 'release', target: '@a@1', requestId: 'lock x' },
    { id: 2, kind: 'release', target: '@a@2', requestId: 'lock x' },
    { id: 3, kind: 'entity' },
  ]);
});

test('a replay that asks an entity for other work than history records is refused', () => {
  expect(replayed(requestEvent(lock('x')), [lockAction('1')])).toEqual([]);
  expect(() => replayed(requestEvent(lock('x')), [callAction])).toThrow(
    /named 'lock @a@1', but the current orchestration replay instead scheduled a send event task named 'entity @a@1'/,
  );
  expect(() => replayed(requestEvent(operation('x:get')), [lockAction('1')])).toThrow(NonDeterminism);
});
