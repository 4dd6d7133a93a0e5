/** 14-client-http: the requests that the durable client makes for each of its calls, and what it is answered. */
import { z } from 'zod';
import { moved, normaliseJson, normaliseText, type Place, RECORDED_PLACE } from './normalise';
import { readRecorded } from './recording';
import { type ReplayHost } from './replayHost';

const headersSchema = z.record(z.string(), z.string());
const lineSchema = z.object({
  method: z.string(),
  url: z.string(),
  reqHeaders: headersSchema,
  reqBody: z.string().optional(),
  status: z.number(),
  resHeaders: headersSchema,
  resBody: z.string(),
});
const COMPARED = ['content-type', 'location', 'retry-after', 'x-ms-continuation-token'];
function headersOf(headers: Readonly<Record<string, string>>, place: Place): Record<string, string> {
  const shown = Object.entries(headers).map(([name, value]): [string, string] => {
    if (name === 'x-ms-continuation-token') return [name, value && '<token>'];
    return [name, name === 'User-Agent' ? value.replace(/[\d.]+$/, '<version>') : normaliseText(value, place)];
  });
  return Object.fromEntries(shown);
}

function bodyOf(text: string, place: Place): unknown {
  // Which instances come first in a list depends on ids.
  if (text.startsWith('[') && text !== '[]') return '<list>';
  if (text === '') return text;
  try {
    return normaliseJson(text, place);
  } catch {
    // The trace cuts a long body off, and where depends on how long the addresses in it are: its beginning counts.
    return normaliseText(text, place).slice(0, 150);
  }
}

function showLine(line: unknown, place: Place): unknown {
  const { method, url, reqHeaders, reqBody, status, resHeaders, resBody } = lineSchema.parse(line);
  const answered = Object.fromEntries(Object.entries(resHeaders).filter(([name]) => COMPARED.includes(name)));
  return {
    request: `${method} ${moved(url, place, { origin: '<origin>', rpcOrigin: '<rpc>', key: '<key>' })}`,
    headers: headersOf(reqHeaders, place),
    reqBody,
    status,
    answered: headersOf(answered, place),
    body: bodyOf(resBody, place),
  };
}

/** The pages of one list between the first and the last look the same, however many they are. */
function showTrace(lines: readonly unknown[], place: Place): string[] {
  const texts = lines.map((line) => JSON.stringify(showLine(line, place), null, 1));
  return texts.filter((text, index) => text !== texts[index - 1]);
}

export const recordedTrace = (): string[] =>
  showTrace(
    readRecorded('14-client-http.txt')
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line)),
    RECORDED_PLACE,
  );

const ID = 'cx-052315';
const CALLS: readonly (readonly [operation: string, id: string, options: object, after?: string])[] = [
  ['getStatus', ID, {}],
  ['getStatus', ID, { showHistory: true, showHistoryOutput: true }],
  ['getStatusAll', ID, {}],
  ['getStatusBy', ID, { createdTimeFrom: '2099-01-01T00:00:00Z', runtimeStatus: ['Running', 'Pending'] }],
  ['raiseEvent', ID, { name: 'Other', data: { k: 1 } }],
  ['suspend', ID, { reason: 's' }, 'Suspended'],
  ['resume', ID, { reason: 'r' }, 'Running'],
  ['terminate', ID, { reason: 'bye bye' }, 'Terminated'],
  ['rewind', ID, { reason: 'x' }],
  ['purge', ID, {}],
  [
    'purgeBy',
    'x',
    { from: '2020-01-01T00:00:00Z', to: '2020-01-02T00:00:00Z', runtimeStatus: ['Completed', 'Failed'] },
  ],
  ['signalEntity', 'x', { name: 'counter', key: 'w2', op: 'add', input: 1 }, '@counter@w2'],
  ['readEntityState', 'x', { name: 'counter', key: 'w2' }],
  ['readEntityState', 'x', { name: 'counter', key: 'none' }],
];

/** The same calls by the same code of the app, on our host. */
export async function traceClient(host: ReplayHost): Promise<string[]> {
  // Enough instances for a first, a middle and a last page.
  await host.post('orchestrators/fanIn200/fan', '200');
  await host.reached('fan', z.object({ runtimeStatus: z.literal('Completed') }));
  const before = host.clientTrace().length;
  const post = async (path: string, body: object): Promise<void> => {
    const headers = { 'content-type': 'application/json' };
    await host.replay({
      method: 'POST',
      url: `${RECORDED_PLACE.origin}/api/${path}`,
      headers,
      body: JSON.stringify(body),
    });
  };
  await post(`orchestrators/waiter/${ID}`, { q: 1 });
  await host.reached(ID, z.object({ runtimeStatus: z.literal('Running') }));
  for (const [operation, id, options, after] of CALLS) {
    await post(`client/${operation}/${id}`, options);
    if (after?.startsWith('@')) await host.reached(after, z.object({ input: z.object({ exists: z.literal(true) }) }));
    else if (after) await host.reached(id, z.object({ runtimeStatus: z.literal(after) }));
  }
  return showTrace(host.clientTrace().slice(before), host.place);
}
