/** Errors of the API: RFC 9457, with a stable code, what is wrong where, and what to do. */
import type { HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import type { z } from 'zod';
import { type Fault, toFaults } from '../domain/faults';
import type { Parting } from '../domain/plan/approval';

interface Problem {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly remedy: string;
  readonly errors?: readonly Fault[];
  readonly statusUrl?: string;
  /** Of an approved plan that no longer holds: what holds now, and where the two part. */
  readonly planId?: string;
  readonly differences?: readonly Parting[];
}

export const problem = ({ status, ...body }: Problem): HttpResponseInit => ({
  status,
  headers: { 'content-type': 'application/problem+json' },
  body: JSON.stringify({ type: `urn:sentry-orchestrator:${body.code}`, status, ...body }),
});

const MOST_BYTES = 1024 * 1024;

/** The body as JSON, or the problem that it is. The body itself is never repeated: it may hold a secret. */
export async function readJson(
  request: HttpRequest,
): Promise<{ readonly body: unknown } | { readonly refusal: HttpResponseInit }> {
  const text = await request.text();
  if (Buffer.byteLength(text) > MOST_BYTES) {
    return {
      refusal: problem({
        status: 400,
        code: 'BodyTooLarge',
        title: 'The body has more than 1 MiB.',
        remedy: 'Send a smaller request; list management groups instead of ids.',
      }),
    };
  }
  try {
    return { body: JSON.parse(text) };
  } catch {
    return {
      refusal: problem({
        status: 400,
        code: 'NotJson',
        title: 'The body is not JSON.',
        remedy: 'Send one JSON object, as samples/deployment.json shows.',
      }),
    };
  }
}

export const invalid = (errors: readonly Fault[]): HttpResponseInit =>
  problem({
    status: 400,
    code: 'InvalidRequest',
    title:
      errors.length === 1 ? 'One thing in the request is wrong.' : `${errors.length} things in the request are wrong.`,
    remedy: 'Mend what errors names, then send it again. Nothing was done.',
    errors,
  });

export const conflict = (request: HttpRequest, name: string): HttpResponseInit =>
  problem({
    status: 409,
    code: 'DeploymentRunning',
    title: `Deployment '${name}' is running.`,
    remedy: 'Wait until it rests, then send this again.',
    statusUrl: new URL(`/api/deployments/${name}`, request.url).href,
  });

export const notFound = (what: string): HttpResponseInit =>
  problem({
    status: 404,
    code: 'NoSuchName',
    title: `There is no ${what}.`,
    remedy: '`GET /api/deployments` lists what there is.',
  });

/** The body in its schema's terms, or the problem document that names each fault in it. */
export async function readBody<T extends z.ZodType>(
  request: HttpRequest,
  schema: T,
): Promise<{ readonly body: z.output<T> } | { readonly refusal: HttpResponseInit }> {
  const json = await readJson(request);
  if ('refusal' in json) return json;
  const parsed = schema.safeParse(json.body);
  return parsed.success
    ? { body: parsed.data }
    : { refusal: invalid(parsed.error.issues.flatMap((issue) => toFaults(issue, json.body))) };
}

type Handler<C> = (request: HttpRequest, client: C, context: InvocationContext) => Promise<HttpResponseInit>;

/** A crash of ours is a problem document too. Its details go to the log alone. */
export const guarded =
  <C>(handler: Handler<C>): Handler<C> =>
  async (request, client, context) => {
    try {
      return await handler(request, client, context);
    } catch (error) {
      context.error(error instanceof Error ? `${error.name}: ${error.message}` : 'unknown failure');
      return problem({
        status: 500,
        code: 'Unexpected',
        title: 'The request could not be carried out.',
        remedy: `Send it again; if that fails too, see the log at invocation ${context.invocationId}.`,
      });
    }
  };
