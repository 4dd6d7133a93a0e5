/** callHttp as the engine sees it: a built-in activity, and after an answer of 202 a timer and the next poll (contract 5.3). */
import { z } from 'zod';
import { type HistoryEvent } from './history';

export const HTTP_ACTIVITY = 'BuiltIn::HttpActivity';

const text = z
  .unknown()
  .optional()
  .transform((value) => (value === undefined || value === null ? null : asText(value)));
const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

export const httpRequestSchema = z.object({
  method: z.string().default('GET'),
  uri: z.string().default(''),
  content: text,
  /** A header that is given more than once has a list. */
  headers: z
    .record(z.string(), z.unknown())
    .nullish()
    .transform((headers) =>
      Object.fromEntries(
        Object.entries(headers ?? {}).map(([name, value]) => [
          name,
          Array.isArray(value) ? value.map(asText) : [asText(value)],
        ]),
      ),
    ),
  tokenSource: z
    .object({ kind: z.string(), resource: z.string() })
    .nullish()
    .transform((source) => source ?? null),
  asynchronousPatternEnabled: z.boolean().default(true),
});
export type HttpCall = z.infer<typeof httpRequestSchema>;

const responseSchema = z.object({
  statusCode: z.number(),
  headers: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
});
type HttpAnswer = z.infer<typeof responseSchema>;

const headerOf = ({ headers }: HttpAnswer, name: string): string | undefined => {
  const value = Object.entries(headers).find(([known]) => known.toLowerCase() === name)?.[1];
  return Array.isArray(value) ? value[0] : value;
};

function notYet(result: string | null): { readonly answer: HttpAnswer; readonly location: string } | undefined {
  // Bodies may be large: only an answer that can be a 202 is read.
  if (!result?.startsWith('{"statusCode":202,')) return undefined;
  const answer = responseSchema.parse(JSON.parse(result));
  const location = headerOf(answer, 'location');
  return location ? { answer, location } : undefined;
}

/** Whether an answer makes a timer and a poll, which get numbers, so that it needs a turn of its own (contract 5.4). */
export const asksForPoll = (activity: string, { Result }: HistoryEvent): boolean =>
  activity === HTTP_ACTIVITY && notYet(Result ?? null) !== undefined;

/**
 * What to ask after an answer, and when.
 * @param request what was answered
 * @param first the request that the app made: what it let its credentials go to
 * @returns undefined for an answer that ends the call
 */
export function pollAfter(
  request: HttpCall,
  first: HttpCall,
  result: string | null,
  now: number,
  defaultMs: number,
): { readonly request: HttpCall; readonly fireAt: number } | undefined {
  const found = first.asynchronousPatternEnabled ? notYet(result) : undefined;
  if (!found) return undefined;
  // What is no URL stays as it is, and the poll fails with it: the app counts on the poll.
  const uri = URL.parse(found.location, request.uri)?.href ?? found.location;
  const sameOrigin = URL.parse(uri)?.origin === URL.parse(first.uri)?.origin;
  // The key of one function does not open another; credentials go to the origin that they were meant for.
  const dropped = sameOrigin ? ['x-functions-key'] : ['x-functions-key', 'authorization', 'cookie'];
  const headers = Object.entries(first.headers).filter(([name]) => !dropped.includes(name.toLowerCase()));
  return {
    request: {
      method: 'GET',
      uri,
      content: null,
      headers: Object.fromEntries(headers),
      tokenSource: sameOrigin ? first.tokenSource : null,
      asynchronousPatternEnabled: true,
    },
    fireAt: now + retryAfter(found.answer, now, defaultMs),
  };
}

/** Seconds or a date; what is neither counts as not given. (Azure stops for ever at a date.) */
function retryAfter(answer: HttpAnswer, now: number, defaultMs: number): number {
  const value = headerOf(answer, 'retry-after')?.trim();
  if (!value) return defaultMs;
  const seconds = Number(value);
  if (seconds >= 0) return seconds * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? defaultMs : Math.max(0, date - now);
}
