/** What all parts of the engine share: the ports, the clock that never goes back, and the one way to write. */
import { randomUUID } from 'node:crypto';
import { type Log } from '../log';
import { type Clock } from './clock';
import { EVENT, type HistoryEvent, makeEvent, type ShownEvent } from './history';
import { State } from './state';
import { type ActivityRow, type Instance, type parentSchema, type Store } from './store';
import { type FunctionKind } from './texts';
import { type Versioning } from './versions';
import { type z } from 'zod';

/** What an orchestration trigger brings (contract 3), but as an object: as text it would cost more than the replay. */
export interface OrchestrationTrigger {
  readonly history: readonly ShownEvent[];
  readonly input: unknown;
  readonly instanceId: string;
  readonly isReplaying: boolean;
  readonly parentInstanceId: string | null;
  readonly upperSchemaVersion: number;
  readonly upperSchemaVersionNew: number;
  readonly longRunningTimerIntervalDuration: string;
  readonly maximumShortTimerDuration: string;
  readonly defaultHttpAsyncRequestSleepTimeMillseconds: number;
}
interface InvocationOf<Kind extends FunctionKind, Input> {
  readonly kind: Kind;
  /** As registered. */
  readonly name: string;
  readonly instanceId: string;
  readonly input: Input;
}
export type OrchestratorInvocation = InvocationOf<'orchestrator', OrchestrationTrigger>;
/** `input`: JSON text. */
export type TextInvocation = InvocationOf<'activity' | 'entity', string | null>;

type AnswerOf<Result> =
  { readonly ok: true; readonly result: Result } | { readonly ok: false; readonly error: unknown };
/**
 * `result`: the state object, whose shape the engine checks. `actions`: the list of one that failed, which says as text
 * only: a task that stands in it twice is no longer one and the same.
 */
export type OrchestratorAnswer = AnswerOf<unknown> & { readonly actions?: readonly unknown[] | undefined };
/** `result`: JSON text, or null for null and undefined. */
export type TextAnswer = AnswerOf<string | null>;

export interface EnginePorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Azure's oddities that only hurt are kept, too (contract 12). */
  readonly strict: boolean;
  /** Names of the functions of a kind, as registered. */
  functions(kind: FunctionKind): readonly string[];
  /** Both run a function of the app and never reject. */
  invokeOrchestrator(invocation: OrchestratorInvocation): Promise<OrchestratorAnswer>;
  invoke(invocation: TextInvocation): Promise<TextAnswer>;
  /** The disk does not take what is to be stored. The engine has stopped; what is stored is whole. */
  broken(error: unknown): void;
  /** How long callHttp waits before it polls, where the answer does not say. */
  readonly httpPollMs: number;
  readonly versioning: Versioning;
  readonly limits: {
    readonly activities: number;
    readonly orchestrators: number;
    readonly entities: number;
    readonly entityBatch: number;
    /** At most so many messages to a turn of an orchestration: 1 makes the greatest number of replays. */
    readonly messagesPerTurn: number;
    /** A history with more events than this waits a moment for further answers before its next turn. */
    readonly coalesceFrom: number;
  };
}

type Parent = z.infer<typeof parentSchema>;

/** An id as .NET writes a GUID without dashes. */
export const newId = (): string => randomUUID().replaceAll('-', '');

export const isEntityId = (id: string): boolean => id.startsWith('@');

/** The store numbers an instance when it takes it. */
type NumberedLater = Omit<Instance, 'no'>;

export interface NewInstance {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly input: string | null;
  readonly parent: Parent | null;
}

/** What one step of the engine changes: collected first, then done as a whole or not at all. */
export class Outbox {
  /** Who may have something to read now. */
  readonly woken = new Set<string>();
  private readonly writes: ((state: State) => void)[] = [];
  private readonly started = new Map<string, NumberedLater>();

  constructor(
    private readonly state: State,
    readonly now: number,
  ) {}

  /** @param change must not fail: what was changed before it stays changed */
  write(change: (state: State) => void): void {
    this.writes.push(change);
  }

  carryOut(): void {
    for (const change of this.writes) change(this.state);
  }

  /** As it will be once this is carried out. */
  instance(id: string): NumberedLater | undefined {
    return this.started.get(id) ?? this.state.instance(id);
  }

  /** Sends an event to an instance. With `executionId` another execution of it will not read it. */
  post(
    instanceId: string,
    event: HistoryEvent,
    {
      executionId = null,
      at = this.now,
      alone = false,
    }: { executionId?: string | null; at?: number; alone?: boolean } = {},
  ): void {
    this.write((state) => state.post({ instanceId, executionId, at, alone, event }, this.now));
    this.woken.add(instanceId);
  }

  scheduleActivity(activity: Omit<ActivityRow, 'seq'>): void {
    this.write((state) => state.addActivity(activity));
  }

  /** Makes an instance, in the place of an older one with the same id. */
  start({ id, name, version, input, parent }: NewInstance): void {
    const executionId = newId();
    const times = { createdAt: this.now, updatedAt: this.now };
    const status = 'Pending' as const;
    const row = { id, executionId, name, version, status, input, output: null, customStatus: null, ...times, parent };
    const isNew = this.instance(id) === undefined;
    this.started.set(id, row);
    this.write((state) => {
      if (!isNew) state.delete(id);
      state.create(row);
    });
    this.post(id, executionStarted(row, this.now, parent ? null : 0), { executionId });
  }
}

/** `generation`: 0 from a client, null for children and after continueAsNew (contract 4.1). */
export function executionStarted(instance: NumberedLater, now: number, generation: number | null): HistoryEvent {
  const { parent } = instance;
  return makeEvent(EVENT.executionStarted, now, {
    OrchestrationInstance: { InstanceId: instance.id, ExecutionId: instance.executionId },
    ParentInstance: parent && {
      Name: parent.name,
      OrchestrationInstance: { InstanceId: parent.instanceId, ExecutionId: parent.executionId },
      TaskScheduleId: parent.taskId,
      Version: parent.version,
    },
    Name: instance.name,
    Version: instance.version,
    Input: instance.input,
    Tags: null,
    Correlation: null,
    ParentTraceContext: null,
    ScheduledStartTime: null,
    Generation: generation,
  });
}

export class Core {
  readonly state: State;
  private last = 0;

  constructor(
    readonly ports: EnginePorts,
    private readonly changed: (outbox: Outbox) => void,
  ) {
    this.state = new State(ports.store);
  }

  /** Never goes back: an OrchestratorStarted earlier than the last is ignored by the app, and timers would hang. */
  now(): number {
    this.last = Math.max(this.last, this.ports.clock.now());
    return this.last;
  }

  /** One step, whole or not at all. It is on disk after the next flush. @throws what `work` throws: nothing has changed then */
  commit<T>(work: (outbox: Outbox) => T): T {
    const outbox = new Outbox(this.state, this.now());
    const result = work(outbox);
    outbox.carryOut();
    this.changed(outbox);
    return result;
  }

  /** The registered name of a function; Azure does not look at the case. */
  find(kind: FunctionKind, name: string): string | undefined {
    const known = this.ports.functions(kind);
    return known.includes(name) ? name : known.find((one) => one.toLowerCase() === name.toLowerCase());
  }
}
