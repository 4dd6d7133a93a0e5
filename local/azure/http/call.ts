import { type z } from 'zod';
import { badRequest } from './errors';

/** Who asks: what the checked token said. */
export interface Caller {
  readonly principalId: string;
  readonly clientId: string;
  /** Microsoft Graph app roles (`Application.Read.All`) as they stood when the token was issued. */
  readonly roles: readonly string[];
  /** Directory roles (`Global Administrator`) that count for the call: of Microsoft Graph only. */
  readonly directoryRoles?: readonly string[];
}

/** One request, after routing and before any meaning. */
export interface Call {
  readonly method: string;
  /** Without query, without doubled or trailing slashes, in the caller's casing. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  /** Names are case-insensitive and may be percent-encoded (`api%2Dversion`). */
  readonly query: (name: string) => string | undefined;
  readonly header: (name: string) => string | undefined;
  readonly headerNames: () => readonly string[];
  /** As it was asked for, with its query: what shared keys sign. */
  readonly url: string;
  readonly body: unknown;
  readonly caller: Caller;
  /** The scope in front of `/providers/Microsoft.Authorization`, or ''. */
  readonly scope: string;
}

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Method = 'GET' | 'HEAD' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';

/** `open` routes need no token. The others are checked and run inside one transaction, so they are synchronous. */
export type Route =
  | {
      readonly method: Method;
      readonly path: string;
      readonly api: 'open';
      readonly handle: (call: Call) => Answer | Promise<Answer>;
    }
  | {
      readonly method: Method;
      readonly path: string;
      readonly api: 'arm' | 'graph' | 'vault';
      /** False where the answer itself is cut to what the caller may see. */
      readonly authorize?: boolean;
      /** False where it only says what to do instead. */
      readonly simulated?: false;
      readonly handle: (call: Call) => Answer;
    };

export type Api = Route['api'];
/** A route whose callers must have a token. */
export type Guarded = Exclude<Route, { api: 'open' }>;

export const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD';

export const ok = (body: unknown, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status: 200,
  body,
  headers,
});

/** The body in the shape of `schema`, or 400 InvalidRequestContent naming the first thing wrong. */
export function parseBody<S extends z.ZodType>(schema: S, call: Call): z.infer<S> {
  const result = schema.safeParse(call.body);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const at = issue === undefined || issue.path.length === 0 ? 'the body' : `'${issue.path.join('.')}'`;
  throw badRequest(
    'InvalidRequestContent',
    `The request content was invalid and could not be deserialized: ${at}: ${issue?.message ?? 'unknown'}.`,
  );
}

/** A parameter of the route; its absence is a mistake in the route's path. */
export function param(call: Call, name: string): string {
  const value = call.params[name];
  if (value === undefined) throw new Error(`The route of ${call.path} has no parameter '${name}'.`);
  return value;
}
