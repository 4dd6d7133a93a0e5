/** Azure's oddities that only hurt (durable-contract §12): mended as a rule, kept with `strict`. */
import { expect, test } from '@jest/globals';
import { type OrchestrationContext, RetryOptions, type Task } from 'durable-functions';
import { type FakeClient, runOrchestrator } from '../../../support/runOrchestrator';

type Options = Parameters<typeof runOrchestrator>[1];
type Steps = Generator<Task, unknown, never>;
interface Oddity {
  readonly name: string;
  readonly run: (context: OrchestrationContext) => Steps;
  readonly options?: Partial<Options>;
  /** What becomes of it, and what becomes of it on Azure. */
  readonly mended: Outcome;
  readonly strict: Outcome;
}
type Outcome = { readonly output: unknown } | { readonly failure: RegExp } | 'for ever';

const later = (context: OrchestrationContext, ms: number): Date =>
  new Date(context.df.currentUtcDateTime.getTime() + ms);
const boom = (): never => {
  throw new Error('boom');
};
function* sleeper(context: OrchestrationContext): Steps {
  yield context.df.createTimer(later(context, 60_000));
  return 'slept';
}
// eslint-disable-next-line require-yield -- it has nothing to wait for
function* quick(): Steps {
  return 'quick';
}
/** What a caught failure says, or the value. */
function* caught(task: Task): Steps {
  try {
    return yield task;
  } catch (error) {
    return String(error).split('\n')[0]?.slice(0, 120);
  }
}
const typeOfInput = (input: unknown): string => typeof input;

const ODDITIES: readonly Oddity[] = [
  {
    name: 'a child with its parent’s id',
    run: ({ df }) => caught(df.callSubOrchestrator('quick', null, df.instanceId)),
    options: { orchestrators: { quick } },
    mended: { output: expect.stringContaining('may not be used for a sub-orchestration') },
    strict: 'for ever',
  },
  {
    name: 'a child with the id of a running instance',
    *run(context): Steps {
      const { df } = context;
      const first = df.callSubOrchestrator('sleeper', null, 'kid');
      const second = df.callSubOrchestrator('quick', null, 'kid');
      return yield* caught(df.Task.all([first, second]));
    },
    options: { orchestrators: { sleeper, quick } },
    mended: { output: expect.stringContaining('An Orchestration instance with the status') },
    strict: 'for ever', // the first child is gone, and nobody answers for it
  },
  {
    name: 'a thrown value without a message',
    *run({ df }) {
      yield df.callActivity('work');
      throw ''; // eslint-disable-line @typescript-eslint/only-throw-error -- it is what this is about
    },
    mended: { failure: /threw a value that has no message/ },
    strict: 'for ever',
  },
  {
    name: 'a thrown undefined',
    *run({ df }) {
      yield df.callActivity('work');
      throw undefined; // eslint-disable-line @typescript-eslint/only-throw-error -- it is what this is about
    },
    mended: { failure: /threw a value that has no message/ },
    strict: 'for ever',
  },
  {
    name: 'the loser of a race, waited for afterwards',
    *run({ df }) {
      const event = df.waitForExternalEvent('Go');
      yield df.Task.any([event, df.callActivity('work')]);
      return yield event;
    },
    options: { events: [{ at: 5_000, name: 'Go', data: 'came' }] },
    mended: { output: 'came' },
    strict: { output: 'came' },
  },
  {
    name: 'a retry timeout that expires',
    run: ({ df }) =>
      caught(
        df.callActivityWithRetry(
          'boom',
          Object.assign(new RetryOptions(10_000, 9), { retryTimeoutInMilliseconds: 15_000 }),
        ),
      ),
    mended: { output: expect.stringContaining("Activity function 'boom' failed") },
    strict: 'for ever',
  },
  {
    name: 'a timer called off beside an event, and continueAsNew',
    *run(context) {
      const { df } = context;
      const seen = df.getInput<number>() ?? 0;
      const event = df.waitForExternalEvent('Go');
      const timer = df.createTimer(later(context, 60_000));
      const winner: Task = yield df.Task.any([event, timer]);
      if (winner === timer) return `${seen} seen`;
      timer.cancel();
      if (seen === 2) return 'the one event came a third time';
      df.continueAsNew(seen + 1);
      return undefined;
    },
    options: { events: [{ at: 5_000, name: 'Go' }] },
    mended: { output: '1 seen' },
    strict: { output: 'the one event came a third time' },
  },
  {
    name: 'a timer called off after a retry that lost',
    *run(context): Steps {
      const { df } = context;
      const work = df.callActivityWithRetry('boom', new RetryOptions(1_000, 2));
      const timer = df.createTimer(later(context, 60_000));
      const winner: Task = yield* race(df, work, timer);
      if (winner === work) timer.cancel();
      return yield df.callActivity('work');
    },
    mended: { output: 'done' },
    strict: { failure: /^Non-Deterministic workflow detected/ },
  },
  {
    name: 'a terminated child',
    run: ({ df }) => caught(df.Task.all([df.callSubOrchestrator('sleeper', null, 'kid'), df.callActivity('endKid')])),
    options: { orchestrators: { sleeper } },
    mended: { output: expect.stringMatching(/^Error/) },
    strict: { failure: /^Non-Deterministic workflow detected/ },
  },
  {
    name: 'a boolean input of an activity',
    run: ({ df }) => caught(df.callActivity('typeOf', false)),
    mended: { output: 'boolean' },
    strict: { output: 'string' },
  },
  {
    name: 'a timer of 2.9 seconds',
    *run(context) {
      const fireAt = later(context, 2_900);
      yield context.df.createTimer(fireAt);
      return context.df.currentUtcDateTime.getTime() - fireAt.getTime();
    },
    mended: { output: 0 },
    strict: { output: -900 },
  },
  {
    name: 'a task that stands in a second Task.any',
    *run(context) {
      const { df } = context;
      const [soon, late] = [df.createTimer(later(context, 5_000)), df.createTimer(later(context, 10_000))];
      yield df.Task.any([soon, late]);
      yield df.Task.any([late, df.waitForExternalEvent('Go')]);
      return yield df.callActivity('count');
    },
    mended: { output: 1 },
    strict: { output: undefined }, // the timer is set again, and its end is taken for the answer of what follows
  },
];

/** A failed race is still a race: the library throws what lost. */
function* race(df: OrchestrationContext['df'], work: Task, timer: Task): Generator<Task, Task, never> {
  try {
    return yield df.Task.any([work, timer]);
  } catch {
    return work;
  }
}

const isStrict = [
  ['mended', false],
  ['as on Azure', true],
] as const;
const cases = ODDITIES.flatMap((oddity) => isStrict.map(([how, strict]) => ({ ...oddity, how, strictly: strict })));

test.each(cases)('$name: $how', async ({ run, options, mended, strict, strictly }) => {
  let counted = 0;
  const endKid = (_: unknown, client: FakeClient): void => client.terminate('kid');
  const activities = { work: () => 'done', boom, typeOf: typeOfInput, count: () => (counted += 1), endKid };
  const running = runOrchestrator(run, { activities, ...options, strict: strictly });
  const wanted = strictly ? strict : mended;
  if (wanted === 'for ever') return expect(running).rejects.toThrow('Nothing is left to run');
  const { output, failure } = await running;
  if ('failure' in wanted) return expect(failure).toMatch(wanted.failure);
  return expect(output).toEqual(wanted.output);
});
