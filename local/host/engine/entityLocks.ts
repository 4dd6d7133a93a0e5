/** What an orchestration holds, and lets go of when it ends (contract 5.5). */
import { type Outbox } from './core';
import { type EntityId, entityInstanceId, readSent, releaseEvent } from './entityMessages';
import { EVENT, type HistoryRow } from './history';

interface OpenLock {
  readonly id: string;
  readonly lockSet: readonly EntityId[];
}

/** Locks that were asked for and not released, granted or not. */
export function openLocks(history: readonly HistoryRow[]): OpenLock[] {
  const open = new Map<string, OpenLock>();
  for (const { event } of history) {
    if (event.EventType !== EVENT.eventSent) continue;
    const { kind, id, lockSet } = readSent(event);
    if (kind === 'lock') open.set(id, { id, lockSet });
    // Its releases leave together, in the turn that asked for them.
    else if (kind === 'release') open.delete(id);
  }
  return [...open.values()];
}

/**
 * Tells every entity of an orchestration's lock sets that it has ended. An entity that the request has not reached yet
 * is told as well: so nobody is left locked, wherever the request is on its way.
 */
export function releaseLocks(outbox: Outbox, instanceId: string): void {
  // Only when it is carried out does the history hold what this very turn asked for.
  outbox.write((state) => {
    for (const { id, lockSet } of openLocks(state.history(instanceId).rows)) {
      const event = releaseEvent(outbox.now, { parent: instanceId, id });
      for (const entity of lockSet) {
        const target = entityInstanceId(entity);
        state.post({ instanceId: target, executionId: null, at: outbox.now, alone: false, event }, outbox.now);
        outbox.woken.add(target);
      }
    }
  });
}
