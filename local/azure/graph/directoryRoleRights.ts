/**
 * What directory roles let their members do in Microsoft Graph, as far as that is here (Microsoft Entra built-in roles).
 * They count at once: memberships are looked up, and stand in no token.
 */
import { type Azure } from '../azure';
import { type Caller } from '../http/call';

/** What a request of Graph may need. */
export type Right =
  | 'read'
  | 'readAll'
  | 'write'
  | 'create'
  | 'restore'
  | 'grant'
  | 'readGrants'
  | 'writeGrants'
  | 'readUsers'
  | 'readGroups'
  | 'readRoles'
  | 'readPolicies'
  | 'writePolicies'
  | 'writeRoles';
/** `grantOthers`: app roles of any resource but Microsoft Graph. */
type RoleRight = Right | 'grantOthers';

const READ: readonly RoleRight[] = ['read', 'readAll', 'readUsers', 'readGroups', 'readGrants', 'readRoles'];
const APPLICATIONS: readonly RoleRight[] = [...READ, 'write', 'create', 'restore', 'writeGrants', 'grantOthers'];

const rights: Readonly<Record<string, readonly RoleRight[]>> = {
  'Global Administrator': [...APPLICATIONS, 'grant', 'writeRoles', 'readPolicies', 'writePolicies'],
  'Privileged Role Administrator': [...READ, 'grant', 'grantOthers', 'writeGrants', 'writeRoles'],
  'Application Administrator': APPLICATIONS,
  'Cloud Application Administrator': APPLICATIONS,
  'Global Reader': [...READ, 'readPolicies'],
  'Directory Readers': READ,
  'Security Reader': READ,
};

export const givenByRole = ({ directoryRoles = [] }: Caller, what: RoleRight): boolean =>
  directoryRoles.some((name) => rights[name]?.includes(what) === true);

/** Names of the directory roles of a principal: its own, and those of groups that it is in. */
export function directoryRolesOf({ directoryObjects }: Azure, principalId: string): string[] {
  const holders = directoryObjects.holders('member', principalId);
  const through = holders.flatMap((id) => directoryObjects.holders('member', id));
  return [...holders, ...through].flatMap((id) => {
    const name = directoryObjects.get('directoryRole', id)?.document['displayName'];
    return typeof name === 'string' ? [name] : [];
  });
}
