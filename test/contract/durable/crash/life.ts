/** An engine from power-on to power cut, and the outside world that goes on without it. */
import { DummyEntityContext, DummyOrchestrationContext } from 'durable-functions';
import { Entity } from 'durable-functions/lib/src/entities/Entity';
import { Orchestrator } from 'durable-functions/lib/src/orchestrations/Orchestrator';
import { type Clock } from '../../../../local/host/engine/clock';
import {
  type OrchestratorAnswer,
  type OrchestratorInvocation,
  type TextAnswer,
  type TextInvocation,
} from '../../../../local/host/engine/core';
import { Engine } from '../../../../local/host/engine/engine';
import { HTTP_ACTIVITY } from '../../../../local/host/engine/httpCall';
import { openSqliteStore } from '../../../../local/host/engine/sqliteStore';
import { type Batch, type Store } from '../../../../local/host/engine/store';
import { type FunctionKind } from '../../../../local/host/engine/texts';
import { VirtualClock } from '../../../support/virtualClock';
import { perform } from './client';
import { type Outcome, outcome } from './outcome';
import { ACTIVITIES, ENTITIES, ORCHESTRATORS, type Outside } from './features';
import { STEPS, type Step } from './steps';

const START = Date.parse('2026-01-01T00:00:00Z');
/** Longer than a client needs for its steps, so that one that gets no answer does not ask for ever. */
const PATIENCE_MS = 3_600_000;

/** All that outlives a power cut, but for the database. */
export class World {
  now = START;
  /** Steps that were answered. */
  readonly acknowledged = new Set<Step>();
  private readonly ends = new Map<string, number>();

  endOf(key: string, ms: number): number {
    const end = this.ends.get(key) ?? this.now + ms;
    this.ends.set(key, end);
    return end;
  }
}

/**
 * `lostAt`: the power failed while this part of the last commit was being written, so nothing of that commit may be
 * there afterwards. Without it the commit was made, and then nothing more happened.
 */
export interface Cut {
  readonly afterCommits: number;
  readonly lostAt?: keyof Batch | undefined;
}

const silent = (): void => undefined;

const NAMES = { orchestrator: ORCHESTRATORS, activity: ACTIVITIES, entity: ENTITIES };
/** All but what runs functions. */
export const basePorts = (store: Store, clock: Clock) =>
  ({
    ...{ store, clock, log: silent, strict: false, httpPollMs: 30_000 },
    functions: (kind: FunctionKind) => Object.keys(NAMES[kind]),
    versioning: { defaultVersion: undefined, match: 'None', failure: 'Reject' },
    limits: {
      ...{ activities: 8, orchestrators: 5, entities: 5, entityBatch: 100, messagesPerTurn: 100, coalesceFrom: 200 },
    },
    // The power is out.
    broken: silent,
  }) as const;

/** Runs until the cut, or to the end: then it says what has become of everything. */
export async function live(file: string, world: World, cut?: Cut): Promise<{ outcome?: Outcome; commits: number }> {
  const disk = openSqliteStore(file);
  const power = new Power(disk, cut);
  const clock = new VirtualClock(world.now);
  const alive = async <T>(answer: Promise<T>): Promise<T> => {
    power.signsOfLife += 1;
    return answer.finally(() => (power.signsOfLife += 1));
  };
  const engine = new Engine({
    ...basePorts(power.store, clock),
    invokeOrchestrator: (invocation) => alive(invokeOrchestrator(invocation)),
    invoke: (invocation) => alive(invoke(invocation, outsideOf(world, clock))),
  });
  const attempt = async (step: Step): Promise<void> => {
    if (power.isOut) return;
    const isDone = perform(engine.client, step);
    await engine.client.flushed();
    if (isDone) world.acknowledged.add(step);
    else clock.at(clock.now() + 1_000, () => void attempt(step));
  };
  try {
    engine.start();
    const tried = STEPS.filter((step) => !world.acknowledged.has(step));
    tried.forEach((step) => clock.at(Math.max(START + step.at, world.now), () => void attempt(step)));
    do {
      world.now = clock.now();
      const open = STEPS.find((step) => !world.acknowledged.has(step));
      if (open && world.now > START + PATIENCE_MS) throw new Error(`It never came to this: ${JSON.stringify(open)}`);
      await stillness(() => power.signsOfLife);
    } while (!power.isOut && clock.jump());
    return { commits: power.commits, ...(!power.isOut && { outcome: outcome(engine.client) }) };
  } finally {
    power.switchOff();
    await stillness(() => power.signsOfLife);
    disk.close();
  }
}

/** The engine is not idle while activities wait for the time to come; but then nothing moves. */
async function stillness(signsOfLife: () => number): Promise<void> {
  let last = -1;
  for (let rounds = 0; rounds < 5;) {
    rounds = signsOfLife() === last ? rounds + 1 : 0;
    last = signsOfLife();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Stands between an engine and its store. Once the power is out, nothing that the engine still writes gets through. */
class Power {
  commits = 0;
  /** Grows with all that the engine does. */
  signsOfLife = 0;
  isOut = false;
  readonly store: Store;

  constructor(
    disk: Store,
    private readonly cut: Cut | undefined,
  ) {
    this.store = { ...disk, write: (batch) => this.write(disk, batch) };
  }

  switchOff(): void {
    this.isOut = true;
  }

  private write(disk: Store, batch: Batch): void {
    const isLast = this.commits + 1 === this.cut?.afterCommits;
    if (this.isOut) throw new Error('The power is out.');
    const lostAt = isLast ? this.cut?.lostAt : undefined;
    if (lostAt) this.switchOff();
    disk.write(lostAt ? { ...batch, [lostAt]: tornOff } : batch);
    this.commits += 1;
    this.signsOfLife += 1;
    if (!isLast) return;
    this.switchOff();
    throw new Error('The power is out.');
  }
}

const tornOff: Iterable<never> = {
  [Symbol.iterator]() {
    throw new Error('The power is out.');
  },
};

const outsideOf = (world: World, clock: VirtualClock): Outside => ({
  now: () => clock.now(),
  until: (at) => new Promise((resolve) => clock.at(at, resolve)),
  endOf: (key, ms) => world.endOf(key, ms),
});

async function invokeOrchestrator({ name, input }: OrchestratorInvocation): Promise<OrchestratorAnswer> {
  try {
    const handler = ORCHESTRATORS[name];
    if (!handler) throw new Error(`There is no orchestrator '${name}'.`);
    const context = new DummyOrchestrationContext(name, 'test', silent);
    return { ok: true, result: await new Orchestrator(handler).handle(input, context) };
  } catch (error) {
    return { ok: false, error };
  }
}

async function invoke({ kind, name, input }: TextInvocation, outside: Outside): Promise<TextAnswer> {
  try {
    const value: unknown = input === null ? null : JSON.parse(input);
    if (name === HTTP_ACTIVITY) return { ok: true, result: JSON.stringify(httpAnswer(input ?? '', outside)) };
    const entity = ENTITIES[name];
    const result: unknown =
      kind === 'entity' && entity
        ? await new Entity(entity).handle(value, new DummyEntityContext(name, 'test', silent))
        : await ACTIVITIES[name]?.(value as never, outside);
    return { ok: true, result: result === undefined || result === null ? null : JSON.stringify(result) };
  } catch (error) {
    return { ok: false, error };
  }
}

/** 202 until what was asked for has ended. */
function httpAnswer(key: string, outside: Outside): unknown {
  const isDone = outside.now() >= outside.endOf(key, 5_000);
  const headers = { Location: 'http://outside/again', 'Retry-After': '2' };
  return isDone ? { statusCode: 200, headers: {}, content: 'done' } : { statusCode: 202, headers, content: '' };
}
