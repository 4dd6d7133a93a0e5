/** The subscriptions that the app may read, from Azure Resource Graph. */
import { z } from 'zod';
import type { KnownSubscription } from '../../domain/subscriptions';
import type { Connection } from '../client';
import type { Azure } from '../ports';
import { resourceGraph } from './resourceGraph';

const QUERY =
  "resourcecontainers | where type =~ 'microsoft.resources/subscriptions' | project subscriptionId, name, tags, properties";

const row = z.looseObject({
  subscriptionId: z.guid().toLowerCase(),
  name: z.string().default(''),
  tags: z.record(z.string(), z.string()).nullish(),
  properties: z
    .looseObject({
      state: z.string().default('Enabled'),
      managementGroupAncestorsChain: z.array(z.looseObject({ name: z.string() })).nullish(),
    })
    .nullish(),
});

export function subscriptions(connection: Connection): Azure['subscriptions'] {
  const query = resourceGraph(connection);
  return {
    list: async () => {
      const found: KnownSubscription[] = [];
      for (const { subscriptionId, name, tags, properties } of await query(QUERY, row)) {
        const managementGroups = (properties?.managementGroupAncestorsChain ?? []).map((group) => group.name);
        found.push({
          id: subscriptionId,
          name,
          tags: tags ?? {},
          state: properties?.state ?? 'Enabled',
          managementGroups,
        });
      }
      return found;
    },
  };
}
