/** What all parts of the engine share: the ports, the clock that never goes back, and the one way to write. */
import { randomUUID } from 'node:crypto';
import { type Log } from '../log';
import { type Clock } from './clock';
import { EVENT, type HistoryEvent, makeEvent } from './history';
import { type ActivityRow, type Instance, type parentSchema, type Store } from './store';
import { type FunctionKind } from './texts';
import { type z } from 'zod';

export interface Invocation {
  readonly kind: FunctionKind;
  /** As registered. */
  readonly name: string;
  readonly instanceId: string;
  /** JSON text: the trigger's value. */
  readonly input: string | null;
}
/** `result` is JSON text, or null for null and undefined. */
export type Answer =
  { readonly ok: true; readonly result: string | null } | { readonly ok: false; readonly error: unknown };

export interface EnginePorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Names of the functions of a kind, as registered. */
  functions(kind: FunctionKind): readonly string[];
  /** Runs a function. Never rejects. */
  invoke(invocation: Invocation): Promise<Answer>;
  /** How long callHttp waits before it polls, where the answer does not say. */
  readonly httpPollMs: number;
  readonly limits: {
    readonly activities: number;
    readonly orchestrators: number;
    readonly entities: number;
    readonly entityBatch: number;
    /** At most so many messages to a turn of an orchestration: 1 makes the greatest number of replays. */
    readonly messagesPerTurn: number;
  };
}

type Parent = z.infer<typeof parentSchema>;

/** An id as .NET writes a GUID without dashes. */
export const newId = (): string => randomUUID().replaceAll('-', '');

export const isEntityId = (id: string): boolean => id.startsWith('@');

export interface NewInstance {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly input: string | null;
  readonly parent: Parent | null;
}

/** Writes of one transaction, and who has to hear of them once it is committed. */
export class Outbox {
  readonly instances = new Set<string>();
  readonly activities: ActivityRow[] = [];

  constructor(
    readonly store: Store,
    readonly now: number,
  ) {}

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
    this.store.addMessage({ instanceId, executionId, at, alone, event });
    this.instances.add(instanceId);
  }

  scheduleActivity(activity: Omit<ActivityRow, 'seq'>): void {
    this.activities.push(this.store.addActivity(activity));
  }

  /** Makes an instance, in the place of an older one with the same id. */
  start({ id, name, version, input, parent }: NewInstance): void {
    const executionId = newId();
    this.store.deleteInstance(id);
    const times = { createdAt: this.now, updatedAt: this.now };
    const status = 'Pending' as const;
    const row = { id, executionId, name, version, status, input, output: null, customStatus: null, ...times, parent };
    this.store.putInstance(row);
    this.post(id, executionStarted(row, this.now, parent ? null : 0), { executionId });
  }
}

/** `generation`: 0 from a client, null for children and after continueAsNew (contract 4.1). */
export function executionStarted(instance: Instance, now: number, generation: number | null): HistoryEvent {
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
  private last = 0;

  constructor(
    readonly ports: EnginePorts,
    private readonly committed: (outbox: Outbox) => void,
  ) {}

  get store(): Store {
    return this.ports.store;
  }

  /** Never goes back: an OrchestratorStarted earlier than the last is ignored by the app, and timers would hang. */
  now(): number {
    this.last = Math.max(this.last, this.ports.clock.now());
    return this.last;
  }

  /** One transaction, then word of it to whom it concerns. */
  commit<T>(work: (outbox: Outbox) => T): T {
    const outbox = new Outbox(this.store, this.now());
    const result = this.store.transaction(() => work(outbox));
    this.committed(outbox);
    return result;
  }

  /** The registered name of a function; Azure does not look at the case. */
  find(kind: FunctionKind, name: string): string | undefined {
    return this.ports.functions(kind).find((known) => known.toLowerCase() === name.toLowerCase());
  }
}
