/**
 * A replay that has followed an execution from its start, and one that is made from what was stored, decide the same; and
 * an orchestration whose host dies again and again ends as one whose host does not. Shown for orchestrations of all kinds.
 */
import { expect, jest, test } from '@jest/globals';
import { EntityId, type OrchestrationContext, RetryOptions, type Task, type TimerTask } from 'durable-functions';
import * as fc from 'fast-check';
import { z } from 'zod';
import { EVENT, type HistoryRow } from '../../../local/host/engine/history';
import { NonDeterminism, Replay, type ReplayResult } from '../../../local/host/engine/replay';
import { isTerminal } from '../../../local/host/engine/store';
import { messageOf } from '../../../local/host/log';
import { Bench, engineOf, rounds } from './engineBench';

type Leaf =
  | { readonly do: 'activity'; readonly ms: number; readonly fails: boolean }
  | { readonly do: 'retry'; readonly ms: number; readonly failures: number; readonly attempts: number }
  | { readonly do: 'timer'; readonly ms: number }
  | { readonly do: 'event'; readonly name: string }
  | { readonly do: 'child'; readonly fails: boolean }
  | { readonly do: 'entity' };
type Step =
  | { readonly do: 'one'; readonly leaf: Leaf }
  | {
      readonly do: 'all' | 'any';
      readonly leaves: readonly Leaf[];
      readonly calledOff: boolean;
      readonly again: boolean;
    }
  | { readonly do: 'signal' };
interface Program {
  readonly steps: readonly Step[];
  readonly ends: 'returns' | 'throws' | 'continues';
  readonly events: readonly { readonly name: string; readonly ms: number }[];
}

/** A wide range: what falls together may come in either order. */
const ms = fc.integer({ min: 1, max: 1_000_000 });
const name = fc.constantFrom('A', 'B');
const leaf: fc.Arbitrary<Leaf> = fc.oneof(
  fc.record({ do: fc.constant('activity' as const), ms, fails: fc.boolean() }),
  fc.record({
    do: fc.constant('retry' as const),
    ms,
    failures: fc.integer({ min: 0, max: 3 }),
    attempts: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ do: fc.constant('timer' as const), ms: fc.oneof(ms, fc.constant(8 * 86_400_000)) }),
  fc.record({ do: fc.constant('event' as const), name }),
  fc.record({ do: fc.constant('child' as const), fails: fc.boolean() }),
  fc.record({ do: fc.constant('entity' as const) }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('one' as const), leaf }),
  fc.record({
    do: fc.constantFrom('all' as const, 'any' as const),
    leaves: fc.array(leaf, { minLength: 1, maxLength: 4 }),
    calledOff: fc.boolean(),
    again: fc.boolean(),
  }),
  fc.record({ do: fc.constant('signal' as const) }),
);
const program: fc.Arbitrary<Program> = fc.record({
  steps: fc.array(step, { maxLength: 5 }),
  ends: fc.constantFrom('returns' as const, 'throws' as const, 'continues' as const),
  events: fc.array(fc.record({ name, ms }), { maxLength: 6 }),
});

const entity = new EntityId('counter', 'one');
const isTimer = (task: Task): task is TimerTask => 'cancel' in task;

/** An orchestrator that does what the program says, and returns what came of each step. */
function orchestratorOf({ steps, ends }: Program) {
  return function* (context: OrchestrationContext): Generator<Task, unknown, never> {
    const { df } = context;
    const results: unknown[] = [];
    const make = (leaf: Leaf, key: string): Task => {
      switch (leaf.do) {
        case 'activity':
          return df.callActivity('work', { ...leaf, key });
        case 'retry':
          return df.callActivityWithRetry('flaky', new RetryOptions(70_001, leaf.attempts), { ...leaf, key });
        case 'timer':
          return df.createTimer(new Date(df.currentUtcDateTime.getTime() + leaf.ms));
        case 'event':
          return df.waitForExternalEvent(leaf.name);
        case 'child':
          return df.callSubOrchestrator('child', leaf);
        case 'entity':
          return df.callEntity(entity, 'count', 1);
      }
    };
    for (const [index, step] of steps.entries()) {
      if (step.do === 'signal') {
        df.signalEntity(entity, 'count', 1);
        continue;
      }
      const leaves = step.do === 'one' ? [step.leaf] : step.leaves;
      const tasks = leaves.map((leaf, place) => make(leaf, `${index}.${place}`));
      const [first] = tasks;
      try {
        if (step.do === 'one' && first) results.push(yield first);
        else if (step.do === 'all') results.push(yield df.Task.all(tasks));
        else {
          const won: Task = yield df.Task.any(tasks);
          results.push(tasks.indexOf(won));
          if ('again' in step && step.again && first && first !== won) {
            const second: Task = yield df.Task.any([
              first,
              df.createTimer(new Date(df.currentUtcDateTime.getTime() + 50_021)),
            ]);
            results.push(second === first);
          }
        }
      } catch (error) {
        results.push(error instanceof Error ? error.message.slice(0, 60) : 'thrown');
      }
      if ('calledOff' in step && step.calledOff)
        for (const task of tasks) if (isTimer(task) && !task.isCompleted) task.cancel();
    }
    if (ends === 'throws') throw new Error(JSON.stringify(results));
    if (ends === 'continues' && df.getInput() !== 1) df.continueAsNew(1);
    return results;
  };
}

function benchOf(given: Program): Bench {
  const bench: Bench = new Bench({
    orchestrators: {
      main: orchestratorOf(given) as never,
      // eslint-disable-next-line require-yield -- it ends at once
      child: function* (context) {
        const { fails } = context.df.getInput<{ fails: boolean }>();
        if (fails) throw new Error('child');
        return 1;
      },
    },
    activities: {
      work: async (input) => {
        const { ms, fails } = input as { ms: number; fails: boolean };
        await bench.clock.wait(bench.clock.started + ms);
        if (fails) throw new Error('work');
        return ms;
      },
      flaky: async (input) => {
        const { ms, key, failures } = input as { ms: number; key: string; failures: number };
        await bench.clock.wait(bench.clock.started + ms);
        if (bench.clock.now() < bench.clock.started + 300_007 * failures) throw new Error('flaky');
        return key;
      },
    },
    entities: { counter: (context: { df: { return: (v: number) => void } }) => context.df.return(1) },
  });
  return bench;
}

/** What a replay says of a turn, or why it cannot. */
function said(turn: () => unknown): string {
  try {
    return JSON.stringify(turn());
  } catch (error) {
    return `thrown ${messageOf(error)}`;
  }
}

const startedSchema = z.object({ OrchestrationInstance: z.object({ InstanceId: z.string() }) });
// eslint-disable-next-line @typescript-eslint/unbound-method -- called with their object below
const { extend, read, turn } = Replay.prototype;
/** Holds each turn of a replay that goes on against one that is made anew. */
class Comparison {
  turns = 0;
  readonly differences: string[] = [];
  private readonly lists = new WeakMap<Replay, readonly unknown[]>();
  private readonly ids = new WeakMap<Replay, string>();

  constructor() {
    const { lists } = this;
    const note = (replay: Replay, rows: readonly HistoryRow[]) => this.noteId(replay, rows);
    const compare = (replay: Replay, rows: readonly HistoryRow[]) => this.compare(replay, rows);
    jest.spyOn(Replay.prototype, 'extend').mockImplementation(function (this: Replay, actions) {
      lists.set(this, actions);
      return extend.call(this, actions);
    });
    jest.spyOn(Replay.prototype, 'read').mockImplementation(function (this: Replay, rows) {
      note(this, rows);
      read.call(this, rows);
    });
    jest.spyOn(Replay.prototype, 'turn').mockImplementation(function (this: Replay, rows) {
      const rebuilt = compare(this, rows);
      return rebuilt(() => turn.call(this, rows));
    });
  }

  private noteId(replay: Replay, rows: readonly HistoryRow[]): void {
    const started = rows.find(({ event }) => event.EventType === EVENT.executionStarted);
    if (started) this.ids.set(replay, startedSchema.parse(started.event).OrchestrationInstance.InstanceId);
  }

  private compare(replay: Replay, rows: readonly HistoryRow[]) {
    this.noteId(replay, rows);
    const ports = replay['options'];
    const history = engineOf.get(ports)?.client.history(this.ids.get(replay) ?? '') ?? [];
    const expected = said(() => {
      const rebuilt = new Replay(ports);
      extend.call(rebuilt, this.lists.get(replay) ?? []);
      read.call(rebuilt, history);
      return turn.call(rebuilt, rows);
    });
    return (run: () => ReplayResult): ReplayResult => {
      this.turns += 1;
      let result: ReplayResult | undefined;
      const is = said(() => (result = run()));
      if (is !== expected) this.differences.push(`live ${is}, rebuilt ${expected}`);
      if (!result) throw new NonDeterminism(is.replace(/^thrown /, ''));
      return result;
    };
  }
}

/** How the program ends: with what, or that it waits for what never comes. `killed`: when the host dies, again and again. */
async function outcome(given: Program, killed: readonly boolean[]): Promise<string> {
  const bench = benchOf(given);
  bench.client.start({ name: 'main', instanceId: 'one', input: null });
  for (const { name, ms } of given.events) {
    bench.clock.at(bench.clock.started + ms, () => void bench.client.raiseEvent('one', name, '1'));
  }
  for (let pause = 0; ; pause++) {
    await rounds(30);
    if (killed[pause % killed.length]) {
      await bench.restart();
      await rounds(30);
    }
    const { status = 'Pending', output = null } = bench.client.instance('one') ?? {};
    if (isTerminal(status) || !bench.clock.jump()) return `${status} ${output ?? ''}`;
  }
}

test('a replay that goes on and one made anew decide the same, and a kill changes no outcome', async () => {
  const comparison = new Comparison();
  const kills = fc.array(fc.boolean(), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(program, kills, async (given, killed) => {
      const whole = await outcome(given, [false]);
      const broken = await outcome(given, killed);
      expect(comparison.differences).toEqual([]);
      expect(broken).toBe(whole);
    }),
    { numRuns: 300, seed: 1, endOnFailure: true },
  );
  expect(comparison.turns).toBeGreaterThan(3_000);
});
