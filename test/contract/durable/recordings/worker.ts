/** What the worker got from the host and answered. */
import { z } from 'zod';
import { normaliseJson, type Place, showJson } from './normalise';
import { bagSchema, shownMetadata, value } from './values';

const messageSchema = z.object({
  dir: z.enum(['registered', 'in', 'out', 'throw']),
  fn: z.string(),
  invocationId: z.string().optional(),
  body: z.unknown(),
});
export interface Message {
  readonly dir: 'registered' | 'in' | 'out' | 'throw';
  readonly fn: string;
  readonly invocationId: string | undefined;
  /** With addresses, times and stacks normalised; ids are left to whoever compares. */
  readonly body: unknown;
}

const inSchema = z.object({
  inputData: z.array(z.object({ name: z.string(), data: bagSchema })),
  triggerMetadata: bagSchema.optional(),
});
const outSchema = z.object({ returnValue: bagSchema.nullish(), outputData: z.array(z.unknown()).optional() });

function received(body: unknown, place: Place): unknown {
  const { inputData, triggerMetadata } = inSchema.parse(body);
  const inputs = inputData.map(({ name, data }) => ({ name, value: value(data, place) }));
  return { inputData: inputs, triggerMetadata: triggerMetadata && shownMetadata(triggerMetadata, inputData[0], place) };
}

function answered(body: unknown, place: Place): unknown {
  const { returnValue, outputData = [] } = outSchema.parse(body);
  return { outputData, returnValue: returnValue && value(returnValue, place) };
}

export function readMessages(lines: readonly unknown[], place: Place): Message[] {
  return lines.map((line) => {
    const { dir, fn, invocationId, body } = messageSchema.parse(line);
    const read = { in: received, out: answered, throw: thrown, registered: (it: unknown) => it }[dir];
    return { dir, fn, invocationId, body: read(body, place) };
  });
}
const thrown = (body: unknown, place: Place): unknown => normaliseJson(JSON.stringify(body), place);

const SCHEDULING = [4, 7, 10, 14];
const turnSchema = z.object({
  instanceId: z.string(),
  isReplaying: z.boolean(),
  history: z.array(bagSchema),
});
const triggerSchema = z.object({ inputData: z.tuple([z.object({ value: z.object({ content: turnSchema }) })]) });

/**
 * The turns of each execution of an instance: what the worker got and what it answered. Of turns that brought one
 * answer after the other of activities that run at once, the last.
 */
export function executionsOf(messages: readonly Message[], instanceId: string): string[][] {
  const executions: Map<number, string>[] = [];
  for (const { dir, invocationId, body } of messages) {
    const content = dir === 'in' ? triggerSchema.safeParse(body).data?.inputData[0].value.content : undefined;
    if (content?.instanceId !== instanceId) continue;
    if (!content.isReplaying) executions.push(new Map());
    const answer = messages.find((one) => one.dir === 'out' && one.invocationId === invocationId);
    const scheduled = content.history.filter(({ EventType }) => SCHEDULING.includes(Number(EventType))).length;
    executions.at(-1)?.set(scheduled, showJson([body, answer?.body]));
  }
  return executions.map((turns) => [...turns.values()]);
}

export const metadataSchema = z.object({ name: z.string(), bindings: z.record(z.string(), bagSchema) });

const DIRECTIONS: readonly unknown[] = ['in', 'out'];

/** As the worker writes it: a direction is a number there. */
export function registeredFunction(messages: readonly Message[], wanted: string): unknown {
  const found = messages.find(({ dir, fn }) => dir === 'registered' && fn === wanted);
  const { name, bindings } = metadataSchema.parse(found?.body);
  const numbered = Object.entries(bindings).map(([key, binding]): [string, unknown] => [
    key,
    { ...binding, direction: DIRECTIONS.indexOf(binding.direction) },
  ]);
  return { name, bindings: Object.fromEntries(numbered) };
}
