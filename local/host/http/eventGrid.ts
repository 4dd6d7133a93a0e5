/** The Event Grid webhook: `POST /runtime/webhooks/eventgrid?functionName=F` (contract 7.5). */
import { z } from 'zod';
import { type AppFunction } from '../app/functions';
import { isOneOf, type Keys } from '../keys';
import { type Log, messageOf } from '../log';
import { empty, json, type Reply, type Request, shownKey } from './exchange';

const eventSchema = z.looseObject({ data: z.unknown().optional() });
const validationSchema = z.object({ validationCode: z.string() });

export function eventGrid(
  functions: readonly AppFunction[],
  keys: Keys,
  log: Log,
): (request: Request) => Promise<Reply> {
  return async (request) => {
    if (!isOneOf(shownKey(request), [keys.systemKeys.eventgrid_extension, keys.masterKey])) return empty(401);
    if (request.method !== 'POST') return text(400, '');
    // To the letter, unlike the path.
    const name = request.url.searchParams.get('functionName') ?? '';
    const target = functions.find((one) => one.name === name);
    if (!target) return text(404, `cannot find function: '${name}'`);
    switch (request.headers['aeg-event-type']?.toLowerCase()) {
      case 'subscriptionvalidation':
        return validate(request);
      case 'notification':
        return notify(request, target, log);
      case 'unsubscribe':
        return empty(202);
      default:
        return empty(400);
    }
  };
}

const text = (status: number, body: string): Reply => ({
  status,
  headers: { 'Content-Type': 'text/plain; charset=utf-8' },
  body,
});

function events(request: Request): z.infer<typeof eventSchema>[] | undefined {
  try {
    const body: unknown = JSON.parse(request.body.toString('utf8'));
    const parsed = z.array(eventSchema).safeParse(Array.isArray(body) ? body : [body]);
    return parsed.data;
  } catch {
    return undefined;
  }
}

/** The handshake. The code is in the first event's data, which in a CloudEvent is itself JSON text. */
function validate(request: Request): Reply {
  const data = events(request)?.[0]?.data;
  const parsed = validationSchema.safeParse(typeof data === 'string' ? tryParse(data) : data);
  return parsed.success ? json(200, { validationResponse: parsed.data.validationCode }) : empty(400);
}

function tryParse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

/** One run for each event, all at once. Any failure fails the batch: Event Grid then sends the whole again. */
async function notify(request: Request, target: AppFunction, log: Log): Promise<Reply> {
  const batch = events(request);
  if (!batch) return empty(400);
  const isMany = typeof target.trigger.cardinality === 'string' && target.trigger.cardinality.toLowerCase() === 'many';
  const runs = isMany ? [batch] : batch;
  const answers = await Promise.all(
    runs.map((event) => target.invoke({ data: { json: JSON.stringify(event) }, metadata: metadata(event) })),
  );
  const failed = answers.find((answer) => !answer.ok);
  if (!failed) return empty(202);
  log('error', target.name, `failed: ${messageOf(failed.error)}`);
  return text(500, messageOf(failed.error));
}

function metadata(event: unknown): { data: { json: string } } {
  const data = Array.isArray(event)
    ? z
        .array(eventSchema)
        .parse(event)
        .map((one) => one.data)
    : eventSchema.parse(event).data;
  return { data: { json: JSON.stringify(data ?? null) } };
}
