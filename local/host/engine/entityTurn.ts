/** One batch of an entity: its requests in order, then its state, its replies and its signals at once (6.2). */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type Core, newId, type Outbox, type TextAnswer } from './core';
import {
  continueEvent,
  entityInstanceId,
  type LockRequest,
  type Operation,
  parseEntityId,
  postRequest,
  readMessage,
  replyEvent,
} from './entityMessages';
import { entityColumns, type EntityState, holderFirst, mayRun, readEntity, takeBatch } from './entityQueue';
import { type Instance, isTerminal } from './store';
import { unknownFunction } from './texts';
import { messageOf } from '../log';

const answerSchema = z.object({
  results: z.array(z.object({ isError: z.boolean(), result: z.string().nullish() })),
  signals: z.array(
    z.object({
      target: z.object({ name: z.string(), key: z.string() }),
      name: z.string(),
      input: z.string().nullish(),
    }),
  ),
  entityExists: z.boolean(),
  entityState: z.string().nullish(),
});
type EntityAnswer = z.infer<typeof answerSchema>;

/** The state of an entity as JSON text, or undefined where there is none. */
export function entityState(instance: Pick<Instance, 'input'>): string | undefined {
  const { exists, state } = readEntity(instance);
  return exists ? (state ?? undefined) : undefined;
}

/** Runs what waits for an entity, if anything does. */
export async function runEntityTurn(core: Core, id: string): Promise<void> {
  const limit = core.ports.limits.entityBatch;
  const waiting = core.state.inbox(id);
  if (waiting.length === 0) return;
  const before = core.state.instance(id);
  const entity = readEntity(before);
  // What waits for a lock goes into the queue at once: in portions, the queue would be written again for each.
  const messages = entity.lockedBy === undefined ? waiting.slice(0, limit) : waiting;
  const arrived = messages.map(({ event }) => readMessage(event));
  const { operations, lock, queue, lockedBy } = takeBatch(entity, arrived, limit);
  const result = operations.length > 0 ? await runOperations(core, id, entity, operations) : unchanged(entity);
  core.commit((outbox) => {
    outbox.write((all) => all.consume(id, messages));
    const current = outbox.instance(id);
    // Purged while it ran: the replies still go out and the rest still waits, but the old state does not come back.
    const purged = before !== undefined && current?.executionId !== before.executionId;
    const kept = purged
      ? { ...readEntity(current), lockedBy: undefined }
      : { exists: result.entityExists, state: result.entityState ?? null, lockedBy };
    const granted = lock !== undefined && grant(outbox, lock);
    const after: EntityState = granted
      ? { ...kept, queue: holderFirst(queue, lock.parent.id), lockedBy: lock.parent.id }
      : { ...kept, queue };
    putEntity(outbox, id, purged ? current : before, after);
    reply(outbox, operations, result);
    sendSignals(core, outbox, id, result);
  });
}

/** Writes the entity's row. What may run at once and has no message that would bring it about gets one. */
function putEntity(
  outbox: Outbox,
  id: string,
  known: Pick<Instance, 'executionId'> | undefined,
  entity: EntityState,
): void {
  const row = {
    id,
    executionId: known?.executionId ?? newId(),
    name: id,
    version: '',
    status: 'Running' as const,
    output: null,
    parent: null,
    createdAt: outbox.now,
    updatedAt: outbox.now,
    ...entityColumns(entity),
  };
  outbox.write((state) => state.put(row));
  if (mayRun(entity)) outbox.post(id, continueEvent(outbox.now));
}

/** Forgets an entity's state and its lock. What waits for it is not forgotten: its callers want their answers. */
export function purgeEntity(outbox: Outbox, id: string): void {
  const { queue } = readEntity(outbox.instance(id));
  // A new execution, or none: so a batch that runs now sees that its state is of no use any more.
  if (queue.length > 0) putEntity(outbox, id, undefined, { exists: false, state: null, lockedBy: undefined, queue });
  else outbox.write((state) => state.deleteRow(id));
}

const unchanged = ({ exists, state }: EntityState): EntityAnswer => {
  return { results: [], signals: [], entityExists: exists, entityState: state };
};

async function runOperations(
  core: Core,
  id: string,
  entity: EntityState,
  operations: readonly Operation[],
): Promise<EntityAnswer> {
  const self = parseEntityId(id);
  const { exists, state } = entity;
  const batch = operations.map(({ operation, input, signal }) => ({ name: operation, input, isSignal: signal }));
  const name = core.find('entity', self.name);
  const answer: TextAnswer =
    name === undefined
      ? { ok: false, error: new Error(unknownFunction('entity', self.name, core.ports.functions('entity'))) }
      : await core.ports.invoke({
          kind: 'entity',
          name,
          instanceId: id,
          input: JSON.stringify({ self, exists, state, batch }),
        });
  const parsed = answer.ok ? answerSchema.safeParse(JSON.parse(answer.result ?? 'null')) : undefined;
  if (parsed?.success) return parsed.data;
  // A batch that fails as a whole (an operation that throws does not do that) fails each of its calls and changes nothing.
  const error = answer.ok ? 'its answer is not that of an entity' : messageOf(answer.error);
  core.ports.log('error', id, `the batch failed: ${error}`);
  const results = operations.map(() => ({ isError: true, result: JSON.stringify(error) }));
  return { ...unchanged(entity), results };
}

/** The content of the last entity's word is not used by the app. */
const GRANTED = JSON.stringify('Lock Acquisition Completed');

/** Locks the entity and passes the request on. False for one whose sender has ended: nobody would ever release it. */
function grant(outbox: Outbox, { id, parent, lockSet, position, sentAt }: LockRequest): boolean {
  const holder = outbox.instance(parent.id);
  if (holder?.executionId !== parent.executionId || isTerminal(holder.status)) return false;
  const next = lockSet[position + 1];
  if (next) postRequest(outbox, entityInstanceId(next), { id, parent, lockSet, position: position + 1, sentAt });
  else {
    const event = replyEvent(outbox.now, id, { result: GRANTED, failed: false });
    outbox.post(parent.id, event, { executionId: parent.executionId });
  }
  return true;
}

function reply(outbox: Outbox, operations: readonly Operation[], { results }: EntityAnswer): void {
  const missing = { isError: true, result: JSON.stringify('the entity gave no answer to this operation') };
  operations.forEach(({ id, signal, parent }, index) => {
    if (signal || !parent) return;
    const { isError, result = null } = results[index] ?? missing;
    const event = replyEvent(outbox.now, id, { result, failed: isError });
    outbox.post(parent.id, event, { executionId: parent.executionId });
  });
}

function sendSignals(core: Core, outbox: Outbox, from: string, { signals }: EntityAnswer): void {
  for (const { target, name: operation, input } of signals) {
    if (core.find('entity', target.name) === undefined) {
      const text = unknownFunction('entity', target.name, core.ports.functions('entity'));
      core.ports.log('warning', from, `a signal was dropped. ${text}`);
      continue;
    }
    const request = { id: randomUUID(), operation, input: input || null, signal: true, sentAt: outbox.now };
    postRequest(outbox, entityInstanceId(target), { ...request, parent: { id: from, executionId: '' } });
  }
}
