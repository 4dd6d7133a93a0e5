/**
 * Rewind: what failed becomes GenericEvents, which nobody reads, so that the next turn schedules it again under its old
 * number; what succeeded stays (contract 7.3). Azure undoes every failure, also one that the code caught or that a retry
 * healed, and then fails for non-determinism; here those stay.
 */
import { type Outbox } from './core';
import { EVENT, type History, type HistoryEvent, type HistoryRow, isMessage, isScheduling, makeEvent } from './history';
import { HTTP_ACTIVITY } from './httpCall';
import { type State } from './state';
import { type Instance, isTerminal } from './store';

const FAILURES: readonly number[] = [EVENT.taskFailed, EVENT.subOrchestrationFailed];
const isFailure = ({ EventType }: HistoryEvent): boolean => FAILURES.includes(EventType);

/** Makes a failed instance run on from where it failed, its failed children first. */
export function rewind(state: State, outbox: Outbox, instance: Instance, reason: string | null): void {
  const { now } = outbox;
  const history = state.history(instance.id);
  /** What answers, or will answer, a sub-orchestration of this instance without being started anew. */
  const childOf = ({ InstanceId = '', EventId }: HistoryEvent): Instance | undefined => {
    const child = state.instance(InstanceId);
    return child?.parent?.executionId === instance.executionId && child.parent.taskId === EventId ? child : undefined;
  };
  const { rows, kept, again } = rewoundHistory(history, (created) => {
    const status = childOf(created)?.status;
    return status === 'Failed' || (status !== undefined && !isTerminal(status));
  });
  outbox.write((all) => {
    all.clearHistory(instance.id);
    all.append(instance.id, rows);
    all.put({ ...instance, status: 'Pending', output: null, updatedAt: now });
  });
  for (const created of kept) {
    const child = childOf(created);
    if (child?.status === 'Failed') rewind(state, outbox, child, reason);
  }
  // With children alone to wait for, the first of them that ends wakes this one.
  if (kept.length > 0 && !again) return;
  outbox.post(instance.id, makeEvent(EVENT.genericEvent, now, { Data: reason }), { executionId: instance.executionId });
}

interface Rewound {
  readonly rows: readonly HistoryRow[];
  /** Sub-orchestrations whose answers are waited for again. */
  readonly kept: readonly HistoryEvent[];
  /** Whether there is anything else to do again. */
  readonly again: boolean;
}

/** @param goesOn whether a child (its SubOrchestrationInstanceCreated) will answer without being started anew */
function rewoundHistory(history: History, goesOn: (created: HistoryEvent) => boolean): Rewound {
  const undone = undoneIds(history);
  const scheduled = history.rows
    .map(({ event }) => event)
    .filter((event) => isScheduling(event) && undone.has(event.EventId));
  const kept = scheduled.filter((event) => event.EventType === EVENT.subOrchestrationCreated && goesOn(event));
  const rows = history.rows.map(({ event, note }) => {
    const id = isScheduling(event) ? event.EventId : (event.TaskScheduledId ?? event.TimerId);
    const isGone = event.EventType === EVENT.executionCompleted || (id !== undefined && undone.has(id));
    return { event: isGone && !kept.includes(event) ? generic(event) : event, note };
  });
  return { rows, kept, again: scheduled.length > kept.length };
}

const generic = ({ EventId, Timestamp }: HistoryEvent): HistoryEvent => ({
  EventType: EVENT.genericEvent,
  EventId,
  Timestamp,
  Data: null,
});

interface Turn {
  readonly messages: readonly HistoryEvent[];
  readonly scheduled: readonly HistoryEvent[];
}

function turnsOf(history: readonly HistoryRow[]): Turn[] {
  const turns: { messages: HistoryEvent[]; scheduled: HistoryEvent[] }[] = [];
  for (const { event } of history) {
    if (event.EventType === EVENT.orchestratorStarted) turns.push({ messages: [], scheduled: [] });
    if (isMessage(event)) turns.at(-1)?.messages.push(event);
    if (isScheduling(event)) turns.at(-1)?.scheduled.push(event);
  }
  return turns;
}

/** Tasks that failed for good, with all of their attempts and the timers between; and tasks without an answer. */
function undoneIds(history: History): Set<number> {
  const turns = turnsOf(history.rows);
  const scheduled = new Map(turns.flatMap((turn) => turn.scheduled.map((event) => [event.EventId, event] as const)));
  const parts = new Set<number>();
  const tasks = turns.flatMap(({ messages }, index) =>
    messages.filter(isFailure).flatMap(({ TaskScheduledId = -1 }) => {
      const first = scheduled.get(TaskScheduledId);
      if (!first || parts.has(TaskScheduledId)) return [];
      const task = followAttempts(turns, index, first);
      task.ids.slice(1).forEach((id) => parts.add(id));
      return [task];
    }),
  );
  const lost = tasks.filter(({ failed, turn }) => failed && !wentOn(turns.slice(turn), parts));
  return new Set([...history.open, ...lost.flatMap(({ ids }) => ids)]);
}

/**
 * An attempt that is retried fails in a turn of its own, which makes one timer; when that fires, the next attempt of the
 * same name follows. Code that does the same by hand looks the same, and is treated alike.
 */
function followAttempts(turns: readonly Turn[], failedIn: number, first: HistoryEvent) {
  const ids = [first.EventId];
  let [turn, failed] = [failedIn, true];
  for (;;) {
    const { messages = [], scheduled: [timer, ...others] = [] } = turns[turn] ?? {};
    if (messages.length !== 1 || timer?.EventType !== EVENT.timerCreated || others.length > 0) break;
    ids.push(timer.EventId);
    const firedIn = turns.findIndex((one) => one.messages.some(({ TimerId }) => TimerId === timer.EventId));
    const next = turns[firedIn]?.scheduled.find(
      ({ EventType, Name }) => EventType === first.EventType && Name === first.Name,
    );
    if (!next) break;
    ids.push(next.EventId);
    const answers = ({ TaskScheduledId }: HistoryEvent): boolean => TaskScheduledId === next.EventId;
    const answeredIn = turns.findIndex((one) => one.messages.some(answers));
    failed = turns[answeredIn]?.messages.some((message) => answers(message) && isFailure(message)) ?? true;
    if (answeredIn < 0 || !failed) break;
    turn = answeredIn;
  }
  return { ids, turn, failed };
}

/** Whether the code went on after a failure, so that it must have caught it. `parts` belong to work that it had begun. */
const wentOn = (turns: readonly Turn[], parts: ReadonlySet<number>): boolean =>
  turns.some(({ scheduled }) =>
    scheduled.some(
      ({ EventType, EventId, Name }) =>
        EventType !== EVENT.timerCreated && Name !== HTTP_ACTIVITY && !parts.has(EventId),
    ),
  );
