/** Azure Resource Graph: one query over all that the app may read, followed to its last page. */
import { ResourceGraphClient } from '@azure/arm-resourcegraph';
import { z } from 'zod';
import { armOptions, type Connection } from '../client';

export type Query = <T extends z.ZodType>(query: string, row: T) => Promise<readonly z.output<T>[]>;

export function resourceGraph(connection: Connection): Query {
  const client = new ResourceGraphClient(connection.credential, armOptions(connection));
  return async (query, row) => {
    const rows = z.array(row);
    const found: z.output<typeof row>[] = [];
    let skipToken: string | undefined;
    do {
      const options = { resultFormat: 'objectArray' as const, ...(skipToken ? { skipToken } : {}) };
      const page = await client.resources({ query, options });
      found.push(...rows.parse(page.data));
      skipToken = page.skipToken;
    } while (skipToken);
    return found;
  };
}
