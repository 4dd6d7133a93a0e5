/** The engine alone, with the real library, on a store that outlives it: what a kill leaves behind is what the next engine finds. */
import {
  DummyEntityContext,
  DummyOrchestrationContext,
  type EntityHandler,
  type OrchestrationHandler,
} from 'durable-functions';
import { Entity } from 'durable-functions/lib/src/entities/Entity';
import { Orchestrator } from 'durable-functions/lib/src/orchestrations/Orchestrator';
import { actionsOf } from '../../../local/host/app/functions';
import { type EnginePorts } from '../../../local/host/engine/core';
import { Engine } from '../../../local/host/engine/engine';
import { openSqliteStore } from '../../../local/host/engine/sqliteStore';
import { type Instance, isTerminal, type Store } from '../../../local/host/engine/store';
import { VirtualClock } from '../../support/virtualClock';

/** A clock that stands still until it is moved. */
class ManualClock extends VirtualClock {
  readonly started = this.time;
  constructor() {
    super(Date.parse('2026-01-01T00:00:00Z'));
  }
  override at(at: number, fire: () => void): () => void {
    if (at > this.time) return super.at(at, fire);
    const soon = setImmediate(fire);
    return () => clearImmediate(soon);
  }
  async wait(until: number): Promise<void> {
    if (until > this.time) await new Promise<void>((resolve) => this.at(until, resolve));
  }
  /** Nothing rings. */
  moveTo(time: number): void {
    this.time = time;
  }
}

interface BenchApp {
  readonly orchestrators: Readonly<Record<string, OrchestrationHandler>>;
  readonly activities?: Readonly<Record<string, (input: unknown) => unknown>>;
  readonly entities?: Readonly<Record<string, EntityHandler<never>>>;
  readonly limits?: Partial<EnginePorts['limits']>;
  readonly ports?: Partial<EnginePorts>;
}

/** Some rounds of the event loop. */
export async function rounds(count: number): Promise<void> {
  for (let round = 0; round < count; round++) await new Promise(setImmediate);
}

/** By its ports, which its parts know. */
export const engineOf = new WeakMap<object, Engine>();

export class Bench {
  readonly store: Store = openSqliteStore(':memory:');
  readonly clock = new ManualClock();
  readonly logged: string[] = [];
  /** Names of the activities that ran. */
  readonly calls: string[] = [];
  broken: unknown;
  engine: Engine;

  constructor(private readonly app: BenchApp) {
    this.engine = this.newEngine();
  }

  get client(): Engine['client'] {
    return this.engine.client;
  }

  /** Runs on until the instance has ended, jumping over what it waits for. */
  async toEnd(id: string): Promise<Instance> {
    for (;;) {
      await this.engine.idle();
      const instance = this.client.instance(id);
      if (instance && isTerminal(instance.status)) return instance;
      if (!this.clock.jump()) throw new Error(`'${id}' is ${instance?.status ?? 'gone'}. ${this.logged.join(' ')}`);
    }
  }

  /** All memory is lost; the next engine starts from what is on disk. */
  async restart(): Promise<void> {
    await this.engine.stop(0);
    this.engine = this.newEngine();
    this.engine.start();
  }

  private newEngine(): Engine {
    const { orchestrators, activities = {}, entities = {}, limits, ports } = this.app;
    const names = {
      orchestrator: Object.keys(orchestrators),
      activity: Object.keys(activities),
      entity: Object.keys(entities),
    };
    const given: EnginePorts = {
      store: this.store,
      clock: this.clock,
      log: (_level, source, message) => this.logged.push(`[${source}] ${message}`),
      strict: false,
      functions: (kind) => names[kind],
      invokeOrchestrator: async ({ name, input }) => {
        const context = new DummyOrchestrationContext(name, 'test', () => undefined);
        try {
          const handler = orchestrators[name];
          if (!handler) throw new Error(`There is no orchestrator '${name}'.`);
          return { ok: true, result: await new Orchestrator(handler).handle(input, context) };
        } catch (error) {
          return { ok: false, error, actions: actionsOf(context) };
        }
      },
      invoke: async ({ kind, name, input }) => {
        const value: unknown = JSON.parse(input ?? 'null');
        try {
          let result: unknown;
          if (kind === 'activity') {
            this.calls.push(name);
            result = await activities[name]?.(value);
          } else {
            const handler = entities[name];
            result =
              handler &&
              (await new Entity(handler).handle(value, new DummyEntityContext(name, 'test', () => undefined)));
          }
          return { ok: true, result: result === undefined || result === null ? null : JSON.stringify(result) };
        } catch (error) {
          return { ok: false, error };
        }
      },
      broken: (error) => (this.broken = error),
      httpPollMs: 30_000,
      versioning: { defaultVersion: undefined, match: 'None', failure: 'Reject' },
      ...ports,
      limits: {
        activities: Infinity,
        orchestrators: Infinity,
        entities: Infinity,
        entityBatch: 5000,
        messagesPerTurn: Infinity,
        coalesceFrom: Infinity,
        ...limits,
      },
    };
    const engine = new Engine(given);
    engineOf.set(given, engine);
    return engine;
  }
}
