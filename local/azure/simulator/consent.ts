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
  if ('principal' in body) return toPrincipal(azure, body);
  const refused = refusalIn(
    azure.hand.act({ method: 'POST', path: `/api/RegisteredApplications/${body.application}/Consent` }),
  );
  return refused ?? ok(heldBy(azure, azure.directory.byAppId('servicePrincipal', body.application)));
}

const refusalIn = (answer: Answer): Answer | undefined => (answer.status < 400 ? undefined : answer);

/** Graph's word for what is there already; it may know of it before it lists it. */
const ALREADY_THERE = /already exists/;

/** Role by role: one that is there already, from an earlier call that got half-way, keeps back none of the others. */
function toPrincipal(azure: Azure, { principal, roles }: { principal: string; roles: string[] }): Answer {
  const unknown = roles.find((role) => graphAppRoles[role] === undefined);
  const graph = azure.directory.atSource('servicePrincipal', MICROSOFT_GRAPH_APP_ID);
  if (unknown !== undefined || graph === undefined) {
    const message = `Microsoft Graph here has no app role '${unknown ?? ''}'. It has: ${Object.keys(graphAppRoles).join(', ')}.`;
    return { status: 404, body: { error: { code: 'NotFound', message } } };
  }
  const alreadyThere: string[] = [];
  for (const role of roles) {
    const assignment = { principalId: principal, resourceId: graph.id, appRoleId: graphAppRoles[role] };
    const path = `/v1.0/servicePrincipals/${graph.id}/appRoleAssignedTo`;
    const refused = refusalIn(azure.hand.act({ method: 'POST', path, body: assignment }));
    if (refused === undefined) continue;
    if (!ALREADY_THERE.test(JSON.stringify(refused.body))) return refused;
    alreadyThere.push(role);
  }
  return ok({ principal, roles: rolesOf(azure, principal), alreadyThere });
}

const heldBy = (azure: Azure, holder: Entry | undefined): Held =>
  holder === undefined ? { roles: [] } : { principal: holder.id, roles: rolesOf(azure, holder.id) };
interface Held {
  readonly principal?: string;
  readonly roles: readonly string[];
}

/** By name: the directory keeps them by ids that are random. */
const rolesOf = (azure: Azure, id: string): string[] =>
  azure.directory
    .appRoles('principalId', id)
    .map(({ appRoleId }) => graphRoleName(appRoleId) ?? appRoleId)
    .sort();
