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
  grant: ['AppRoleAssignment.ReadWrite.All'],
} as const;

const holds = ({ caller }: Call, what: keyof typeof any): boolean =>
  any[what].some((role) => caller.roles.includes(role));

export function demandRead(call: Call): void {
  if (!holds(call, 'read')) throw denied();
}

export function demandCreate(call: Call): void {
  if (!holds(call, 'create')) throw denied();
}

/** With `Application.ReadWrite.OwnedBy` an app may change only what it owns. */
export function demandWrite(call: Call, { owner }: Entry): void {
  if (holds(call, 'write')) return;
  const own = owner?.toLowerCase() === call.caller.principalId.toLowerCase();
  if (!own || !call.caller.roles.includes('Application.ReadWrite.OwnedBy')) throw denied();
}

/** In practice a right to read applications is needed too (azure-facts §3). */
export function demandGrant(call: Call): void {
  if (!holds(call, 'grant') || !holds(call, 'readAll')) throw denied();
}
