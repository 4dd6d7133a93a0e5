/** ARM's long-running operations: begun by one call, polled by others, never waited for. */
import {
  bearerTokenAuthenticationPolicy,
  createPipelineFromOptions,
  createPipelineRequest,
} from '@azure/core-rest-pipeline';
import { z } from 'zod';
import { type Connection, httpClientOf } from '../client';
import { retryAfter, sort, sortFailure } from '../errors';
import type { Accepted, Azure } from '../ports';

interface RawResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | undefined };
}
export interface Observing {
  readonly onResponse: (response: RawResponse) => void;
}

/**
 * Sends the first request of an operation and answers what is to be polled: `Azure-AsyncOperation` where it is
 * given, else `Location` of a 202 (azure-docs, async-operations). A poller of the SDK is only asked to send.
 */
export async function submit(
  begin: (options: Observing) => { submitted(): Promise<void> } | PromiseLike<unknown>,
): Promise<Accepted> {
  let first: RawResponse | undefined;
  const begun = begin({ onResponse: (response) => (first ??= response) });
  await ('submitted' in begun ? begun.submitted() : begun);
  if (!first) return {};
  const location = first.status === 202 ? first.headers.get('location') : undefined;
  return { operation: first.headers.get('azure-asyncoperation') ?? location, seconds: retryAfter(first.headers) };
}

const operationBody = z.looseObject({
  status: z.string().default('Succeeded'),
  error: z.looseObject({ code: z.string(), message: z.string().default('') }).optional(),
});

/** Asks how an operation stands. One that Azure has forgotten counts as ended: the resource itself then tells. */
export function operations({ config, credential, transport }: Connection): Azure['operations'] {
  const pipeline = createPipelineFromOptions({ retryOptions: { maxRetries: 0 } });
  pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential, scopes: `${config.cloud.armAudience}/.default` }));
  const { httpClient } = httpClientOf(transport);
  return {
    poll: async (operation) => {
      const answer = await pipeline.sendRequest(httpClient, createPipelineRequest({ url: operation }));
      const seconds = retryAfter(answer.headers);
      if (answer.status === 404 || answer.status === 204) return { status: 'succeeded' };
      if (answer.status === 202) return { status: 'running', seconds };
      if (answer.status !== 200) {
        throw sortFailure(
          Object.assign(new Error(`The operation answered ${answer.status}`), {
            statusCode: answer.status,
            response: answer,
          }),
        );
      }
      const { status, error } = operationBody.parse(JSON.parse(answer.bodyAsText || '{}'));
      switch (status.toLowerCase()) {
        case 'succeeded':
          return { status: 'succeeded' };
        case 'canceled':
          return { status: 'failed', outcome: sort(undefined, 'Canceled', 'Azure cancelled the operation') };
        case 'failed':
          return {
            status: 'failed',
            outcome: sort(200, error?.code ?? 'Failed', error?.message || 'The operation failed'),
          };
        default:
          return { status: 'running', seconds };
      }
    },
  };
}
