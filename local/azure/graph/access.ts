import { type Azure } from '../azure';
import { type Call } from '../http/call';
import { type Entry } from '../store/directory';
import { denied } from './errors';

/** What an app needs, as Graph's own pages list it: any one role of a row. Roles are those of the token, not of now. */
const any = {
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
} as const;

const holds = ({ caller }: Call, what: keyof typeof any): boolean =>
  any[what].some((role) => caller.roles.includes(role));

export function demand(call: Call, what: keyof typeof any): void {
  if (!holds(call, what)) throw denied();
}

/** With `Application.ReadWrite.OwnedBy` an app may change only what it owns. */
export function demandWrite(azure: Azure, call: Call, { id }: Entry): void {
  if (holds(call, 'write')) return;
  const caller = call.caller.principalId.toLowerCase();
  const own = azure.directoryObjects.linked('owner', id).some((owner) => owner.toLowerCase() === caller);
  if (!own || !call.caller.roles.includes('Application.ReadWrite.OwnedBy')) throw denied();
}

/** In practice a right to read applications is needed too (azure-facts §3). */
export function demandGrant(call: Call): void {
  if (!holds(call, 'grant') || !holds(call, 'readAll')) throw denied();
}
