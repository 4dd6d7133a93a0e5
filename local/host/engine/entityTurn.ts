/** One batch of an entity: its requests in order of arrival, then its state, its replies and its signals at once (6.2). */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type Core, newId, type Outbox, type TextAnswer } from './core';
import { type EntityRequest, readRequest, replyEvent, requestEvent } from './entityMessages';
import { type Instance } from './store';
import { unknownFunction } from './texts';
import { messageOf } from '../log';

const storedSchema = z.object({ exists: z.boolean(), state: z.string().nullish() });

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

export interface EntityId {
  readonly name: string;
  readonly key: string;
}
/** Names are lower case in ids, keys are kept (contract 6.2). */
export const entityInstanceId = ({ name, key }: EntityId): string => `@${name.toLowerCase()}@${key}`;
export function parseEntityId(id: string): EntityId {
  const at = id.indexOf('@', 1);
  return { name: id.slice(1, at), key: id.slice(at + 1) };
}

/** The state of an entity as JSON text, or undefined where there is none. */
export function entityState(instance: Instance): string | undefined {
  const { exists, state } = storedSchema.parse(JSON.parse(instance.input ?? '{"exists":false}'));
  return exists ? (state ?? undefined) : undefined;
}

/** As Azure shows an entity among the instances: its state is in its input. */
function entityRow(
  id: string,
  now: number,
  known: Instance | undefined,
  exists: boolean,
  state: string | null,
): Omit<Instance, 'no'> {
  const base = { id, name: id, version: '', status: 'Running' as const, output: null, parent: null };
  const input = JSON.stringify({ exists, state, sorter: {} });
  const customStatus = JSON.stringify({ entityExists: exists });
  return { ...base, executionId: known?.executionId ?? newId(), input, customStatus, createdAt: now, updatedAt: now };
}

/** Runs what waits for an entity, if anything does. */
export async function runEntityTurn(core: Core, id: string): Promise<void> {
  const messages = core.state.inbox(id).slice(0, core.ports.limits.entityBatch);
  if (messages.length === 0) return;
  const requests = messages.map(({ event }) => readRequest(event));
  const self = parseEntityId(id);
  const name = core.find('entity', self.name);
  const before = core.state.instance(id);
  const stored = storedSchema.parse(JSON.parse(before?.input ?? '{"exists":false}'));
  const state = stored.state ?? null;
  const batch = requests.map(({ operation, input, signal }) => ({ name: operation, input, isSignal: signal }));
  const input = JSON.stringify({ self, exists: stored.exists, state, batch });
  const answer: TextAnswer =
    name === undefined
      ? { ok: false, error: new Error(unknownFunction('entity', self.name, core.ports.functions('entity'))) }
      : await core.ports.invoke({ kind: 'entity', name, instanceId: id, input });

  const result = readAnswer(core, id, answer, requests, { exists: stored.exists, state });
  core.commit((outbox) => {
    outbox.write((all) => all.consume(id, messages));
    // Purged while it ran: the replies still go out, but nothing is brought back to life.
    const purged = before !== undefined && outbox.instance(id)?.executionId !== before.executionId;
    if (!purged) {
      const row = entityRow(id, outbox.now, before, result.entityExists, result.entityState ?? null);
      outbox.write((all) => all.put(row));
    }
    reply(outbox, requests, result);
    sendSignals(core, outbox, id, result);
  });
}

/** A batch that fails as a whole (an operation that throws does not do that) fails each of its calls and changes nothing. */
function readAnswer(
  core: Core,
  id: string,
  answer: TextAnswer,
  requests: readonly EntityRequest[],
  before: { exists: boolean; state: string | null },
): EntityAnswer {
  const parsed = answer.ok ? answerSchema.safeParse(JSON.parse(answer.result ?? 'null')) : undefined;
  if (parsed?.success) return parsed.data;
  const error = answer.ok ? 'its answer is not that of an entity' : messageOf(answer.error);
  core.ports.log('error', id, `the batch failed: ${error}`);
  const results = requests.map(() => ({ isError: true, result: JSON.stringify(error) }));
  return { results, signals: [], entityExists: before.exists, entityState: before.state };
}

function reply(outbox: Outbox, requests: readonly EntityRequest[], { results }: EntityAnswer): void {
  requests.forEach(({ id, signal, parent }, index) => {
    if (signal || !parent) return;
    const { isError = true, result = null } = results[index] ?? {};
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
    const request = { id: randomUUID(), operation, input: input || null, signal: true };
    outbox.post(entityInstanceId(target), requestEvent(outbox.now, request));
  }
}
