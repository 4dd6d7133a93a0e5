/** The Durable extension's HTTP API, behind the webhook (with a key) and behind the RPC address (without) (contract 7.3). */
import { type Delivery, Refused } from '../engine/client';
import { type ApiCall, type ApiOptions } from './apiCall';
import { type Instance, isTerminal } from '../engine/store';
import { deleteEntity, getEntities, signalEntity } from './entityApi';
import { empty, json, jsonText, type Reply, type Request } from './exchange';
import { compactJson } from './jsonText';
import { continuationHeader, listPage, readFilter, wants } from './paging';
import { shownHistory, statusBody } from './statusBody';
import { startedBody } from './urls';

/**
 * What it tells is on disk when it tells it.
 * @param path what follows the base, with or without slashes at its ends
 */
export async function durableApi(options: ApiOptions, request: Request, path: string): Promise<Reply> {
  const reply = await answer(options, request, path);
  await options.client.flushed();
  return reply;
}

async function answer(options: ApiOptions, request: Request, path: string): Promise<Reply> {
  const call: ApiCall = { ...options, request, query: request.url.searchParams };
  const [section = '', ...parts] = path.split('/').filter(Boolean).map(decode);
  try {
    switch (section.toLowerCase()) {
      case 'orchestrators':
        return request.method === 'POST' && parts.length > 0 ? await start(call, parts) : empty(404);
      case 'instances':
        return checkHub(call) ?? (await instances(call, parts));
      case 'entities':
        return entities(call, parts);
      case 'makeprimary':
        return empty(request.method === 'POST' ? 200 : 404);
      default:
        return empty(404);
    }
  } catch (error) {
    if (error instanceof Refused) return refused(error);
    throw error;
  }
}

/** A stray percent sign is taken as it is. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

const MESSAGES = {
  argument: {
    status: 400,
    Message: 'One or more of the arguments submitted is incorrect',
    ExceptionType: 'System.ArgumentException',
  },
  state: {
    status: 500,
    Message: 'Something went wrong while processing your request',
    ExceptionType: 'System.InvalidOperationException',
  },
} as const;

/** A refused start has a .NET type of its own, unlike all other refusals. */
const EXISTS = /^An Orchestration instance with the status \w+ already exists\.$/;
const EXISTS_TYPE = 'DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException';

function refused({ kind, message }: Refused, Message: string = MESSAGES[kind].Message): Reply {
  const { status, ExceptionType } = MESSAGES[kind];
  const type = EXISTS.test(message) ? EXISTS_TYPE : ExceptionType;
  return json(status, { Message, ExceptionMessage: message, ExceptionType: type, StackTrace: '' });
}

const badJson = (): Reply =>
  json(400, {
    Message: 'Invalid JSON content',
    ExceptionMessage: 'The body is not JSON.',
    ExceptionType: 'Newtonsoft.Json.JsonReaderException',
    StackTrace: '',
  });

async function start(call: ApiCall, [name = '', instanceId]: readonly string[]): Promise<Reply> {
  const { client, request, query, defaultVersion } = call;
  const text = request.body.toString('utf8');
  const input = text.trim() === '' ? null : compactJson(text);
  if (input === undefined) return badJson();
  return started(call, client.start({ name, instanceId, input, version: query.get('version') ?? defaultVersion }));
}

/** The URLs of a new instance; or, where the request asks for that, what became of it in the time that it gives. */
async function started(call: ApiCall, id: string): Promise<Reply> {
  const { request, query, urls } = call;
  const timeout = Number(query.get('timeout') ?? NaN);
  const interval = Number(query.get('pollingInterval') ?? NaN);
  if (timeout >= 0 && interval > 0) {
    const ended = await waitFor(call, id, timeout * 1000, interval * 1000);
    // A failure is a 200 with the status, whatever else was asked for.
    if (ended)
      return ended.status === 'Completed'
        ? jsonText(200, ended.output ?? 'null')
        : jsonText(200, statusBody(ended, { input: true }));
  }
  const { origin } = request.url;
  const body = startedBody({ ...urls, origin: call.isRpc ? origin : urls.origin }, id);
  return json(202, body, { Location: body.statusQueryGetUri, 'Retry-After': '10' });
}

async function waitFor(
  { client, delay }: ApiCall,
  id: string,
  timeoutMs: number,
  intervalMs: number,
): Promise<Instance | undefined> {
  for (let waited = 0; waited < timeoutMs; waited += intervalMs) {
    await delay(Math.min(intervalMs, timeoutMs - waited));
    const instance = client.instance(id);
    if (instance && isTerminal(instance.status)) return instance;
  }
  return undefined;
}

/** Another task hub holds none of these instances, and no other connection leads to one. */
function checkHub({ query, urls }: ApiCall): Reply | undefined {
  const connection = query.get('connection');
  if (connection !== null && !KNOWN_CONNECTIONS.includes(connection.toLowerCase())) {
    return refused(new Refused('state', `Unable to resolve the Azure Storage connection named '${connection}'.`));
  }
  const hub = query.get('taskHub');
  return hub === null || hub.toLowerCase() === urls.hubName.toLowerCase() ? undefined : empty(404);
}
const KNOWN_CONNECTIONS: readonly string[] = ['storage', 'azurewebjobsstorage'];

const STATUS_OF: Readonly<Record<Delivery, number>> = { accepted: 202, notFound: 404, gone: 410 };

async function instances(call: ApiCall, [id, operation, event, ...rest]: readonly string[]): Promise<Reply> {
  const { client, request, query } = call;
  if (rest.length > 0) return empty(404);
  if (id === undefined) {
    if (request.method === 'GET') return list(call);
    return request.method === 'DELETE' ? purgeFiltered(call) : empty(404);
  }
  if (operation === undefined) {
    if (request.method === 'GET') return status(call, id);
    if (request.method !== 'DELETE') return empty(404);
    return client.purge(id) === 0 ? empty(404) : json(200, { instancesDeleted: 1 });
  }
  if (request.method !== 'POST') return empty(404);
  // Blanks at its ends do not arrive.
  const reason = query.get('reason')?.trim() ?? null;
  switch (operation.toLowerCase()) {
    case 'raiseevent':
      return event === undefined ? empty(404) : raiseEvent(call, id, event);
    case 'terminate':
      return empty(STATUS_OF[client.terminate(id, reason)]);
    case 'suspend':
      return empty(STATUS_OF[client.suspend(id, reason)]);
    case 'resume':
      return empty(STATUS_OF[client.resume(id, reason)]);
    case 'rewind':
      return empty(STATUS_OF[client.rewind(id, reason)]);
    case 'restart':
      return restart(call, id);
    default:
      return empty(404);
  }
}

async function restart(call: ApiCall, id: string): Promise<Reply> {
  const { client, query, defaultVersion } = call;
  const newId = query.get('restartWithNewInstanceId')?.toLowerCase() !== 'false';
  try {
    return await started(call, client.restart(id, { newId, version: defaultVersion }));
  } catch (error) {
    if (!(error instanceof Refused) || error.kind !== 'argument') throw error;
    return refused(error, 'InstanceId does not match a valid orchestration instance.');
  }
}

function status({ client, request, query }: ApiCall, id: string): Reply {
  const instance = client.instance(id);
  if (!instance) return empty(404);
  const history = wants(query, 'showHistory')
    ? { events: shownHistory(instance, client.history(id)), output: wants(query, 'showHistoryOutput') }
    : undefined;
  const body = statusBody(instance, { input: query.get('showInput')?.toLowerCase() !== 'false', history });
  if (!isTerminal(instance.status)) return jsonText(202, body, { Location: request.url.href, 'Retry-After': '5' });
  const failed = instance.status === 'Failed' && wants(query, 'returnInternalServerErrorOnFailure');
  return jsonText(failed ? 500 : 200, body);
}

function raiseEvent({ client, request, strict }: ApiCall, id: string, name: string): Reply {
  const known = client.instance(id);
  if (!known) return empty(404);
  if (isTerminal(known.status)) return empty(410);
  const text = request.body.toString('utf8').trim();
  const isJson = request.headers['content-type']?.toLowerCase().startsWith('application/json') ?? false;
  // Azure refuses an empty body; the library sends one, without a type, for an event without data (contract 12).
  const isEmpty = text === '' && !strict;
  if (!isJson && !isEmpty) return json(400, { Message: 'Only application/json request content is supported' });
  const event = isEmpty ? 'null' : compactJson(text);
  return event === undefined ? badJson() : empty(STATUS_OF[client.raiseEvent(id, name, event)]);
}

function list(call: ApiCall): Reply {
  const filter = readFilter(call.query);
  const { page, next } = listPage(call, filter);
  // `showInput` counts only beside a prefix.
  const input = !filter.prefix || call.query.get('showInput')?.toLowerCase() !== 'false';
  const body = `[${page.map((instance) => statusBody(instance, { input })).join(',')}]`;
  return jsonText(200, body, continuationHeader(call, next));
}

function purgeFiltered({ client, query }: ApiCall): Reply {
  const filter = readFilter(query);
  if (filter.createdFrom === undefined) return json(400, "Please provide value for 'createdTimeFrom' parameter.");
  const instancesDeleted = client.purgeBy(filter);
  return instancesDeleted === 0 ? empty(404) : json(200, { instancesDeleted });
}

function entities(call: ApiCall, [name, key, ...rest]: readonly string[]): Reply {
  const { method } = call.request;
  if (rest.length > 0) return empty(404);
  if (method === 'GET') return getEntities(call, name, key);
  if (name === undefined || key === undefined) return empty(404);
  if (method === 'POST') return signalEntity(call, { name, key });
  return method === 'DELETE' ? deleteEntity(call, { name, key }) : empty(404);
}
