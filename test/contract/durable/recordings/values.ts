/** The worker's values, and an HTTP or durable trigger's in them, in one form for what was recorded and what is ours. */
import { z } from 'zod';
import { normaliseJson, type Place } from './normalise';

export const bagSchema = z.record(z.string(), z.unknown());
export type Bag = z.infer<typeof bagSchema>;

/** One of the worker's values: which kind it is, and what is in it. JSON in a text is shown as JSON: its blanks do not count. */
export function value(data: Bag, place: Place): unknown {
  // The recording says twice what kind a value is.
  const [[kind, content] = ['none', null]] = Object.entries(data).filter(([name]) => name !== 'data');
  if (kind === 'http') return { kind, content: http(content, place) };
  if (typeof content !== 'string') return { kind, content };
  try {
    return { kind, content: inOrder(normaliseJson(content, place)) };
  } catch {
    return { kind, content };
  }
}

const namedSchema = z.record(z.string(), z.object({ value: z.string() })).default({});
/** As a Buffer writes itself, and as the recorder wrote one. */
const bytesSchema = z.union([
  z.object({ type: z.literal('Buffer'), data: z.array(z.number()) }).transform(({ data }) => data),
  z.record(z.string(), z.number()).transform((data) => Object.values(data)),
]);
const httpSchema = z.object({
  method: z.string().optional(),
  url: z.string().optional(),
  nullableParams: namedSchema,
  nullableQuery: namedSchema,
  statusCode: z.string().optional(),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.object({ bytes: bytesSchema }).nullish(),
});

/** A request or a response, without what the caller's HTTP library adds and without what is empty either way. */
export function http(content: unknown, place: Place): unknown {
  const { nullableParams, nullableQuery, body, ...rest } = httpSchema.parse(content);
  const plain = (named: z.infer<typeof namedSchema>) => Object.entries(named).map(([name, one]) => [name, one.value]);
  const text = body ? Buffer.from(body.bytes).toString('utf8') : '';
  // The real host also sends a request's empty status and its missing body.
  const { statusCode = '', ...request } = rest;
  const shown = {
    ...request,
    ...(statusCode && { statusCode }),
    params: plain(nullableParams),
    query: plain(nullableQuery),
    ...(text && { body: text }),
  };
  return normaliseJson(JSON.stringify(shown), place);
}

/**
 * The order of the keys within an event of the history is another here; all else keeps its order. How many answers of
 * activities that run at once come in one turn is chance, so turns that only bring more of them are seen as one.
 */
export function inOrder(content: unknown): unknown {
  const trigger = z.object({ history: z.array(eventSchema) }).safeParse(content);
  if (!trigger.success) return content;
  const history = oneTurn(trigger.data.history).map((event) =>
    Object.fromEntries(Object.entries(event).sort(([a], [b]) => (a < b ? -1 : 1))),
  );
  return { ...bagSchema.parse(content), history };
}
const eventSchema = bagSchema.refine((event) => typeof event.EventType === 'number');

const [TASK_COMPLETED, STARTED, COMPLETED] = [5, 12, 13];
function oneTurn(history: readonly Bag[]): Bag[] {
  const typeAt = (index: number): unknown => history[index]?.EventType;
  /** Between two answers, at the OrchestratorCompleted. */
  const isGap = (index: number): boolean =>
    [TASK_COMPLETED, COMPLETED, STARTED, TASK_COMPLETED].every((type, offset) => typeAt(index - 1 + offset) === type);
  const kept = history.filter((_, index) => !isGap(index) && !isGap(index - 1));
  const start = kept.findLastIndex(({ EventType }) => EventType === STARTED);
  const { IsPlayed } = kept.at(-1) ?? {};
  return kept.map((event, index) =>
    index > start && event.EventType === TASK_COMPLETED ? { ...event, IsPlayed } : event,
  );
}

/** The metadata hold the input once more, under the binding's name: said in a word, if it is the same. */
export function shownMetadata(seen: Bag, input: { name: string; data: Bag } | undefined, place: Place): unknown {
  const entries = Object.entries(seen).map(([name, one]): [string, unknown] => {
    const isInput = name === input?.name && JSON.stringify(one) === JSON.stringify(asSeen(input.data));
    return [name, isInput ? '<the input>' : one];
  });
  return normaliseJson(JSON.stringify(Object.fromEntries(entries)), place);
}

/** One of the worker's values as the library shows it to the app: read as JSON if it is some, its names with a small first letter. */
function asSeen({ string, json }: Bag): unknown {
  const text = z.string().parse(string ?? json);
  try {
    return camelCased(JSON.parse(text));
  } catch {
    return text;
  }
}
function camelCased(it: unknown): unknown {
  if (Array.isArray(it)) return it.map(camelCased);
  if (typeof it !== 'object' || it === null) return it;
  return Object.fromEntries(
    Object.entries(it).map(([name, one]) => [name.charAt(0).toLowerCase() + name.slice(1), camelCased(one)]),
  );
}
export const metadataSeen = (metadata: Readonly<Record<string, Bag>>): Bag =>
  Object.fromEntries(Object.entries(metadata).map(([name, one]) => [name, asSeen(one)]));
