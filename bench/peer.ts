/**
 * What we are compared with: the in-memory engine of @microsoft/durabletask-js, which keeps nothing, passes no JSON
 * between app and engine, and runs one activity at a time. A reference for speed only.
 */
import {
  InMemoryOrchestrationBackend,
  type OrchestrationContext,
  type Task,
  TestOrchestrationClient,
  TestOrchestrationWorker,
  whenAll,
} from '@microsoft/durabletask-js';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Peer {
  /** Starts `count` instances at once and waits for the last. @returns `count` */
  run(name: string, count: number, input?: unknown): Promise<number>;
  /** It runs only meanwhile: its worker never rests, and would take the processor from all others. */
  awake<T>(work: () => Promise<T>): Promise<T>;
}

type Orchestrator = AsyncGenerator<Task<unknown>, unknown, unknown>;

/** Longer than any row takes, in seconds. */
const PATIENCE = 600;

export function openPeer(): Peer {
  // It writes a line for each step, and takes no logger here.
  for (const level of ['log', 'info', 'debug'] as const) console[level] = () => undefined;
  const backend = new InMemoryOrchestrationBackend(1_000_000);
  const worker = new TestOrchestrationWorker(backend);
  const client = new TestOrchestrationClient(backend);
  worker.addNamedActivity('hello', (_: unknown, city: string) => `Hello, ${city}!`);
  worker.addNamedActivity('nap', (_: unknown, ms: number) => sleep(ms));
  // It runs one activity at a time, so its answers come one by one in any case.
  worker.addNamedActivity('drip', (_: unknown, n: number) => n);
  worker.addNamedOrchestrator('helloCities', async function* (context: OrchestrationContext): Orchestrator {
    const answers: unknown[] = [];
    for (const city of ['Tokyo', 'Seattle', 'Cairo']) answers.push(yield context.callActivity('hello', city));
    return answers;
  });
  const fanOut = (activity: string, inputs: (count: number) => number[]) =>
    async function* (context: OrchestrationContext, count: number): Orchestrator {
      yield whenAll(inputs(count).map((input) => context.callActivity(activity, input)));
      return count;
    };
  worker.addNamedOrchestrator(
    'drips',
    fanOut('drip', (count) => Array.from({ length: count }, (_, n) => n)),
  );
  worker.addNamedOrchestrator(
    'naps',
    fanOut('nap', (count) => new Array<number>(count).fill(100)),
  );
  return {
    async run(name, count, input) {
      const ids: string[] = [];
      for (let n = 0; n < count; n++) ids.push(await client.scheduleNewOrchestration(name, input));
      const states = await Promise.all(ids.map((id) => client.waitForOrchestrationCompletion(id, false, PATIENCE)));
      const failed = states.find((state) => state?.failureDetails !== undefined);
      if (failed) throw new Error(`the peer failed: ${failed.failureDetails?.message ?? ''}`);
      // What it keeps for each instance would slow down the rounds that follow.
      backend.reset();
      return count;
    },
    async awake(work) {
      await worker.start();
      try {
        return await work();
      } finally {
        await worker.stop();
      }
    },
  };
}
