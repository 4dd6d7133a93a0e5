/** Entity locks and scheduled signals in virtual time; every answer makes a full replay. */
import { expect, test } from '@jest/globals';
import {
  EntityId,
  type EntityContext,
  type EntityHandler,
  type OrchestrationContext,
  type Task,
} from 'durable-functions';
import { type FakeClient, runOrchestrator } from '../../../support/runOrchestrator';

type Orchestrator = (context: OrchestrationContext) => Generator<Task, unknown, never>;

const account: EntityHandler<number> = ({ df }) => {
  const state = df.getState(() => 0) ?? 0;
  if (df.operationName === 'add') df.setState(state + (df.getInput<number>() ?? 0));
  else if (df.operationName === 'delete') df.destructOnExit();
  else if (df.operationName === 'fail') throw new Error('no');
  df.return(df.operationName === 'get' ? state : undefined);
};
const journal: EntityHandler<unknown[]> = ({ df }) => {
  const lines = df.getState(() => []) ?? [];
  if (df.operationName === 'get') df.return(lines);
  else df.setState([...lines, df.getInput()]);
};
const entities = { account, journal };
const id = (key: string, name = 'account'): EntityId => new EntityId(name, key);
const activities = { echo: (value: unknown) => value };

/** Reads both, waits, and writes both: wrong sums if anything comes between. */
const transfer: Orchestrator = function* ({ df }) {
  const { from, to, amount } = df.getInput<{ from: string; to: string; amount: number }>() ?? fail();
  const lock = yield df.lock([id(from), id(to)]);
  const before: number = yield df.callEntity(id(from), 'get');
  yield df.callActivity('echo', 1);
  if (before >= amount) {
    yield df.Task.all([df.callEntity(id(from), 'add', -amount), df.callEntity(id(to), 'add', amount)]);
  }
  (lock as { release(): void }).release();
  return yield df.callActivity('echo', before >= amount);
};
function fail(): never {
  throw new Error('no input');
}

test('orchestrations that lock the same set in any order neither wait for each other nor come between', async () => {
  const many: Orchestrator = function* ({ df }) {
    df.signalEntity(id('a'), 'add', 10);
    df.signalEntity(id('b'), 'add', 10);
    const moves = [...Array(8).keys()].map((n) => ({
      amount: 5,
      ...(n % 2 ? { from: 'a', to: 'b' } : { from: 'b', to: 'a' }),
    }));
    return yield df.Task.all(moves.map((move) => df.callSubOrchestrator('transfer', move)));
  };
  const { output, entities: states } = await runOrchestrator(many, {
    activities,
    entities,
    orchestrators: { transfer },
  });
  expect(output).toEqual(Array(8).fill(true));
  expect(states).toEqual({ '@account@a': 10, '@account@b': 10 });
});

test('while it is locked only the holder gets through, and the others in their order after it', async () => {
  const holder: Orchestrator = function* ({ df }) {
    const lock: { release(): void } = yield df.lock(id('j', 'journal'));
    df.signalEntity(id('other', 'journal'), 'add', 'free');
    const children = df.Task.all([1, 2].map((n) => df.callActivity('signal', n)));
    yield children;
    yield df.callEntity(id('j', 'journal'), 'add', 'mine');
    const during: unknown = yield df.callEntity(id('j', 'journal'), 'get');
    lock.release();
    const [echo, after]: unknown[] = yield df.Task.all([
      df.callActivity('echo', 'x'),
      df.callEntity(id('j', 'journal'), 'get'),
    ]);
    return { during, echo, after, locked: df.isLocked().isLocked };
  };
  const { output } = await runOrchestrator(holder, {
    entities,
    activities: {
      ...activities,
      signal: (n: number, client: FakeClient) => client.signalEntity(id('j', 'journal'), 'add', `theirs ${n}`),
    },
  });
  expect(output).toEqual({ during: ['mine'], echo: 'x', after: ['mine', 'theirs 1', 'theirs 2'], locked: false });
});

/** Locks the whole set, or gives up after a minute. */
const locksAll: Orchestrator = function* ({ df }) {
  const timer = df.createTimer(new Date(df.currentUtcDateTime.getTime() + 60_000));
  const lock = df.lock(id('a'), id('b'), id('c'));
  const winner: Task = yield df.Task.any([lock, timer]);
  timer.cancel();
  return winner === lock;
};

test.each(['returns', 'throws', 'continues', 'is terminated', 'is purged'])(
  'an orchestration that %s lets go of its locks',
  async (how) => {
    const holder: Orchestrator = function* ({ df }) {
      if (df.getInput() !== undefined && df.getInput() !== null) return;
      yield df.lock(id('b'), id('a'));
      yield df.callEntity(id('a'), 'delete');
      if (how === 'throws') throw new Error('on purpose');
      if (how === 'continues') df.continueAsNew({ again: true });
      if (how.startsWith('is')) yield df.waitForExternalEvent('never');
    };
    const main: Orchestrator = function* ({ df }) {
      yield df.callActivity('start');
      yield df.createTimer(new Date(df.currentUtcDateTime.getTime() + 10));
      yield df.callActivity('end');
      return yield df.callSubOrchestrator('locksAll');
    };
    const { output } = await runOrchestrator(main, {
      entities,
      orchestrators: { holder, locksAll },
      activities: {
        ...activities,
        start: (_: unknown, client: FakeClient) => client.startNew('holder', { instanceId: 'one' }),
        end: (_: unknown, client: FakeClient) => {
          if (how === 'is terminated') client.terminate('one');
          if (how === 'is purged') client.purge('one');
        },
      },
    });
    expect(output).toBe(true);
  },
);

test('an orchestration that ends before its lock comes to it holds up nobody', async () => {
  const blocker: Orchestrator = function* ({ df }) {
    yield df.lock(id('b'));
    yield df.createTimer(new Date(df.currentUtcDateTime.getTime() + 5_000));
  };
  const impatient: Orchestrator = function* ({ df }) {
    const timer = df.createTimer(new Date(df.currentUtcDateTime.getTime() + 1_000));
    yield df.Task.any([df.lock(id('a'), id('b'), id('c')), timer]);
  };
  const main: Orchestrator = function* ({ df }) {
    const first = df.callSubOrchestrator('blocker');
    yield df.Task.any([first, df.createTimer(new Date(df.currentUtcDateTime.getTime() + 10))]);
    yield df.callSubOrchestrator('impatient');
    return yield df.callSubOrchestrator('locksAll');
  };
  const orchestrators = { blocker, impatient, locksAll };
  const { output, elapsedMs } = await runOrchestrator(main, { entities, activities, orchestrators });
  expect({ output, elapsedMs }).toEqual({ output: true, elapsedMs: 5_000 });
});

test("the rules of a critical section are the library's, and an orchestration that breaks one fails with its words", async () => {
  const texts: Record<string, Orchestrator> = {
    'Cannot acquire more locks when already holding some locks.': function* ({ df }) {
      yield df.lock(id('a'));
      yield df.lock(id('b'));
    },
    'Cannot call an entity from within a critical section unless it is one of the locked entities.': function* ({
      df,
    }) {
      yield df.lock(id('a'));
      yield df.callEntity(id('b'), 'get');
    },
    'Cannot invoke sub-orchestrations from within a critical section.': function* ({ df }) {
      yield df.lock(id('a'));
      yield df.callSubOrchestrator('nobody');
    },
  };
  for (const [text, orchestrator] of Object.entries(texts)) {
    expect((await runOrchestrator(orchestrator, { activities, entities })).failure).toBe(text);
  }
});

test('an operation that throws leaves the lock as it is', async () => {
  const holder: Orchestrator = function* ({ df }) {
    yield df.lock(id('a'), id('A'), id('a'));
    let message = '';
    try {
      yield df.callEntity(id('a'), 'fail');
    } catch (error) {
      message = String(error);
    }
    return { message, owned: df.isLocked().ownedLocks.map(String), state: yield df.callEntity(id('a'), 'get') };
  };
  const { output } = await runOrchestrator(holder, { activities, entities });
  expect(output).toEqual({ message: 'Error: [object Object]', owned: ['@account@A', '@account@a'], state: 0 });
});

/** Work that the library does not offer, and that another writer of the protocol may ask for. */
function ask(context: OrchestrationContext, action: Readonly<Record<string, unknown>>): void {
  const executor: unknown = Reflect.get(context.df, 'taskOrchestratorExecutor');
  (executor as { recordFireAndForgetAction(action: unknown): void }).recordFireAndForgetAction(action);
}

test('a scheduled signal comes at its time, after the tasks that were numbered behind it', async () => {
  const main: Orchestrator = function* (context) {
    const { df } = context;
    const fireAt = new Date(df.currentUtcDateTime.getTime() + 3_600_000);
    ask(context, { actionType: 10, instanceId: '@journal@j', operation: 'add', input: 'late', fireAt });
    df.signalEntity(id('j', 'journal'), 'add', 'now');
    const before: unknown = yield df.callEntity(id('j', 'journal'), 'get');
    yield df.createTimer(new Date(fireAt.getTime() - 1));
    const early: unknown = yield df.callEntity(id('j', 'journal'), 'get');
    yield df.createTimer(new Date(fireAt.getTime() + 1));
    return [before, early, yield df.callEntity(id('j', 'journal'), 'get')];
  };
  const { output, elapsedMs } = await runOrchestrator(main, { activities, entities });
  expect(output).toEqual([['now'], ['now'], ['now', 'late']]);
  expect(elapsedMs).toBe(3_600_001);
});

test('a call to an entity that is not there fails; with `strict` it never comes back, as on Azure', async () => {
  const main: Orchestrator = function* ({ df }) {
    try {
      yield df.callEntity(id('x', 'nobody'), 'get');
    } catch (error) {
      return String(error);
    }
    return undefined;
  };
  const { output } = await runOrchestrator(main, { activities, entities });
  expect(output).toMatch(/^Error: The function 'nobody' doesn't exist, is disabled, or is not an entity function\./);
  await expect(runOrchestrator(main, { activities, entities, strict: true })).rejects.toThrow(
    'waits for @nobody@x.get()',
  );
});

test('with `strict`, too, what else the orchestration does goes on beside such a call', async () => {
  const main: Orchestrator = function* ({ df }) {
    const call = df.callEntity(id('x', 'nobody'), 'get');
    const echo: Task = df.callActivity('echo', 1);
    yield df.Task.any([call, echo]);
    return [echo.result, yield df.callActivity('echo', 2)];
  };
  const { output } = await runOrchestrator(main, { activities, entities, strict: true });
  expect(output).toEqual([1, 2]);
});

test('an entity that is purged in the middle of its work forgets its state, and answers all that wait for it', async () => {
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  async function slow({ df }: EntityContext<string>): Promise<void> {
    if (df.operationName === 'wait') await gate;
    df.setState(`${df.getState(() => '') ?? ''}${df.operationName} `);
    df.return(df.getState());
  }
  const main: Orchestrator = function* ({ df }) {
    const entity = id('s', 'slow');
    yield df.callEntity(entity, 'first');
    const work = df.Task.all([df.callEntity(entity, 'wait'), df.callEntity(entity, 'with'), df.callActivity('purge')]);
    const [first]: unknown[] = yield work;
    return [first, yield df.callEntity(entity, 'next')];
  };
  const purge = (_: unknown, client: FakeClient): void => {
    client.signalEntity(id('s', 'slow'), 'behind');
    client.purge('@slow@s');
    open();
  };
  const { output } = await runOrchestrator(main, {
    activities: { purge },
    // eslint-disable-next-line @typescript-eslint/no-misused-promises -- the library awaits what its types call void
    entities: { slow },
  });
  expect(output).toEqual(['first wait ', 'behind next ']);
});

test('a lock whose asker ends while the entity is at work is not granted, nor passed on', async () => {
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  async function slow({ df }: EntityContext<number>): Promise<void> {
    if (df.operationName === 'wait') await gate;
  }
  const asker: Orchestrator = function* ({ df }) {
    df.signalEntity(id('s', 'slow'), 'wait');
    yield df.Task.any([df.lock(id('s', 'slow'), id('t', 'slow')), df.callActivity('echo', 1)]);
  };
  const main: Orchestrator = function* ({ df }) {
    yield df.callSubOrchestrator('asker');
    yield df.callActivity('open');
    const timer = df.createTimer(new Date(df.currentUtcDateTime.getTime() + 60_000));
    const lock = df.lock(id('s', 'slow'), id('t', 'slow'));
    const winner: Task = yield df.Task.any([lock, timer]);
    timer.cancel();
    return winner === lock;
  };
  const { output } = await runOrchestrator(main, {
    activities: { ...activities, open: () => open() },
    // eslint-disable-next-line @typescript-eslint/no-misused-promises -- the library awaits what its types call void
    entities: { slow },
    orchestrators: { asker },
  });
  expect(output).toBe(true);
});

test('a lock of an entity that is not there is granted, and the call fails; with `strict` it never comes', async () => {
  const main: Orchestrator = function* ({ df }) {
    yield df.lock(id('x', 'nobody'), id('a'));
    yield df.callEntity(id('x', 'nobody'), 'get');
  };
  const { failure } = await runOrchestrator(main, { activities, entities });
  expect(failure).toMatch(/^The function 'nobody' doesn't exist/);
  await expect(runOrchestrator(main, { activities, entities, strict: true })).rejects.toThrow('waits for lock(');
});
