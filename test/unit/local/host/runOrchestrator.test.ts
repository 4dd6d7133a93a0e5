import { describe, expect, test } from '@jest/globals';
import { EntityId, type EntityContext, type OrchestrationContext, RetryOptions, type Task } from 'durable-functions';
import { runOrchestrator } from '../../../support/runOrchestrator';

type Steps<T> = Generator<Task, T, never>;
const DAY = 86_400_000;

const retry = (first: number, attempts: number, more: Partial<RetryOptions> = {}): RetryOptions =>
  Object.assign(new RetryOptions(first, attempts), more);
const later = (context: OrchestrationContext, ms: number): Date =>
  new Date(context.df.currentUtcDateTime.getTime() + ms);
const failing = (times: number) => () => {
  if (times-- > 0) throw new Error('busy');
  return 'done';
};

describe('activities', () => {
  function* hello(context: OrchestrationContext): Steps<string[]> {
    const names: string[] = context.df.getInput() ?? [];
    return yield context.df.Task.all(names.map((name) => context.df.callActivity('hello', name)));
  }

  test('fan-out keeps the order of the answers', async () => {
    const names = Array.from({ length: 60 }, (_, index) => `n${index}`);
    const run = await runOrchestrator(hello, {
      input: names,
      activities: { hello: async (name: string) => `Hello ${name}` },
    });
    expect(run.output).toEqual(names.map((name) => `Hello ${name}`));
    expect(run.calls).toHaveLength(60);
    expect(run.elapsedMs).toBe(0);
  });

  test('an uncaught failure fails the orchestrator with the text that Azure makes', async () => {
    function* one(context: OrchestrationContext): Steps<unknown> {
      return yield context.df.callActivity('boom', 1);
    }
    const boom = () => {
      throw new Error('no');
    };
    const run = await runOrchestrator(one, { activities: { boom } });
    expect(run.runtimeStatus).toBe('Failed');
    expect(run.failure).toMatch(/^Activity function 'boom' failed: {2}no \n \{"\$type":"System.Exception/);
  });

  test('retries cost their back-off in virtual time only', async () => {
    function* patient(context: OrchestrationContext): Steps<unknown> {
      return yield context.df.callActivityWithRetry('work', retry(5_000, 5, { backoffCoefficient: 2 }));
    }
    const started = Date.now();
    const run = await runOrchestrator(patient, { activities: { work: failing(3) } });
    expect(run).toMatchObject({ output: 'done', elapsedMs: 5_000 + 10_000 + 20_000, calls: Array(4).fill('work') });
    expect(Date.now() - started).toBeLessThan(5_000);
  });

  test('the last attempt fails the task, and the code goes on with the right numbers', async () => {
    function* stubborn(context: OrchestrationContext): Steps<unknown> {
      try {
        yield context.df.callActivityWithRetry('work', retry(1_000, 2));
      } catch (error) {
        const message = error instanceof Error ? error.message.split(' \n ')[0] : '';
        return [message, yield context.df.callActivity('other')];
      }
      return 'not reached';
    }
    const run = await runOrchestrator(stubborn, { activities: { work: failing(9), other: () => 7 } });
    expect(run.output).toEqual(["Activity function 'work' failed:  busy", 7]);
    expect(run.elapsedMs).toBe(1_000);
  });

  test('a retry timeout ends the task instead of leaving it open for ever', async () => {
    function* hurried(context: OrchestrationContext): Steps<unknown> {
      try {
        return yield context.df.callActivityWithRetry('work', retry(1_000, 9, { retryTimeoutInMilliseconds: 2_500 }));
      } catch {
        return 'gave up';
      }
    }
    const run = await runOrchestrator(hurried, { activities: { work: failing(99) } });
    expect(run).toMatchObject({ output: 'gave up', calls: Array(4).fill('work'), elapsedMs: 3_000 });
  });

  test('retries side by side get the right answers', async () => {
    function* many(context: OrchestrationContext): Steps<unknown> {
      const one = (n: number): Task => context.df.callActivityWithRetry('flaky', retry(1_000, 4), n);
      const first: unknown = yield context.df.Task.all([0, 1, 2, 3, 4].map(one));
      return [first, yield one(2)];
    }
    const seen = new Map<number, number>();
    const flaky = (n: number): number => {
      seen.set(n, (seen.get(n) ?? 0) + 1);
      if ((seen.get(n) ?? 0) <= n % 3) throw new Error('not yet');
      return n * 10;
    };
    const run = await runOrchestrator(many, { activities: { flaky } });
    expect(run.output).toEqual([[0, 10, 20, 30, 40], 20]);
    expect(run.elapsedMs).toBe(2_000);
  });

  test('where Azure and the library would number tasks differently, the instance fails with both numbers', async () => {
    function* careless(context: OrchestrationContext): Steps<unknown> {
      try {
        const slow = context.df.callActivityWithRetry('work', retry(1_000, 3));
        yield context.df.Task.all([context.df.callActivity('boom'), slow]);
      } catch {
        return yield context.df.callActivity('after');
      }
      return 'not reached';
    }
    const boom = () => {
      throw new Error('no');
    };
    const run = await runOrchestrator(careless, { activities: { boom, work: failing(2), after: () => 1 } });
    expect(run.failure).toMatch(/has sequence number \d for the host and \d for the app/);
  });
});

describe('time', () => {
  test('thirty days cost nothing, in legs as on Azure', async () => {
    function* sleeper(context: OrchestrationContext): Steps<string> {
      yield context.df.createTimer(later(context, 30 * DAY));
      return context.df.currentUtcDateTime.toISOString();
    }
    const run = await runOrchestrator(sleeper, { activities: {}, startAt: new Date('2026-02-01T00:00:00Z') });
    expect(run.output).toBe('2026-03-03T00:00:00.000Z');
    expect(run.elapsedMs).toBe(30 * DAY);
  });

  test('the first of an event and a timer wins; the loser may be called off', async () => {
    function* race(context: OrchestrationContext): Steps<unknown> {
      const timer = context.df.createTimer(later(context, DAY));
      const event = context.df.waitForExternalEvent('Go');
      const winner: Task = yield context.df.Task.any([event, timer]);
      if (winner === event) timer.cancel();
      return winner === event ? yield event : 'too late';
    }
    const events = [{ at: 5_000, name: 'Go', data: { x: 1 } }];
    expect(await runOrchestrator(race, { activities: {}, events })).toMatchObject({
      output: { x: 1 },
      elapsedMs: 5_000,
    });
    expect(await runOrchestrator(race, { activities: {} })).toMatchObject({ output: 'too late', elapsedMs: DAY });
  });

  test("a timer that is due at the very moment of another instance's event is not forgotten", async () => {
    function* other(context: OrchestrationContext): Steps<unknown> {
      return yield context.df.waitForExternalEvent('Go');
    }
    function* sleeper(context: OrchestrationContext): Steps<unknown> {
      yield context.df.callActivity('open');
      return yield context.df.createTimer(later(context, 1_000));
    }
    const run = await runOrchestrator(sleeper, {
      activities: { open: (_, client) => client.startNew('other', { instanceId: 'w' }) },
      orchestrators: { other },
      events: [{ at: 1_000, name: 'Go', instanceId: () => 'w' }],
    });
    expect(run).toMatchObject({ runtimeStatus: 'Completed', elapsedMs: 1_000 });
  });

  test('an event before the wait is kept, and the newest waiter gets the first', async () => {
    function* waiter(context: OrchestrationContext): Steps<unknown> {
      yield context.df.createTimer(later(context, 1_000));
      return yield context.df.Task.all([context.df.waitForExternalEvent('A'), context.df.waitForExternalEvent('A')]);
    }
    const events = [
      { at: 2_000, name: 'A', data: 1 },
      { at: 3_000, name: 'A', data: 2 },
    ];
    expect((await runOrchestrator(waiter, { activities: {}, events })).output).toEqual([2, 1]);
  });
});

describe('continueAsNew', () => {
  test('starts afresh, and an event used beside a cancelled timer does not come back', async () => {
    function* rounds(context: OrchestrationContext): Steps<unknown> {
      const seen: number[] = context.df.getInput() ?? [];
      if (seen.length === 3) return seen;
      const timer = context.df.createTimer(later(context, DAY));
      const event = context.df.waitForExternalEvent('Next');
      const winner: Task = yield context.df.Task.any([event, timer]);
      if (winner !== event) return 'lost';
      timer.cancel();
      context.df.continueAsNew([...seen, yield event]);
      return undefined;
    }
    const events = [1, 2, 3].map((data) => ({ at: data * 1_000, name: 'Next', data }));
    const run = await runOrchestrator(rounds, { activities: {}, events });
    expect(run).toMatchObject({ output: [1, 2, 3], elapsedMs: 3_000 });
  });
});

describe('other orchestrators and entities', () => {
  function* child(context: OrchestrationContext): Steps<unknown> {
    const n: number = context.df.getInput() ?? 0;
    if (n > 2) throw new Error(`too many: ${n}`);
    return yield context.df.callActivity('square', n);
  }
  function* parent(context: OrchestrationContext): Steps<unknown> {
    const good: unknown = yield context.df.callSubOrchestrator('child', 2, 'kid');
    try {
      yield context.df.callSubOrchestrator('child', 3);
    } catch (error) {
      return [good, error instanceof Error ? error.message.split(' \n ')[0] : ''];
    }
    return 'not reached';
  }
  const counter = (context: EntityContext<number>): void => {
    const { df } = context;
    const now = df.getState(() => 0) ?? 0;
    if (df.operationName === 'add') df.setState(now + (df.getInput<number>() ?? 0));
    else if (df.operationName === 'get') df.return(now);
    else throw new Error('unknown operation');
  };

  test('sub-orchestrations run for real, and their failures are caught', async () => {
    const run = await runOrchestrator(parent, {
      activities: { square: (n: number) => n * n },
      orchestrators: { child },
    });
    expect(run.output).toEqual([4, "Orchestrator function 'child' failed: too many: 3"]);
  });

  test('entities run for real; a failed operation is an error', async () => {
    function* user(context: OrchestrationContext): Steps<unknown> {
      const id = new EntityId('counter', 'K');
      context.df.signalEntity(id, 'add', 5);
      const before: unknown = yield context.df.callEntity(id, 'get');
      yield context.df.callEntity(id, 'add', 10);
      try {
        yield context.df.callEntity(id, 'fail');
      } catch (error) {
        return [before, yield context.df.callEntity(id, 'get'), error instanceof Error ? error.message : ''];
      }
      return 'not reached';
    }
    const run = await runOrchestrator(user, { activities: {}, entities: { Counter: counter } });
    expect(run.output).toEqual([5, 15, '[object Object]']);
    expect(run.entities).toEqual({ '@counter@K': 15 });
  });

  test('a faked activity may start, ask for and signal other instances', async () => {
    function* window(context: OrchestrationContext): Steps<unknown> {
      const name: string = yield context.df.waitForExternalEvent('Close');
      yield context.df.callActivity('tell', { to: 'main', name });
      return name;
    }
    function* main(context: OrchestrationContext): Steps<unknown> {
      yield context.df.callActivity('open');
      context.df.setCustomStatus({ open: true });
      yield context.df.callActivity('close');
      const name: unknown = yield context.df.waitForExternalEvent('Closed');
      return [name, yield context.df.callActivity('look')];
    }
    const run = await runOrchestrator(main, {
      instanceId: 'main',
      orchestrators: { window },
      activities: {
        open: (_, client) => client.startNew('window', { instanceId: 'w' }),
        close: (_, client) => client.raiseEvent('w', 'Close', 'now'),
        tell: ({ to, name }: { to: string; name: string }, client) => client.raiseEvent(to, 'Closed', name),
        look: (_, client) => [client.status('w')?.runtimeStatus, client.status('nobody')],
      },
    });
    expect(run.output).toEqual(['now', ['Completed', null]]);
  });
});

describe('the guard', () => {
  test('a replay that asks for other work fails the test', async () => {
    let runs = 0;
    function* moody(context: OrchestrationContext): Steps<unknown> {
      runs += 1;
      yield context.df.callActivity(runs === 1 ? 'first' : 'other');
      return yield context.df.callActivity('last');
    }
    const give = (): number => 1;
    const run = runOrchestrator(moody, { activities: { first: give, other: give, last: give } });
    await expect(run).rejects.toThrow(/Non-determinism in '.+': task 0 was first\(\) and on replay is other\(\)/);
  });

  test('so does one that gives other input', async () => {
    let clock = 0;
    function* clocked(context: OrchestrationContext): Steps<unknown> {
      return yield context.df.callActivity('note', ++clock);
    }
    await expect(runOrchestrator(clocked, { activities: { note: () => 1 } })).rejects.toThrow(
      'note(1) and on replay is note(2)',
    );
  });

  test('waiting for what never comes is an error that names it', async () => {
    function* waits(context: OrchestrationContext): Steps<unknown> {
      return yield context.df.waitForExternalEvent('Approval');
    }
    await expect(runOrchestrator(waits, { activities: {}, instanceId: 'me' })).rejects.toThrow(
      "'me' waits for event 'Approval'",
    );
  });

  test('calling what is not faked is an error that names it', async () => {
    function* calls(context: OrchestrationContext): Steps<unknown> {
      return yield context.df.callActivity('forgotten');
    }
    await expect(runOrchestrator(calls, { activities: {} })).rejects.toThrow("calls the activity 'forgotten'");
  });
});

test('a child of an execution that was terminated does not answer the next one under the same id', async () => {
  function* kid(context: OrchestrationContext): Steps<number> {
    const n = context.df.getInput<number>() ?? 0;
    yield context.df.createTimer(later(context, n * 10_000));
    return n;
  }
  function* parent(context: OrchestrationContext): Steps<number> {
    return yield context.df.callSubOrchestrator('kid', context.df.getInput<number>());
  }
  function* story(context: OrchestrationContext): Steps<unknown> {
    yield context.df.callActivity('start', 1);
    yield context.df.createTimer(later(context, 1_000));
    yield context.df.callActivity('terminate');
    yield context.df.createTimer(later(context, 1_000));
    yield context.df.callActivity('start', 6);
    yield context.df.createTimer(later(context, 100_000));
    return yield context.df.callActivity('outputOf');
  }
  const run = await runOrchestrator(story, {
    orchestrators: { parent, kid },
    activities: {
      start: (input: number, client) => client.startNew('parent', { instanceId: 'p', input }),
      terminate: (_: unknown, client) => client.terminate('p'),
      outputOf: (_: unknown, client) => client.status('p')?.output,
    },
  });
  expect(run.output).toBe(6);
});
