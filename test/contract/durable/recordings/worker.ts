/** What the worker got from the host and answered: the recorded messages and ours, in one form. */
import { z } from 'zod';
import { normaliseJson, type Place, RECORDED_PLACE, showJson } from './normalise';
import { readRecorded } from './recording';

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

const bagSchema = z.record(z.string(), z.unknown());
type Bag = z.infer<typeof bagSchema>;
const inSchema = z.object({
  inputData: z.array(z.object({ name: z.string(), data: bagSchema })),
  triggerMetadata: z.record(z.string(), bagSchema),
});
const outSchema = z.object({ returnValue: bagSchema.nullish(), outputData: z.array(z.unknown()).optional() });

/** One of the worker's values: which kind it is, and what is in it. JSON in a text is shown as JSON: its blanks do not count. */
function value(data: Bag, place: Place): unknown {
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
function http(content: unknown, place: Place): unknown {
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
function inOrder(content: unknown): unknown {
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

function received(body: unknown, place: Place): unknown {
  const { inputData, triggerMetadata } = inSchema.parse(body);
  return {
    inputData: inputData.map(({ name, data }) => ({ name, value: value(data, place) })),
    triggerMetadata: Object.fromEntries(
      Object.entries(triggerMetadata).map(([name, data]) => [name, value(data, place)]),
    ),
  };
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

/** 07: each line a message, whole. */
export const recordedEverything = (): Message[] =>
  readMessages(
    readRecorded('07-orchestrationTrigger-everything.jsonl')
      .trim()
      .split('\n')
      .map((line) => {
        const message = z.looseObject({ dir: z.string() }).parse(JSON.parse(line));
        return { ...message, dir: message.dir.split(' ')[0] };
      }),
    RECORDED_PLACE,
  );

const sampleInSchema = z.object({
  inputData: z.array(
    z
      .object({
        name: z.string(),
        typedDataKind: z.array(z.string()),
        parsed: z.unknown(),
        'raw(first 200)': z.unknown(),
      })
      .transform(({ name, typedDataKind: [kind], parsed, 'raw(first 200)': raw }) => ({
        name,
        value: { kind, content: kind === 'http' ? http(raw, RECORDED_PLACE) : inOrder(parsed) },
      })),
  ),
  triggerMetadataKeys: z.array(z.string()),
  triggerMetadata: z.record(z.string(), bagSchema).optional(),
});
const sampleOutSchema = z.object({
  outputData: z.array(z.unknown()),
  returnValueKind: z.array(z.string()),
  parsed: z.unknown(),
});

/** 10: samples of messages, with texts already read as JSON, and the metadata of some by name only. */
export const recordedSamples = (): Message[] =>
  readRecorded('10-worker-contract-samples.txt')
    .split(/^##### /m)
    .slice(1)
    .map((part) => {
      const [, fn = '', dir, invocationId] = /^(\S+) \[(in|out|throw)\b.* inv=(\S+)/.exec(part) ?? [];
      const json = normaliseJson(part.slice(part.indexOf('\n')), RECORDED_PLACE);
      const parsed = z.enum(['in', 'out', 'throw']).parse(dir);
      return {
        dir: parsed,
        fn,
        invocationId,
        body: { in: sampleIn, out: sampleOut, throw: (it: unknown) => it }[parsed](json),
      };
    });

function sampleIn(json: unknown): unknown {
  const { inputData, triggerMetadataKeys, triggerMetadata } = sampleInSchema.parse(json);
  return {
    inputData,
    // The app cannot see an HTTP trigger's (contract 2.3).
    triggerMetadata: triggerMetadataKeys.includes('Query')
      ? undefined
      : triggerMetadata === undefined
        ? triggerMetadataKeys
        : Object.fromEntries(
            Object.entries(triggerMetadata).map(([name, data]) => [name, value(data, RECORDED_PLACE)]),
          ),
  };
}

function sampleOut(json: unknown): unknown {
  const { outputData, returnValueKind, parsed } = sampleOutSchema.parse(json);
  return {
    outputData,
    returnValue: {
      kind: returnValueKind.join(),
      content: returnValueKind[0] === 'http' ? http(parsed, RECORDED_PLACE) : parsed,
    },
  };
}

/** A message of ours as a recorded sample shows it: of some metadata the names only, of an HTTP trigger's nothing. */
export function asSample({ dir, body }: Message, recorded: unknown): unknown {
  if (dir !== 'in') return body;
  const message = z.object({ inputData: z.array(z.unknown()), triggerMetadata: bagSchema }).parse(body);
  const sample = z.object({ triggerMetadata: z.unknown() }).parse(recorded);
  const metadata = Array.isArray(sample.triggerMetadata)
    ? Object.keys(message.triggerMetadata)
    : sample.triggerMetadata && message.triggerMetadata;
  return { ...message, triggerMetadata: metadata };
}

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

const metadataSchema = z.object({ name: z.string(), bindings: z.record(z.string(), bagSchema) });

/** 11: what the app registered. The rest of that message is made by the worker for the wire. */
export const recordedFunctions = (): z.infer<typeof metadataSchema>[] =>
  z
    .object({ functionMetadataResults: z.array(metadataSchema) })
    .parse(JSON.parse(readRecorded('11-functionMetadataResponse.json'))).functionMetadataResults;

const DIRECTIONS: readonly unknown[] = ['in', 'out'];

/** As the worker writes it: a direction is a number there. */
export function registeredFunction(messages: readonly Message[], wanted: string): unknown {
  const found = messages.find(({ dir, fn }) => dir === 'registered' && fn === wanted);
  const { name, bindings } = metadataSchema.parse(found?.body);
  const numbered = Object.entries(bindings).map(([key, binding]) => [
    key,
    { ...binding, direction: DIRECTIONS.indexOf(binding.direction) },
  ]);
  return { name, bindings: Object.fromEntries(numbered) };
}
