/** The subscriptions that the app may read, from Azure Resource Graph. */
import { ResourceGraphClient } from '@azure/arm-resourcegraph';
import { z } from 'zod';
import type { KnownSubscription } from '../../domain/subscriptions';
import { armOptions, type Connection } from '../client';
import type { Azure } from '../ports';

const QUERY =
  "resourcecontainers | where type =~ 'microsoft.resources/subscriptions' | project subscriptionId, name, tags, properties";

const rows = z.array(
  z.looseObject({
    subscriptionId: z.guid().toLowerCase(),
    name: z.string().default(''),
    tags: z.record(z.string(), z.string()).nullish(),
    properties: z
      .looseObject({
        state: z.string().default('Enabled'),
        managementGroupAncestorsChain: z.array(z.looseObject({ name: z.string() })).nullish(),
      })
      .nullish(),
  }),
);

/** A disabled or deleted subscription can be granted nothing, so it is not listed. */
export function subscriptions(connection: Connection): Azure['subscriptions'] {
  const client = new ResourceGraphClient(connection.credential, armOptions(connection));
  return {
    list: async () => {
      const found: KnownSubscription[] = [];
      let skipToken: string | undefined;
      do {
        const page = await client.resources({
          query: QUERY,
          options: { resultFormat: 'objectArray', ...(skipToken ? { skipToken } : {}) },
        });
        for (const { subscriptionId, name, tags, properties } of rows.parse(page.data)) {
          if (properties?.state !== undefined && properties.state !== 'Enabled') continue;
          const managementGroups = (properties?.managementGroupAncestorsChain ?? []).map((group) => group.name);
          found.push({ id: subscriptionId, name, tags: tags ?? {}, managementGroups });
        }
        skipToken = page.skipToken;
      } while (skipToken);
      return found;
    },
  };
}
