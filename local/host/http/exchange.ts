/** Requests and answers as the host's own handlers see them. */
import { type IncomingMessage, type ServerResponse } from 'node:http';

export interface Request {
  readonly method: string;
  /** Absolute, with the host's own origin. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly string[];
  readonly body?: string | Uint8Array;
}
export type Handler = (request: Request) => Reply | Promise<Reply>;

export const json = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Reply =>
  jsonText(status, JSON.stringify(body), headers);

/** An answer whose JSON is written already, so that numbers stay as they were sent. */
export const jsonText = (status: number, body: string, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status,
  headers: { 'Content-Type': 'application/json; charset=utf-8', ...headers },
  body,
});
export const empty = (status: number, headers: Readonly<Record<string, string>> = {}): Reply => ({ status, headers });

/** Reads a request whole. @param origin the host's own, because a Host header is the caller's word only */
export async function readRequest(incoming: IncomingMessage, origin: string): Promise<Request> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  const headers = Object.entries(incoming.headersDistinct).map(
    ([name, values]) => [name, values?.join(', ') ?? ''] as const,
  );
  return {
    method: incoming.method ?? 'GET',
    url: new URL(origin + (incoming.url ?? '/')),
    headers: Object.fromEntries(headers),
    body: Buffer.concat(chunks),
  };
}

export function writeReply(response: ServerResponse, { status, headers = {}, cookies = [], body }: Reply): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (cookies.length > 0) response.setHeader('Set-Cookie', cookies);
  response.statusCode = status;
  response.end(body);
}

/** The key that a caller shows: `?code=` or `x-functions-key`. */
export const shownKey = ({ url, headers }: Request): string | undefined =>
  url.searchParams.get('code') ?? headers['x-functions-key'];
