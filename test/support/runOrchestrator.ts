/**
 * Runs an orchestrator on the local host's engine, in memory and in virtual time.
 *
 * - Every answer makes a full replay from the start of history, as after a crash of the host.
 * - Nothing waits: when nothing runs, the clock jumps to the next timer. `elapsedMs` says what the waits would have cost.
 * - A replay that asks for other work than the run before it fails the test. The library matches answers to tasks by
 *   number alone, so it would hand a wrong answer over in silence.
 *
 * Activities are faked; sub-orchestrations and entities run for real.
 */
import {
  DummyEntityContext,
  DummyOrchestrationContext,
  type EntityHandler,
  type EntityId,
  type OrchestrationContext,
  type Task,
} from 'durable-functions';
import { Entity } from 'durable-functions/lib/src/entities/Entity';
import { Orchestrator } from 'durable-functions/lib/src/orchestrations/Orchestrator';
import { z } from 'zod';
import { type LeafAction, parseAction, readFailure, readState } from '../../local/host/engine/actions';
import { type EngineClient } from '../../local/host/engine/client';
import {
  isEntityId,
  type OrchestratorAnswer,
  type OrchestratorInvocation,
  type TextAnswer,
  type TextInvocation,
} from '../../local/host/engine/core';
import { Engine } from '../../local/host/engine/engine';
import { entityState } from '../../local/host/engine/entityTurn';
import { openSqliteStore } from '../../local/host/engine/sqliteStore';
import { type Instance, isTerminal, type RuntimeStatus } from '../../local/host/engine/store';
import { VirtualClock } from './virtualClock';

type Handler<T> = (context: OrchestrationContext) => Generator<Task, T, never>;

/** What a faked activity may ask of the durable client that the real one has. */
export interface FakeClient {
  /** @throws for an unknown instance, as the client does; an instance that has ended takes no notice */
  raiseEvent(instanceId: string, name: string, data?: unknown): void;
  /** Virtual time in ms since 1970. */
  now(): number;
  /** Starts one of `orchestrators`. @returns its instance id. @throws when the id is in use */
  startNew(name: string, options?: { readonly instanceId?: string; readonly input?: unknown }): string;
  status(instanceId: string): InstanceStatus | undefined;
  signalEntity(entity: EntityId, operation: string, input?: unknown): void;
  terminate(instanceId: string): void;
  purge(instanceId: string): void;
}
interface InstanceStatus {
  readonly runtimeStatus: RuntimeStatus;
  readonly input: unknown;
  readonly output: unknown;
  readonly customStatus: unknown;
}

interface RunOptions {
  readonly input?: unknown;
  readonly activities: Readonly<Record<string, (input: never, client: FakeClient) => unknown>>;
  readonly orchestrators?: Readonly<Record<string, Handler<unknown>>>;
  readonly entities?: Readonly<Record<string, EntityHandler<never>>>;
  /** Raised at a virtual time counted from the start; to the orchestrator itself unless another instance is named. */
  readonly events?: readonly {
    readonly at: number;
    readonly name: string;
    readonly data?: unknown;
    /** Asked for when it is time: a sub-orchestration's id is made by the engine. */
    readonly instanceId?: string | (() => string);
  }[];
  readonly instanceId?: string;
  readonly startAt?: Date;
  /** With Azure's oddities (contract 12). */
  readonly strict?: boolean;
}

export interface RunResult<T> {
  readonly output?: T;
  /** The orchestrator's own message, without Azure's prefix; for a terminated one the reason. */
  readonly failure?: string;
  readonly customStatus?: unknown;
  readonly runtimeStatus: RuntimeStatus;
  /** Names of the activities run, in order, retries included. */
  readonly calls: readonly string[];
  readonly elapsedMs: number;
  /** The state of each entity, by `@name@key`. */
  readonly entities: Readonly<Record<string, unknown>>;
}

/** Runs an orchestrator to its end. @throws when it waits for what never comes, calls what is not faked, or drifts */
export async function runOrchestrator<T>(
  orchestrator: Handler<T> | string,
  options: RunOptions,
): Promise<RunResult<T>> {
  const run = new Run(orchestrator, options);
  const instance = await run.toEnd();
  return run.result<T>(instance);
}

/** ExecutionStarted is always the second event. */
const startedSchema = z.object({ OrchestrationInstance: z.object({ ExecutionId: z.string() }) });
const triggerSchema = z.object({
  instanceId: z.string(),
  history: z.tuple([z.unknown(), startedSchema]).rest(z.unknown()),
});
const parse = (text: string | null): unknown => (text === null ? undefined : JSON.parse(text));
/** As the library reads an input. */
function parseOrKeep(text: string | null): unknown {
  try {
    return parse(text);
  } catch {
    return text;
  }
}
const silent = (): void => undefined;

class Run {
  private readonly clock: VirtualClock;
  private readonly engine: Engine;
  private readonly client: EngineClient;
  private readonly startedAt: number;
  private readonly orchestrators: Readonly<Record<string, Handler<unknown>>>;
  private readonly name: string;
  private readonly calls: string[] = [];
  /** What each execution asked for last, for comparing and for saying what it waits for. */
  private readonly asked = new Map<
    string,
    { readonly actions: readonly LeafAction[]; readonly last: readonly LeafAction[] }
  >();
  private problem: Error | undefined;

  constructor(
    orchestrator: Handler<unknown> | string,
    private readonly options: RunOptions,
  ) {
    const { orchestrators = {}, activities, entities = {}, startAt = new Date('2026-01-01T00:00:00Z') } = options;
    this.name = typeof orchestrator === 'string' ? orchestrator : orchestrator.name || 'orchestrator';
    this.orchestrators =
      typeof orchestrator === 'string' ? orchestrators : { ...orchestrators, [this.name]: orchestrator };
    this.startedAt = startAt.getTime();
    this.clock = new VirtualClock(this.startedAt);
    const names = {
      orchestrator: Object.keys(this.orchestrators),
      activity: Object.keys(activities),
      entity: Object.keys(entities),
    };
    this.engine = new Engine({
      store: openSqliteStore(':memory:'),
      clock: this.clock,
      log: silent,
      strict: options.strict ?? false,
      functions: (kind) => names[kind],
      invokeOrchestrator: (invocation) => this.invokeOrchestrator(invocation),
      invoke: (invocation) => this.invoke(invocation),
      broken: (error) => {
        throw error;
      },
      httpPollMs: 30_000,
      versioning: { defaultVersion: undefined, match: 'None', failure: 'Reject' },
      limits: {
        activities: Infinity,
        orchestrators: Infinity,
        entities: Infinity,
        entityBatch: 5000,
        messagesPerTurn: 1,
        coalesceFrom: Infinity,
      },
    });
    this.client = this.engine.client;
  }

  async toEnd(): Promise<Instance> {
    const { events = [], input, instanceId } = this.options;
    const id = this.client.start({ name: this.name, instanceId, input: JSON.stringify(input) ?? null });
    for (const { at, name, data, instanceId: target = id } of events) {
      this.clock.at(this.startedAt + at, () =>
        this.attempt(() => this.raise(typeof target === 'string' ? target : target(), name, data)),
      );
    }
    for (;;) {
      await this.engine.idle();
      if (this.problem) throw this.problem;
      const instance = this.client.instance(id);
      if (instance && isTerminal(instance.status)) return instance;
      if (!this.clock.jump()) throw new Error(this.whatItWaitsFor());
    }
  }

  result<T>(instance: Instance): RunResult<T> {
    const prefix = `Orchestrator function '${instance.name}' failed: `;
    const { status, customStatus } = instance;
    const outcome = (): Pick<RunResult<T>, 'output' | 'failure'> => {
      if (status === 'Completed') return instance.output === null ? {} : { output: JSON.parse(instance.output) as T };
      const text = status === 'Failed' ? z.string().parse(parse(instance.output)) : (instance.output ?? '');
      return { failure: text.startsWith(prefix) ? text.slice(prefix.length) : text };
    };
    const entities = this.client.list({ prefix: '@' }).map((one) => [one.id, parse(entityState(one) ?? null)] as const);
    return {
      ...outcome(),
      ...(customStatus !== null && { customStatus: parse(customStatus) }),
      runtimeStatus: status,
      calls: this.calls,
      elapsedMs: instance.updatedAt - this.startedAt,
      entities: Object.fromEntries(entities),
    };
  }

  private async invoke(invocation: TextInvocation): Promise<TextAnswer> {
    try {
      const result = await this.runFunction(invocation);
      return { ok: true, result: result === undefined || result === null ? null : JSON.stringify(result) };
    } catch (error) {
      return { ok: false, error };
    }
  }

  private runFunction({ kind, name, input }: TextInvocation): unknown {
    const value = parseOrKeep(input);
    if (kind === 'activity') {
      this.calls.push(name);
      return this.options.activities[name]?.(value as never, this.fakeClient());
    }
    const handler = this.options.entities?.[name];
    return handler && new Entity(handler).handle(value, new DummyEntityContext(name, 'test', silent));
  }

  private async invokeOrchestrator({ name, input }: OrchestratorInvocation): Promise<OrchestratorAnswer> {
    const handler = this.orchestrators[name];
    if (!handler) return { ok: false, error: new Error(`There is no orchestrator '${name}'.`) };
    // As text, as after a restart: nothing of the turn before is left in it.
    const trigger: unknown = JSON.parse(JSON.stringify(input));
    const { instanceId: key, history } = triggerSchema.parse(trigger);
    const id = `${key} ${history[1].OrchestrationInstance.ExecutionId}`;
    try {
      const context = new DummyOrchestrationContext(name, 'test', silent);
      const result = await new Orchestrator(handler).handle(trigger, context);
      this.check(id, key, readState(result).actions);
      return { ok: true, result };
    } catch (error) {
      const state = error instanceof Error ? readFailure(error.message) : undefined;
      if (state?.lost === false) this.check(id, key, state.actions);
      return { ok: false, error };
    }
  }

  /** Holds what a replay asks for against what the one before asked for. */
  private check(id: string, instanceId: string, list: readonly unknown[]): void {
    const actions = leaves(list);
    const before = this.asked.get(id)?.actions.map(describe) ?? [];
    const now = actions.map(describe);
    const drift = before.findIndex((was, index) => now[index] !== was);
    this.asked.set(id, { actions, last: leaves(list.slice(-1)) });
    if (drift >= 0) {
      this.problem ??= new Error(
        `Non-determinism in '${instanceId}': task ${drift} was ${before[drift] ?? ''} and on replay is ${now[drift] ?? 'not asked for'}.`,
      );
    }
    for (const action of actions) {
      if (!('functionName' in action)) continue;
      const isActivity = action.actionType <= 1;
      const known = isActivity ? this.options.activities : this.orchestrators;
      if (!(action.functionName in known)) {
        const what = isActivity ? 'activity' : 'sub-orchestrator';
        this.problem ??= new Error(
          `'${instanceId}' calls the ${what} '${action.functionName}', which this test does not give.`,
        );
      }
    }
  }

  private fakeClient(): FakeClient {
    return {
      raiseEvent: (instanceId, name, data) => this.raise(instanceId, name, data),
      now: () => this.clock.now(),
      startNew: (name, { instanceId, input } = {}) =>
        this.client.start({ name, instanceId, input: JSON.stringify(input) ?? null }),
      signalEntity: (entity, operation, input) =>
        this.client.signalEntity(entity, operation, JSON.stringify(input) ?? null),
      terminate: (instanceId) => void this.client.terminate(instanceId, null),
      purge: (instanceId) => void this.client.purge(instanceId),
      status: (instanceId) => {
        const found = this.client.instance(instanceId);
        if (!found) return undefined;
        const { status: runtimeStatus, input, output, customStatus } = found;
        const isReason = runtimeStatus === 'Terminated' || runtimeStatus === 'Suspended';
        return {
          runtimeStatus,
          input: parse(input),
          output: isReason ? output : parse(output),
          customStatus: parse(customStatus),
        };
      },
    };
  }

  private raise(instanceId: string, name: string, data: unknown): void {
    if (this.client.raiseEvent(instanceId, name, JSON.stringify(data) ?? 'null') === 'notFound') {
      throw new Error(`No instance with ID '${instanceId}' found.`);
    }
  }

  private attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.problem ??= error instanceof Error ? error : new Error(String(error));
    }
  }

  private whatItWaitsFor(): string {
    const running = this.client.list({}).filter(({ id, status }) => !isEntityId(id) && !isTerminal(status));
    const waits = running.map(({ id, executionId }) => {
      const awaited = this.asked.get(`${id} ${executionId}`)?.last.map(describe) ?? [];
      return `'${id}' waits for ${awaited.join(' or ') || 'something that it never asked for'}`;
    });
    return `Nothing is left to run, and ${waits.join('; ')}. This test never answers that.`;
  }
}

const compoundSchema = z.object({ compoundActions: z.array(z.unknown()) });
const leaves = (actions: readonly unknown[]): LeafAction[] =>
  actions.flatMap((action) => {
    const compound = compoundSchema.safeParse(action);
    return compound.success ? leaves(compound.data.compoundActions) : [parseAction(action)];
  });

/** An action as a reader knows it. A timer that is called off is still the same timer. */
function describe(action: LeafAction): string {
  if ('functionName' in action) return `${action.functionName}(${JSON.stringify(action.input) ?? ''})`;
  if ('operation' in action) return `${action.instanceId}.${action.operation}(${JSON.stringify(action.input) ?? ''})`;
  if ('externalEventName' in action) return `event '${action.externalEventName}'`;
  if ('lockSet' in action) return `${action.actionType === 13 ? 'lock' : 'release'}(${JSON.stringify(action.lockSet)})`;
  if ('fireAt' in action) return `timer(${action.fireAt})`;
  return action.actionType === 4 ? `continueAsNew(${JSON.stringify(action.input) ?? ''})` : 'callHttp';
}
