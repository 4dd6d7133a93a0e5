/** Subscriptions, the app's own role assignments, and where there is hardly room for more: one query of Resource Graph. */
import { z } from 'zod';
import type { Query } from '../arm/resourceGraph';
import type { Inspection } from '../ports';

/**
 * Both tables in one: a subscription with neither comes from the left alone; what is granted above subscriptions has
 * none, and comes from the right alone.
 */
const queryFor = (appId: string, atLeast: number, roleIds: readonly string[]): string => {
  const isAsked = `type =~ '${DEFINITIONS}' and name in~ (${roleIds.map((id) => `'${id}'`).join(', ')})`;
  // Definitions are counted apart: they have no subscription, as grants above subscriptions have none.
  const asked = roleIds.length > 0;
  return [
    'resourcecontainers',
    "where type =~ 'microsoft.resources/subscriptions'",
    'project subscriptionId, tenantId, properties',
    `join kind=fullouter (${[
      'authorizationresources',
      `where type =~ '${ASSIGNMENTS}'${asked ? ` or (${isAsked})` : ''}`,
      `extend isOwn = type =~ '${ASSIGNMENTS}' and tostring(properties.principalId) =~ '${appId}'`,
      `extend isRole = type =~ '${DEFINITIONS}'`,
      [
        `summarize assignments = countif(type =~ '${ASSIGNMENTS}')`,
        'owned = countif(isOwn)',
        "own = make_set(iff(isOwn, tostring(properties), ''))",
        'defined = countif(isRole)',
        "roles = make_set(iff(isRole, tostring(bag_pack('id', name, 'of', properties)), '')) by subscriptionId",
      ].join(', '),
      `where owned > 0 or defined > 0 or assignments >= ${atLeast}`,
    ].join(' | ')}) on subscriptionId`,
  ].join(' | ');
};
const ASSIGNMENTS = 'microsoft.authorization/roleassignments';
const DEFINITIONS = 'microsoft.authorization/roledefinitions';

const subscription = z.looseObject({
  state: z.string().default('Enabled'),
  managementGroupAncestorsChain: z.array(z.looseObject({ name: z.string() })).nullish(),
});
const assignment = z.looseObject({
  scope: z.string(),
  roleDefinitionId: z.string(),
  condition: z.string().nullish(),
});
/** Where a side has no match, its columns are empty: texts are `''`, whatever else is null. */
const row = z.looseObject({
  subscriptionId: z.string().toLowerCase().nullish(),
  tenantId: z.string().toLowerCase().nullish(),
  properties: subscription.nullish(),
  subscriptionId1: z.string().toLowerCase().nullish(),
  assignments: z.number().nullish(),
  own: z.array(z.string()).nullish(),
  roles: z.array(z.string()).nullish(),
});

const actions = z.array(z.string()).default([]);
const role = z
  .looseObject({
    id: z.string().toLowerCase(),
    of: z.looseObject({
      roleName: z.string().default(''),
      permissions: z.array(z.looseObject({ actions, notActions: actions })).default([]),
    }),
  })
  .transform(({ id, of: { roleName, permissions } }) => ({ id, name: roleName, permissions }));
const rolesOf = (texts: readonly string[]) =>
  texts.flatMap((text) => (text === '' ? [] : [role.parse(JSON.parse(text))]));

const ownOf = (texts: readonly string[]) =>
  texts.flatMap((text) => {
    if (text === '') return [];
    const { scope, roleDefinitionId, condition } = assignment.parse(JSON.parse(text));
    const roleId = roleDefinitionId.slice(roleDefinitionId.lastIndexOf('/') + 1);
    return [{ scope, roleId, ...(condition ? { condition } : {}) }];
  });

export const tenantFacts =
  (query: Query): Inspection['tenant'] =>
  async (appId, atLeast, roleIds) => {
    const rows = await query(queryFor(appId, atLeast, roleIds), row);
    return {
      subscriptions: rows.flatMap(({ subscriptionId: id, tenantId, properties }) =>
        id && tenantId
          ? [
              {
                id,
                tenantId,
                state: properties?.state ?? 'Enabled',
                managementGroups: (properties?.managementGroupAncestorsChain ?? []).map(({ name }) => name),
              },
            ]
          : [],
      ),
      own: rows.flatMap(({ own }) => ownOf(own ?? [])),
      roles: rows.flatMap(({ roles }) => rolesOf(roles ?? [])),
      crowded: Object.fromEntries(
        rows.flatMap(({ subscriptionId1: id, assignments = 0 }) =>
          id && assignments !== null && assignments >= atLeast ? [[id, assignments]] : [],
        ),
      ),
    };
  };
