/** The Event Grid webhook: `POST /runtime/webhooks/eventgrid?functionName=F` (contract 7.5). */
import { z } from 'zod';
import { type AppFunction } from '../app/functions';
import { isOneOf, type Keys } from '../keys';
import { type Log, messageOf, stackOf } from '../log';
import { empty, json, type Reply, type Request, shownKey, text } from './exchange';

const eventSchema = z.looseObject({ data: z.unknown().optional() });
const validationSchema = z.object({ validationCode: z.string() });

export function eventGrid(
  functions: readonly AppFunction[],
  keys: Keys,
  log: Log,
): (request: Request) => Promise<Reply> {
  return async (request) => {
    if (!isOneOf(shownKey(request), [keys.systemKeys.eventgrid_extension, keys.masterKey])) return empty(401);
    // To the letter, unlike the path.
    const name = request.url.searchParams.get('functionName') ?? '';
    const target = functions.find((one) => one.name === name);
    if (!target) return text(404, `cannot find function: '${name}'`);
    // Azure's Functions do not answer this either; who tries it here should not be led to think so.
    if (request.method === 'OPTIONS')
      return text(
        400,
        "The handshake of CloudEvents by OPTIONS is not answered, as on Azure: subscribe by 'azurefunction'.",
      );
    if (request.method !== 'POST') return empty(400);
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

function events(request: Request): z.infer<typeof eventSchema>[] | undefined {
  const body = tryParse(request.body.toString('utf8'));
  return z.array(eventSchema).safeParse(Array.isArray(body) ? body : [body]).data;
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
  const failures = answers.filter((answer) => !answer.ok);
  for (const { error } of failures) log('error', target.name, `failed: ${stackOf(error)}`);
  const [first] = failures;
  return first ? text(500, messageOf(first.error)) : empty(202);
}

function metadata(event: z.infer<typeof eventSchema> | z.infer<typeof eventSchema>[]): { data: { json: string } } {
  const data = Array.isArray(event) ? event.map((one) => one.data) : event.data;
  return { data: { json: JSON.stringify(data ?? null) } };
}
