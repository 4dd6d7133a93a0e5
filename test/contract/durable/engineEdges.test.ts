/** Bugs that the engine had, each with the smallest app that showed it. */
import { describe, expect, jest, test } from '@jest/globals';
import {
  EntityId,
  type OrchestrationContext,
  type OrchestrationHandler,
  RetryOptions,
  type Task,
} from 'durable-functions';
import { EVENT } from '../../../local/host/engine/history';
import { Bench, rounds } from './engineBench';

type Orchestrator = (context: OrchestrationContext) => Generator<Task, unknown, never>;
const start = (bench: Bench, name: string): string => bench.client.start({ name, instanceId: 'one', input: null });
const circle: Record<string, unknown> = {};
circle.self = circle;

/* eslint-disable require-yield -- some end at once */
describe('what JSON cannot hold fails the instance, and does not stop the host', () => {
  const UNREADABLE = "The orchestrator's answer could not be read";
  const orchestrators: Readonly<Record<string, { run: Orchestrator; ends: string; output: string | null }>> = {
    'returns a function': { run: function* () { return () => 1; }, ends: 'Completed', output: null }, // prettier-ignore
    'returns what toJSON makes nothing': { run: function* () { return { toJSON: () => undefined }; }, ends: 'Completed', output: null }, // prettier-ignore
    'sets a function as its status': {
      run: function* (context) {
        context.df.setCustomStatus(() => 1);
        return 1;
      },
      ends: 'Completed',
      output: '1',
    },
    'returns a BigInt': { run: function* () { return 1n; }, ends: 'Failed', output: UNREADABLE }, // prettier-ignore
    'returns a circle': { run: function* () { return circle; }, ends: 'Failed', output: UNREADABLE }, // prettier-ignore
    'gives a BigInt to its second activity': {
      run: function* (context) {
        yield context.df.callActivity('echo', 1);
        yield context.df.callActivity('echo', 1n);
      },
      ends: 'Failed',
      output: UNREADABLE,
    },
    'waits for an invalid date': {
      run: function* (context) {
        yield context.df.createTimer(new Date(NaN));
      },
      ends: 'Failed',
      output: UNREADABLE,
    },
    'backs off for ever': {
      run: function* (context) {
        const retry = Object.assign(new RetryOptions(1.5, 3), {
          backoffCoefficient: 1e308,
          maxRetryIntervalInMilliseconds: 1e300,
        });
        yield context.df.callActivityWithRetry('throws an error', retry);
      },
      ends: 'Failed',
      output: "Activity function 'throws an error' failed:  boom",
    },
  };
  test.each(Object.entries(orchestrators))('%s', async (name, { run, ends, output }) => {
    const fail = (): never => {
      throw new Error('boom');
    };
    const bench = new Bench({
      orchestrators: { [name]: run },
      activities: { echo: (input) => input, 'throws an error': fail },
    });
    start(bench, name);
    const ended = await bench.toEnd('one');
    expect(bench.broken).toBeUndefined();
    expect(ended.status).toBe(ends);
    if (ends === 'Failed') expect(ended.output).toContain(output);
    else expect(ended.output).toBe(output);
  });

  const thrown: Readonly<Record<string, unknown>> = {
    '1n': 1n,
    '[Circular': circle,
    '{"a":1}': Object.assign(new Error(), { message: { a: 1 } }),
  };
  test.each(Object.entries(thrown))('an activity throws %s', async (text, value) => {
    const orchestrator: Orchestrator = function* (context) {
      yield context.df.callActivity('fail');
    };
    const fail = (): never => {
      throw value;
    };
    const bench = new Bench({ orchestrators: { orchestrator }, activities: { fail } });
    start(bench, 'orchestrator');
    const { status, output } = await bench.toEnd('one');
    expect(status).toBe('Failed');
    expect(JSON.parse(output ?? '')).toContain(text);
  });
});

test('a Retry-After of less than a millisecond is no time for the disk', async () => {
  const orchestrator: Orchestrator = function* (context) {
    yield context.df.callHttp({ method: 'GET', url: 'http://127.0.0.1/' });
    return 'answered';
  };
  let polls = 0;
  const invoke = () => {
    const headers = { Location: '/again', 'Retry-After': ['0.0001', 'Infinity', ''][polls] ?? '' };
    const statusCode = polls++ < 2 ? 202 : 200;
    return Promise.resolve({ ok: true as const, result: JSON.stringify({ statusCode, headers, content: '' }) });
  };
  const bench = new Bench({ orchestrators: { orchestrator }, ports: { invoke } });
  start(bench, 'orchestrator');
  expect(await bench.toEnd('one')).toMatchObject({ status: 'Completed', output: '"answered"' });
  expect(bench.broken).toBeUndefined();
});

test('more than 100,000 activities written at once do not overflow the stack', async () => {
  const orchestrator: Orchestrator = function* (context) {
    yield context.df.Task.all(Array.from({ length: 5_000 }, (_, index) => context.df.callActivity('never', index)));
  };
  const never = () => new Promise(() => undefined);
  const bench = new Bench({ orchestrators: { orchestrator }, activities: { never }, limits: { activities: 1 } });
  for (let index = 0; index < 30; index++) bench.client.start({ name: 'orchestrator', input: null });
  await bench.client.flushed();
  expect(bench.broken).toBeUndefined();
  expect(bench.calls).toEqual(['never']);
});

describe('an orchestration that goes on without a pause leaves the event loop to others, and can be terminated', () => {
  const continues: Orchestrator = function* (context) {
    context.df.continueAsNew(1);
  };
  const calls: Orchestrator = function* (context) {
    for (;;) yield context.df.callSubOrchestrator('child');
  };
  const child: Orchestrator = function* () {
    return 1;
  };
  test.each(['continues', 'calls'])('%s', async (name) => {
    const bench = new Bench({ orchestrators: { continues, calls, child } });
    start(bench, name);
    await bench.client.flushed();
    bench.client.terminate('one', 'enough');
    expect(await bench.toEnd('one')).toMatchObject({ status: 'Terminated', output: 'enough' });
  });
});

const waits: Orchestrator = function* (context) {
  return yield context.df.waitForExternalEvent('go');
};

test('what is purged, started and purged in one round stays purged', async () => {
  const bench = new Bench({ orchestrators: { waits } });
  start(bench, 'waits');
  bench.client.raiseEvent('one', 'go', '1');
  await bench.toEnd('one');
  bench.client.purge('one');
  start(bench, 'waits');
  bench.client.purge('one');
  await bench.engine.idle();
  expect(bench.client.instance('one')).toBeUndefined();
});

test('a second suspension does not outlive the resume', async () => {
  const bench = new Bench({ orchestrators: { waits } });
  start(bench, 'waits');
  await bench.engine.idle();
  bench.client.suspend('one', 'first');
  bench.client.suspend('one', 'second');
  await bench.engine.idle();
  bench.client.resume('one', null);
  await bench.engine.idle();
  expect(bench.client.instance('one')?.status).toBe('Running');
});

test('a timer from before 1970 is not lost with the memory', async () => {
  const orchestrator: Orchestrator = function* (context) {
    yield context.df.createTimer(new Date(-1000));
    return 'fired';
  };
  // The clock is there before the timer: what is posted now is read in the next round, unless the host dies before.
  const bench = new Bench({ orchestrators: { orchestrator } });
  const written = jest.spyOn(bench.store, 'write').mockImplementationOnce((batch) => {
    written.mockRestore();
    bench.store.write(batch);
    void bench.engine.stop(0);
  });
  start(bench, 'orchestrator');
  await rounds(5);
  await bench.restart();
  expect(await bench.toEnd('one')).toMatchObject({ output: '"fired"' });
});

describe('rewind finds what the failing turn itself had sent', () => {
  const mark = (context: OrchestrationContext): void => context.df.signalEntity(new EntityId('marks', 'one'), 'mark');
  const orchestrators: Readonly<Record<string, OrchestrationHandler>> = {
    'before its own error': function* (context) {
      yield context.df.callActivity('works');
      mark(context);
      throw new Error('as before');
    },
    'when it had caught the failure': function* (context) {
      try {
        yield context.df.callActivity('fails');
      } catch {
        mark(context);
        throw new Error('as before');
      }
    },
  };
  test.each(Object.keys(orchestrators))('%s', async (name) => {
    const fails = (): never => {
      throw new Error('boom');
    };
    const entities = { marks: () => undefined };
    const bench = new Bench({ orchestrators, activities: { works: () => 1, fails }, entities });
    start(bench, name);
    const first = await bench.toEnd('one');
    bench.client.rewind('one', null);
    expect((await bench.toEnd('one')).output).toBe(first.output);
  });
});

test('a task that was awaited twice is still one task when the orchestrator fails after a restart', async () => {
  const orchestrator: Orchestrator = function* (context) {
    const slow = context.df.callActivity('slow');
    for (let timeouts = 0; timeouts < 2; timeouts++) {
      const later = new Date(context.df.currentUtcDateTime.getTime() + 1000);
      yield context.df.Task.any([slow, context.df.createTimer(later)]);
    }
    yield context.df.waitForExternalEvent('go');
    throw new Error('the true reason');
  };
  let answer = (): void => undefined;
  const slow = () => new Promise<void>((resolve) => (answer = resolve));
  const bench = new Bench({ orchestrators: { orchestrator }, activities: { slow } });
  start(bench, 'orchestrator');
  for (let timeouts = 0; timeouts < 2; timeouts++) {
    await rounds(10);
    bench.clock.jump();
  }
  await rounds(10);
  answer();
  await bench.engine.idle();
  await bench.restart();
  bench.client.raiseEvent('one', 'go', '1');
  expect((await bench.toEnd('one')).output).toContain('the true reason');
  expect(bench.client.history('one').filter(({ event }) => event.EventType === EVENT.taskScheduled)).toHaveLength(1);
});

test('an entity is as old on disk as in memory', async () => {
  const bench = new Bench({ orchestrators: { waits }, entities: { marks: () => undefined } });
  for (const at of [1_000, 2_000]) {
    bench.clock.moveTo(bench.clock.started + at);
    bench.client.signalEntity({ name: 'marks', key: 'one' }, 'mark', null);
    await bench.engine.idle();
  }
  expect(bench.client.list({ prefix: '@' })).toEqual([bench.client.instance('@marks@one')]);
});

test('a long history waits no longer for more answers when the clock was put back', async () => {
  const orchestrator: Orchestrator = function* (context) {
    yield context.df.Task.all([1, 2, 3].map((input) => context.df.callActivity('works', input)));
  };
  const answers: (() => void)[] = [];
  const works = () => new Promise<void>((resolve) => answers.push(resolve));
  const bench = new Bench({ orchestrators: { orchestrator }, activities: { works }, limits: { coalesceFrom: 1 } });
  start(bench, 'orchestrator');
  await rounds(5);
  bench.clock.moveTo(bench.clock.started - 3_600_000);
  answers[0]?.();
  await rounds(5);
  expect(bench.clock.jump()).toBe(true);
  expect(bench.clock.now()).toBeLessThan(bench.clock.started - 3_599_000);
  await rounds(5);
  const read = bench.client.history('one').filter(({ event }) => event.EventType === EVENT.taskCompleted);
  expect(read).toHaveLength(1);
});
