/** The roles that a controller may assign: are there such, and does one of them give the right to assign more? Pure. */
import type { Blueprint } from '../blueprint/blueprint';
import { finding } from './codes';
import type { Finding } from './finding';
import { allows, GRANT, type Permission } from './rights';

/** A role definition, as Resource Graph tells of it. */
export interface RoleFacts {
  /** Its GUID, in lower case. */
  readonly id: string;
  readonly name: string;
  readonly permissions: readonly Permission[];
}

export const assignableRoles = ({ request }: Blueprint): readonly string[] => request.controller.assignableRoles ?? [];

/** A role that is unknown harms nothing: the condition lets the Sentry assign what does not exist. */
export function checkAssignableRoles(blueprint: Blueprint, known: readonly RoleFacts[]): readonly Finding[] {
  return assignableRoles(blueprint).flatMap((id, index) => {
    const where = `/controller/assignableRoles/${index}`;
    const role = known.find((one) => one.id === id.toLowerCase());
    if (!role)
      return [
        finding(
          'AssignableRoleUnknown',
          where,
          `Azure shows the app no role definition ${id}: there is none, or it is a custom role of subscriptions that the app may not read`,
          'Correct it: `az role definition list --query "[].{name:roleName, id:name}" --output table` shows what there is.',
        ),
      ];
    if (!allows(role.permissions, GRANT)) return [];
    return [
      finding(
        'AssignableRoleGrants',
        where,
        `${role.name} may itself assign roles: whoever the Sentry gives it to is limited by no condition, and may give any role`,
        'Leave it out, unless that is meant.',
      ),
    ];
  });
}
