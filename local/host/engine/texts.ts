/** Sentences that apps and tests match on: they must be Azure's, blank for blank (contract 4.3, 5.4, 7.3). */
import { inspect } from 'node:util';
import { type FailureDetails, structuredFailure } from './failures';
import { EVENT, type HistoryEvent } from './history';
import { HTTP_ACTIVITY } from './httpCall';

/** What a failed task says in history. */
export interface Failure {
  readonly Reason: string;
  readonly Details: string;
  readonly FailureDetails: FailureDetails | null;
}

export type FunctionKind = 'orchestrator' | 'activity' | 'entity';

export function unknownFunction(kind: FunctionKind, name: string, known: readonly string[]): string {
  const article = kind === 'activity' ? 'an activity' : kind === 'entity' ? 'an entity' : 'an orchestrator';
  const list = known.map((one) => `'${one}'`).join(', ');
  const additional = list
    ? `The following are the known ${kind} functions: ${list}.`
    : `No ${kind} functions are currently registered!`;
  return `The function '${name}' doesn't exist, is disabled, or is not ${article} function. Additional info: ${additional}`;
}

export const alreadyExists = (status: string): string =>
  `An Orchestration instance with the status ${status} already exists.`;

export const orchestratorFailed = (name: string, message: string): string =>
  `Orchestrator function '${name}' failed: ${message}`;

/** The failure of an activity. Two blanks before the message: the .NET host cuts it out of a longer text. */
export function activityFailure(name: string, error: unknown): Failure {
  const thrown = thrownMessage(error);
  const FailureDetails = structuredFailure(thrown);
  const message = FailureDetails?.ErrorMessage ?? thrown.split('\nStack:')[0] ?? '';
  // The built-in activity's own exceptions go out as they are.
  const Reason = name === HTTP_ACTIVITY ? message : `Activity function '${name}' failed:  ${message}`;
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return { Reason, Details: serialisedException(message, stack), FailureDetails };
}

const HRESULT = -2146233088;

/** A .NET exception as the extension serialises it. Only .NET's own stack is not there. */
function serialisedException(message: string, stack: string): string {
  const remote = {
    $type: 'Microsoft.Azure.WebJobs.Script.Workers.Rpc.RpcException, Microsoft.Azure.WebJobs.Script',
    IsUserException: false,
    RemoteStackTrace: stack,
    RemoteMessage: message,
    RemoteTypeName: null,
    Message: `Result: Failure\nException: ${message}\nStack: ${stack}`,
    Data: { $type: 'System.Collections.ListDictionaryInternal, System.Private.CoreLib' },
    InnerException: null,
    HelpLink: null,
    Source: 'System.Private.CoreLib',
    HResult: HRESULT,
    StackTrace: null,
  };
  return JSON.stringify({
    $type: 'System.Exception, System.Private.CoreLib',
    ClassName: 'System.Exception',
    Message: ` ${message}`,
    Data: null,
    InnerException: remote,
    HelpURL: null,
    StackTraceString: null,
    RemoteStackTraceString: null,
    RemoteStackIndex: 0,
    ExceptionMethod: null,
    HResult: HRESULT,
    Source: null,
    WatsonBuckets: null,
  });
}

/** Of whatever was thrown: a BigInt, a circle and a message that is no text must not stop the answer. */
function thrownMessage(error: unknown): string {
  const thrown: unknown = error instanceof Error ? error.message : error;
  if (typeof thrown === 'string') return thrown;
  try {
    return JSON.stringify(thrown) ?? inspect(thrown);
  } catch {
    return inspect(thrown);
  }
}

const KINDS: Readonly<Record<number, { what: string; action: string }>> = {
  [EVENT.taskScheduled]: { what: 'an activity task', action: 'ScheduleTaskOrchestratorAction' },
  [EVENT.subOrchestrationCreated]: { what: 'a sub-orchestration task', action: 'CreateSubOrchestrationAction' },
  [EVENT.timerCreated]: { what: 'a timer task', action: 'CreateTimerOrchestratorAction' },
  [EVENT.eventSent]: { what: 'a send event task', action: 'SendEventOrchestratorAction' },
};
const what = (type: number): string => KINDS[type]?.what ?? 'a task';

const nonDeterministic = (middle: string): string =>
  `Non-Deterministic workflow detected: A previous execution of this orchestration scheduled ${middle}` +
  ' Was a change made to the orchestrator code after this instance had already started running?';

/** History records work that the orchestrator no longer asks for. */
export function missingTask({ EventType, EventId, Name, Version, InstanceId }: HistoryEvent): string {
  const named = Name === undefined ? '' : ` and name '${Name}' (version '${Version ?? ''}'`;
  const instance = EventType === EVENT.subOrchestrationCreated ? `, instance ID '${InstanceId ?? ''}'` : '';
  const task = `${what(EventType)} with sequence ID ${EventId}${named && `${named}${instance})`}`;
  return nonDeterministic(`${task}, but the current replay execution hasn't (yet?) scheduled this task.`);
}

/** History records work of one kind where the orchestrator now asks for another. */
export function otherKind({ EventType, EventId, Name }: HistoryEvent, nowType: number): string {
  // A timer has no name, and the sentence is Azure's with the hole left in it.
  const named = Name === undefined ? 'named' : `named '${Name}',`;
  const now = `produced a ${KINDS[nowType]?.action ?? ''} action with this sequence number.`;
  const task = `${what(EventType)} with sequence number ${EventId} ${named}`;
  return nonDeterministic(`${task} but the current orchestration replay instead ${now}`);
}

/** History records one function's name where the orchestrator now asks for another's. */
export function otherName({ EventType, EventId, Name }: HistoryEvent, nowName: string): string {
  const task = `${what(EventType)} with sequence number ${EventId} named '${Name ?? ''}'`;
  const now = `scheduled ${what(EventType)} named '${nowName}' with this sequence number. `;
  return nonDeterministic(`${task}, but the current orchestration replay instead ${now}`);
}

/** Azure and the library would number this task differently, and answers would reach the wrong one (contract 5.4). */
export const idsDiffer = (task: string, hostId: number, appId: number): string =>
  `Non-Deterministic workflow detected: ${task} has sequence number ${hostId} for the host and ${appId} for the app. ` +
  'Azure would give its answer to another task. Usual cause: code goes on while another of its tasks is still being retried or polled (after a failed Task.all, after Task.any), or two HTTP calls are polled at once.';
