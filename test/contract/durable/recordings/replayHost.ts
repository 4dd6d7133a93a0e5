/** The recorded app on our host, and the recorded requests sent to it. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type Answer, type HostProcess, newFolder, send, startHostProcess, until } from '../hostProcess';
import { moved, normaliseJson, normaliseText, type Place, RECORDED_PLACE, showJson, withoutIds } from './normalise';
import { type RecordedAnswer, type RecordedRequest } from './recording';

/** What an answer is compared by. The other headers belong to the server: Date, Server, and how the body is framed. */
export interface Shown {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}
const COMPARED_HEADERS = ['content-type', 'location', 'retry-after', 'www-authenticate', 'x-ms-continuation-token'];

function shown(status: number, header: (name: string) => string | undefined, text: string, place: Place): Shown {
  const headers = COMPARED_HEADERS.flatMap((name) => {
    const value = header(name);
    // What a token holds is the host's own business; that it leads to the next page is a test of its own.
    if (name === 'x-ms-continuation-token' && value) return [[name, '<token>'] as const];
    return value === undefined ? [] : [[name, normaliseText(value, place)] as const];
  });
  const body = text === '' ? '' : normaliseJson(text, place);
  return { status, headers: Object.fromEntries(headers), body: sorted(body) };
}

/** Lists are ordered by ids, and those that are made up differ from run to run. The durable client's are below `result`. */
export function sorted(body: unknown): unknown {
  if (Array.isArray(body)) return body.toSorted((a, b) => (withoutIds(a) < withoutIds(b) ? -1 : 1));
  const ofClient = z.object({ ok: z.literal(true), result: z.array(z.unknown()) }).safeParse(body);
  return ofClient.success ? { ok: true, result: sorted(ofClient.data.result) } : body;
}

export const showRecorded = ({ status, headers, body }: RecordedAnswer): Shown =>
  shown(status, (name) => headers.get(name), body, RECORDED_PLACE);

export const asText = (answer: Shown): string => showJson(answer);

const clientDataSchema = z.object({ result: z.object({ data: z.object({ rpcBaseUrl: z.url() }) }) });

export interface ReplayHost {
  readonly place: Place;
  /** Sends a recorded request to our host. @param token takes the place of the recorded continuation token */
  replay(request: RecordedRequest, token?: string): Promise<Answer>;
  show(answer: Answer): Shown;
  /** POST to the management API, below its base and with its key. @throws unless it is accepted */
  post(path: string, body?: string): Promise<void>;
  /** Waits until an instance's status is as the schema says. */
  reached(id: string, status: z.ZodType): Promise<void>;
  /** Waits until the worker has got a text in a message. */
  told(text: string): Promise<void>;
  /** Ids of all instances with a prefix, in the order of the list. */
  ids(prefix: string): Promise<string[]>;
  /** One page of all instances. */
  page(top: number, token: string | undefined): Promise<{ ids: string[]; token: string | undefined }>;
  /** The lines that the app's own code wrote about its client, and the worker's about its invocations. */
  clientTrace(): unknown[];
  workerTrace(): unknown[];
  stop(): Promise<void>;
}

/** Copies the app, puts the tracer before it, and starts it. */
export async function startReplayHost(args: readonly string[]): Promise<ReplayHost> {
  const folder = newFolder();
  const app = join(folder, 'app');
  mkdirSync(app);
  for (const file of ['index.js', 'host.json']) copyFileSync(join(__dirname, 'app', file), join(app, file));
  copyFileSync(join(__dirname, 'trace.js'), join(app, 'trace.js'));
  writeFileSync(join(app, 'package.json'), JSON.stringify({ main: 'trace.js' }));
  symlinkSync(join(__dirname, '../../../../node_modules'), join(app, 'node_modules'));
  const [clientFile, workerFile] = [join(folder, 'client.jsonl'), join(folder, 'worker.jsonl')];
  const env = { CLIENT_TRACE: clientFile, WORKER_TRACE: workerFile };
  const host = await startHostProcess(join(folder, 'state'), app, env, args);
  const place = await findPlace(host);
  rmSync(clientFile, { force: true });

  const api = (path: string, query: Readonly<Record<string, string>> = {}): string =>
    `${host.url}/runtime/webhooks/durabletask/${path}?${new URLSearchParams({ ...query, code: place.key }).toString()}`;
  const idsOf = ({ json }: Answer): string[] =>
    z
      .array(z.object({ instanceId: z.string() }))
      .parse(json)
      .map(({ instanceId }) => instanceId);
  return {
    place,
    replay({ method, url, headers, body }, token) {
      const here = (text: string) => moved(text, RECORDED_PLACE, place);
      const own = Object.entries(headers).map(([name, value]): [string, string] => [titled(name), here(value)]);
      const withToken = token === undefined ? own : own.map(([n, v]): [string, string] => [n, isToken(n) ? token : v]);
      return send(here(url), method, body && here(body), Object.fromEntries(withToken));
    },
    show: ({ status, headers, text }) => shown(status, (name) => headers.get(name) ?? undefined, text, place),
    async post(path, body) {
      const { status, text } = await send(api(path), 'POST', body, body === undefined ? {} : JSON_TYPE);
      if (status !== 202) throw new Error(`${path} answered ${status}: ${text}`);
    },
    async reached(id, wanted) {
      await until(
        () => send(api(`instances/${id}`, { showHistory: 'true' })),
        ({ json }) => wanted.safeParse(json).success,
      );
    },
    async told(text) {
      const isTold = () => readFileSync(workerFile, 'utf8').includes(text);
      await until(() => send(`${host.url}/admin/host/status`), isTold);
    },
    ids: async (instanceIdPrefix) => idsOf(await send(api('instances', { instanceIdPrefix, top: '1000' }))),
    async page(top, token) {
      const headers = { ...(token !== undefined && { 'x-ms-continuation-token': token }) };
      const answer = await send(api('instances', { top: String(top) }), 'GET', undefined, headers);
      return { ids: idsOf(answer), token: answer.headers.get('x-ms-continuation-token') ?? undefined };
    },
    clientTrace: () => readLines(clientFile),
    workerTrace: () => readLines(workerFile),
    async stop() {
      await host.stop('SIGKILL');
      rmSync(folder, { recursive: true });
    },
  };
}
const JSON_TYPE = { 'Content-Type': 'application/json' };
const isToken = (name: string): boolean => name.toLowerCase() === 'x-ms-continuation-token';
const titled = (name: string): string => (name === 'content-type' ? 'Content-Type' : name);

/** The app tells where its durable client sends to. */
async function findPlace(host: HostProcess): Promise<Place> {
  const { json } = await send(`${host.url}/api/client/clientData/x`, 'POST', {});
  const { rpcBaseUrl } = clientDataSchema.parse(json).result.data;
  return { origin: host.url, rpcOrigin: new URL(rpcBaseUrl).origin, key: host.keys.systemKeys.durabletask_extension };
}

const readLines = (file: string): unknown[] =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
