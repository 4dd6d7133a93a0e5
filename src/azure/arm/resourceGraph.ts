/** Azure Resource Graph: one query over all that the app may read, followed to its last page. */
import { type QueryRequestOptions, ResourceGraphClient } from '@azure/arm-resourcegraph';
import { z } from 'zod';
import { armOptions, type Connection } from '../client';

/** `inherited`: of policies and grants, those above what the app may read too. */
export type Query = <T extends z.ZodType>(
  query: string,
  row: T,
  inherited?: 'inherited',
) => Promise<readonly z.output<T>[]>;

export function resourceGraph(connection: Connection): Query {
  const client = new ResourceGraphClient(connection.credential, armOptions(connection));
  return async (query, row, inherited) => {
    const rows = z.array(row);
    const found: z.output<typeof row>[] = [];
    let skipToken: string | undefined;
    do {
      const options: QueryRequestOptions = {
        resultFormat: 'objectArray',
        ...(skipToken ? { skipToken } : {}),
        ...(inherited ? { authorizationScopeFilter: 'AtScopeAboveAndBelow' } : {}),
      };
      const page = await client.resources({ query, options });
      found.push(...rows.parse(page.data));
      skipToken = page.skipToken;
    } while (skipToken);
    return found;
  };
}
