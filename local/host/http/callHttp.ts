/**
 * The built-in activity behind callHttp: sends the request as the Durable extension's HttpClient does (contract 5.3).
 * Not fetch: that adds headers of its own, unpacks bodies, and refuses a GET with a body.
 */
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { type TextAnswer } from '../engine/core';
import { type HttpCall, httpRequestSchema } from '../engine/httpCall';
import { messageOf } from '../log';

const USER_AGENT = 'Microsoft.Azure.WebJobs.Extensions.DurableTask/3.0.0';
/** .NET's defaults, like the rules for redirects below. */
const TIMEOUT_MS = 240_000;
const MOST_REDIRECTS = 50;

/** @param input the request as JSON text */
export async function runHttpCall(input: string | null): Promise<TextAnswer> {
  try {
    const call = httpRequestSchema.parse(JSON.parse(input ?? '{}'));
    return { ok: true, result: JSON.stringify(describe(await follow(await prepare(call)))) };
  } catch (error) {
    return { ok: false, error };
  }
}

interface Outgoing {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: string | null;
}

async function prepare({ method, uri, content, headers, tokenSource }: HttpCall): Promise<Outgoing> {
  const url = URL.parse(uri);
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new Error(`callHttp needs an absolute http or https URL, and got '${uri}'.`);
  }
  const entries = Object.entries(headers).map(
    ([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values] as const,
  );
  const own = entries.filter(([name]) => !['content-type', 'content-length'].includes(name.toLowerCase()));
  const contentType = String(entries.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? 'text/plain');
  if (contentType.includes('multipart')) throw new Error('Multipart content is not supported with CallHttpAsync.');
  const isForm = contentType.toLowerCase() === 'application/x-www-form-urlencoded';
  return {
    method: method.toUpperCase(),
    url,
    body: content,
    headers: {
      ...(!own.some(([name]) => name.toLowerCase() === 'user-agent') && { 'User-Agent': USER_AGENT }),
      ...Object.fromEntries(own),
      ...(content !== null && { 'Content-Type': isForm ? `${contentType}; charset=utf-8` : contentType }),
      ...(tokenSource && { Authorization: `Bearer ${await token(tokenSource)}` }),
    },
  };
}

/** Loaded when the first app asks for it: it is large, and few do. */
async function token({ kind, resource }: NonNullable<HttpCall['tokenSource']>): Promise<string> {
  if (kind !== 'AzureManagedIdentity') throw new Error(`The token source kind '${kind}' is not supported.`);
  const { DefaultAzureCredential } = await import('@azure/identity');
  const scope = resource.endsWith('/.default') ? resource : `${resource.replace(/\/$/, '')}/.default`;
  return (await new DefaultAzureCredential().getToken(scope)).token;
}

interface Incoming {
  readonly response: IncomingMessage;
  readonly body: Buffer;
}

/** Follows redirects, without the Authorization header, and never from https to http. */
async function follow(outgoing: Outgoing): Promise<Incoming> {
  let next = outgoing;
  for (let redirects = 0; ; redirects++) {
    const incoming = await send(next);
    const { statusCode = 0, headers } = incoming.response;
    const url = headers.location === undefined ? undefined : URL.parse(headers.location, next.url.href);
    const downgrade = next.url.protocol === 'https:' && url?.protocol === 'http:';
    const isRedirect = [300, 301, 302, 303, 307, 308].includes(statusCode);
    if (!isRedirect || !url || downgrade || redirects === MOST_REDIRECTS) return incoming;
    const toGet = statusCode === 303 ? next.method !== 'HEAD' : statusCode < 303 && next.method === 'POST';
    const dropped = toGet ? ['authorization', 'content-type'] : ['authorization'];
    const kept = Object.entries(next.headers).filter(([name]) => !dropped.includes(name.toLowerCase()));
    const method = toGet ? 'GET' : next.method;
    next = { method, url, headers: Object.fromEntries(kept), body: toGet ? null : next.body };
  }
}

async function send({ method, url, headers, body }: Outgoing): Promise<Incoming> {
  const make = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const length = body === null ? {} : { 'Content-Length': Buffer.byteLength(body) };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = make(url, { method, headers: { ...headers, ...length }, signal }, resolve);
      request.once('error', reject);
      request.end(body ?? undefined);
    });
    return { response, body: await buffer(response) };
  } catch (error) {
    // Without the query: it may hold a key.
    throw new Error(`${method} ${url.origin}${url.pathname} failed: ${reasonOf(error)}`, { cause: error });
  }
}

/** An address with several ways to it fails with one error for each, and an empty message of its own. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'AbortError') return `no answer within ${TIMEOUT_MS / 1000} seconds`;
  return error instanceof AggregateError ? error.errors.map(messageOf).join('; ') : messageOf(error);
}

const CONTENT_HEADERS: ReadonlySet<string> = new Set(
  'allow content-disposition content-encoding content-language content-length content-location content-md5 content-range content-type expires last-modified'.split(
    ' ',
  ),
);
/** .NET writes the names that it knows in its own way, however they came. */
const KNOWN_HEADERS = new Map(
  'Accept-Ranges Age Alt-Svc Cache-Control Connection Date ETag Keep-Alive Location Pragma Proxy-Authenticate Retry-After Server Set-Cookie Strict-Transport-Security Trailer Transfer-Encoding Upgrade Vary Via WWW-Authenticate Warning'
    .split(' ')
    .map((name) => [name.toLowerCase(), name]),
);

/** The activity's result. .NET keeps content headers apart, so they are missing here (contract 5.3). */
function describe({ response, body }: Incoming) {
  const headers: Record<string, string | string[]> = {};
  for (const [lower, values = []] of Object.entries(response.headersDistinct)) {
    if (CONTENT_HEADERS.has(lower)) continue;
    const asSent = response.rawHeaders.find((name, index) => index % 2 === 0 && name.toLowerCase() === lower);
    headers[KNOWN_HEADERS.get(lower) ?? asSent ?? lower] = values.length === 1 ? (values[0] ?? '') : values;
  }
  return { statusCode: response.statusCode ?? 0, headers, content: textOf(response, body) };
}

function textOf(response: IncomingMessage, bytes: Buffer): string {
  const charset = /charset="?([^";\s]+)/i.exec(response.headers['content-type'] ?? '')?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return bytes.toString('utf8'); // a charset that nobody knows
  }
}
