import { z } from 'zod';
import { type Azure } from '../../azure';
import { type Answer, type Call, ok, param, parseBody, type Route } from '../../http/call';
import { AzureError, badRequest } from '../../http/errors';
import { paged } from '../../http/paging';
import { type Extension } from '../../store/extensions';

const POLICY_EXEMPTIONS = 'Microsoft.Authorization/policyExemptions';

const exemptionProperties = z.looseObject({
  policyAssignmentId: z.string(),
  exemptionCategory: z.enum(['Waiver', 'Mitigated']),
  policyDefinitionReferenceIds: z.array(z.string()).default([]),
  expiresOn: z.string().optional(),
});
const exemptionBody = z.looseObject({ properties: exemptionProperties });

/** Policy exemptions at any scope (Microsoft.Authorization, 2022-07-01-preview). */
export const exemptionRoutes = (azure: Azure): readonly Route[] => {
  const route = (method: Route['method'], path: string, handle: (call: Call) => Answer): Route => ({
    method,
    path: `/_authorization/${path}`,
    api: 'arm',
    handle,
  });
  const find = (call: Call) => azure.extensions.get(call.scope, POLICY_EXEMPTIONS, param(call, 'name'));
  return [
    route('PUT', 'policyExemptions/:name', (call) => putExemption(azure, call)),
    route('GET', 'policyExemptions/:name', (call) => {
      const found = find(call);
      if (found !== undefined) return ok(shown(found));
      const name = param(call, 'name');
      throw new AzureError(404, 'PolicyExemptionNotFound', `The policy exemption '${name}' could not be found.`);
    }),
    route('GET', 'policyExemptions', (call) => ok(paged(azure, call, listExemptions(azure, call), '$top'))),
    route('DELETE', 'policyExemptions/:name', (call) => {
      const found = find(call);
      if (found === undefined) return { status: 204 };
      azure.extensions.remove(found.id);
      return { status: 200 };
    }),
  ];
};

/** Is this scope, or one above it, exempted from an assignment now? */
export const isExempted = (azure: Azure, assignmentId: string, scopes: readonly string[]): boolean =>
  scopes
    .flatMap((scope) => azure.extensions.at(scope, POLICY_EXEMPTIONS))
    .map(({ document }) => exemptionProperties.parse(document))
    .some(
      ({ policyAssignmentId, expiresOn }) =>
        policyAssignmentId.toLowerCase() === assignmentId.toLowerCase() &&
        (expiresOn === undefined || Date.parse(expiresOn) > azure.now()),
    );

function putExemption(azure: Azure, call: Call): Answer {
  const { properties } = parseBody(exemptionBody, call);
  const existed = azure.extensions.get(call.scope, POLICY_EXEMPTIONS, param(call, 'name')) !== undefined;
  const written = azure.extensions.put({
    type: POLICY_EXEMPTIONS,
    scope: call.scope,
    name: param(call, 'name'),
    document: properties,
    createdBy: call.caller.principalId,
  });
  return { status: existed ? 200 : 201, body: shown(written) };
}

/** At the scope and above it; without `atScope()` below it too. */
function listExemptions(azure: Azure, call: Call): Record<string, unknown>[] {
  const filter = call.query('$filter') ?? '';
  if (filter !== '' && !/^\s*atScope\(\)\s*$/i.test(filter))
    throw badRequest('InvalidFilter', `The filter '${filter}' is not supported.`);
  const inherited = [...azure.hierarchy.scopesAbove(call.scope)].flatMap((scope) =>
    azure.extensions.at(scope, POLICY_EXEMPTIONS),
  );
  const below = filter === '' ? azure.extensions.below(call.scope, POLICY_EXEMPTIONS) : [];
  return [...inherited, ...below].map(shown);
}

const shown = ({ id, name, document }: Extension): Record<string, unknown> => ({
  id,
  type: POLICY_EXEMPTIONS,
  name,
  properties: document,
});
