/** What differs from one run to the next (ids, times, keys, addresses, stacks, schema numbers) is given one name. */

type Json = string | number | boolean | null | Json[] | { [name: string]: Json };
const isObject = (value: Json | undefined): value is { [name: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Addresses and key of one host, so that those of another host read the same. */
export interface Place {
  readonly origin: string;
  readonly rpcOrigin: string;
  readonly key: string;
}
export const RECORDED_PLACE: Place = {
  origin: 'http://localhost:7071',
  rpcOrigin: 'http://127.0.0.1:17071',
  key: '<key>',
};

/** The text with the addresses of `to` in place of those of `from`. */
export const moved = (text: string, from: Place, to: Place): string =>
  text.replaceAll(from.origin, to.origin).replaceAll(from.rpcOrigin, to.rpcOrigin).replaceAll(from.key, to.key);

const NAMED: Place = { origin: '<origin>', rpcOrigin: '<rpc>', key: '<key>' };

/** The text as JSON, its keys in their order, with nothing left in it that belongs to one run only. */
export function normaliseJson(text: string, place: Place): Json {
  const parsed = JSON.parse(moved(text, place, NAMED)) as Json; // JSON.parse makes nothing else
  return normalise(parsed);
}

/** The same for a text that is no JSON, such as a header. */
export const normaliseText = (text: string, place: Place): string => withoutRun(moved(text, place, NAMED));

/** JSON with generated ids numbered in the order in which they appear, so that equal ids stay equal. */
export function showJson(value: unknown): string {
  const names = new Map<string, string>();
  return JSON.stringify(value, null, 1).replaceAll(ANY_ID, (id) => {
    const name = names.get(id) ?? `<id ${names.size + 1}>`;
    names.set(id, name);
    return name;
  });
}
export const withoutIds = (value: unknown): string => JSON.stringify(value).replaceAll(ANY_ID, '<id>');

const ANY_ID = /[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
/** Of the year of a run; dates that are data of the app are of other years. */
const TIME = /\b20(?:2[6-9]|[3-8]\d)-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?/g;
/** .NET's and JavaScript's stacks, at whatever depth of JSON within JSON: as many backslashes close as opened. */
const STACK = /(\\*)"(RemoteStackTrace|StackTrace)\1":(?:null|\1"(.*?)(?<!\\)\1")/gs;
const STACK_IN_MESSAGE = /(\\*)"Message\1":\1"Result: Failure(.*?)Stack: (.*?)(?<!\\)\1"/gs;

function withoutRun(text: string): string {
  return (
    text
      .replaceAll(STACK, (_, slash: string, name: string) => `${slash}"${name}${slash}":<stack>`)
      .replaceAll(
        STACK_IN_MESSAGE,
        (_, slash: string, middle: string) =>
          `${slash}"Message${slash}":${slash}"Result: Failure${middle}Stack: <stack>${slash}"`,
      )
      .replaceAll(/, StackTrace: .*$/gs, ', StackTrace: <stack>')
      .replaceAll(/(The following are the known \w+ functions): .*?'\./gs, '$1: <names>.')
      .replaceAll(/(\\*)"schemaVersion\1":\d+/g, '$1"schemaVersion$1":<schema>')
      // The order of an entity's messages is kept by other means here.
      .replaceAll(/(\\*)"Predecessor\1":\1".*?"/g, '$1"Predecessor$1":<predecessor>')
      .replaceAll(
        TIME,
        (_, fraction: string | undefined, zone: string | undefined) =>
          `<${fraction === undefined ? 'seconds' : 'time'}>${zone ?? ''}`,
      )
      .replaceAll(/("Timestamp\\*":\\*"<time>)(?=\\*")/g, '$1Z')
  );
}

function normalise(value: Json): Json {
  if (typeof value === 'string') return value.startsWith('{"statusCode"') ? httpAnswer(value) : withoutRun(value);
  if (Array.isArray(value)) return value.map(normalise);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, field(value, name, one)]));
}

/** A callHttp's answer, as JSON text. */
const httpAnswer = (text: string): string => JSON.stringify(normalise(JSON.parse(text) as Json));

const SCHEMA_NUMBERS = ['upperSchemaVersion', 'upperSchemaVersionNew', 'schemaVersion'];
/** Of one hop, and so of the server that was called, not of the host that called it. */
const HOP_HEADERS = ['date', 'server', 'transfer-encoding', 'connection', 'keep-alive'];

function field(owner: { [name: string]: Json }, name: string, value: Json): Json {
  if (name === 'FireAt' && typeof value === 'string') return fireAt(value, owner.Timestamp);
  if (name === 'StackTrace') return '<stack>';
  if (name === 'ExceptionMessage' && owner.ExceptionType === 'Newtonsoft.Json.JsonReaderException')
    return '<its words>';
  if (SCHEMA_NUMBERS.includes(name)) return '<schema>';
  if (name === 'duration' || name === 'startTime') return '<ms>';
  if (name === 'sorter') return {};
  // Nothing is traced here.
  if (name === 'ClientSpanId') return '<span>';
  if (name === 'headers' && 'statusCode' in owner && isObject(value)) {
    return Object.fromEntries(Object.entries(value).filter(([header]) => !HOP_HEADERS.includes(header.toLowerCase())));
  }
  return normalise(value);
}

/** A timer by how long after its making it fires, in half seconds. */
function fireAt(text: string, madeAt: Json | undefined): string {
  const after = Date.parse(text) - (typeof madeAt === 'string' ? Date.parse(madeAt) : NaN);
  return `<made + ${(Math.round(after / 500) * 500) / 1000} s>`;
}
