import { randomUUID } from '../random';
import { type Answer } from './call';
import { AzureError } from './errors';

/** An answer as it goes over the wire. */
export interface Wire {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON, or bytes where the service does not speak JSON. */
  readonly content: string | Uint8Array;
}

export function wireOf(method: string, { status, body, headers = {} }: Answer): Wire {
  const id = randomUUID();
  const isEmpty = body === undefined || method === 'HEAD';
  const content = isEmpty ? '' : body instanceof Uint8Array ? body : JSON.stringify(body);
  return {
    status,
    headers: {
      'Cache-Control': 'no-cache',
      'x-ms-request-id': id,
      'x-ms-correlation-request-id': id,
      'request-id': id,
      ...(content === '' || content instanceof Uint8Array ? {} : { 'Content-Type': 'application/json; charset=utf-8' }),
      'Content-Length': String(Buffer.byteLength(content)),
      ...headers,
    },
    content,
  };
}

/** A request's body by what its headers say it is. Throws 400 for what is not JSON. */
export function readBody(bytes: Buffer, header: (name: string) => string | undefined): unknown {
  // Every client of the blob service sends this header; its bodies are pages and XML.
  if (header('x-ms-version') !== undefined) return bytes;
  const text = bytes.toString('utf8');
  if (text === '') return undefined;
  if (header('content-type')?.includes('form-urlencoded') === true)
    return Object.fromEntries(new URLSearchParams(text));
  try {
    return JSON.parse(text);
  } catch {
    throw new AzureError(
      400,
      'InvalidRequestContent',
      'The request content was invalid and could not be deserialized: it is not JSON.',
    );
  }
}
