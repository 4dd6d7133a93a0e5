/** Carries a decision out: its scheduling event for history, and the message, activity or child that it asks for. */
import { type Core, isEntityId, type Outbox } from './core';
import { type Decision, EVENT_TYPE, type SubOrchestrationDecision } from './decisions';
import { sendToEntity } from './entityDispatch';
import { releaseLocks } from './entityLocks';
import { EVENT, type HistoryEvent, makeEvent, timestamp } from './history';
import { HTTP_ACTIVITY } from './httpCall';
import { type Instance, isTerminal } from './store';
import { alreadyExists, type Failure, unknownFunction } from './texts';

/** The last moment that a Date can hold: no backoff and no Retry-After goes beyond it. */
const LATEST = 8.64e15;

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
      const fireAt = Math.min(Math.ceil(decision.fireAt), LATEST);
      const FireAt = timestamp(fireAt);
      const fired = makeEvent(EVENT.timerFired, outbox.now, { TimerId: id, FireAt });
      const { alone } = decision;
      // Azure Storage counts the delay in whole seconds, so a timer may fire early by less than one (contract 5.3).
      const early = core.ports.strict ? Math.max(fireAt - outbox.now, 0) % 1000 : 0;
      // What lies in the past comes in the order in which it was asked for.
      const at = Math.max(fireAt - early, outbox.now);
      if (!cancelled) outbox.post(instance.id, fired, { executionId: instance.executionId, at, alone });
      return event({ FireAt });
    }
    case 'activity': {
      const { id: instanceId, executionId } = instance;
      const { name, retried, failAtOnce } = decision;
      const unknown = refuseUnknown(core, 'activity', name);
      if (unknown && core.ports.strict) return undefined;
      const refused = failAtOnce ?? unknown;
      const input = core.ports.strict ? asDotNet(decision.input) : decision.input;
      if (refused) answerWith(outbox, instance, EVENT.taskFailed, id, refused, retried);
      else outbox.scheduleActivity({ instanceId, executionId, taskId: id, name, input, retried });
      return event({ Name: name, Version: '', Input: null, ParentTraceContext: null });
    }
    case 'subOrchestration': {
      const childId = decision.instanceId ?? `${instance.executionId}:${id}`;
      const version = decision.version || (core.ports.versioning.defaultVersion ?? '');
      if (!startChild(core, outbox, instance, { ...decision, version }, childId)) return undefined;
      const { name } = decision;
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

/** @returns false where nothing was scheduled (only with `strict`) */
function startChild(
  core: Core,
  outbox: Outbox,
  parent: Instance,
  decision: SubOrchestrationDecision,
  childId: string,
): boolean {
  const { id, name, version, input, retried } = decision;
  const existing = outbox.instance(childId);
  const isRunning = existing !== undefined && !isTerminal(existing.status);
  const impossible =
    refuseUnknown(core, 'orchestrator', name) ??
    (childId === parent.id || isEntityId(childId)
      ? refusal(`The instance ID '${childId}' may not be used for a sub-orchestration of '${parent.id}'.`)
      : undefined);
  const { strict } = core.ports;
  if (impossible && strict) return false;
  // Azure puts the child in the place of the instance that runs (contract 12).
  const refused =
    decision.failAtOnce ?? impossible ?? (isRunning && !strict ? refusal(alreadyExists(existing.status)) : undefined);
  if (refused) {
    answerWith(outbox, parent, EVENT.subOrchestrationFailed, id, refused, retried);
    return true;
  }
  if (isRunning) releaseLocks(outbox, childId);
  const { id: instanceId, executionId, name: parentName, version: parentVersion } = parent;
  const asParent = { instanceId, executionId, name: parentName, version: parentVersion, taskId: id, retried };
  outbox.start({ id: childId, name, version, input, parent: asParent });
  return true;
}

/** Booleans as .NET writes them, which is not JSON: the activity gets a string (contract 5.9). */
const asDotNet = (input: string | null): string | null =>
  input === 'true' ? 'True' : input === 'false' ? 'False' : input;
