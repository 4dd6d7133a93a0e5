/** Plain reads of ARM, for what no client of ours has: permissions at any scope, locks, policies. */
import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createPipelineFromOptions,
  createPipelineRequest,
} from '@azure/core-rest-pipeline';
import { z } from 'zod';
import type { Connection } from '../client';
import { sortFailure } from '../errors';

/** All items of a list, page after page. `path` begins with the scope; the query may hold more than the version. */
export type List = <T extends z.ZodType>(path: string, query: string, item: T) => Promise<readonly z.output<T>[]>;

export function armReader({ config, credential, transport }: Connection): List {
  const { armEndpoint, armAudience } = config.cloud;
  const pipeline = createPipelineFromOptions({ retryOptions: { maxRetries: 0 } });
  pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential, scopes: `${armAudience}/.default` }));
  const httpClient = transport.httpClient ?? createDefaultHttpClient();
  const get = async (url: string): Promise<unknown> => {
    const answer = await pipeline.sendRequest(httpClient, createPipelineRequest({ url }));
    if (answer.status === 200) return JSON.parse(answer.bodyAsText ?? '{}');
    const error = new Error(`The read answered ${answer.status}`);
    throw sortFailure(Object.assign(error, { statusCode: answer.status, response: answer }));
  };
  return async (path, query, item) => {
    const page = z.looseObject({ value: z.array(item), nextLink: z.string().nullish() });
    const found: z.output<typeof item>[] = [];
    for (let next: string | null | undefined = `${armEndpoint}${path}?${query}`; next;) {
      const { value, nextLink }: z.output<typeof page> = page.parse(await get(next));
      found.push(...value);
      next = nextLink;
    }
    return found;
  };
}
