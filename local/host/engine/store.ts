/** Where the engine keeps its state on disk. Reads and writes are synchronous; a write is one transaction. */
import { z } from 'zod';
import { type HistoryEvent, type HistoryRow } from './history';

/** In the order of .NET's OrchestrationStatus, whose numbers stand in ExecutionCompleted. */
export const RUNTIME_STATUSES = [
  'Running',
  'Completed',
  'ContinuedAsNew',
  'Failed',
  'Canceled',
  'Terminated',
  'Pending',
  'Suspended',
] as const;
export type RuntimeStatus = (typeof RUNTIME_STATUSES)[number];

const TERMINAL: ReadonlySet<RuntimeStatus> = new Set(['Completed', 'Failed', 'Canceled', 'Terminated']);
export const isTerminal = (status: RuntimeStatus): boolean => TERMINAL.has(status);

/** The task of a parent orchestration that a child answers. `retried`: the parent tries again when it fails. */
export const parentSchema = z.object({
  instanceId: z.string(),
  executionId: z.string(),
  name: z.string(),
  version: z.string(),
  taskId: z.number(),
  retried: z.boolean(),
});

/** An orchestration, or an entity (its id starts with `@`). Columns of JSON text are kept as text. */
export const instanceSchema = z.object({
  /** Its number in the store. */
  no: z.number(),
  id: z.string(),
  executionId: z.string(),
  name: z.string(),
  version: z.string(),
  status: z.enum(RUNTIME_STATUSES),
  input: z.string().nullable(),
  output: z.string().nullable(),
  customStatus: z.string().nullable(),
  createdAt: z.number(),
  updatedAt: z.number(),
  parent: parentSchema.nullable(),
});
export type Instance = z.infer<typeof instanceSchema>;

export interface Message {
  /** Grows with each message: the order of arrival. */
  readonly seq: number;
  readonly instanceId: string;
  /** Set on what only one execution may read: answers and timers. Another execution drops it. */
  readonly executionId: string | null;
  /** When it may be read: the time of arrival, or a timer's FireAt. */
  readonly at: number;
  /** It makes a retry or a timer's next leg, so it needs a turn of its own (contract 5.4: ids). */
  readonly alone: boolean;
  readonly event: HistoryEvent;
}

/** An activity that was scheduled and has not answered. */
export interface ActivityRow {
  readonly seq: number;
  readonly instanceId: string;
  readonly executionId: string;
  readonly taskId: number;
  readonly name: string;
  readonly input: string | null;
  readonly retried: boolean;
}

export interface InstanceFilter {
  readonly prefix?: string | undefined;
  /** Only instances whose id comes after this one. */
  readonly after?: string | undefined;
  readonly createdFrom?: number | undefined;
  readonly createdTo?: number | undefined;
  readonly statuses?: readonly RuntimeStatus[] | undefined;
  readonly limit?: number | undefined;
}

/** What one transaction writes, in this order. */
export interface Batch {
  /** Forgotten with their history. */
  readonly deleted: Iterable<Instance>;
  readonly clearedHistories: Iterable<Instance>;
  /** Instances whose messages all go unread. */
  readonly unread: Iterable<string>;
  readonly removedMessages: Iterable<number>;
  /** Timers that have not fired: one, or all of an instance. */
  readonly removedTimers: Iterable<{ readonly instanceId: string; readonly timerId: number | undefined }>;
  readonly removedActivities: Iterable<number>;
  /** `whole`: also what does not change from turn to turn, above all the input. */
  readonly instances: Iterable<{ readonly row: Instance; readonly whole: boolean }>;
  readonly histories: Iterable<{ readonly seq: number; readonly instance: number; readonly rows: HistoryRow[] }>;
  readonly messages: Iterable<Message>;
  readonly activities: Iterable<ActivityRow>;
}

export interface Store {
  write(batch: Batch): void;
  instance(id: string): Instance | undefined;
  /** Ordered by id. */
  instances(filter: InstanceFilter): Instance[];
  history(instance: Instance): HistoryRow[];
  /** What is to be read later than `after` and not later than `until`, in order. */
  messages(after: number, until: number): Message[];
  /** When the next message after `now` may be read. */
  nextDue(now: number): number | undefined;
  activities(): ActivityRow[];
  /** The greatest number given to anything. */
  lastSeq(): number;
  close(): void;
}
