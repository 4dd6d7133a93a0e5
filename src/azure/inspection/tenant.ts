/** Subscriptions, the app's own role assignments, and where there is hardly room for more: three queries. */
import { z } from 'zod';
import type { Query } from '../arm/resourceGraph';
import type { Inspection } from '../ports';

const SUBSCRIPTIONS =
  "resourcecontainers | where type =~ 'microsoft.resources/subscriptions' | project subscriptionId, tenantId, properties";
const ASSIGNMENTS = "authorizationresources | where type =~ 'microsoft.authorization/roleassignments'";

const subscription = z.looseObject({
  subscriptionId: z.guid().toLowerCase(),
  tenantId: z.string().toLowerCase(),
  properties: z
    .looseObject({
      state: z.string().default('Enabled'),
      managementGroupAncestorsChain: z.array(z.looseObject({ name: z.string() })).nullish(),
    })
    .nullish(),
});
const assignment = z.looseObject({
  properties: z.looseObject({
    scope: z.string(),
    roleDefinitionId: z.string(),
    condition: z.string().nullish(),
  }),
});
const count = z.looseObject({ subscriptionId: z.string().toLowerCase(), assignments: z.number() });

export const tenantFacts =
  (query: Query): Inspection['tenant'] =>
  async (appId, atLeast) => {
    const [subscriptions, own, crowded] = await Promise.all([
      query(SUBSCRIPTIONS, subscription),
      query(`${ASSIGNMENTS} | where properties.principalId =~ '${appId}' | project properties`, assignment),
      query(
        `${ASSIGNMENTS} | where isnotempty(subscriptionId) | summarize assignments = count() by subscriptionId | where assignments >= ${atLeast}`,
        count,
      ),
    ]);
    return {
      subscriptions: subscriptions.map(({ subscriptionId, tenantId, properties }) => ({
        id: subscriptionId,
        tenantId,
        state: properties?.state ?? 'Enabled',
        managementGroups: (properties?.managementGroupAncestorsChain ?? []).map(({ name }) => name),
      })),
      own: own.map(({ properties: { scope, roleDefinitionId, condition } }) => ({
        scope,
        roleId: roleDefinitionId.slice(roleDefinitionId.lastIndexOf('/') + 1),
        ...(condition ? { condition } : {}),
      })),
      crowded: Object.fromEntries(crowded.map(({ subscriptionId, assignments }) => [subscriptionId, assignments])),
    };
  };
