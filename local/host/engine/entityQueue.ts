/** What an entity keeps between its batches, and which of its requests run next. Pure: no store, no clock. */
import { z } from 'zod';
import {
  type EntityRequest,
  isLock,
  type LockRequest,
  type Operation,
  type Release,
  requestJson,
  requestSchema,
} from './entityMessages';
import { type Instance } from './store';

export interface EntityState {
  readonly exists: boolean;
  /** JSON text, or null. */
  readonly state: string | null;
  /** Requests that wait for the holder of the lock, or for a place in a batch. */
  readonly queue: readonly EntityRequest[];
  /** The orchestration that holds the lock. */
  readonly lockedBy: string | undefined;
}

const storedSchema = z.object({
  exists: z.boolean().default(false),
  state: z.string().nullish(),
  queue: z.array(requestSchema).default([]),
  lockedBy: z.string().optional(),
});

export function readEntity(instance: Pick<Instance, 'input'> | undefined): EntityState {
  const { exists, state, queue, lockedBy } = storedSchema.parse(JSON.parse(instance?.input ?? '{}'));
  return { exists, state: state ?? null, queue, lockedBy };
}

/** As Azure shows an entity among the instances: all of it is in its input, an outline in its custom status. */
export function entityColumns({ exists, state, queue, lockedBy }: EntityState) {
  const waiting = queue.length > 0 && { queue: queue.map(requestJson) };
  const stored = { ...(exists && { exists }), ...(state !== null && { state }), ...waiting, lockedBy, sorter: {} };
  const status = { ...(exists && { entityExists: true }), ...(waiting && { queueSize: queue.length }), lockedBy };
  return { input: JSON.stringify(stored), customStatus: JSON.stringify(status) };
}

interface Batch {
  readonly operations: readonly Operation[];
  /** A lock request ends the batch: it is granted when the operations before it have run. */
  readonly lock: LockRequest | undefined;
  /** What waits for a later batch. */
  readonly queue: readonly EntityRequest[];
  /** Who holds the lock while the batch runs. */
  readonly lockedBy: string | undefined;
}

/**
 * Takes what runs next, in order of arrival. While an orchestration holds the lock only its own requests run, and
 * those go before all that wait (contract 6.3).
 */
export function takeBatch(
  entity: EntityState,
  arrived: readonly (EntityRequest | Release | undefined)[],
  limit: number,
): Batch {
  let { lockedBy } = entity;
  let waiting = [...entity.queue];
  const ofHolder: EntityRequest[] = [];
  for (const message of arrived) {
    if (!message) continue;
    if ('sentAt' in message) (isHeldBy(lockedBy, message) ? ofHolder : waiting).push(message);
    else {
      if (lockedBy === message.parent) lockedBy = undefined;
      // Who ended before the lock came to it does not want it any more.
      waiting = waiting.filter((request) => !isLock(request) || request.id !== message.id);
    }
  }
  const queue = [...ofHolder, ...waiting];
  const runnable = queue.findIndex((request) => lockedBy !== undefined && !isHeldBy(lockedBy, request));
  const length = Math.min(limit, runnable < 0 ? queue.length : runnable);
  const operations: Operation[] = [];
  for (const request of queue.slice(0, length)) {
    if (isLock(request)) return { operations, lock: request, queue: queue.slice(operations.length + 1), lockedBy };
    operations.push(request);
  }
  return { operations, lock: undefined, queue: queue.slice(operations.length), lockedBy };
}

const isHeldBy = (lockedBy: string | undefined, { parent }: EntityRequest): boolean =>
  lockedBy !== undefined && parent?.id === lockedBy;

/** The queue of an entity that this instance has just locked: what it had asked before goes first from now on. */
export function holderFirst(queue: readonly EntityRequest[], lockedBy: string): EntityRequest[] {
  return [
    ...queue.filter((request) => isHeldBy(lockedBy, request)),
    ...queue.filter((request) => !isHeldBy(lockedBy, request)),
  ];
}

/** True when the head of the queue need not wait for anybody. */
export const mayRun = ({ queue: [head], lockedBy }: Pick<EntityState, 'queue' | 'lockedBy'>): boolean =>
  head !== undefined && (lockedBy === undefined || isHeldBy(lockedBy, head));
