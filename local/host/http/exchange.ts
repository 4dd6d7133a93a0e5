/** Requests and answers as the host's own handlers see them. */
import { type IncomingMessage, type ServerResponse } from 'node:http';

/** What is known of a request before its body is read. */
export interface Head {
  readonly method: string;
  /** Absolute, with the host's own origin. */
  readonly url: URL;
  /** By name in small letters; the values of a repeated header are joined. */
  readonly headers: Readonly<Record<string, string>>;
}
export interface Request extends Head {
  readonly body: Buffer;
}
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly string[];
  readonly body?: string | Uint8Array;
}
export type Handler = (request: Request) => Reply | Promise<Reply>;

export interface Exchange {
  readonly head: Head;
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
}
/** Answers a request whose body is still to come. */
export type Answerer = (exchange: Exchange) => Promise<void>;

export const json = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Reply =>
  jsonText(status, JSON.stringify(body), headers);

/** An answer whose JSON is written already, so that numbers stay as they were sent. */
export const jsonText = (status: number, body: string, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status,
  headers: { 'Content-Type': 'application/json; charset=utf-8', ...headers },
  body,
});
export const text = (status: number, body: string): Reply => ({
  status,
  headers: { 'Content-Type': 'text/plain; charset=utf-8' },
  body,
});
export const empty = (status: number, headers: Readonly<Record<string, string>> = {}): Reply => ({ status, headers });

/** @param origin the host's own, because a Host header is the caller's word only. @returns undefined for no URL of ours */
export function readHead(incoming: IncomingMessage, origin: string): Head | undefined {
  const url = incoming.url?.startsWith('/') ? URL.parse(origin + incoming.url) : null;
  if (!url) return undefined;
  const headers = Object.entries(incoming.headersDistinct).map(
    ([name, values]) => [name, values?.join(name === 'cookie' ? '; ' : ', ') ?? ''] as const,
  );
  return { method: incoming.method ?? 'GET', url, headers: Object.fromEntries(headers) };
}

/** Azure's limit of a request's body. */
const LARGEST_BODY = 100 * 1024 * 1024;

/** An answerer that reads the request whole. */
export const whole =
  (handler: Handler): Answerer =>
  async ({ head, incoming, response }) => {
    const body = await readBody(incoming);
    writeReply(response, body ? await handler({ ...head, body }) : empty(413, { Connection: 'close' }));
  };

/** Undefined when it is too large. By its events: an iterator costs more than all else that is done with a small body. */
function readBody(incoming: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= LARGEST_BODY) chunks.push(chunk);
      else chunks.length = 0;
    });
    incoming.once('end', () => resolve(size > LARGEST_BODY ? undefined : Buffer.concat(chunks)));
    incoming.once('error', reject);
  });
}

export function writeReply(response: ServerResponse, { status, headers = {}, cookies = [], body }: Reply): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (cookies.length > 0) response.setHeader('Set-Cookie', cookies);
  response.statusCode = status;
  response.end(body);
}

/** The key that a caller shows: `?code=` or `x-functions-key`. */
export const shownKey = ({ url, headers }: Head): string | undefined =>
  url.searchParams.get('code') ?? headers['x-functions-key'];
