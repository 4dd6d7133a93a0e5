/** What an orchestrator is given at each turn (contract 3). */
import { type OrchestrationTrigger } from './core';
import { EVENT, type History, type HistoryRow } from './history';
import { type Instance } from './store';

/**
 * @param fresh what the turn itself adds
 * @param continued the first turn after continueAsNew: its history is already there, and nothing of it is played but
 * the events that were carried over
 */
export function orchestrationTrigger(
  instance: Instance,
  history: History,
  fresh: readonly HistoryRow[],
  continued: boolean,
  httpPollMs: number,
): OrchestrationTrigger {
  const before = continued
    ? history.rows.map(({ event }) => ({ ...event, IsPlayed: event.EventType === EVENT.eventRaised }))
    : history.shown;
  return {
    history: [...before, ...fresh.map(({ event }) => ({ ...event, IsPlayed: false }))],
    // Anew at each turn: the app may change what it is given.
    input: instance.input === null ? null : JSON.parse(instance.input),
    instanceId: instance.id,
    isReplaying: !continued && history.rows.length > 0,
    parentInstanceId: instance.parent?.instanceId ?? null,
    upperSchemaVersion: 1,
    upperSchemaVersionNew: 3,
    longRunningTimerIntervalDuration: '3.00:00:00',
    maximumShortTimerDuration: '6.00:00:00',
    defaultHttpAsyncRequestSleepTimeMillseconds: httpPollMs,
  };
}
