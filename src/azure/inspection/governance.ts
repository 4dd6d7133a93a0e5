/** Permissions, locks and policies: what Azure lets be done at a scope. */
import { z } from 'zod';
import type { Initiative, PolicyAssignment, PolicyDefinition } from '../../domain/preflight/policies';
import type { List } from '../arm/reader';
import type { Query } from '../arm/resourceGraph';
import { sortFailure } from '../errors';
import type { Inspection } from '../ports';

const texts = z.array(z.string()).default([]);
const permission = z.looseObject({ actions: texts, notActions: texts });
const lock = z.looseObject({ id: z.string(), properties: z.looseObject({ level: z.string() }) });

const value = z.looseObject({ value: z.unknown() });
const assignment = z
  .looseObject({
    id: z.string(),
    name: z.string(),
    properties: z.looseObject({
      displayName: z.string().optional(),
      policyDefinitionId: z.string(),
      parameters: z.record(z.string(), value).default({}),
      enforcementMode: z.string().default('Default'),
      notScopes: texts,
    }),
  })
  .transform(({ id, name, properties }): PolicyAssignment => ({
    id,
    name: properties.displayName ?? name,
    definitionId: properties.policyDefinitionId,
    parameters: mapped(properties.parameters, (one) => one.value),
    enforced: properties.enforcementMode === 'Default',
    notScopes: properties.notScopes,
  }));

const parameters = z.record(z.string(), z.looseObject({ defaultValue: z.unknown().optional() })).default({});
const definition = z.looseObject({
  id: z.string(),
  name: z.string(),
  properties: z.looseObject({
    displayName: z.string().optional(),
    mode: z.string().default('All'),
    parameters,
    policyRule: z.looseObject({ if: z.unknown(), then: z.looseObject({ effect: z.unknown() }) }).optional(),
    policyDefinitions: z
      .array(z.looseObject({ policyDefinitionId: z.string(), parameters: z.record(z.string(), value).default({}) }))
      .optional(),
  }),
});
type Row = z.output<typeof definition>;

const mapped = <T>(record: Readonly<Record<string, T>>, of: (one: T) => unknown): Record<string, unknown> =>
  Object.fromEntries(Object.entries(record).map(([name, one]) => [name, of(one)]));

/** Defaults that are not given have no value; a parameter that is absent cannot be known. */
const defaultsOf = (row: Row): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(row.properties.parameters).flatMap(([name, one]) =>
      one.defaultValue === undefined ? [] : [[name, one.defaultValue]],
    ),
  );

export function governance(list: List, query: Query): Pick<Inspection, 'permissions' | 'locks' | 'policies'> {
  const at = (scope: string, type: string): string => `${scope}/providers/Microsoft.Authorization/${type}`;
  const definitions = async (ids: readonly string[]): Promise<readonly Row[]> => {
    if (ids.length === 0) return [];
    const quoted = [...new Set(ids.map((id) => id.toLowerCase()))].map((id) => `'${id.replaceAll("'", "\\'")}'`);
    const types = "'microsoft.authorization/policydefinitions', 'microsoft.authorization/policysetdefinitions'";
    return query(
      `policyresources | where type in~ (${types}) | where id in~ (${quoted.join(', ')}) | project id, name, properties`,
      definition,
    );
  };
  return {
    permissions: async (scope) => {
      try {
        return await list(at(scope, 'permissions'), 'api-version=2022-04-01', permission);
      } catch (error) {
        // The scope is not there, or what should hold it: both mean the same here.
        if (sortFailure(error).status === 404) return undefined;
        throw error;
      }
    },
    locks: async (scope) => {
      const found = await list(at(scope, 'locks'), 'api-version=2020-05-01&$filter=atScope()', lock);
      return found.map(({ id, properties }) => ({ id, level: properties.level }));
    },
    policies: async (scope) => {
      const assigned = await list(
        at(scope, 'policyAssignments'),
        'api-version=2023-04-01&$filter=atScope()',
        assignment,
      );
      const rows = await definitions(assigned.map(({ definitionId }) => definitionId));
      const initiatives = rows.flatMap(toInitiative);
      const inner = await definitions(initiatives.flatMap(({ members }) => members.map((one) => one.definitionId)));
      return { assignments: assigned, definitions: [...rows, ...inner].flatMap(toDefinition), initiatives };
    },
  };
}

function toDefinition(row: Row): readonly PolicyDefinition[] {
  const { displayName, mode, policyRule } = row.properties;
  if (!policyRule) return [];
  const { if: rule, then } = policyRule;
  return [{ id: row.id, name: displayName ?? row.name, mode, rule, effect: then.effect, defaults: defaultsOf(row) }];
}

function toInitiative(row: Row): readonly Initiative[] {
  const members = row.properties.policyDefinitions?.map((one) => ({
    definitionId: one.policyDefinitionId,
    parameters: mapped(one.parameters, (given) => given.value),
  }));
  return members ? [{ id: row.id, defaults: defaultsOf(row), members }] : [];
}
