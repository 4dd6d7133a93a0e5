/**
 * History events as the Durable extension sends them to an orchestrator (contract 4.1).
 * `IsPlayed` is not stored: it says how old an event is, so it is worked out at each turn.
 */
import { z } from 'zod';
import { failureDetailsSchema } from './failures';

export const EVENT = {
  executionStarted: 0,
  executionCompleted: 1,
  executionTerminated: 3,
  taskScheduled: 4,
  taskCompleted: 5,
  taskFailed: 6,
  subOrchestrationCreated: 7,
  subOrchestrationCompleted: 8,
  subOrchestrationFailed: 9,
  timerCreated: 10,
  timerFired: 11,
  orchestratorStarted: 12,
  orchestratorCompleted: 13,
  eventSent: 14,
  eventRaised: 15,
  /** Never sent to an app. Here it is the message that makes a continued execution run its first turn. */
  continueAsNew: 16,
  /** What a rewind makes of events that no longer count; nobody reads it. */
  genericEvent: 17,
  executionSuspended: 19,
  executionResumed: 20,
} as const;

/** The one place that says which fields the engine reads; everything else is carried along untouched. */
export const historyEventSchema = z.looseObject({
  EventType: z.number(),
  EventId: z.number(),
  Timestamp: z.string(),
  Name: z.string().optional(),
  Version: z.string().optional(),
  Input: z.string().nullish(),
  Result: z.string().nullish(),
  Reason: z.string().nullish(),
  Details: z.string().nullish(),
  FailureDetails: failureDetailsSchema.nullish(),
  InstanceId: z.string().optional(),
  TaskScheduledId: z.number().optional(),
  TimerId: z.number().optional(),
  FireAt: z.string().optional(),
  OrchestrationStatus: z.number().optional(),
});
export type HistoryEvent = z.infer<typeof historyEventSchema>;

/** What one turn leaves beside its OrchestratorCompleted, so that a later replay can be fed turn by turn. */
export const turnNoteSchema = z.object({
  /** How many actions the orchestrator had asked for when the turn ended. */
  actions: z.number(),
  /** Timers called off at the end of the turn. */
  cancelled: z.array(z.number()),
});
type TurnNote = z.infer<typeof turnNoteSchema>;

export interface HistoryRow {
  readonly event: HistoryEvent;
  readonly note?: TurnNote | undefined;
}

/** .NET writes seven decimals; JavaScript reads three of them. */
export const timestamp = (epochMs: number): string => new Date(epochMs).toISOString().replace('Z', '0000Z');

export function makeEvent(type: number, epochMs: number, fields: Readonly<Record<string, unknown>> = {}): HistoryEvent {
  return { EventType: type, EventId: -1, Timestamp: timestamp(epochMs), ...fields };
}

const SCHEDULING: ReadonlySet<number> = new Set([
  EVENT.taskScheduled,
  EVENT.subOrchestrationCreated,
  EVENT.timerCreated,
  EVENT.eventSent,
]);
const BOUNDARY: ReadonlySet<number> = new Set([EVENT.orchestratorStarted, EVENT.orchestratorCompleted]);

export const isScheduling = (event: HistoryEvent): boolean => SCHEDULING.has(event.EventType);

/** True of what arrives from outside the turn: starts, answers, timers, events, control. A rewound task has its number still. */
export const isMessage = (event: HistoryEvent): boolean =>
  !(event.EventType === EVENT.genericEvent && event.EventId >= 0) &&
  !SCHEDULING.has(event.EventType) &&
  !BOUNDARY.has(event.EventType) &&
  event.EventType !== EVENT.executionCompleted;

/** The id of the task that an event answers, if it answers one. */
export const answeredId = (event: HistoryEvent): number | undefined => event.TaskScheduledId ?? event.TimerId;

/** An event as the app sees it. `IsPlayed`: it belongs to an earlier turn (contract 4.2). */
export type ShownEvent = HistoryEvent & { readonly IsPlayed: boolean };

/** The history of one execution, with what every turn asks of it kept up to date as it grows. */
export class History {
  readonly rows: HistoryRow[] = [];
  /** For the app, as an earlier turn's events. */
  readonly shown: ShownEvent[] = [];
  /** Ids of activities, sub-orchestrations and timers that were scheduled and not yet answered. */
  readonly open = new Set<number>();
  nextId = 0;
  /** Epoch ms of the last OrchestratorStarted. */
  startedAt = 0;
  /** How many actions the orchestrator had asked for when the last turn ended. */
  actions = 0;

  constructor(rows: readonly HistoryRow[]) {
    this.append(rows);
  }

  append(rows: readonly HistoryRow[]): void {
    for (const row of rows) this.add(row);
  }

  private add(row: HistoryRow): void {
    const { event, note } = row;
    this.rows.push(row);
    // Of the two OrchestratorCompleted of a continued execution's first turn, the first counts as played later on.
    const played = isMessage(event) || (event.EventType === EVENT.orchestratorCompleted && !note);
    this.shown.push({ ...event, IsPlayed: played });
    this.nextId = Math.max(this.nextId, event.EventId + 1);
    if (event.EventType === EVENT.orchestratorStarted) this.startedAt = Date.parse(event.Timestamp);
    if (isScheduling(event) && event.EventType !== EVENT.eventSent) this.open.add(event.EventId);
    const answered = answeredId(event);
    if (answered !== undefined) this.open.delete(answered);
    if (!note) return;
    this.actions = note.actions;
    note.cancelled.forEach((id) => this.open.delete(id));
  }
}
