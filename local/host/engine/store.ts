/** Where the engine keeps its state. Every call is synchronous; only `transaction` makes several of them one. */
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

export interface Store {
  transaction<T>(work: () => T): T;

  instance(id: string): Instance | undefined;
  putInstance(instance: Instance): void;
  /** Forgets an instance, its history, its messages and its activities. */
  deleteInstance(id: string): void;
  /** Ordered by id. */
  listInstances(filter: InstanceFilter): Instance[];

  history(instanceId: string): readonly HistoryRow[];
  appendHistory(instanceId: string, rows: readonly HistoryRow[]): void;
  clearHistory(instanceId: string): void;

  addMessage(message: Omit<Message, 'seq'>): void;
  /** What may be read at `now`, in order of arrival. */
  messages(instanceId: string, now: number): Message[];
  hasMessages(instanceId: string, now: number): boolean;
  removeMessages(seqs: readonly number[]): void;
  clearMessages(instanceId: string): void;
  removeTimer(instanceId: string, executionId: string, taskId: number): void;
  /** Instances with something to read at `now`. */
  instancesWithMessages(now: number): string[];
  /** When the next timer after `now` is due. */
  nextDue(now: number): number | undefined;

  addActivity(activity: Omit<ActivityRow, 'seq'>): ActivityRow;
  activities(): ActivityRow[];
  /** False if it was answered or forgotten before. */
  removeActivity(seq: number): boolean;
  removeActivitiesOf(instanceId: string): void;

  close(): void;
}
