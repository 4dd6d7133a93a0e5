/** How an instance and its history look over HTTP (contract 7.3). */
import { executionStarted, isEntityId } from '../engine/core';
import { EVENT, type HistoryEvent, type HistoryRow } from '../engine/history';
import { type Instance, RUNTIME_STATUSES } from '../engine/store';
import { embed, objectOf } from './jsonText';

/** Whole seconds. */
const seconds = (epochMs: number): string => new Date(epochMs).toISOString().replace(/\.\d+Z$/, 'Z');

export interface Shown {
  readonly input: boolean;
  readonly history?: { readonly events: readonly HistoryEvent[]; readonly output: boolean } | undefined;
}

/** JSON text. All keys are always there: the library refuses a status without `input` or `output`. */
export function statusBody(instance: Instance, { input, history }: Shown): string {
  return objectOf({
    name: JSON.stringify(instance.name),
    instanceId: JSON.stringify(instance.id),
    runtimeStatus: JSON.stringify(instance.status),
    input: input ? embed(instance.input) : 'null',
    customStatus: embed(instance.customStatus),
    output: embed(instance.output),
    createdTime: JSON.stringify(seconds(instance.createdAt)),
    lastUpdatedTime: JSON.stringify(seconds(instance.updatedAt)),
    ...(history && { historyEvents: `[${historyEvents(history.events, history.output).join(',')}]` }),
  });
}

const NAMES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(EVENT).map(([name, type]) => [type, name.charAt(0).toUpperCase() + name.slice(1)]),
);
/** .NET's names, where ours are shorter. */
const TYPE_NAMES: Readonly<Record<number, string>> = {
  ...NAMES,
  [EVENT.subOrchestrationCreated]: 'SubOrchestrationInstanceCreated',
  [EVENT.subOrchestrationCompleted]: 'SubOrchestrationInstanceCompleted',
  [EVENT.subOrchestrationFailed]: 'SubOrchestrationInstanceFailed',
};
const BOUNDARIES: readonly number[] = [EVENT.orchestratorStarted, EVENT.orchestratorCompleted];
const FOLDED: readonly number[] = [EVENT.taskScheduled, EVENT.subOrchestrationCreated];
const REMOVED: readonly string[] = ['EventId', 'TaskScheduledId', 'TimerId', 'EventType', 'Timestamp', 'Data'];
const REMOVED_OF_START: readonly string[] = ['OrchestrationInstance', 'ParentInstance', 'Version', 'Tags', 'Name'];

/** .NET's order; the store does not keep any. */
const ORDER: readonly string[] = [
  ...['OrchestrationStatus', 'InstanceId', 'Name', 'Reason', 'Details', 'Input', 'Result', 'FireAt', 'Correlation'],
  ...['ParentTraceContext', 'ScheduledStartTime', 'Generation', 'FailureDetails'],
];

/** An entity keeps no history here; on Azure it is always at the beginning of an execution. */
export function shownHistory(instance: Instance, rows: readonly HistoryRow[]): HistoryEvent[] {
  if (!isEntityId(instance.id)) return rows.map(({ event }) => event);
  return [executionStarted(instance, instance.createdAt, null)];
}

/** Scheduling events are folded into their completion, and stay only while there is none. */
function historyEvents(events: readonly HistoryEvent[], showOutput: boolean): string[] {
  const scheduled = new Map(
    events.filter(({ EventType }) => FOLDED.includes(EventType)).map((event) => [event.EventId, event]),
  );
  const answered = new Set(events.map(({ TaskScheduledId }) => TaskScheduledId));
  return events
    .filter(
      ({ EventType, EventId }) =>
        !BOUNDARIES.includes(EventType) && !(FOLDED.includes(EventType) && answered.has(EventId)),
    )
    .map((event) => {
      const cause = event.TaskScheduledId === undefined ? undefined : scheduled.get(event.TaskScheduledId);
      return objectOf(eventFields(event, cause, showOutput));
    });
}

function eventFields(
  event: HistoryEvent,
  cause: HistoryEvent | undefined,
  showOutput: boolean,
): Record<string, string> {
  const isStart = event.EventType === EVENT.executionStarted;
  const dropped = [...REMOVED, ...(isStart ? REMOVED_OF_START : []), ...(showOutput ? [] : ['Result'])];
  const kept = Object.entries(event)
    .filter(([name, value]) => value !== undefined && !dropped.includes(name))
    .sort(([a], [b]) => ORDER.indexOf(a) - ORDER.indexOf(b));
  const show = (name: string, value: unknown): string => {
    if (name === 'Result') return embed(event.Result ?? null);
    if (name === 'OrchestrationStatus') return JSON.stringify(RUNTIME_STATUSES[event.OrchestrationStatus ?? 0]);
    return JSON.stringify(value);
  };
  return {
    ...('Data' in event && { Data: JSON.stringify(event.Data) }),
    EventType: JSON.stringify(TYPE_NAMES[event.EventType] ?? String(event.EventType)),
    ...Object.fromEntries(kept.map(([name, value]) => [name, show(name, value)])),
    Timestamp: JSON.stringify(event.Timestamp),
    ...(cause && {
      ScheduledTime: JSON.stringify(cause.Timestamp.replace('Z', '+00:00')),
      FunctionName: JSON.stringify(cause.Name),
      Input: 'null',
    }),
    ...(isStart && { FunctionName: JSON.stringify(event.Name) }),
  };
}
