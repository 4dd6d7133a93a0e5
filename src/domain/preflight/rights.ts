/** What a principal may do, as Azure's permissions API and its own role assignments tell. Pure. */

/** One role that counts at a scope. */
export interface Permission {
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
}

/** One of the app's own role assignments. */
export interface OwnAssignment {
  readonly scope: string;
  /** The definition's GUID. */
  readonly roleId: string;
  readonly condition?: string | undefined;
}

/** A permission's `*` stands for any text, slashes too; case never counts. */
const matches = (pattern: string, action: string): boolean =>
  new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 'i').test(action);

/** `notActions` take back from their own role alone: another role may give the same. */
const grants = ({ actions, notActions }: Permission, action: string): boolean =>
  actions.some((pattern) => matches(pattern, action)) && !notActions.some((pattern) => matches(pattern, action));

export const allows = (held: readonly Permission[], action: string): boolean => held.some((one) => grants(one, action));

export const missingActions = (held: readonly Permission[], wanted: readonly string[]): readonly string[] =>
  wanted.filter((action) => !allows(held, action));

export const GRANT = 'Microsoft.Authorization/roleAssignments/write';

/** Built-in roles that may grant: Owner, User Access Administrator, Role Based Access Control Administrator. */
const GRANTING = [
  '8e3af657-a8ff-443c-a75c-2fe8c4bcb635',
  '18d7d88d-d35e-4fb5-a5c3-7773c20a72d9',
  'f58310d9-a9f6-439a-9e8d-f62e7b41a168',
];

const ROLE = /@Request\[Microsoft\.Authorization\/roleAssignments:RoleDefinitionId\]/i;
const PRINCIPAL = /@Request\[Microsoft\.Authorization\/roleAssignments:PrincipalId\]/i;
const LISTED =
  /@Request\[Microsoft\.Authorization\/roleAssignments:RoleDefinitionId\]\s+ForAnyOfAnyValues:GuidEquals\s*\{([^}]*)\}/gi;
const EXCEPTED =
  /@Request\[Microsoft\.Authorization\/roleAssignments:RoleDefinitionId\]\s+ForAnyOfAllValues:GuidNotEquals\s*\{([^}]*)\}/gi;

/** What a condition says of the roles that may be granted: yes or no, or that it depends on the principal. */
type Verdict = 'yes' | 'no' | 'depends';

/** What the conditions of the app's own role assignments say of a scope. */
export interface Limits {
  /** How many role assignments that may grant there carry a condition. */
  readonly conditions: number;
  /** Roles that none of them lets the app grant. */
  readonly refused: readonly string[];
  /** A condition names principals, and the Sentry's does not exist yet. */
  readonly depends: boolean;
}

/**
 * What conditions limit at a scope; undefined where they limit nothing. `scopes` are the scope and what is above it.
 * The permissions API does not show the conditions of role assignments, so the app's own are looked at beside it.
 */
export function limitsAt(
  own: readonly OwnAssignment[],
  scopes: readonly string[],
  roleIds: readonly string[],
): Limits | undefined {
  const above = new Set(scopes.map((scope) => scope.toLowerCase()));
  const conditions = own.flatMap(({ scope, roleId, condition }) =>
    above.has(scope.toLowerCase()) && GRANTING.includes(roleId.toLowerCase()) && condition ? [condition] : [],
  );
  if (conditions.length === 0) return undefined;
  const verdicts = roleIds.map((roleId) => [roleId, best(conditions.map((one) => judge(one, roleId)))] as const);
  const refused = verdicts.flatMap(([roleId, verdict]) => (verdict === 'no' ? [roleId] : []));
  const depends = verdicts.some(([, verdict]) => verdict === 'depends');
  return refused.length > 0 || depends ? { conditions: conditions.length, refused, depends } : undefined;
}

/** Only where every role that may grant there carries a condition does any of them limit what may be granted. */
export const isLimiting = (limits: Limits, held: readonly Permission[]): boolean =>
  held.filter((one) => grants(one, GRANT)).length <= limits.conditions;

const best = (verdicts: readonly Verdict[]): Verdict =>
  (['yes', 'depends'] as const).find((one) => verdicts.includes(one)) ?? 'no';

/** The shapes that Azure's own editor writes. Anything else is taken to allow: the grant itself will tell. */
function judge(condition: string, roleId: string): Verdict {
  const idsOf = (pattern: RegExp): readonly string[] =>
    [...condition.matchAll(pattern)].flatMap(([, list = '']) => list.toLowerCase().split(/[\s,]+/));
  const listed = idsOf(LISTED);
  const excluded = idsOf(EXCEPTED).includes(roleId.toLowerCase());
  const allowed = !excluded && (!ROLE.test(condition) || listed.length === 0 || listed.includes(roleId.toLowerCase()));
  if (!allowed) return 'no';
  return PRINCIPAL.test(condition) ? 'depends' : 'yes';
}
