import { type Azure } from '../azure';
import { type Call } from '../http/call';
import { type Entry } from '../store/directory';
import { givenByRole, type Right } from './directoryRoleRights';
import { denied } from './errors';
import { MICROSOFT_GRAPH_APP_ID } from './permissions';

/** What an app needs, as Graph's own pages list it: any one role of a row. Roles are those of the token, not of now. */
const any: Readonly<Record<Right, readonly string[]>> = {
  read: [
    'Application.Read.All',
    'Application.ReadWrite.All',
    'Application.ReadWrite.OwnedBy',
    'Directory.Read.All',
    'Directory.ReadWrite.All',
  ],
  readAll: ['Application.Read.All', 'Application.ReadWrite.All', 'Directory.Read.All', 'Directory.ReadWrite.All'],
  write: ['Application.ReadWrite.All', 'Directory.ReadWrite.All'],
  create: ['Application.ReadWrite.All', 'Application.ReadWrite.OwnedBy', 'Directory.ReadWrite.All'],
  restore: ['Application.ReadWrite.All'],
  grant: ['AppRoleAssignment.ReadWrite.All'],
  readGrants: ['Directory.Read.All', 'Directory.ReadWrite.All', 'DelegatedPermissionGrant.ReadWrite.All'],
  writeGrants: ['Directory.ReadWrite.All', 'DelegatedPermissionGrant.ReadWrite.All'],
  readUsers: ['User.Read.All', 'Directory.Read.All', 'Directory.ReadWrite.All'],
  readGroups: ['Group.Read.All', 'GroupMember.Read.All', 'Directory.Read.All', 'Directory.ReadWrite.All'],
  readRoles: [
    'RoleManagement.Read.Directory',
    'RoleManagement.ReadWrite.Directory',
    'Directory.Read.All',
    'Directory.ReadWrite.All',
  ],
  readPolicies: [
    'Policy.Read.All',
    'Policy.Read.ApplicationConfiguration',
    'Policy.ReadWrite.ApplicationConfiguration',
  ],
  writePolicies: ['Policy.ReadWrite.ApplicationConfiguration'],
  writeRoles: ['RoleManagement.ReadWrite.Directory'],
};

/** By a permission in the token, or by a directory role. */
const holds = ({ caller }: Call, what: Right): boolean =>
  any[what].some((role) => caller.roles.includes(role)) || givenByRole(caller, what);

export function demand(call: Call, what: Right): void {
  if (!holds(call, what)) throw denied();
}

/** With `Application.ReadWrite.OwnedBy` an app may change only what it owns. */
export function demandWrite(azure: Azure, call: Call, { id }: Entry): void {
  if (holds(call, 'write')) return;
  const caller = call.caller.principalId.toLowerCase();
  const own = azure.directoryObjects.linked('owner', id).some((owner) => owner.toLowerCase() === caller);
  if (!own || !call.caller.roles.includes('Application.ReadWrite.OwnedBy')) throw denied();
}

/**
 * To give or take an app role of `resource`. With a permission alone a right to read applications is needed too, in
 * practice (azure-facts §3); administrators of applications may give any app role but Microsoft Graph's.
 */
export function demandGrant(call: Call, resource: Pick<Entry, 'appId'> | undefined): void {
  if (holds(call, 'grant') && holds(call, 'readAll')) return;
  if (resource !== undefined && resource.appId !== MICROSOFT_GRAPH_APP_ID && givenByRole(call.caller, 'grantOthers'))
    return;
  throw denied();
}

/** Admin consent as such; what it grants is asked for each resource. */
export function demandConsent(call: Call): void {
  if (!holds(call, 'grant') && !holds(call, 'writeGrants')) throw denied();
}
