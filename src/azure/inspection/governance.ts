/** Permissions, locks and policies: what Azure lets be done at a scope. */
import { z } from 'zod';
import type { Initiative, Policies, PolicyAssignment, PolicyDefinition } from '../../domain/preflight/policies';
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
      displayName: z.string().nullish(),
      policyDefinitionId: z.string(),
      parameters: z
        .record(z.string(), value)
        .nullish()
        .transform((given) => given ?? {}),
      enforcementMode: z.string().nullish(),
      notScopes: texts.nullish(),
      resourceSelectors: z.array(z.unknown()).nullish(),
      overrides: z.array(z.unknown()).nullish(),
    }),
  })
  .transform(({ id, name, properties }): PolicyAssignment => ({
    id,
    scope: scopeOf(id),
    name: properties.displayName ?? name,
    definitionId: properties.policyDefinitionId,
    parameters: mapped(properties.parameters, (one) => one.value),
    enforced: (properties.enforcementMode ?? 'Default') === 'Default',
    notScopes: properties.notScopes ?? [],
    selective: [properties.resourceSelectors, properties.overrides].some((list) => list?.length),
  }));

const exemption = z.looseObject({
  policyAssignmentId: z.string(),
  policyDefinitionReferenceIds: z.array(z.string()).nullish(),
  expiresOn: z.string().nullish(),
});

const parameters = z
  .record(z.string(), z.looseObject({ defaultValue: z.unknown().optional() }))
  .nullish()
  .transform((given) => given ?? {});
/** Of a policy or of an initiative, which has no rule. */
const definition = z.looseObject({
  displayName: z.string().nullish(),
  mode: z.string().nullish(),
  parameters,
  policyRule: z.looseObject({ if: z.unknown(), then: z.looseObject({ effect: z.unknown() }) }).nullish(),
  policyDefinitions: z
    .array(
      z.looseObject({
        policyDefinitionId: z.string(),
        parameters: z
          .record(z.string(), value)
          .nullish()
          .transform((given) => given ?? {}),
      }),
    )
    .nullish(),
});
/** A definition with all that is assigned of it: one row however many subscriptions it is assigned in. */
const assigned = z.looseObject({
  definitionId: z.string(),
  assignments: z.array(assignment),
  name: z.string().nullish(),
  properties: definition.nullish(),
});
const row = z.looseObject({
  id: z.string(),
  name: z.string(),
  type: z.string().toLowerCase(),
  properties: z.unknown(),
});

const scopeOf = (id: string): string =>
  id.slice(0, id.toLowerCase().lastIndexOf('/providers/microsoft.authorization/'));

const DEFINITIONS = 'microsoft.authorization/policydefinitions';
const EXEMPTIONS = 'microsoft.authorization/policyexemptions';
const ASSIGNED = [
  'policyresources',
  "where type =~ 'microsoft.authorization/policyassignments'",
  'extend definitionId = tolower(tostring(properties.policyDefinitionId))',
  "summarize assignments = make_list(bag_pack('id', id, 'name', name, 'properties', properties)) by definitionId",
  `join kind=leftouter (policyresources | where type in~ ('${DEFINITIONS}', 'microsoft.authorization/policysetdefinitions') | project definitionId = tolower(id), name, properties) on definitionId`,
].join(' | ');

const quoted = (ids: readonly string[]): string =>
  [...new Set(ids.map((id) => id.toLowerCase()))].map((id) => `'${id.replaceAll("'", "\\'")}'`).join(', ');

/** Policies of the initiatives, and exemptions from the assignments. */
function restOf(members: readonly string[], assignmentIds: readonly string[]): string {
  const exempted = `type =~ '${EXEMPTIONS}' and tostring(properties.policyAssignmentId) in~ (${quoted(assignmentIds)})`;
  const inner = `type =~ '${DEFINITIONS}' and id in~ (${quoted(members)})`;
  const wanted = members.length > 0 ? `(${exempted}) or (${inner})` : exempted;
  return `policyresources | where ${wanted} | project id, name, type, properties`;
}

const mapped = <T>(record: Readonly<Record<string, T>>, of: (one: T) => unknown): Record<string, unknown> =>
  Object.fromEntries(Object.entries(record).map(([name, one]) => [name, of(one)]));

/** Defaults that are not given have no value; a parameter that is absent cannot be known. */
const defaultsOf = (of: z.output<typeof definition>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(of.parameters).flatMap(([name, one]) =>
      one.defaultValue === undefined ? [] : [[name, one.defaultValue]],
    ),
  );

export function governance(list: List, query: Query): Pick<Inspection, 'permissions' | 'locks' | 'policies'> {
  const at = (scope: string, type: string): string => `${scope}/providers/Microsoft.Authorization/${type}`;
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
    policies: async (scopes) => {
      const wanted = new Set(scopes.map((scope) => scope.toLowerCase()));
      const rows = (await query(ASSIGNED, assigned, 'inherited')).flatMap((one) => {
        const assignments = one.assignments.filter(({ scope }) => wanted.has(scope.toLowerCase()));
        return assignments.length > 0 ? [{ ...one, assignments }] : [];
      });
      const assignments = rows.flatMap((one) => one.assignments);
      if (assignments.length === 0) return { assignments, definitions: [], initiatives: [], exemptions: [] };
      const initiatives = rows.flatMap(({ definitionId, properties }) => toInitiative(definitionId, properties));
      const members = initiatives.flatMap((one) => one.members.map(({ definitionId }) => definitionId));
      const rest = await query(restOf(members, assignments.map(({ id }) => id)), row, 'inherited'); // prettier-ignore
      const inner = rest.filter(({ type }) => type === DEFINITIONS);
      const exemptions = rest.filter(({ type }) => type === EXEMPTIONS).flatMap(toExemption);
      const outer = rows.map(({ definitionId: id, name, properties }) => ({ id, name: name ?? id, properties }));
      return { assignments, definitions: [...outer, ...inner].flatMap(toDefinition), initiatives, exemptions };
    },
  };
}

function toExemption({ id, properties }: z.output<typeof row>): Policies['exemptions'] {
  const { policyAssignmentId, policyDefinitionReferenceIds, expiresOn } = exemption.parse(properties);
  if (expiresOn && Date.parse(expiresOn) <= Date.now()) return [];
  return [{ scope: scopeOf(id), assignmentId: policyAssignmentId, members: policyDefinitionReferenceIds ?? [] }];
}

interface Named {
  readonly id: string;
  readonly name: string;
  readonly properties?: unknown;
}
function toDefinition({ id, name, properties }: Named): readonly PolicyDefinition[] {
  const read = definition.nullish().parse(properties);
  if (!read?.policyRule) return [];
  const { if: rule, then } = read.policyRule;
  return [
    {
      id,
      name: read.displayName ?? name,
      mode: read.mode ?? 'All',
      rule,
      effect: then.effect,
      then,
      defaults: defaultsOf(read),
    },
  ];
}

function toInitiative(id: string, of: z.output<typeof definition> | null | undefined): readonly Initiative[] {
  const members = of?.policyDefinitions?.map((one) => ({
    definitionId: one.policyDefinitionId,
    parameters: mapped(one.parameters, (given) => given.value),
  }));
  return of && members ? [{ id, defaults: defaultsOf(of), members }] : [];
}
