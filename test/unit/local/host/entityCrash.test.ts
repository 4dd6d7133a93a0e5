/** Entity locks when the power fails at each commit in turn: nothing is lost, doubled or left locked. */
import { expect, test } from '@jest/globals';
import {
  DummyEntityContext,
  DummyOrchestrationContext,
  EntityId,
  type EntityHandler,
  type OrchestrationContext,
  type Task,
} from 'durable-functions';
import { Entity } from 'durable-functions/lib/src/entities/Entity';
import { Orchestrator } from 'durable-functions/lib/src/orchestrations/Orchestrator';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../../local/host/engine/clock';
import { type OrchestratorInvocation, type TextInvocation } from '../../../../local/host/engine/core';
import { Engine } from '../../../../local/host/engine/engine';
import { openSqliteStore } from '../../../../local/host/engine/sqliteStore';
import { type Batch, isTerminal, type Store } from '../../../../local/host/engine/store';

const silent = (): void => undefined;
const id = (key: string): EntityId => new EntityId('account', key);

const account: EntityHandler<number> = ({ df }) => {
  const state = df.getState(() => 0) ?? 0;
  if (df.operationName === 'add') df.setState(state + (df.getInput<number>() ?? 0));
  df.return(state);
};
/** Alone with its accounts, it counts on what it read. The last one ends with its locks still held. */
function* section({ df }: OrchestrationContext): Generator<Task, unknown, never> {
  const { keys, keep }: { keys: string[]; keep: boolean } = df.getInput() ?? { keys: [], keep: false };
  const lock: { release(): void } = yield df.lock(keys.map(id));
  const before: number[] = yield df.Task.all(keys.map((key) => df.callEntity(id(key), 'get')));
  yield df.Task.all(keys.map((key) => df.callEntity(id(key), 'add', 1)));
  const after: number[] = yield df.Task.all(keys.map((key) => df.callEntity(id(key), 'get')));
  if (!keep) lock.release();
  return after.every((value, index) => value === (before[index] ?? 0) + 1);
}

const INPUTS = [
  { keys: ['a', 'b'], keep: false },
  { keys: ['b', 'a'], keep: true },
  { keys: ['b', 'c', 'a'], keep: false },
];

const answer = (result: Promise<unknown>) =>
  result.then(
    (value) => ({ ok: true, result: value }) as const,
    (error: unknown) => ({ ok: false, error }) as const,
  );
const invokeOrchestrator = ({ name, input }: OrchestratorInvocation) =>
  answer(new Orchestrator(section).handle(input, new DummyOrchestrationContext(name, 'test', silent)));
const invoke = ({ name, input }: TextInvocation) =>
  answer(new Entity(account).handle(JSON.parse(input ?? 'null'), new DummyEntityContext(name, 'test', silent))).then(
    (given) => (given.ok ? { ...given, result: JSON.stringify(given.result) } : given),
  );

/** A store that takes so many writes: what is written after them is lost, as for a process that has died. */
function failing(store: Store, commits: number) {
  let left = commits;
  const write = (batch: Batch): void => {
    if (left > 0) store.write(batch);
    left -= 1;
    if (left <= 0) throw new Error('the power fails');
  };
  return { store: { ...store, write }, survived: () => left > 0 };
}

const CONFIG = {
  httpPollMs: 30_000,
  versioning: { defaultVersion: undefined, match: 'None', failure: 'Reject' },
} as const;
/** One thing at a time, so that there are many moments to fail at. */
const start = (store: Store): Engine => {
  const limits = { activities: 1, orchestrators: 1, entities: 1, entityBatch: 1, messagesPerTurn: 1, coalesceFrom: 9 };
  const functions = (kind: string): string[] => (kind === 'entity' ? ['account'] : ['section']);
  return new Engine({
    store,
    clock: systemClock,
    log: silent,
    strict: false,
    functions,
    invoke,
    invokeOrchestrator,
    broken: silent,
    ...CONFIG,
    limits,
  });
};

/** @returns whether it all ended before the power failed */
async function runWithPowerCut(file: string, commits: number): Promise<boolean> {
  const first = openSqliteStore(file);
  const prepared = start(first);
  INPUTS.forEach((input, index) =>
    prepared.client.start({ name: 'section', instanceId: `s${index}`, input: JSON.stringify(input) }),
  );
  await prepared.client.flushed();
  first.close();

  const { store, survived } = failing(openSqliteStore(file), commits);
  const doomed = start(store);
  doomed.start();
  await doomed.idle();
  store.close();

  const last = openSqliteStore(file);
  const engine = start(last);
  engine.start();
  await engine.idle();
  const instances = INPUTS.map((_, index) => engine.client.instance(`s${index}`));
  expect(instances.map((found) => [found && isTerminal(found.status), found?.output])).toEqual(
    INPUTS.map(() => [true, 'true']),
  );
  const entities = ['a', 'b', 'c'].map((key) => engine.client.instance(`@account@${key}`));
  expect(entities.map((found) => found?.input)).toEqual(
    ['3', '3', '1'].map((state) => JSON.stringify({ exists: true, state, sorter: {} })),
  );
  last.close();
  return survived();
}

test('after a power cut at any commit all sections end as if there had been none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'crash-'));
  let commits = 1;
  try {
    while (!(await runWithPowerCut(join(folder, `${commits}.db`), commits))) commits += 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
  expect(commits).toBeGreaterThan(30);
});
