/** Reads the recording of what the Azure CLI sends (recordings/azure-cli-requests.txt). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface RecordedRequest {
  readonly method: string;
  readonly url: URL;
  /** Sent before the CLI has a token, or where none is wanted. */
  readonly isOpen: boolean;
  readonly body: string | undefined;
  readonly status: number;
  /** Cut after some hundred characters. */
  readonly answer: string;
}

export interface RecordedCommand {
  readonly command: string;
  readonly requests: readonly RecordedRequest[];
}

const REQUEST = /^ {2}(GET|PUT|POST|PATCH|DELETE|HEAD) (\S+)(\s+\[no Authorization\])?$/;
const BODY = /^ {6}body (.*)$/;
const ANSWER = /^ {6}-> (\d{3}) (?:\{"(?:WWW|Azure|Retry)[^}]*\} ?)?(.*)$/;

/** @param section `B`: the CLI as it talks to Azure itself, through a proxy. `A`: to a registered cloud. */
export function recordedCommands(section: 'A' | 'B'): RecordedCommand[] {
  const text = readFileSync(join(__dirname, 'recordings', 'azure-cli-requests.txt'), 'utf8');
  return text
    .split(/^\$ /m)
    .filter((block) => block.startsWith(`[${section}] `))
    .map((block) => {
      const [first = '', ...lines] = block.split('\n');
      return { command: first.slice(4).trim(), requests: requestsOf(lines) };
    });
}

function requestsOf(lines: readonly string[]): RecordedRequest[] {
  const found: { method: string; url: URL; isOpen: boolean; body?: string; status: number; answer: string }[] = [];
  for (const line of lines) {
    // What the CLI asks between two commands, under a headline of its own, belongs to no command.
    if (line.startsWith('=====')) break;
    const [, method, url, open] = REQUEST.exec(line) ?? [];
    const [, body] = BODY.exec(line) ?? [];
    const [, status, answer] = ANSWER.exec(line) ?? [];
    const last = found.at(-1);
    if (method !== undefined && url !== undefined)
      found.push({ method, url: new URL(url), isOpen: open !== undefined, status: 0, answer: '' });
    else if (body !== undefined && last !== undefined) last.body = body;
    else if (status !== undefined && last !== undefined)
      Object.assign(last, { status: Number(status), answer: answer ?? '' });
  }
  return found.map((one) => ({ ...one, body: one.body }));
}

/** Names of an answer's members, and of those of its `properties`, as far as the cut text goes. */
export function memberNames(text: string): string[] {
  const names: string[] = [];
  const path: string[] = [];
  const pattern = /"((?:[^"\\]|\\.)*)"(\s*:)?|[{}[\]]/g;
  let pending = '';
  for (const [mark, name, colon] of text.matchAll(pattern)) {
    if (colon !== undefined && name !== undefined) {
      pending = name;
      if (path.join('.') === '{') names.push(name);
      if (path.join('.') === '{.properties') names.push(`properties.${name}`);
    } else if (mark === '{') path.push(path.length === 0 ? '{' : pending === '' ? '?' : pending);
    else if (mark === '[') path.push('[');
    else if (mark === '}' || mark === ']') path.pop();
    if (colon === undefined) pending = '';
  }
  return names;
}

const GUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';

/** Ids that the recorded answer gave: by the name of the member that held them. */
export function recordedIds(answer: string): readonly (readonly [name: string, id: string])[] {
  const pattern = new RegExp(`"(id|appId|principalId|clientId|keyId)":"(${GUID})"`, 'g');
  return [...answer.matchAll(pattern)].map(([, name = '', id = '']) => [name, id] as const);
}
