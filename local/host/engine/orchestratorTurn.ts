/** One turn of an orchestration: read what arrived, replay, write what follows. All of its writes are one transaction. */
import { type OrchestratorState, readFailure, readState } from './actions';
import { type Answer, type Core, executionStarted, newId, type Outbox } from './core';
import { sendDecision } from './dispatch';
import { describeFailure, type FailureDetails } from './failures';
import {
  answeredId,
  EVENT,
  type HistoryEvent,
  type HistoryRow,
  isMessage,
  makeEvent,
  openIds,
  type TurnNote,
} from './history';
import { NonDeterminism, replay, type ReplayResult } from './replay';
import { type Instance, isTerminal, type Message, RUNTIME_STATUSES, type RuntimeStatus } from './store';
import { orchestratorFailed } from './texts';
import { messageOf } from '../log';

const CONTROL: ReadonlySet<number> = new Set([
  EVENT.executionTerminated,
  EVENT.executionSuspended,
  EVENT.executionResumed,
  EVENT.continueAsNew,
]);
/** Azure Storage's limit for the custom status, in bytes of UTF-16 (contract 5.1). */
const CUSTOM_STATUS_LIMIT = 16 * 1024;

/** Runs a turn for what waits for the instance, if anything does. */
export async function runOrchestratorTurn(core: Core, instance: Instance): Promise<void> {
  const history = core.store.history(instance.id);
  const { batch, dropped } = selectBatch(core, instance, history);
  if (dropped.length > 0) core.commit(({ store }) => store.removeMessages(dropped.map(({ seq }) => seq)));
  const [first] = batch;
  if (!first) return;
  switch (first.event.EventType) {
    case EVENT.executionSuspended:
    case EVENT.executionResumed:
      return suspendOrResume(core, instance, history, first);
    case EVENT.executionTerminated:
      return terminate(core, instance, history, first);
    default:
      return invokeTurn(core, instance, history, batch);
  }
}

/** What this turn reads. Answers of an earlier execution and second answers are dropped (contract 4.2). */
function selectBatch(core: Core, instance: Instance, history: readonly HistoryRow[]) {
  const open = openIds(history);
  const dropped: Message[] = [];
  const waiting = core.store.messages(instance.id, core.now()).filter((message) => {
    const answered = answeredId(message.event);
    const stale = message.executionId !== null && message.executionId !== instance.executionId;
    const fresh = !stale && !isTerminal(instance.status) && (answered === undefined || open.delete(answered));
    if (!fresh) dropped.push(message);
    return fresh;
  });
  // While suspended everything waits; only these two get through (contract 7.4).
  if (instance.status === 'Suspended') {
    const through: number[] = [EVENT.executionResumed, EVENT.executionTerminated];
    return { batch: waiting.filter(({ event }) => through.includes(event.EventType)).slice(0, 1), dropped };
  }
  const standsAlone = ({ event, alone }: Message): boolean => alone || CONTROL.has(event.EventType);
  const end = waiting.findIndex(standsAlone);
  const length = end === 0 ? 1 : end < 0 ? waiting.length : end;
  return { batch: waiting.slice(0, Math.min(length, core.ports.limits.messagesPerTurn)), dropped };
}

const lastNote = (history: readonly HistoryRow[]): TurnNote => ({
  actions: history.findLast(({ note }) => note)?.note?.actions ?? 0,
  cancelled: [],
});

function suspendOrResume(core: Core, instance: Instance, history: readonly HistoryRow[], message: Message): void {
  const suspended = message.event.EventType === EVENT.executionSuspended;
  core.commit(({ store, now, instances }) => {
    const completed = { event: makeEvent(EVENT.orchestratorCompleted, now), note: lastNote(history) };
    store.appendHistory(instance.id, [{ event: startedAt(now, history) }, { event: message.event }, completed]);
    // While suspended the reason stands where the output will (contract 7.3).
    const output = suspended ? (message.event.Reason ?? null) : null;
    store.putInstance({ ...instance, status: suspended ? 'Suspended' : 'Running', output, updatedAt: now });
    store.removeMessages([message.seq]);
    instances.add(instance.id);
  });
}

function terminate(core: Core, instance: Instance, history: readonly HistoryRow[], message: Message): void {
  const reason = message.event.Input ?? null;
  core.commit((outbox) => {
    outbox.store.appendHistory(instance.id, [{ event: startedAt(outbox.now, history) }, { event: message.event }]);
    complete(outbox, instance, {
      status: 'Terminated',
      result: reason,
      nextId: nextFreeId(history),
      customStatus: instance.customStatus,
    });
    // Azure sends no Details here, which the app cannot read: the parent could not catch it (contract 12).
    answerParent(outbox, instance, EVENT.subOrchestrationFailed, {
      Reason: reason ?? '',
      Details: '',
      FailureDetails: null,
    });
  });
}

const nextFreeId = (history: readonly HistoryRow[]): number =>
  history.reduce((next, { event }) => Math.max(next, event.EventId + 1), 0);

/** The turn's time: never before the last turn's, nor before a timer that fired in it. */
function startedAt(now: number, history: readonly HistoryRow[]): HistoryEvent {
  const last = history.findLast(({ event }) => event.EventType === EVENT.orchestratorStarted)?.event.Timestamp;
  return makeEvent(EVENT.orchestratorStarted, Math.max(now, last ? Date.parse(last) : 0));
}

async function invokeTurn(
  core: Core,
  instance: Instance,
  history: readonly HistoryRow[],
  batch: readonly Message[],
): Promise<void> {
  const name = core.find('orchestrator', instance.name) ?? instance.name;
  const continued = batch[0]?.event.EventType === EVENT.continueAsNew;
  const fresh: HistoryRow[] = continued
    ? []
    : [startedAt(core.now(), history), ...batch.map(({ event }) => event)].map((event) => ({ event }));
  const input = triggerText(core, instance, history, fresh, continued);
  const answer = await core.ports.invoke({ kind: 'orchestrator', name, instanceId: instance.id, input });
  const state = readAnswer(answer);
  core.commit((outbox) => {
    const current = outbox.store.instance(instance.id);
    // Purged or replaced while it ran: what it says is of no interest any more.
    if (current?.executionId !== instance.executionId) return;
    outbox.store.removeMessages(batch.map(({ seq }) => seq));
    finishTurn(core, outbox, current, { history, fresh, state });
  });
}

function readAnswer(answer: Answer): OrchestratorState {
  try {
    return answer.ok ? readState(answer.result) : readFailure(messageOf(answer.error));
  } catch (error) {
    return readFailure(`The orchestrator's answer could not be read: ${messageOf(error)}`);
  }
}

interface Turn {
  readonly history: readonly HistoryRow[];
  readonly fresh: readonly HistoryRow[];
  readonly state: OrchestratorState;
}

function finishTurn(core: Core, outbox: Outbox, instance: Instance, { history, fresh, state }: Turn): void {
  const { store, now } = outbox;
  const customStatus = state.customStatus === undefined ? null : JSON.stringify(state.customStatus);
  store.appendHistory(instance.id, fresh);
  const fail = (Reason: string, nextId: number, failure: FailureDetails | null = null): void => {
    complete(outbox, instance, { status: 'Failed', result: JSON.stringify(Reason), nextId, customStatus, failure });
    const fields = { Reason, Details: `Message: ${state.error ?? ''}, StackTrace: `, FailureDetails: failure };
    answerParent(outbox, instance, EVENT.subOrchestrationFailed, fields);
  };
  const size = (customStatus?.length ?? 0) * 2;
  if (size > CUSTOM_STATUS_LIMIT) {
    const size16 = `The current payload size is ${Math.floor(size / 1024)} KB.`;
    const text = `The UTF-16 size of the JSON-serialized payload must not exceed 16 KB. ${size16}`;
    return fail(orchestratorFailed(instance.name, text), nextFreeId(history));
  }
  let result: ReplayResult;
  try {
    result = replay([...history, ...fresh], state.actions, core.ports.httpPollMs);
  } catch (error) {
    if (!(error instanceof NonDeterminism)) throw error;
    core.ports.log('error', instance.name, `${instance.id}: ${error.message}`);
    if (state.lost) core.ports.log('error', instance.name, `${instance.id}: ${state.error ?? ''}`);
    return fail(error.message, nextFreeId(history));
  }

  const scheduled = result.decisions.map((decision) =>
    sendDecision(core, outbox, instance, decision, result.cancelled.includes(decision.id)),
  );
  store.appendHistory(
    instance.id,
    scheduled.map((event) => ({ event })),
  );
  for (const id of result.cancelled) store.removeTimer(instance.id, instance.executionId, id);

  if (!result.ended || !(state.isDone || state.error !== undefined)) {
    const note = { actions: state.actions.length, cancelled: [...result.cancelled] };
    store.appendHistory(instance.id, [{ event: makeEvent(EVENT.orchestratorCompleted, now), note }]);
    const status = customStatus ?? keptStatus(instance, history);
    store.putInstance({ ...instance, status: 'Running', customStatus: status, updatedAt: now });
  } else if (state.error !== undefined) {
    fail(orchestratorFailed(instance.name, state.error), result.nextId, state.failureDetails);
  } else if (result.continueAsNew) {
    continueAsNew(outbox, { ...instance, customStatus }, result.continueAsNew);
  } else {
    const output = state.output === undefined || state.output === null ? null : JSON.stringify(state.output);
    complete(outbox, instance, { status: 'Completed', result: output, nextId: result.nextId, customStatus });
    answerParent(outbox, instance, EVENT.subOrchestrationCompleted, { Result: output });
  }
}

/** A continued execution keeps the old custom status for its first turn (contract 5.1). */
const keptStatus = (instance: Instance, history: readonly HistoryRow[]): string | null =>
  history.length > 0 && history.every(({ note }) => !note) ? instance.customStatus : null;

interface Completion {
  readonly status: RuntimeStatus;
  /** JSON text, or a reason as it was given. */
  readonly result: string | null;
  readonly nextId: number;
  readonly customStatus: string | null;
  readonly failure?: FailureDetails | null;
}

function complete(
  { store, now }: Outbox,
  instance: Instance,
  { status, result, nextId, customStatus, failure = null }: Completion,
): void {
  const OrchestrationStatus = RUNTIME_STATUSES.indexOf(status);
  const fields = { EventId: nextId, OrchestrationStatus, Result: result, FailureDetails: failure };
  store.appendHistory(instance.id, [
    { event: makeEvent(EVENT.executionCompleted, now, fields) },
    { event: makeEvent(EVENT.orchestratorCompleted, now), note: { actions: 0, cancelled: [] } },
  ]);
  // Azure Storage's table of instances shows a structured failure in short, in place of the result.
  const output = failure ? describeFailure(failure) : result;
  store.putInstance({ ...instance, status, output, customStatus, updatedAt: now });
  store.clearMessages(instance.id);
  store.removeActivitiesOf(instance.id);
}

function answerParent(
  outbox: Outbox,
  instance: Instance,
  type: number,
  fields: Readonly<Record<string, unknown>>,
): void {
  const { parent } = instance;
  if (!parent) return;
  const event = makeEvent(type, outbox.now, { TaskScheduledId: parent.taskId, ...fields });
  const alone = parent.retried && type === EVENT.subOrchestrationFailed;
  outbox.post(parent.instanceId, event, { executionId: parent.executionId, alone });
}

/** A new execution in place of the old: its first history is written whole before it runs (contract 4.2, 5.6). */
function continueAsNew(outbox: Outbox, old: Instance, next: NonNullable<ReplayResult['continueAsNew']>): void {
  const { store, now } = outbox;
  const input = next.input === undefined || next.input === null ? null : JSON.stringify(next.input);
  const times = { createdAt: now, updatedAt: now };
  const instance: Instance = { ...old, executionId: newId(), input, status: 'Running', output: null, ...times };
  store.putInstance(instance);
  store.clearHistory(instance.id);
  const events = [
    makeEvent(EVENT.orchestratorStarted, now),
    executionStarted(instance, now, null),
    ...next.carried,
    makeEvent(EVENT.orchestratorCompleted, now),
  ];
  store.appendHistory(
    instance.id,
    events.map((event) => ({ event })),
  );
  // Before anything else that waits for it: the new execution's first turn sees none of that.
  outbox.post(instance.id, makeEvent(EVENT.continueAsNew, now), { executionId: instance.executionId, at: 0 });
}

/** The trigger's value (contract 3). */
function triggerText(
  core: Core,
  instance: Instance,
  history: readonly HistoryRow[],
  fresh: readonly HistoryRow[],
  continued: boolean,
): string {
  const isCarried = ({ EventType }: HistoryEvent): boolean => EventType === EVENT.eventRaised;
  // Of the two OrchestratorCompleted of a continued execution's first turn, the first counts as played later on.
  const played = ({ event, note }: HistoryRow): boolean =>
    continued ? isCarried(event) : isMessage(event) || (event.EventType === EVENT.orchestratorCompleted && !note);
  const events = [
    ...history.map((row) => ({ ...row.event, IsPlayed: played(row) })),
    ...fresh.map(({ event }) => ({ ...event, IsPlayed: false })),
  ];
  const input: unknown = instance.input === null ? null : JSON.parse(instance.input);
  return JSON.stringify({
    history: events,
    input,
    instanceId: instance.id,
    isReplaying: !continued && history.length > 0,
    parentInstanceId: instance.parent?.instanceId ?? null,
    upperSchemaVersion: 1,
    upperSchemaVersionNew: 2,
    longRunningTimerIntervalDuration: '3.00:00:00',
    maximumShortTimerDuration: '6.00:00:00',
    defaultHttpAsyncRequestSleepTimeMillseconds: core.ports.httpPollMs,
  });
}
