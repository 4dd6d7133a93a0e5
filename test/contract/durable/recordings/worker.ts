/** What the worker got from the host and answered: the recorded messages and ours, in one form. */
import { z } from 'zod';
import { normaliseJson, type Place, RECORDED_PLACE } from './normalise';
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
  if (typeof content !== 'string') return { kind, content };
  try {
    return { kind, content: inOrder(normaliseJson(content, place)) };
  } catch {
    return { kind, content };
  }
}

/** The order of the keys within an event of the history is another here; all else keeps its order. */
function inOrder(content: unknown): unknown {
  const trigger = z.object({ history: z.array(bagSchema) }).safeParse(content);
  if (!trigger.success) return content;
  const history = trigger.data.history.map((event) =>
    Object.fromEntries(Object.entries(event).sort(([a], [b]) => (a < b ? -1 : 1))),
  );
  return { ...bagSchema.parse(content), history };
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
  inputData: z.array(z.object({ name: z.string(), typedDataKind: z.array(z.string()), parsed: z.unknown() })),
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
    inputData: inputData.map(({ name, typedDataKind, parsed }) => ({
      name,
      value: { kind: typedDataKind.join(), content: inOrder(parsed) },
    })),
    triggerMetadata:
      triggerMetadata === undefined
        ? triggerMetadataKeys
        : Object.fromEntries(
            Object.entries(triggerMetadata).map(([name, data]) => [name, value(data, RECORDED_PLACE)]),
          ),
  };
}

function sampleOut(json: unknown): unknown {
  const { outputData, returnValueKind, parsed } = sampleOutSchema.parse(json);
  return { outputData, returnValue: { kind: returnValueKind.join(), content: parsed } };
}

/** A message of ours as a sample shows it: of an orchestration's metadata the names only. */
export function asSample({ dir, body }: Message): unknown {
  if (dir !== 'in') return body;
  const { inputData, triggerMetadata } = z
    .object({ inputData: z.array(z.unknown()), triggerMetadata: bagSchema })
    .parse(body);
  const isOrchestration = Object.keys(triggerMetadata).some((name) => name.startsWith('orchestrationTrigger'));
  return { inputData, triggerMetadata: isOrchestration ? Object.keys(triggerMetadata) : triggerMetadata };
}
