/**
 * Writes down every answer that a simulated Azure of this process gives over HTTPS, for `answers.ledger.ts` to hold
 * against its source. Node itself tells of each request, so no test can forget to, and the simulator knows nothing of it.
 */
import { randomUUID } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { appendFileSync, mkdirSync } from 'node:fs';
import { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { z } from 'zod';
import { faultsOf } from './headers';

/** A refusal or a failure as it stood anywhere in an answer. */
const told = z.object({ code: z.string(), message: z.string() });
type Told = z.infer<typeof told>;

export const answer = z.object({
  method: z.string(),
  url: z.string(),
  host: z.string(),
  status: z.number(),
  /** Asked by one of Microsoft's SDKs for JavaScript. */
  sdk: z.boolean(),
  /** Asked of the blob service. */
  blob: z.boolean(),
  told: z.array(told),
  /** What its headers have that Azure's would not, or lack. */
  faults: z.array(z.string()),
});
export type SeenAnswer = z.infer<typeof answer>;

/** The environment variable that names the folder; without it nothing is written. */
export const LEDGER = 'AZURE_LEDGER';

const message = z.object({ request: z.instanceof(IncomingMessage), response: z.instanceof(ServerResponse) });
/** Node's own channel, told of each request to any server of this process. */
const STARTED = 'http.server.request.start';

/** @returns the end of it */
export function recordAnswers(): () => void {
  const folder = process.env[LEDGER];
  if (folder === undefined) return () => undefined;
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${randomUUID()}.jsonl`);
  const known = new Set<string>();
  const listen = (started: unknown): void => {
    const { request, response } = message.parse(started);
    if (!(request.socket instanceof TLSSocket) || request.url?.startsWith('/_simulator') === true) return;
    let headers: Headers = {};
    // What is given to writeHead can be asked of the response by nobody.
    watch(response, 'writeHead', (_, given) => (headers = lowered(given)));
    watch(response, 'end', (content) => {
      const line = JSON.stringify(seen(request, response.statusCode, headers, textOf(content)));
      if (!known.has(line)) appendFileSync(file, `${line}\n`);
      known.add(line);
    });
  };
  subscribe(STARTED, listen);
  return () => void unsubscribe(STARTED, listen);
}

type Headers = Readonly<Record<string, string>>;

const lowered = (given: unknown): Headers =>
  Object.fromEntries(
    Object.entries(z.record(z.string(), z.string()).parse(given)).map(([name, value]) => [name.toLowerCase(), value]),
  );

const textOf = (content: unknown): string =>
  typeof content === 'string' ? content : content instanceof Uint8Array ? Buffer.from(content).toString() : '';

/** Hears what a method is called with, before it is. */
function watch(response: ServerResponse, name: 'writeHead' | 'end', hear: (...of: unknown[]) => void): void {
  const method: unknown = Reflect.get(response, name);
  if (typeof method !== 'function') throw new Error(`A response without ${name}().`);
  Object.defineProperty(response, name, {
    configurable: true,
    value: (...of: unknown[]): unknown => {
      hear(...of);
      return Reflect.apply(method, response, of);
    },
  });
}

function seen(request: IncomingMessage, status: number, answered: Headers, content: string): SeenAnswer {
  const { method = '', url = '', headers } = request;
  const header = (name: string): string | undefined => answered[name];
  const tellings = toldIn(content);
  // HEAD has no body; the blob service names the code in a header.
  const code = header('x-ms-error-code');
  return {
    method,
    url,
    host: headers.host ?? '',
    status,
    // Microsoft Graph's own client names itself elsewhere.
    sdk: /azsdk-js-/.test(headers['user-agent'] ?? '') || /^graph-js\//.test(String(headers['sdkversion'] ?? '')),
    blob: headers['x-ms-version'] !== undefined,
    told: tellings.length === 0 && code !== undefined ? [{ code, message: '' }] : tellings,
    faults: faultsOf({ method, url, status, header, content }),
  };
}

/** Every object with a code and a message in JSON, or what the blob service's XML says. */
function toldIn(content: string): Told[] {
  const [, code, text] = /<Error><Code>(\w+)<\/Code><Message>([\s\S]*?)\nRequestId:/.exec(content) ?? [];
  if (code !== undefined) return [{ code, message: text ?? '' }];
  if (!content.includes('"message"') || !/^[[{]/.test(content)) return [];
  return within(JSON.parse(content));
}

function within(value: unknown): Told[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = told.safeParse(value);
  return [...(own.success ? [own.data] : []), ...Object.values(value).flatMap(within)];
}
