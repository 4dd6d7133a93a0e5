/** Carries a decision out: its scheduling event for history, and the message, activity or child that it asks for. */
import { type Core, isEntityId, type Outbox } from './core';
import { type Decision, EVENT_TYPE, type SubOrchestrationDecision } from './decisions';
import { sendToEntity } from './entityDispatch';
import { EVENT, type HistoryEvent, makeEvent, timestamp } from './history';
import { type Instance, isTerminal } from './store';
import { alreadyExists, unknownFunction } from './texts';

/**
 * @param cancelled a timer that was called off in the turn that created it: recorded, and never sent
 * @returns the scheduling event, or undefined where nothing was scheduled (only with `strict`)
 */
export function sendDecision(
  core: Core,
  outbox: Outbox,
  instance: Instance,
  decision: Decision,
  cancelled: boolean,
): HistoryEvent | undefined {
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
      const refusal = decision.failAtOnce ?? refuseUnknown(core, 'activity', decision.name);
      const { id: instanceId, executionId } = instance;
      const { name, input, retried } = decision;
      if (refusal) answerWith(outbox, instance, EVENT.taskFailed, id, refusal, retried);
      else outbox.scheduleActivity({ instanceId, executionId, taskId: id, name, input, retried });
      return event({ Name: name, Version: '', Input: null, ParentTraceContext: null });
    }
    case 'subOrchestration': {
      const childId = decision.instanceId ?? `${instance.executionId}:${id}`;
      startChild(core, outbox, instance, decision, childId);
      const { name, version } = decision;
      return event({ Name: name, Version: version, InstanceId: childId, Input: null, ClientSpanId: null });
    }
    case 'entity':
    case 'lock':
    case 'release': {
      const sent = sendToEntity(core, outbox, instance, decision);
      return sent && event({ InstanceId: decision.target, Name: sent.Name, Input: sent.Input });
    }
  }
}

type Refusal = Readonly<{ Reason: string; Details: string }>;

function refuseUnknown(core: Core, kind: 'activity' | 'orchestrator', name: string): Refusal | undefined {
  if (core.find(kind, name) !== undefined) return undefined;
  // Azure leaves the instance running for ever; here the task fails (contract 12).
  return { Reason: unknownFunction(kind, name, core.ports.functions(kind)), Details: '' };
}

function answerWith(outbox: Outbox, to: Instance, type: number, id: number, refusal: Refusal, alone: boolean): void {
  const event = makeEvent(type, outbox.now, { TaskScheduledId: id, ...refusal, FailureDetails: null });
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
  const existing = outbox.instance(childId);
  const refuse = (Reason: string): Refusal => ({ Reason, Details: '' });
  const refusal =
    decision.failAtOnce ??
    refuseUnknown(core, 'orchestrator', name) ??
    (childId === parent.id || isEntityId(childId)
      ? refuse(`The instance ID '${childId}' may not be used for a sub-orchestration of '${parent.id}'.`)
      : undefined) ??
    (existing && !isTerminal(existing.status) ? refuse(alreadyExists(existing.status)) : undefined);
  if (refusal) return answerWith(outbox, parent, EVENT.subOrchestrationFailed, id, refusal, retried);
  const { id: instanceId, executionId, name: parentName, version: parentVersion } = parent;
  const asParent = { instanceId, executionId, name: parentName, version: parentVersion, taskId: id, retried };
  outbox.start({ id: childId, name, version, input, parent: asParent });
}
