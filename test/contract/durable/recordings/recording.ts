/** Reads the recordings of the real Durable extension: `### title`, `$ curl -i …`, and the answer as curl printed it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface RecordedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}
export interface RecordedAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}
export interface Recording {
  /** Unique within its file: a title that comes again has a number after it. */
  readonly title: string;
  readonly request: RecordedRequest;
  readonly answer: RecordedAnswer;
}

export const readRecorded = (file: string): string => readFileSync(join(__dirname, 'recorded', file), 'utf8');

/** @throws if anything in it cannot be read: nothing is passed over in silence */
export function parseRecordings(text: string): Recording[] {
  const seen = new Map<string, number>();
  return text
    .replaceAll('\r\n', '\n')
    .split(/^### /m)
    .slice(1)
    .map((part) => {
      const [name = '', command = '', ...answer] = part.split('\n');
      const times = (seen.get(name) ?? 0) + 1;
      seen.set(name, times);
      const title = times === 1 ? name : `${name} (${times})`;
      return { title, request: parseCommand(command), answer: parseAnswer(answer) };
    });
}

/** `curl -i '-X' 'POST' '-H' 'Name: value' '-d' 'body' 'url'`, with the shell's single quotes. */
function parseCommand(line: string): RecordedRequest {
  if (!line.startsWith('$ curl -i ')) throw new Error(`Not a recorded command: ${line}`);
  const words = [...line.matchAll(/'((?:[^']|'\\'')*)'/g)].map(([, word = '']) => word.replaceAll("'\\''", "'"));
  const url = words.at(-1);
  if (url === undefined) throw new Error(`No URL in: ${line}`);
  const valuesOf = (option: string): string[] =>
    words.flatMap((word, index) => (word === option ? [words[index + 1] ?? ''] : []));
  const [body] = valuesOf('-d');
  const headers = Object.fromEntries(valuesOf('-H').map(splitHeader));
  // What curl says of a body whose type nobody named.
  const typed = body === undefined || 'content-type' in headers;
  return {
    method: valuesOf('-X')[0] ?? 'GET',
    url,
    headers: typed ? headers : { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
    ...(body !== undefined && { body }),
  };
}

function splitHeader(line: string): [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}

function parseAnswer(lines: readonly string[]): RecordedAnswer {
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(lines[0] ?? '')?.[1];
  const end = lines.indexOf('');
  if (status === undefined || end < 0) throw new Error(`Not a recorded answer: ${lines.join('\n').slice(0, 200)}`);
  const headers = new Map(lines.slice(1, end).map(splitHeader));
  const body = lines
    .slice(end + 1)
    .join('\n')
    .trim();
  if ((body === '') !== (headers.get('content-length') === '0')) throw new Error('The body was not read.');
  return { status: Number(status), headers, body };
}
