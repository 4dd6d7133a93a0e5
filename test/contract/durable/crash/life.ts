/** An engine from power-on to power cut, and the outside world that goes on without it. */
import { DummyEntityContext, DummyOrchestrationContext } from 'durable-functions';
import { Entity } from 'durable-functions/lib/src/entities/Entity';
import { Orchestrator } from 'durable-functions/lib/src/orchestrations/Orchestrator';
import { type Answer, type Invocation } from '../../../../local/host/engine/core';
import { Engine } from '../../../../local/host/engine/engine';
import { openSqliteStore } from '../../../../local/host/engine/sqliteStore';
import { type Store } from '../../../../local/host/engine/store';
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

/** `lost`: the last commit did not reach the disk. `unanswered`: it did, and then nothing more happened. */
export interface Cut {
  readonly afterCommits: number;
  readonly kind: 'lost' | 'unanswered';
}

class PowerCut extends Error {}

/** Runs until the cut, or to the end: then it says what has become of everything. */
export async function live(file: string, world: World, cut?: Cut): Promise<{ outcome?: Outcome; commits: number }> {
  const disk = openSqliteStore(file);
  const power = new Power(disk, cut);
  const clock = new VirtualClock(world.now);
  const names = { orchestrator: ORCHESTRATORS, activity: ACTIVITIES, entity: ENTITIES };
  const engine = new Engine({
    store: power.store,
    clock,
    log: () => undefined,
    functions: (kind) => Object.keys(names[kind]),
    invoke: (invocation) => invoke(invocation, outsideOf(world, clock)),
    limits: { activities: 4, orchestrators: 5, entities: 5, entityBatch: 100, messagesPerTurn: 100 },
  });
  const attempt = async (step: Step): Promise<void> => {
    if (power.isOut) return;
    if (perform(engine.client, step)) world.acknowledged.add(step);
    else clock.at(clock.now() + 1_000, () => void attempt(step));
  };
  try {
    engine.start();
    const tried = STEPS.filter((step) => !world.acknowledged.has(step));
    tried.forEach((step) => clock.at(Math.max(START + step.at, world.now), () => void attempt(step).catch(ignoreCut)));
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

const ignoreCut = (error: unknown): void => {
  if (!(error instanceof PowerCut)) throw error;
};

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
    this.store = new Proxy(disk, {
      get: (target, key, receiver): unknown => {
        this.signsOfLife += 1;
        return key === 'transaction'
          ? <T>(work: () => T) => this.commit(target, work)
          : Reflect.get(target, key, receiver);
      },
    });
  }

  switchOff(): void {
    this.isOut = true;
  }

  private commit<T>(disk: Store, work: () => T): T {
    if (this.isOut) throw new PowerCut();
    const isLast = this.commits + 1 === this.cut?.afterCommits;
    const result = disk.transaction(() => {
      const done = work();
      if (!isLast || this.cut?.kind !== 'lost') return done;
      this.switchOff();
      throw new PowerCut();
    });
    this.commits += 1;
    if (!isLast) return result;
    this.switchOff();
    throw new PowerCut();
  }
}

const outsideOf = (world: World, clock: VirtualClock): Outside => ({
  now: () => clock.now(),
  until: (at) => new Promise((resolve) => clock.at(at, resolve)),
  endOf: (key, ms) => world.endOf(key, ms),
});

async function invoke({ kind, name, input }: Invocation, outside: Outside): Promise<Answer> {
  try {
    const value: unknown = input === null ? null : JSON.parse(input);
    const result = await run(kind, name, value, outside);
    return { ok: true, result: result === undefined || result === null ? null : JSON.stringify(result) };
  } catch (error) {
    return { ok: false, error };
  }
}

function run(kind: Invocation['kind'], name: string, value: unknown, outside: Outside): unknown {
  const silent = (): void => undefined;
  const [orchestrator, entity] = [ORCHESTRATORS[name], ENTITIES[name]];
  if (kind === 'orchestrator' && orchestrator)
    return new Orchestrator(orchestrator).handle(value, new DummyOrchestrationContext(name, 'test', silent));
  if (kind === 'entity' && entity)
    return new Entity(entity).handle(value, new DummyEntityContext(name, 'test', silent));
  return ACTIVITIES[name]?.(value as never, outside);
}
