/** What a replay decides to schedule: one decision for each scheduling event of history. */
import { ACTION, type LeafAction } from './actions';
import { type EntityId, entityInstanceId } from './entityMessages';
import { EVENT } from './history';
import { type Failure } from './texts';
import { HTTP_ACTIVITY, type HttpCall } from './httpCall';

interface TaskDecision {
  readonly id: number;
  readonly name: string;
  /** JSON text, or null where there is none. */
  readonly input: string | null;
  /** The host runs it again when it fails, so a failure makes a timer and needs a turn of its own. */
  readonly retried: boolean;
  /** It is not run: this is its answer. */
  readonly failAtOnce?: Failure;
}
interface ActivityDecision extends TaskDecision {
  readonly kind: 'activity';
}
export interface SubOrchestrationDecision extends TaskDecision {
  readonly kind: 'subOrchestration';
  readonly instanceId: string | undefined;
  readonly version: string;
}
interface TimerDecision {
  readonly kind: 'timer';
  readonly id: number;
  readonly fireAt: number;
  /** When it fires, a retry or a further leg gets the next number. */
  readonly alone: boolean;
}
interface OperationDecision {
  readonly kind: 'entity';
  readonly id: number;
  readonly target: string;
  readonly operation: string;
  readonly input: string | null;
  readonly signal: boolean;
  readonly due?: number;
}
interface LockDecision {
  readonly kind: 'lock';
  readonly id: number;
  /** The first of the set: it passes the request on. */
  readonly target: string;
  readonly requestId: string;
  readonly lockSet: readonly EntityId[];
}
interface ReleaseDecision {
  readonly kind: 'release';
  readonly id: number;
  readonly target: string;
  readonly requestId: string;
}
/** Whoever waits for an entity waits for an event: it does not keep the instance from ending (5.5). */
export type EntityDecision = OperationDecision | LockDecision | ReleaseDecision;
export const isToEntity = (decision: Decision): decision is EntityDecision => 'target' in decision;
/** Nobody waits for an answer. */
export const isOneWay = (decision: EntityDecision): boolean =>
  decision.kind === 'release' || (decision.kind === 'entity' && decision.signal);
export type Decision = ActivityDecision | SubOrchestrationDecision | TimerDecision | EntityDecision;

export const EVENT_TYPE = {
  activity: EVENT.taskScheduled,
  subOrchestration: EVENT.subOrchestrationCreated,
  timer: EVENT.timerCreated,
  entity: EVENT.eventSent,
  lock: EVENT.eventSent,
  release: EVENT.eventSent,
} as const;

/** How many numbers an action takes when it is asked for: a release one for each entity (5.2). */
export function idsUsed(action: LeafAction): number {
  if (action.actionType === ACTION.releaseEntities) return action.lockSet?.length ?? 0;
  return action.actionType === ACTION.continueAsNew || action.actionType === ACTION.waitForExternalEvent ? 0 : 1;
}

const FIRE_AND_FORGET: ReadonlySet<number> = new Set([
  ACTION.continueAsNew,
  ACTION.signalEntity,
  ACTION.scheduledSignal,
  ACTION.releaseEntities,
]);
/** Complete as soon as it is asked for: nobody waits for it. */
export const isFireAndForget = ({ actionType }: LeafAction): boolean => FIRE_AND_FORGET.has(actionType);

const toJson = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value));

/** An activity gets its string as it is: the library has written it as JSON already, and reads it as JSON (5.9). */
function activityInput(input: unknown): string | null {
  if (input === undefined || input === null) return null;
  return typeof input === 'string' ? input : JSON.stringify(input);
}

type SchedulableAction = Exclude<LeafAction, { actionType: 4 | 6 }>;

/** All that an action schedules when its turn comes, from this number on. */
export function decisionsOf(action: SchedulableAction, id: number): Decision[] {
  if (action.actionType !== ACTION.releaseEntities) return [firstDecision(action, id)];
  const { lockSet = [], lockRequestId: requestId = '' } = action;
  return sorted(lockSet).map((entity, index) => {
    return { kind: 'release', id: id + index, target: entityInstanceId(entity), requestId };
  });
}

/** All lock in one order, so that two who want the same set never wait for each other. */
const sorted = (lockSet: readonly EntityId[]): EntityId[] =>
  [...lockSet].sort((a, b) => (entityInstanceId(a) < entityInstanceId(b) ? -1 : 1));

/** What an action schedules when its turn comes; later attempts of a retried task look the same. */
export function firstDecision(action: Exclude<SchedulableAction, { actionType: 14 }>, id: number): Decision {
  const retried = 'retryOptions' in action;
  switch (action.actionType) {
    case 0:
    case 1:
      return { kind: 'activity', id, name: action.functionName, input: activityInput(action.input), retried };
    case 2:
    case 3: {
      const { functionName: name, version, instanceId } = action;
      const input = action.input === null ? null : toJson(action.input);
      const child = { instanceId: instanceId || undefined, version: version ?? '' };
      return { kind: 'subOrchestration', id, name, input, retried, ...child };
    }
    case 5:
      return { kind: 'timer', id, fireAt: Date.parse(action.fireAt), alone: false };
    case 7:
    case 9:
    case 10: {
      const { instanceId: target, operation } = action;
      const decision = { id, target, operation, input: toJson(action.input), signal: action.actionType !== 7 };
      const due = action.actionType === 10 && { due: Date.parse(action.fireAt) };
      return { kind: 'entity', ...decision, ...due };
    }
    case 13: {
      const lockSet = sorted(action.lockSet);
      const target = lockSet[0] ? entityInstanceId(lockSet[0]) : '';
      return { kind: 'lock', id, target, requestId: action.lockRequestId, lockSet };
    }
    case 8:
      return httpDecision(action.httpRequest, id);
  }
}

/** A request that may be answered with "not yet" makes a timer and a poll, as a failed attempt makes a timer and an attempt. */
export const httpDecision = (request: HttpCall, id: number): Decision => ({
  kind: 'activity',
  id,
  name: HTTP_ACTIVITY,
  input: JSON.stringify(request),
  retried: request.asynchronousPatternEnabled,
});

/** For messages: which task is meant. */
export function describeLeaf(action: LeafAction): string {
  if ('functionName' in action) return `'${action.functionName}'`;
  if ('operation' in action) return `'${action.operation}' of ${action.instanceId}`;
  if ('lockSet' in action) return `the lock of ${action.lockSet?.map(entityInstanceId).join(', ') ?? ''}`;
  if ('httpRequest' in action) return `callHttp to ${action.httpRequest.uri}`;
  return action.actionType === ACTION.createTimer ? 'a timer' : 'a task';
}
