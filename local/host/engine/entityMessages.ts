/** Messages to and from entities: events whose input says who asks what (contract 6.3). */
import { z } from 'zod';
import { type Outbox } from './core';
import { EVENT, type HistoryEvent, makeEvent, timestamp } from './history';

const NAMESPACE = 'Microsoft.Azure.WebJobs.Extensions.DurableTask';
const typeOf = (name: string): string => `${NAMESPACE}.${name}, ${NAMESPACE}`;

export const entityIdSchema = z.object({ name: z.string(), key: z.string() });
export type EntityId = Readonly<z.infer<typeof entityIdSchema>>;
/** Names are lower case in ids, keys are kept (contract 6.2). */
export const entityInstanceId = ({ name, key }: EntityId): string => `@${name.toLowerCase()}@${key}`;
export function parseEntityId(id: string): EntityId {
  const at = id.indexOf('@', 1);
  return { name: id.slice(1, at), key: id.slice(at + 1) };
}

/** An instance that asks, and is answered. An entity has no execution: it sends signals only. */
interface Sender {
  readonly id: string;
  readonly executionId: string;
}
interface Request {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly sentAt: number;
}
export interface Operation extends Request {
  readonly operation: string;
  /** JSON text, or null where there is none. */
  readonly input: string | null;
  readonly signal: boolean;
  /** Not before this time, in milliseconds since 1970. */
  readonly due?: number;
  /** Who waits for the reply, or the sender of the signal. A client has none. */
  readonly parent?: Sender;
}
/** Goes from one entity of the set to the next, and locks each; the last one tells the sender. */
export interface LockRequest extends Request {
  readonly lockSet: readonly EntityId[];
  /** Whose turn it is, counted from 0. */
  readonly position: number;
  readonly parent: Sender;
}
export type EntityRequest = Operation | LockRequest;
export const isLock = (request: EntityRequest): request is LockRequest => 'lockSet' in request;

/** As it stands in an event, and in the queue of an entity. What .NET leaves out at its default is left out here, too. */
export function requestJson(request: EntityRequest): Readonly<Record<string, unknown>> {
  const { id, parent, sentAt } = request;
  const lock = isLock(request) ? request : undefined;
  const operation = isLock(request) ? undefined : request;
  return {
    $type: typeOf('RequestMessage'),
    op: operation?.operation ?? null,
    ...(operation?.signal && { signal: true }),
    ...(operation && operation.input !== null && { input: operation.input }),
    id,
    ...(parent && { parent: parent.id, ...(parent.executionId && { parentExecution: parent.executionId }) }),
    ...(operation?.due !== undefined && { due: timestamp(operation.due) }),
    ...(lock && { lockset: lock.lockSet, ...(lock.position > 0 && { pos: lock.position }) }),
    Timestamp: timestamp(sentAt),
    // One store, one order: first in, first out for each sender, so there is nothing to sort.
    Predecessor: '0001-01-01T00:00:00',
  };
}

export const requestSchema = z
  .object({
    op: z.string().nullish(),
    signal: z.boolean().default(false),
    input: z.string().nullable().default(null),
    id: z.string(),
    parent: z.string().optional(),
    parentExecution: z.string().default(''),
    due: z.string().optional(),
    lockset: z.array(entityIdSchema).optional(),
    pos: z.number().default(0),
    Timestamp: z.string(),
  })
  .transform((json): EntityRequest => {
    const base = { id: json.id, sentAt: Date.parse(json.Timestamp) };
    const parent = { id: json.parent ?? '', executionId: json.parentExecution };
    if (json.lockset) return { ...base, parent, lockSet: json.lockset, position: json.pos };
    return {
      ...base,
      operation: json.op ?? '',
      input: json.input,
      signal: json.signal,
      ...(json.due !== undefined && { due: Date.parse(json.due) }),
      ...(json.parent !== undefined && { parent }),
    };
  });

/** A request is an event named `op`, with the time when there is one to wait for. */
export function requestEvent(request: EntityRequest): HistoryEvent {
  const due = isLock(request) ? undefined : request.due;
  const Name = due === undefined ? 'op' : `op@${timestamp(due)}`;
  return raised(request.sentAt, Name, requestJson(request));
}

/** Sends a request. One that is due later waits in the store for its time. */
export function postRequest(outbox: Outbox, target: string, request: EntityRequest): HistoryEvent {
  const event = requestEvent(request);
  const due = isLock(request) ? undefined : request.due;
  outbox.post(target, event, { at: Math.max(outbox.now, due ?? 0) });
  return event;
}

/** Lets go of an entity, or of the wish to lock it. */
export interface Release {
  readonly parent: string;
  /** Of the lock request. */
  readonly id: string;
}
const RELEASE = 'release';
export const releaseEvent = (now: number, release: Release): HistoryEvent => raised(now, RELEASE, release);

const CONTINUE = 'continue';
/** An entity's word to itself that its queue goes on. */
export const continueEvent = (now: number): HistoryEvent => raised(now, CONTINUE, null);

/** What an entity reads. `undefined` where it is only woken. */
export function readMessage({ Name, Input }: HistoryEvent): EntityRequest | Release | undefined {
  const json: unknown = JSON.parse(Input ?? 'null');
  if (Name === CONTINUE) return undefined;
  return Name === RELEASE ? z.object({ parent: z.string(), id: z.string() }).parse(json) : requestSchema.parse(json);
}

const sentSchema = z.object({ id: z.string(), lockset: z.array(entityIdSchema).optional() });
/** What an orchestration has sent, by its EventSent. `lockSet` is there for a lock request. */
export function readSent({ Name, Input }: HistoryEvent) {
  const { id, lockset: lockSet } = sentSchema.parse(JSON.parse(Input ?? '{}'));
  const kind = Name === RELEASE ? ('release' as const) : lockSet ? ('lock' as const) : ('entity' as const);
  return { kind, id, lockSet: lockSet ?? [] };
}

/** A reply is an event named after the request. The app turns any `exceptionType` into an error. */
export function replyEvent(
  now: number,
  requestId: string,
  reply: { result: string | null; failed: boolean },
): HistoryEvent {
  const { result, failed } = reply;
  return raised(now, requestId, {
    $type: typeOf('ResponseMessage'),
    result,
    ...(failed && { exceptionType: 'Error' }),
  });
}

const raised = (now: number, Name: string, input: unknown): HistoryEvent =>
  makeEvent(EVENT.eventRaised, now, { Name, Input: JSON.stringify(input), ParentTraceContext: null });
