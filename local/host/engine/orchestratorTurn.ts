/** One turn of an orchestration: read what arrived, replay, and do what follows, all of it in one step. */
import { NO_MESSAGE, type OrchestratorState, readFailure, readState } from './actions';
import { type Core, type EnginePorts, type OrchestratorAnswer, type Outbox } from './core';
import { selectBatch } from './batch';
import { sendDecision } from './dispatch';
import { answerParent, complete, continueAsNew } from './ending';
import { describeFailure, type FailureDetails } from './failures';
import { EVENT, type History, type HistoryRow, makeEvent } from './history';
import { NonDeterminism, Replay, type ReplayResult } from './replay';
import { type Instance, isTerminal, type Message } from './store';
import { orchestratorFailed } from './texts';
import { orchestrationTrigger } from './trigger';
import { VERSION_MISMATCH, verdictOn } from './versions';
import { messageOf } from '../log';

/** Azure Storage's limit for the custom status, in bytes of UTF-16 (contract 5.1). */
const CUSTOM_STATUS_LIMIT = 16 * 1024;

/** Replays are kept from one turn to the next, as long as the history they follow is in memory. */
const replays = new WeakMap<History, Replay>();

/** Runs a turn for what waits for the instance, if anything does. */
export async function runOrchestratorTurn(core: Core, id: string): Promise<void> {
  const instance = core.state.instance(id);
  const { batch, dropped } = selectBatch(core, id, instance);
  if (dropped.length > 0) core.commit((outbox) => outbox.write((state) => state.consume(id, dropped)));
  const [first] = batch;
  if (!instance) return;
  if (!first) return explainWait(core, instance);
  switch (first.event.EventType) {
    case EVENT.executionSuspended:
    case EVENT.executionResumed:
      return suspendOrResume(core, instance, first);
    case EVENT.executionTerminated:
      return terminate(core, instance, first);
    default: {
      const mayRun = verdictOn(instance.version, core.ports.versioning) !== 'fail';
      return mayRun ? invokeTurn(core, instance, batch) : failVersion(core, instance, batch);
    }
  }
}

function explainWait({ ports }: Core, { id, name, version, status }: Instance): void {
  if (isTerminal(status) || verdictOn(version, ports.versioning) !== 'wait') return;
  const { defaultVersion, match } = ports.versioning;
  const own = defaultVersion ? `'${defaultVersion}'` : 'not set';
  ports.log(
    'warning',
    name,
    `${id} waits: it has version '${version}', and this app's is ${own} (host.json: defaultVersion, versionMatchStrategy ${match}).`,
  );
}

/** The turn's time: never before the last turn's, nor before a timer that fired in it. */
const startedAt = (now: number, history: History): HistoryRow => ({
  event: makeEvent(EVENT.orchestratorStarted, Math.max(now, history.startedAt)),
});

function suspendOrResume(core: Core, instance: Instance, message: Message): void {
  const suspended = message.event.EventType === EVENT.executionSuspended;
  const history = core.state.history(instance.id);
  core.commit((outbox) => {
    const { now } = outbox;
    const note = { actions: history.actions, cancelled: [] };
    const completed = { event: makeEvent(EVENT.orchestratorCompleted, now), note };
    const rows = [startedAt(now, history), { event: message.event }, completed];
    // While suspended the reason stands where the output will (contract 7.3).
    const output = suspended ? (message.event.Reason ?? null) : null;
    outbox.write((state) => {
      state.consume(instance.id, [message]);
      state.append(instance.id, rows);
      state.put({ ...instance, status: suspended ? 'Suspended' : 'Running', output, updatedAt: now });
    });
    outbox.woken.add(instance.id);
  });
}

function terminate(core: Core, instance: Instance, message: Message): void {
  const reason = message.event.Input ?? null;
  const history = core.state.history(instance.id);
  const { customStatus } = instance;
  const { nextId, actions } = history;
  core.commit((outbox) => {
    const rows = [startedAt(outbox.now, history), { event: message.event }];
    outbox.write((state) => state.append(instance.id, rows));
    complete(outbox, instance, { status: 'Terminated', result: reason, nextId, actions, customStatus });
    // Azure sends no Details here, which the app cannot read: the parent could not catch it (contract 12).
    const failure = { Reason: reason ?? '', Details: core.ports.strict ? null : '', FailureDetails: null };
    answerParent(outbox, instance, EVENT.subOrchestrationFailed, failure);
  });
}

/** The function is not asked; the parent's task fails like any other. */
function failVersion(core: Core, instance: Instance, batch: readonly Message[]): void {
  const history = core.state.history(instance.id);
  const fresh = freshRows(core.now(), history, batch);
  const { customStatus } = instance;
  const { nextId, actions } = history;
  core.commit((outbox) => {
    outbox.write((state) => {
      state.consume(instance.id, batch);
      state.append(instance.id, fresh);
    });
    const failure = VERSION_MISMATCH;
    complete(outbox, instance, { status: 'Failed', result: null, nextId, actions, customStatus, failure });
    const fields = { Reason: describeFailure(failure), Details: '', FailureDetails: failure };
    answerParent(outbox, instance, EVENT.subOrchestrationFailed, fields);
  });
}

const isContinued = ([first]: readonly Message[]): boolean => first?.event.EventType === EVENT.continueAsNew;

/** What a turn adds to history before it runs; a continued execution has its first history already. */
const freshRows = (now: number, history: History, batch: readonly Message[]): HistoryRow[] =>
  isContinued(batch) ? [] : [startedAt(now, history), ...batch.map(({ event }) => ({ event }))];

async function invokeTurn(core: Core, instance: Instance, batch: readonly Message[]): Promise<void> {
  const { id } = instance;
  const name = core.find('orchestrator', instance.name) ?? instance.name;
  const history = core.state.history(id);
  const fresh = freshRows(core.now(), history, batch);
  const input = orchestrationTrigger(instance, history, fresh, isContinued(batch), core.ports.httpPollMs);
  const answer = await core.ports.invokeOrchestrator({ kind: 'orchestrator', name, instanceId: id, input });
  const current = core.state.instance(id);
  // Purged or replaced while it ran: what it says is of no interest any more.
  if (current?.executionId !== instance.executionId) return;
  const turn = { history, fresh, state: readAnswer(answer, core.ports.strict) };
  try {
    core.commit((outbox) => {
      outbox.write((state) => state.consume(id, batch));
      finishTurn(core, outbox, current, turn);
    });
  } catch (error) {
    // What it had followed so far is no longer what happened.
    replays.delete(history);
    throw error;
  }
}

function readAnswer(answer: OrchestratorAnswer, strict: boolean): OrchestratorState {
  try {
    return answer.ok ? readState(answer.result) : readFailure(messageOf(answer.error), strict, answer.actions);
  } catch (error) {
    return readFailure(unreadable(error), strict);
  }
}

const unreadable = (error: unknown): string => `The orchestrator's answer could not be read: ${messageOf(error)}`;

interface Turn {
  readonly history: History;
  readonly fresh: readonly HistoryRow[];
  readonly state: OrchestratorState;
}

/** The replay that has followed the execution so far, or one that catches up with it. @throws NonDeterminism */
function replayOf({ history, state }: Turn, ports: EnginePorts): Replay {
  // Azure replays the list of today from the start, which is another thing where a timer was called off since.
  const known = ports.strict ? undefined : replays.get(history);
  if (known?.extend(state.actions)) return known;
  const replay = new Replay(ports);
  replay.extend(state.actions);
  replay.read(history.rows);
  replays.set(history, replay);
  return replay;
}

function finishTurn(core: Core, outbox: Outbox, instance: Instance, turn: Turn): void {
  const { history, fresh, state } = turn;
  const { customStatus } = state;
  outbox.write((all) => all.append(instance.id, fresh));
  const fail = (
    Reason: string,
    { nextId, actions }: { nextId: number; actions: number } = history,
    failure: FailureDetails | null = null,
  ): void => {
    const result = JSON.stringify(Reason);
    complete(outbox, instance, { status: 'Failed', result, nextId, actions, customStatus, failure });
    const fields = { Reason, Details: `Message: ${state.error ?? ''}, StackTrace: `, FailureDetails: failure };
    answerParent(outbox, instance, EVENT.subOrchestrationFailed, fields);
  };
  const tooLarge = customStatusTooLarge(customStatus);
  if (tooLarge) return fail(orchestratorFailed(instance.name, tooLarge));
  let replay: Replay;
  let result: ReplayResult;
  try {
    replay = replayOf(turn, core.ports);
    result = replay.turn(fresh);
  } catch (error) {
    // An action that JSON cannot hold, or that is none. The next try would fail as well: the instance would hang.
    if (!(error instanceof NonDeterminism)) return fail(orchestratorFailed(instance.name, unreadable(error)));
    core.ports.log('error', instance.name, `${instance.id}: ${error.message}`);
    if (state.lost) core.ports.log('error', instance.name, `${instance.id}: ${state.error ?? ''}`);
    return fail(error.message);
  }
  schedule(core, outbox, instance, replay, result);
  const [{ nextId }, actions] = [result, state.actions.length];
  // The library does not tell of a thrown undefined: it looks as if the orchestrator still waited.
  const threwNothing = !state.isDone && result.ended && !core.ports.strict && replay.hasNothingToWaitFor();
  const error = state.error ?? (threwNothing ? NO_MESSAGE : undefined);
  if (!result.ended || !(state.isDone || error !== undefined)) {
    goOn(outbox, instance, turn, { actions, cancelled: [...result.cancelled] });
  } else if (error !== undefined) {
    fail(orchestratorFailed(instance.name, error), { nextId, actions }, state.failureDetails);
  } else if (result.continueAsNew) {
    continueAsNew(outbox, { ...instance, customStatus }, result.continueAsNew);
  } else {
    complete(outbox, instance, { status: 'Completed', result: state.output, nextId, actions, customStatus });
    answerParent(outbox, instance, EVENT.subOrchestrationCompleted, { Result: state.output });
  }
}

function customStatusTooLarge(customStatus: string | null): string | undefined {
  const size = (customStatus?.length ?? 0) * 2;
  if (size <= CUSTOM_STATUS_LIMIT) return undefined;
  const now = `The current payload size is ${Math.floor(size / 1024)} KB.`;
  return `The UTF-16 size of the JSON-serialized payload must not exceed 16 KB. ${now}`;
}

/** Carries the decisions out, and calls off the timers that the orchestrator no longer wants. */
function schedule(core: Core, outbox: Outbox, instance: Instance, replay: Replay, result: ReplayResult): void {
  const { decisions, cancelled } = result;
  const events = decisions.flatMap(
    (decision) => sendDecision(core, outbox, instance, decision, cancelled.includes(decision.id)) ?? [],
  );
  replay.record(events);
  outbox.write((state) => {
    state.append(
      instance.id,
      events.map((event) => ({ event })),
    );
    for (const id of cancelled) state.removeTimers(instance.id, id);
  });
}

function goOn(outbox: Outbox, instance: Instance, { history, state }: Turn, note: HistoryRow['note']): void {
  const { now } = outbox;
  // A continued execution keeps the old custom status for its first turn (contract 5.1).
  const isFirst = history.rows.length > 0 && history.rows.every((row) => !row.note);
  const kept = isFirst ? instance.customStatus : null;
  const customStatus = state.customStatus ?? kept;
  const completed = { event: makeEvent(EVENT.orchestratorCompleted, now), note };
  outbox.write((all) => {
    all.append(instance.id, [completed]);
    all.put({ ...instance, status: 'Running', customStatus, updatedAt: now });
  });
}
