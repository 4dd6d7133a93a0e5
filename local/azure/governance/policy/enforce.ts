import { type Azure } from '../../azure';
import { AzureError } from '../../http/errors';
import { type Extension } from '../../store/extensions';
import { assignmentProperties, definitionById, POLICY_ASSIGNMENTS } from './assignments';
import { type Definition } from './definitions';
import { isExempted } from './exemptions';
import { changesOf, type Evaluated, functionsFor, meets, type Subject, tagOf, worth } from './rule';

type Properties = ReturnType<typeof assignmentProperties.parse>;

interface Found {
  readonly assignment: Extension;
  readonly properties: Properties;
  readonly definition: Definition;
  readonly because: readonly Evaluated[];
}

/** Types without tags and location, which policies of mode Indexed leave alone. */
const isIndexed = ({ type, body }: Subject): boolean =>
  type.split('/').length === 2 && !/^Microsoft\.Authorization\//i.test(type) && body['location'] !== undefined;

/**
 * Holds a write against every policy assigned at its scope or above: modify and append first, then deny.
 * Returns the body as the policies leave it; throws 403 RequestDisallowedByPolicy with all that deny it.
 */
export function enforced(azure: Azure, subject: Subject): Subject['body'] {
  const assigned = azure.hierarchy
    .scopesAbove(subject.id)
    .flatMap((scope) => azure.extensions.at(scope, POLICY_ASSIGNMENTS));
  if (assigned.length === 0) return subject.body;
  const counting = assigned.flatMap((assignment) => counts(azure, assignment, subject));
  const body = counting.reduce((before, one) => changed({ ...subject, body: before }, one), subject.body);
  const denied = counting.flatMap((one) => {
    const because: Evaluated[] = [];
    const functions = functionsFor(subject, parametersOf(one));
    const { policyRule } = one.definition.properties;
    if (effectOf(one) !== 'deny') return [];
    return meets(policyRule.if, { ...subject, body }, functions, because) ? [{ ...one, because }] : [];
  });
  if (denied.length > 0) throw disallowed(subject.name, denied);
  return body;
}

function counts(azure: Azure, assignment: Extension, subject: Subject): Omit<Found, 'because'>[] {
  const properties = assignmentProperties.parse(assignment.document);
  const above = azure.hierarchy.scopesAbove(subject.id);
  const excluded = properties.notScopes.some((scope) => above.includes(scope.toLowerCase()));
  const effectiveAt = assignment.createdAt + azure.tenant.timings.policyAssignmentPropagation * 1000;
  const exempt = isExempted(azure, assignment.id, above);
  if (excluded || exempt || properties.enforcementMode !== 'Default' || azure.now() < effectiveAt) return [];
  const definition = definitionById(azure, properties.policyDefinitionId);
  if (definition === undefined || (/^indexed$/i.test(definition.properties.mode) && !isIndexed(subject))) return [];
  return [{ assignment, properties, definition }];
}

type Counting = Omit<Found, 'because'>;

const parametersOf = ({ properties, definition }: Counting): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(definition.properties.parameters).map(([name, { defaultValue }]) => [
      name,
      properties.parameters[name]?.value ?? defaultValue,
    ]),
  );

const noSubject: Subject = { id: '', name: '', type: '', body: {}, resourceGroup: {}, subscription: {} };

const effectOf = (one: Counting): string =>
  String(
    worth(one.definition.properties.policyRule.then.effect, functionsFor(noSubject, parametersOf(one))),
  ).toLowerCase();

/** What append and modify make of the body: its tags. */
function changed(subject: Subject, one: Counting): Subject['body'] {
  const { policyRule } = one.definition.properties;
  const functions = functionsFor(subject, parametersOf(one));
  if (!['modify', 'append'].includes(effectOf(one)) || !meets(policyRule.if, subject, functions, []))
    return subject.body;
  const tags = new Map(Object.entries({ ...(subject.body['tags'] ?? {}) }));
  for (const { operation, field, value } of changesOf(policyRule.then)) {
    const tag = tagOf(String(worth(field, functions))) ?? '';
    const known = [...tags.keys()].find((name) => name.toLowerCase() === tag.toLowerCase());
    if (operation === 'add' && known !== undefined) continue;
    if (known !== undefined) tags.delete(known);
    if (operation !== 'remove') tags.set(known ?? tag, worth(value, functions));
  }
  return { ...subject.body, tags: Object.fromEntries(tags) };
}

function disallowed(name: string, denied: readonly Found[]): AzureError {
  const reasons = denied.flatMap(({ properties }) => properties.nonComplianceMessages.map(({ message }) => message));
  const identifiers = denied.map(({ assignment, properties, definition }) => ({
    policyAssignment: { name: properties.displayName ?? assignment.name, id: assignment.id },
    policyDefinition: {
      name: definition.properties.displayName === '' ? definition.name : definition.properties.displayName,
      id: definition.id,
    },
  }));
  const why =
    reasons.length > 0
      ? `Reasons: '${reasons.join("', '")}'. See error details for policy resource IDs.`
      : `Policy identifiers: '${JSON.stringify(identifiers)}'.`;
  return new AzureError(403, 'RequestDisallowedByPolicy', `Resource '${name}' was disallowed by policy. ${why}`, {
    members: { target: name, additionalInfo: denied.map((one) => ({ type: 'PolicyViolation', info: info(one) })) },
  });
}

const info = ({ assignment, properties, definition, because }: Found): Record<string, unknown> => ({
  policyDefinitionDisplayName: definition.properties.displayName,
  evaluationDetails: { evaluatedExpressions: because },
  policyDefinitionId: definition.id,
  policyDefinitionName: definition.name,
  policyDefinitionEffect: effectOf({ assignment, properties, definition }),
  policyAssignmentId: assignment.id,
  policyAssignmentName: assignment.name,
  policyAssignmentDisplayName: properties.displayName ?? '',
  policyAssignmentScope: assignment.scope,
  policyAssignmentParameters: properties.parameters,
});
