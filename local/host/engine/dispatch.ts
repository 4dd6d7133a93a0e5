/** Carries a decision out: its scheduling event for history, and the message, activity or child that it asks for. */
import { randomUUID } from 'node:crypto';
import { type Core, isEntityId, type Outbox } from './core';
import { type Decision, type EntityDecision, EVENT_TYPE, type SubOrchestrationDecision } from './decisions';
import { replyEvent, requestEvent } from './entityMessages';
import { EVENT, type HistoryEvent, makeEvent, timestamp } from './history';
import { HTTP_ACTIVITY } from './httpCall';
import { type Instance, isTerminal } from './store';
import { alreadyExists, type Failure, unknownFunction } from './texts';

/**
 * @param cancelled a timer that was called off in the turn that created it: recorded, and never sent
 * @returns the scheduling event
 */
export function sendDecision(
  core: Core,
  outbox: Outbox,
  instance: Instance,
  decision: Decision,
  cancelled: boolean,
): HistoryEvent {
  const { id } = decision;
  const event = (fields: Readonly<Record<string, unknown>>): HistoryEvent =>
    makeEvent(EVENT_TYPE[decision.kind], outbox.now, { EventId: id, ...fields });
  switch (decision.kind) {
    case 'timer': {
      const FireAt = timestamp(decision.fireAt);
      const fired = makeEvent(EVENT.timerFired, outbox.now, { TimerId: id, FireAt });
      const { alone, fireAt } = decision;
      if (!cancelled) outbox.post(instance.id, fired, { executionId: instance.executionId, at: fireAt, alone });
      return event({ FireAt });
    }
    case 'activity': {
      const refused = decision.failAtOnce ?? refuseUnknown(core, 'activity', decision.name);
      const { id: instanceId, executionId } = instance;
      const { name, input, retried } = decision;
      if (refused) answerWith(outbox, instance, EVENT.taskFailed, id, refused, retried);
      else outbox.scheduleActivity({ instanceId, executionId, taskId: id, name, input, retried });
      return event({ Name: name, Version: '', Input: null, ParentTraceContext: null });
    }
    case 'subOrchestration': {
      const childId = decision.instanceId ?? `${instance.executionId}:${id}`;
      startChild(core, outbox, instance, decision, childId);
      const { name, version } = decision;
      return event({ Name: name, Version: version, InstanceId: childId, Input: null, ClientSpanId: null });
    }
    case 'entity': {
      const request = sendToEntity(core, outbox, instance, decision);
      return event({ InstanceId: decision.target, Name: 'op', Input: request });
    }
  }
}

const refusal = (Reason: string): Failure => ({ Reason, Details: '', FailureDetails: null });

function refuseUnknown(core: Core, kind: 'activity' | 'orchestrator', name: string): Failure | undefined {
  if (name === HTTP_ACTIVITY || core.find(kind, name) !== undefined) return undefined;
  // Azure leaves the instance running for ever; here the task fails (contract 12).
  return refusal(unknownFunction(kind, name, core.ports.functions(kind)));
}

function answerWith(outbox: Outbox, to: Instance, type: number, id: number, failure: Failure, alone: boolean): void {
  const event = makeEvent(type, outbox.now, { TaskScheduledId: id, ...failure });
  outbox.post(to.id, event, { executionId: to.executionId, alone });
}

function startChild(
  core: Core,
  outbox: Outbox,
  parent: Instance,
  decision: SubOrchestrationDecision,
  childId: string,
): void {
  const { id, name, version, input, retried } = decision;
  const existing = outbox.store.instance(childId);
  const refused =
    decision.failAtOnce ??
    refuseUnknown(core, 'orchestrator', name) ??
    (childId === parent.id || isEntityId(childId)
      ? refusal(`The instance ID '${childId}' may not be used for a sub-orchestration of '${parent.id}'.`)
      : undefined) ??
    (existing && !isTerminal(existing.status) ? refusal(alreadyExists(existing.status)) : undefined);
  if (refused) return answerWith(outbox, parent, EVENT.subOrchestrationFailed, id, refused, retried);
  const { id: instanceId, executionId, name: parentName, version: parentVersion } = parent;
  const asParent = { instanceId, executionId, name: parentName, version: parentVersion, taskId: id, retried };
  outbox.start({ id: childId, name, version, input, parent: asParent });
}

/** Returns the request as it stands in history. */
function sendToEntity(core: Core, outbox: Outbox, from: Instance, decision: EntityDecision): string {
  const { target, operation, input, signal } = decision;
  const id = randomUUID();
  const request = requestEvent(outbox.now, {
    id,
    operation,
    input,
    signal,
    parent: { id: from.id, executionId: from.executionId },
  });
  const name = target.slice(1, target.indexOf('@', 1));
  if (core.find('entity', name) !== undefined) outbox.post(target, request);
  else {
    const text = unknownFunction('entity', name, core.ports.functions('entity'));
    if (signal) core.ports.log('warning', from.name, `${from.id}: a signal was dropped. ${text}`);
    else outbox.post(from.id, replyEvent(outbox.now, id, { result: JSON.stringify(text), failed: true }));
  }
  return request.Input ?? '';
}
