/** What is compared between a run that was cut and one that was not. */
import { type EngineClient } from '../../../../local/host/engine/client';
import { isEntityId } from '../../../../local/host/engine/core';
import { answeredId, EVENT, type HistoryEvent, isScheduling } from '../../../../local/host/engine/history';
import { isTerminal } from '../../../../local/host/engine/store';

interface Ended {
  /** What it is and how it ended, as JSON text. */
  readonly instance: string;
  readonly events: readonly string[];
}
/** Of all instances, in an order that their ids (some are random) have no part in. */
export type Outcome = readonly Ended[];

/** @throws for what may never be: an instance that has not ended, or a task that was answered twice */
export function outcome(client: EngineClient): Outcome {
  const all = client.list({}).map(({ id, name, status, input, output, customStatus }) => {
    const events = client.history(id).map(({ event }) => event);
    if (!isEntityId(id) && !isTerminal(status)) throw new Error(`'${id}' is stuck: it is ${status}.`);
    checkAnswers(id, events);
    const instance = withoutGuids(JSON.stringify({ id, name, status, input, output, customStatus }));
    return { instance, events: signatures(events) };
  });
  const key = ({ instance, events }: Ended): string => `${instance} ${events.join()}`;
  return all.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function checkAnswers(id: string, events: readonly HistoryEvent[]): void {
  const scheduled = events.filter(isScheduling).map(({ EventId }) => EventId);
  const answered = events.map(answeredId).filter((task) => task !== undefined);
  if (new Set(scheduled).size < scheduled.length)
    throw new Error(`'${id}' scheduled a task twice: ${scheduled.join()}`);
  if (new Set(answered).size < answered.length) throw new Error(`'${id}' took an answer twice: ${answered.join()}`);
  const unasked = answered.filter((task) => !scheduled.includes(task));
  if (unasked.length > 0) throw new Error(`'${id}' took an answer to what it never asked: ${unasked.join()}`);
}

const GUID = /[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f-]{27}/g;
const withoutGuids = (text: string): string => text.replaceAll(GUID, '#');

/** Turns may be cut otherwise, and what came at one and the same time may come in another order. */
function signatures(events: readonly HistoryEvent[]): string[] {
  const turns: number[] = [EVENT.orchestratorStarted, EVENT.orchestratorCompleted];
  const texts = events
    .filter(({ EventType }) => !turns.includes(EventType))
    .map((event) => withoutGuids(signature(event)));
  return texts.filter((text, index) => !text.startsWith('client:') || texts.indexOf(text) === index).sort();
}

/** Only a client's events may be there twice: it raises one again when it gets no answer. */
function signature({ EventType, Name, Input, Result, Reason, InstanceId }: HistoryEvent): string {
  const text = [EventType, Name, InstanceId, Result, Reason, EventType === EVENT.eventSent ? undefined : Input].join(
    ' ',
  );
  const isClients = EventType === EVENT.eventRaised && Name?.search(GUID) === -1;
  const isControl = EventType === EVENT.executionSuspended || EventType === EVENT.executionResumed;
  return isClients || isControl ? `client: ${text}` : text;
}
