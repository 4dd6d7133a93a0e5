/**
 * Every feature at work at once, for the test that cuts the power. All of it comes to the same end whenever it is
 * interrupted: what takes time is done by an outside world that remembers, and a client's events may come twice.
 * The local host loads this file as it is, so what it imports must be there without a compiler.
 */
import { type EntityContext, EntityId, type OrchestrationContext, RetryOptions, type Task } from 'durable-functions';

type Orchestrator = (context: OrchestrationContext) => Generator<Task, unknown, never>;

/** For a real host in real time it is a fraction of that. */
const SECOND = Number(process.env.CRASH_SECOND ?? 1_000);
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

const now = (context: OrchestrationContext): number => context.df.currentUtcDateTime.getTime();
const after = (context: OrchestrationContext, ms: number): Date => new Date(now(context) + ms);
const backOff = (first: number, attempts: number): RetryOptions => {
  const options = new RetryOptions(first, attempts);
  options.backoffCoefficient = 2;
  return options;
};
const firstLine = (error: unknown): string =>
  String(error instanceof Error ? error.message : error).split('\n')[0] ?? '';
/** Adds up all that is sent to it: a signal that got lost, or came twice, shows. */
const tally = (key: string): EntityId => new EntityId('tally', key);

export const ORCHESTRATORS: Readonly<Record<string, Orchestrator>> = {
  *fanOut(context) {
    const squares: number[] = yield context.df.Task.all(
      [1, 2, 3, 4, 5, 6, 7, 8].map((n) => context.df.callActivity('square', n)),
    );
    squares.forEach((square) => context.df.signalEntity(tally('squares'), 'add', square));
    return squares;
  },
  *retries(context) {
    const healsAt = now(context) + 6 * SECOND;
    const attempt = (options: RetryOptions, at: number) => context.df.callActivityWithRetry('healsAt', options, { at });
    context.df.setCustomStatus('healing');
    const healed: string = yield attempt(backOff(SECOND, 5), healsAt);
    context.df.setCustomStatus('giving up');
    let lost = '';
    try {
      yield attempt(backOff(SECOND / 2, 3), Infinity);
    } catch (error) {
      lost = firstLine(error);
    }
    const at = now(context) + 3 * SECOND;
    const kid = `${context.df.instanceId}-kid`;
    const child: string = yield context.df.callSubOrchestratorWithRetry('healing', backOff(SECOND, 4), { at }, kid);
    return { healed, lost, child };
  },
  *healing(context) {
    const { at } = context.df.getInput<{ at: number }>();
    yield context.df.callActivity('square', 2);
    if (now(context) < at) throw new Error('not yet');
    return 'child healed';
  },
  *races(context) {
    const slow = context.df.callActivity('takes', { key: context.df.instanceId, ms: 5 * SECOND });
    const soon = context.df.createTimer(after(context, SECOND));
    const first: unknown = yield context.df.Task.any([slow, soon]);
    const quick = context.df.callActivity('square', 7);
    const late = context.df.createTimer(after(context, HOUR));
    const second: unknown = yield context.df.Task.any([quick, late]);
    late.cancel();
    return { timerFirst: first === soon, activityFirst: second === quick, square: quick.result };
  },
  /** Four legs. */
  *longTimer(context) {
    yield context.df.createTimer(after(context, 10 * DAY));
    return 'ten days later';
  },
  *mailbox(context) {
    yield context.df.createTimer(after(context, 2 * SECOND));
    const early: unknown = yield context.df.waitForExternalEvent('Early');
    const [a, b, square]: unknown[] = yield context.df.Task.all([
      context.df.waitForExternalEvent('A'),
      context.df.waitForExternalEvent('B'),
      context.df.callActivity('square', 3),
    ]);
    const late: unknown = yield context.df.waitForExternalEvent('Late');
    return { early, a, b, square, late };
  },
  /** Lives on in new executions; a tick that comes twice counts once. */
  *rounds(context) {
    const { seen } = context.df.getInput<{ seen: number[] }>();
    context.df.setCustomStatus({ seen: seen.length });
    if (seen.length === 4) return seen;
    const timer = context.df.createTimer(after(context, 20 * DAY));
    const tick = context.df.waitForExternalEvent('Tick');
    yield context.df.Task.any([tick, timer]);
    timer.cancel();
    const number = Number(tick.result);
    if (!seen.includes(number)) {
      context.df.signalEntity(tally('rounds'), 'add', yield context.df.callActivity('square', number));
      seen.push(number);
    }
    context.df.continueAsNew({ seen });
    return undefined;
  },
  *talks(context) {
    const mine = tally(context.df.instanceId);
    context.df.signalEntity(mine, 'add', 5);
    const before: number = yield context.df.callEntity(mine, 'get');
    yield context.df.callEntity(mine, 'add', 10);
    context.df.signalEntity(mine, 'pass', 'passed on');
    let failure = '';
    try {
      yield context.df.callEntity(mine, 'fail');
    } catch (error) {
      failure = firstLine(error);
    }
    return { before, after: yield context.df.callEntity(mine, 'get'), failure };
  },
  /** Its timer and its event come while it is suspended. */
  *suspended(context) {
    yield context.df.createTimer(after(context, 5 * SECOND));
    const event: unknown = yield context.df.waitForExternalEvent('Wake');
    return { event, square: yield context.df.callActivity('square', 4) };
  },
  *condemned(context) {
    yield context.df.Task.all([
      context.df.createTimer(after(context, HOUR)),
      context.df.callActivity('takes', { key: context.df.instanceId, ms: 30 * SECOND }),
    ]);
  },
  /** Takes the place of one whose activity still runs: that one's answer is not for it, though it has the same number. */
  *successor(context) {
    const timer = context.df.createTimer(after(context, SECOND));
    const answer = context.df.callActivity('takes', { key: `${context.df.instanceId} anew`, ms: 40 * SECOND });
    const [, own]: unknown[] = yield context.df.Task.all([timer, answer]);
    return own;
  },
  *bereaved(context) {
    try {
      return yield context.df.callSubOrchestrator('condemned', null, `${context.df.instanceId}-kid`);
    } catch (error) {
      return firstLine(error);
    }
  },
  *family(context) {
    const depth = context.df.getInput<number>();
    if (depth === 0) return yield context.df.callActivity('square', 9);
    const children = [1, 2].map((n) =>
      context.df.callSubOrchestrator('family', depth - 1, n === 1 ? `${context.df.instanceId}.${n}` : undefined),
    );
    return [depth, yield context.df.Task.all(children)];
  },
  /** Alone with its entities, it may count on what it read. */
  *locks(context) {
    const [a, b] = [tally('locked a'), tally('locked b')];
    const odd = context.df.instanceId.endsWith('1');
    const lock: { release(): void } = yield context.df.lock(odd ? [a, b] : [b, a]);
    const before: number = yield context.df.callEntity(a, 'get');
    yield context.df.callActivity('square', 5);
    yield context.df.callEntity(a, 'add', 1);
    context.df.signalEntity(b, 'add', 1);
    const afterwards: number = yield context.df.callEntity(a, 'get');
    lock.release();
    return afterwards === before + 1;
  },
  /** What it calls takes a while, and says so. */
  *polls(context) {
    const answer: { statusCode: number; content: string } = yield context.df.callHttp({
      method: 'GET',
      url: `http://outside/${context.df.instanceId}`,
    });
    return [answer.statusCode, answer.content];
  },
  /** Fails, unless it is run on from there later. */
  *rewindable(context) {
    const square: unknown = yield context.df.callActivity('square', 6);
    const child: unknown = yield context.df.callSubOrchestrator('family', 0);
    return [square, child, yield context.df.callActivity('healsAt', { at: now(context) + 10 * SECOND })];
  },
  *fails(context) {
    yield context.df.callActivity('square', 1);
    throw new Error('gave up');
  },
  *catches(context) {
    try {
      return yield context.df.callSubOrchestrator('fails');
    } catch (error) {
      return firstLine(error);
    }
  },
};

/** `now` is the outside world's time; `endOf` when something that it does for us ends, also for who asks again. */
export interface Outside {
  now(): number;
  until(at: number): Promise<void>;
  endOf(key: string, ms: number): number;
}

export const ACTIVITIES: Readonly<Record<string, (input: never, outside: Outside) => unknown>> = {
  square: (n: number) => n * n,
  healsAt({ at }: { at: number | null }, outside) {
    if (at === null || outside.now() < at) throw new Error('still ill');
    return 'healed';
  },
  async takes({ key, ms }: { key: string; ms: number }, outside) {
    await outside.until(outside.endOf(key, ms));
    return key;
  },
};

export const ENTITIES: Readonly<Record<string, (context: EntityContext<number>) => void>> = {
  tally({ df }) {
    const total = df.getState(() => 0) ?? 0;
    switch (df.operationName) {
      case 'add':
        return df.setState(total + (df.getInput<number>() ?? 0));
      case 'get':
        return df.return(total);
      case 'pass':
        return df.signalEntity(tally(df.getInput<string>() ?? ''), 'add', total);
      default:
        throw new Error('unknown operation');
    }
  },
};
