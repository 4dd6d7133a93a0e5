import { z } from 'zod';
import { type Azure } from '../azure';
import { graphAppRoles, graphRoleName, MICROSOFT_GRAPH_APP_ID } from '../graph/permissions';
import { type Answer, type Call, ok, parseBody, type Route } from '../http/call';
import { type Entry } from '../store/directory';

/** The part of a Global Administrator, who consents in the portal to what applications and identities may do. */
export const personRoutes = (azure: Azure): readonly Route[] => [
  { method: 'POST', path: '/_simulator/consent', api: 'open', handle: (call) => consent(azure, call) },
];

const asked = z.union([
  /** Everything that the application's `requiredResourceAccess` asks for, as "Grant admin consent" in the portal does. */
  z.strictObject({ application: z.guid() }),
  /** App roles of Microsoft Graph for a service principal: what a managed identity is given, which asks for nothing. */
  z.strictObject({ principal: z.guid(), roles: z.array(z.string()).min(1) }),
]);

/** `application` is an appId; `principal` is the object id of a service principal. Answers what it holds then. */
function consent(azure: Azure, call: Call): Answer {
  const body = parseBody(asked, call);
  const refused = 'application' in body ? toApplication(azure, body.application) : toPrincipal(azure, body);
  if (refused !== undefined) return refused;
  const holder =
    'application' in body
      ? azure.directory.byAppId('servicePrincipal', body.application)
      : azure.directory.get('servicePrincipal', body.principal);
  return ok({ principal: holder?.id, roles: holder === undefined ? [] : rolesOf(azure, holder) });
}

const toApplication = ({ hand }: Azure, appId: string): Answer | undefined =>
  refusalIn(hand.act({ method: 'POST', path: `/api/RegisteredApplications/${appId}/Consent` }));

const refusalIn = (answer: Answer): Answer | undefined => (answer.status < 400 ? undefined : answer);

function toPrincipal(azure: Azure, { principal, roles }: { principal: string; roles: string[] }): Answer | undefined {
  const unknown = roles.find((role) => graphAppRoles[role] === undefined);
  const graph = azure.directory.atSource('servicePrincipal', MICROSOFT_GRAPH_APP_ID);
  if (unknown !== undefined || graph === undefined) {
    const message = `Microsoft Graph here has no app role '${unknown ?? ''}'. It has: ${Object.keys(graphAppRoles).join(', ')}.`;
    return { status: 404, body: { error: { code: 'NotFound', message } } };
  }
  const holder = azure.directory.get('servicePrincipal', principal);
  const held = holder === undefined ? [] : rolesOf(azure, holder);
  for (const role of roles.filter((one) => !held.includes(one))) {
    const assignment = { principalId: principal, resourceId: graph.id, appRoleId: graphAppRoles[role] };
    const path = `/v1.0/servicePrincipals/${graph.id}/appRoleAssignedTo`;
    const refused = refusalIn(azure.hand.act({ method: 'POST', path, body: assignment }));
    if (refused !== undefined) return refused;
  }
  return undefined;
}

/** By name: the directory keeps them by ids that are random. */
const rolesOf = (azure: Azure, { id }: Entry): string[] =>
  azure.directory
    .appRoles('principalId', id)
    .map(({ appRoleId }) => graphRoleName(appRoleId) ?? appRoleId)
    .sort();
