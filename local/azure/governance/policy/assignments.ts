import { z } from 'zod';
import { type Azure } from '../../azure';
import { type Answer, type Call, ok, param, parseBody, type Route } from '../../http/call';
import { AzureError, badRequest } from '../../http/errors';
import { paged } from '../../http/paging';
import { managementGroupOf } from '../../http/paths';
import { type Extension } from '../../store/extensions';
import { notSimulated } from '../../http/notSimulated';
import { builtInDefinitions, type Definition, definitionProperties } from './definitions';
import { demandSimulated } from './rule';

export const POLICY_ASSIGNMENTS = 'Microsoft.Authorization/policyAssignments';
const POLICY_DEFINITIONS = 'Microsoft.Authorization/policyDefinitions';

export const assignmentProperties = z.looseObject({
  policyDefinitionId: z.string(),
  displayName: z.string().max(128).optional(),
  parameters: z.record(z.string(), z.looseObject({ value: z.unknown() })).default({}),
  enforcementMode: z.enum(['Default', 'DoNotEnforce']).default('Default'),
  notScopes: z.array(z.string()).default([]),
  nonComplianceMessages: z.array(z.looseObject({ message: z.string() })).default([]),
});

/** Policy definitions and assignments at any scope. */
export const policyRoutes = (azure: Azure): readonly Route[] => {
  const route = (method: Route['method'], path: string, handle: (call: Call) => Answer): Route => ({
    method,
    path: `/_authorization/${path}`,
    api: 'arm',
    handle,
  });
  const sets = (): Answer => {
    throw notSimulated('An initiative (policySetDefinitions)', 'policyDefinitions and policyAssignments.');
  };
  return [
    route('PUT', 'policyAssignments/:name', (call) => putAssignment(azure, call)),
    route('GET', 'policyAssignments/:name', (call) => ok(shownAssignment(findAssignment(azure, call)))),
    route('GET', 'policyAssignments', (call) => ok(paged(azure, call, listAssignments(azure, call), '$top'))),
    route('DELETE', 'policyAssignments/:name', (call) => removeAssignment(azure, call)),
    route('PUT', 'policyDefinitions/:name', (call) => putDefinition(azure, call)),
    route('GET', 'policyDefinitions/:name', (call) => ok(shownDefinition(findDefinition(azure, call)))),
    route('GET', 'policyDefinitions', (call) => ok(paged(azure, call, listDefinitions(azure, call), '$top'))),
    route('DELETE', 'policyDefinitions/:name', (call) => removeDefinition(azure, call)),
    route('PUT', 'policySetDefinitions/:name', sets),
    route('GET', 'policySetDefinitions', sets),
  ];
};

export function definitionById(azure: Azure, id: string): Definition | undefined {
  const builtIn = builtInDefinitions.find((one) => one.id.toLowerCase() === id.toLowerCase());
  if (builtIn !== undefined) return builtIn;
  const stored = azure.extensions.byId(id);
  return stored?.type === POLICY_DEFINITIONS ? custom(stored) : undefined;
}

const custom = ({ id, name, document }: Extension): Definition => ({
  id,
  name,
  policyType: 'Custom',
  properties: definitionProperties.parse(document),
});

const assignmentBody = z.looseObject({ properties: assignmentProperties });

function putAssignment(azure: Azure, call: Call): Answer {
  const name = param(call, 'name');
  demandName(call, name);
  const { properties } = parseBody(assignmentBody, call);
  if (/\/policySetDefinitions\//i.test(properties.policyDefinitionId))
    throw notSimulated('The assignment of an initiative', 'assignments of single policy definitions.');
  const definition = definitionById(azure, properties.policyDefinitionId);
  if (definition === undefined) throw definitionNotFound(properties.policyDefinitionId);
  demandParameters(name, definition, properties.parameters);
  const written = azure.extensions.put({
    type: POLICY_ASSIGNMENTS,
    scope: call.scope,
    name,
    document: { ...properties, scope: call.scope },
    createdBy: call.caller.principalId,
  });
  return { status: 201, body: shownAssignment(written) };
}

function demandName({ scope }: Call, name: string): void {
  const longest = managementGroupOf(scope) === undefined ? 64 : 24;
  const fault =
    name.length > longest
      ? `The policy assignment name length must not exceed '${longest}' characters.`
      : /[<>*%&:\\?+/]|\s$/.test(name)
        ? "The policy assignment name cannot contain any of the characters '<>*%&:\\?+/' and cannot end with a space."
        : undefined;
  if (fault !== undefined)
    throw badRequest('InvalidPolicyAssignmentName', `The policy assignment name '${name}' is invalid. ${fault}`);
}

function demandParameters(
  name: string,
  { id, properties }: Definition,
  given: Record<string, { value: unknown }>,
): void {
  const missing = Object.entries(properties.parameters).flatMap(([parameter, { defaultValue }]) =>
    given[parameter] === undefined && defaultValue === undefined ? [parameter] : [],
  );
  if (missing.length > 0)
    throw badRequest(
      'MissingPolicyParameter',
      `The policy assignment '${name}' is missing the parameter(s) '${missing.join(',')}' as defined in the policy definition '${id}'. Please either provide the missing parameter(s) or define a default value for them in the policy definition.`,
    );
  const unknown = Object.keys(given).find((parameter) => properties.parameters[parameter] === undefined);
  if (unknown !== undefined)
    throw badRequest(
      'UndefinedPolicyParameter',
      `The policy assignment '${name}' has defined the parameter(s) '${unknown}' which are not defined in the policy definition '${id}'.`,
    );
  for (const [parameter, { value }] of Object.entries(given)) {
    const allowed = properties.parameters[parameter]?.allowedValues;
    if (allowed === undefined || allowed.includes(value)) continue;
    throw badRequest(
      'PolicyParameterValueNotAllowed',
      `The value '${String(value)}' is not allowed for policy parameter '${parameter}' in policy definition '${id.slice(id.lastIndexOf('/') + 1)}'. The allowed values are '${allowed.join(', ')}'.`,
    );
  }
}

function findAssignment(azure: Azure, call: Call): Extension {
  const found = azure.extensions.get(call.scope, POLICY_ASSIGNMENTS, param(call, 'name'));
  if (found !== undefined) return found;
  throw new AzureError(404, 'PolicyAssignmentNotFound', `The policy assignment '${param(call, 'name')}' is not found.`);
}

/** At the scope, above it and below it; `atScope()` leaves out what is below, `atExactScope()` all but the scope. */
function listAssignments(azure: Azure, call: Call): Record<string, unknown>[] {
  const filter = call.query('$filter') ?? '';
  if (filter !== '' && !/^\s*at(Exact)?Scope\(\)\s*$/i.test(filter))
    throw badRequest('InvalidFilter', `The filter '${filter}' is not supported.`);
  const exact = /atExactScope/i.test(filter);
  const above = exact ? [call.scope] : [...azure.hierarchy.scopesAbove(call.scope)].reverse();
  const inherited = above.flatMap((scope) => azure.extensions.at(scope, POLICY_ASSIGNMENTS));
  const below = filter === '' ? azure.extensions.below(call.scope, POLICY_ASSIGNMENTS) : [];
  return [...inherited, ...below].map(shownAssignment);
}

function removeAssignment(azure: Azure, call: Call): Answer {
  const found = azure.extensions.get(call.scope, POLICY_ASSIGNMENTS, param(call, 'name'));
  if (found === undefined) return { status: 204 };
  azure.extensions.remove(found.id);
  return ok(shownAssignment(found));
}

const shownAssignment = ({ id, name, document, createdBy, createdAt }: Extension): Record<string, unknown> => ({
  id,
  type: POLICY_ASSIGNMENTS,
  name,
  properties: { ...document, metadata: { createdBy, createdOn: new Date(createdAt).toISOString() } },
});

const definitionBody = z.looseObject({ properties: definitionProperties });

function putDefinition(azure: Azure, call: Call): Answer {
  const name = param(call, 'name');
  const { properties } = parseBody(definitionBody, call);
  demandSimulated(properties);
  const written = azure.extensions.put({
    type: POLICY_DEFINITIONS,
    scope: call.scope,
    name,
    document: properties,
    createdBy: call.caller.principalId,
  });
  return { status: 201, body: shownDefinition(custom(written)) };
}

const definitionNotFound = (name: string): AzureError =>
  new AzureError(404, 'PolicyDefinitionNotFound', `The policy definition '${name}' could not be found.`);

function findDefinition(azure: Azure, call: Call): Definition {
  const name = param(call, 'name');
  const builtIn = builtInDefinitions.find((one) => one.name.toLowerCase() === name.toLowerCase());
  const stored = azure.extensions.get(call.scope, POLICY_DEFINITIONS, name);
  const found = stored === undefined ? builtIn : custom(stored);
  if (found === undefined) throw definitionNotFound(name);
  return found;
}

const listDefinitions = (azure: Azure, { scope }: Call): Record<string, unknown>[] =>
  [...builtInDefinitions, ...azure.extensions.at(scope, POLICY_DEFINITIONS).map(custom)].map(shownDefinition);

function removeDefinition(azure: Azure, call: Call): Answer {
  const found = azure.extensions.get(call.scope, POLICY_DEFINITIONS, param(call, 'name'));
  if (found === undefined) return { status: 204 };
  const user = azure.extensions
    .all(POLICY_ASSIGNMENTS)
    .find(({ document }) => String(document['policyDefinitionId']).toLowerCase() === found.id.toLowerCase());
  if (user !== undefined)
    throw badRequest(
      'InvalidDeletePolicyDefinitionRequest',
      `The policy definition '${found.name}' cannot be deleted. It is referenced by the policy assignment '${user.id}'. Please delete all policy assignments referencing the policy.`,
    );
  azure.extensions.remove(found.id);
  return ok(shownDefinition(custom(found)));
}

const shownDefinition = ({ id, name, policyType, properties }: Definition): Record<string, unknown> => ({
  id,
  type: POLICY_DEFINITIONS,
  name,
  properties: { policyType, ...properties },
});
