/** How an execution ends: completed, failed, terminated, or continued as a new one. */
import { executionStarted, newId, type Outbox } from './core';
import { releaseLocks } from './entityLocks';
import { describeFailure, type FailureDetails } from './failures';
import { EVENT, type HistoryEvent, makeEvent } from './history';
import { type Instance, RUNTIME_STATUSES, type RuntimeStatus } from './store';

interface Completion {
  readonly status: RuntimeStatus;
  /** JSON text, or a reason as it was given. */
  readonly result: string | null;
  readonly nextId: number;
  /** How many the orchestrator had asked for: a replay after a rewind reads it. */
  readonly actions: number;
  readonly customStatus: string | null;
  readonly failure?: FailureDetails | null;
}

export function complete(
  outbox: Outbox,
  instance: Instance,
  { status, result, nextId, actions, customStatus, failure = null }: Completion,
): void {
  const OrchestrationStatus = RUNTIME_STATUSES.indexOf(status);
  const fields = { EventId: nextId, OrchestrationStatus, Result: result, FailureDetails: failure };
  const completed = { event: makeEvent(EVENT.executionCompleted, outbox.now, fields) };
  // Azure Storage's table of instances shows a structured failure in short, in place of the result.
  const output = failure ? describeFailure(failure) : result;
  const last = { event: makeEvent(EVENT.orchestratorCompleted, outbox.now), note: { actions, cancelled: [] } };
  releaseLocks(outbox, instance.id);
  outbox.write((state) => {
    state.clearMessages(instance.id);
    state.dropActivities(instance.id);
    state.append(instance.id, [completed, last]);
    state.put({ ...instance, status, output, customStatus, updatedAt: outbox.now });
  });
}

/** Tells the parent, if there is one, how its child ended. */
export function answerParent(
  outbox: Outbox,
  { parent }: Instance,
  type: number,
  fields: Readonly<Record<string, unknown>>,
): void {
  if (!parent) return;
  const event = makeEvent(type, outbox.now, { TaskScheduledId: parent.taskId, ...fields });
  const alone = parent.retried && type === EVENT.subOrchestrationFailed;
  outbox.post(parent.instanceId, event, { executionId: parent.executionId, alone });
}

/** A new execution in place of the old: its first history is written whole before it runs (contract 4.2, 5.6). */
export function continueAsNew(
  outbox: Outbox,
  old: Instance,
  next: { readonly input: unknown; readonly carried: readonly HistoryEvent[] },
): void {
  const { now } = outbox;
  const input = next.input === undefined || next.input === null ? null : JSON.stringify(next.input);
  const times = { createdAt: now, updatedAt: now };
  const instance: Instance = { ...old, executionId: newId(), input, status: 'Running', output: null, ...times };
  const events = [
    makeEvent(EVENT.orchestratorStarted, now),
    executionStarted(instance, now, null),
    ...next.carried,
    makeEvent(EVENT.orchestratorCompleted, now),
  ];
  releaseLocks(outbox, instance.id);
  outbox.write((state) => {
    state.put(instance);
    state.clearHistory(instance.id);
    state.append(
      instance.id,
      events.map((event) => ({ event })),
    );
  });
  // Before anything else that waits for it: the new execution's first turn sees none of that.
  outbox.post(instance.id, makeEvent(EVENT.continueAsNew, now), { executionId: instance.executionId, at: 0 });
}
