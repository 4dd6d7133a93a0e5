/** The recorded messages of the worker, as ours are shown. */
import { z } from 'zod';
import { normaliseJson, RECORDED_PLACE } from './normalise';
import { readRecorded } from './recording';
import { type Bag, bagSchema, http, inOrder, metadataSeen, shownMetadata } from './values';
import { type Message, metadataSchema, readMessages } from './worker';

const recordedLineSchema = z.looseObject({
  dir: z.string(),
  body: z.looseObject({ triggerMetadata: z.record(z.string(), bagSchema).optional() }),
});

/** 07: each line a message, whole. */
export const recordedEverything = (): Message[] =>
  readMessages(
    readRecorded('07-orchestrationTrigger-everything.jsonl')
      .trim()
      .split('\n')
      .map((line) => {
        const { dir, body, ...message } = recordedLineSchema.parse(JSON.parse(line));
        const { triggerMetadata } = body;
        const seen = triggerMetadata && { triggerMetadata: metadataSeen(triggerMetadata) };
        return { ...message, dir: dir.split(' ')[0], body: { ...body, ...seen } };
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
      : triggerMetadata
        ? shownMetadata(metadataSeen(triggerMetadata), sampleInput(triggerMetadata), RECORDED_PLACE)
        : triggerMetadataKeys,
  };
}

/** The input stands in the metadata first but for what is known of it by name. */
function sampleInput(metadata: Readonly<Record<string, Bag>>): { name: string; data: Bag } | undefined {
  const found = Object.entries(metadata).find(([name]) => /Trigger[0-9a-f]{10}$/.test(name));
  return found && { name: found[0], data: found[1] };
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
  const message = z.object({ inputData: z.array(z.unknown()), triggerMetadata: bagSchema.optional() }).parse(body);
  const sample = z.object({ triggerMetadata: z.unknown() }).parse(recorded);
  const metadata = Array.isArray(sample.triggerMetadata)
    ? Object.keys(message.triggerMetadata ?? {})
    : sample.triggerMetadata && message.triggerMetadata;
  return { ...message, triggerMetadata: metadata };
}

/** 11: what the app registered. The rest of that message is made by the worker for the wire. */
export const recordedFunctions = (): z.infer<typeof metadataSchema>[] =>
  z
    .object({ functionMetadataResults: z.array(metadataSchema) })
    .parse(JSON.parse(readRecorded('11-functionMetadataResponse.json'))).functionMetadataResults;
