/** Messages to and from entities: events whose input says who asks what (contract 6.3). */
import { z } from 'zod';
import { EVENT, type HistoryEvent, makeEvent, timestamp } from './history';

const REQUEST_TYPE =
  'Microsoft.Azure.WebJobs.Extensions.DurableTask.RequestMessage, Microsoft.Azure.WebJobs.Extensions.DurableTask';
const RESPONSE_TYPE =
  'Microsoft.Azure.WebJobs.Extensions.DurableTask.ResponseMessage, Microsoft.Azure.WebJobs.Extensions.DurableTask';

export interface EntityRequest {
  readonly id: string;
  readonly operation: string;
  /** JSON text, or null where there is none. */
  readonly input: string | null;
  readonly signal: boolean;
  /** The orchestration that waits for the reply, or the sender of the signal. */
  readonly parent?: { readonly id: string; readonly executionId: string };
}

/** A request is an event named `op`. */
export function requestEvent(now: number, { id, operation, input, signal, parent }: EntityRequest): HistoryEvent {
  const request = {
    $type: REQUEST_TYPE,
    op: operation,
    ...(signal && { signal }),
    ...(input !== null && { input }),
    id,
    ...(parent && { parent: parent.id, parentExecution: parent.executionId }),
    Timestamp: timestamp(now),
    // One store, one order: first in, first out for each sender, so there is nothing to sort.
    Predecessor: '0001-01-01T00:00:00',
  };
  return makeEvent(EVENT.eventRaised, now, { Name: 'op', Input: JSON.stringify(request), ParentTraceContext: null });
}

const requestSchema = z
  .object({
    op: z.string(),
    signal: z.boolean().default(false),
    input: z.string().nullable().default(null),
    id: z.string(),
    parent: z.string().optional(),
    parentExecution: z.string().optional(),
  })
  .transform(({ op, signal, input, id, parent, parentExecution }): EntityRequest => {
    const base = { id, operation: op, input, signal };
    return parent === undefined ? base : { ...base, parent: { id: parent, executionId: parentExecution ?? '' } };
  });

export const readRequest = ({ Input }: HistoryEvent): EntityRequest => requestSchema.parse(JSON.parse(Input ?? '{}'));

/** A reply is an event named after the request. The app turns any `exceptionType` into an error. */
export function replyEvent(
  now: number,
  requestId: string,
  reply: { result: string | null; failed: boolean },
): HistoryEvent {
  const Input = JSON.stringify({
    $type: RESPONSE_TYPE,
    result: reply.result,
    ...(reply.failed && { exceptionType: 'Error' }),
  });
  return makeEvent(EVENT.eventRaised, now, { Name: requestId, Input, ParentTraceContext: null });
}
