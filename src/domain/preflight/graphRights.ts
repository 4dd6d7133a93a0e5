/** What the app may do in Microsoft Graph, which its own token tells, and what the tenant lets a secret be. Pure. */
import type { Blueprint } from '../blueprint/blueprint';
import { clientSecretOf } from '../blueprint/blueprint';
import { finding } from './codes';
import type { Finding } from './finding';

/** Who the app is to Entra: read out of its token, without a call. */
export interface AppIdentity {
  readonly objectId: string;
  /** Application permissions of Graph. A person's token has none, and acts with the person's own rights. */
  readonly graphRoles: readonly string[];
  readonly isPerson: boolean;
}

const APPLICATIONS = ['Application.ReadWrite.OwnedBy', 'Application.ReadWrite.All', 'Directory.ReadWrite.All'];
const READ_PRINCIPALS = [
  'Application.Read.All',
  'Application.ReadWrite.All',
  'Directory.Read.All',
  'Directory.ReadWrite.All',
];
const CONSENT = ['AppRoleAssignment.ReadWrite.All'];

const HOW =
  'A Privileged Role Administrator grants it (docs/deploy.md, step 3). A managed identity’s token holds the permissions of when it was made, for up to a day: restart the app afterwards.';

export function checkGraph({ request, profile }: Blueprint, app: AppIdentity): readonly Finding[] {
  if (app.isPerson) return [];
  const holds = (any: readonly string[]): boolean => any.some((one) => app.graphRoles.includes(one));
  const where = `https://graph.microsoft.com (${app.objectId})`;
  const consent = [CONSENT, READ_PRINCIPALS].filter((any) => !holds(any)).map(([first]) => first);
  const makes = request.identity.kind === 'appRegistration' && !holds(APPLICATIONS);
  return [
    ...(makes
      ? [finding('MissingGraphPermission', where, `The app has no permission ${APPLICATIONS[0] ?? ''}`, HOW)]
      : []),
    ...(profile.graphPermissions.length > 0 && consent.length > 0
      ? [finding('ConsentNeeded', where, `The app has no permission ${consent.join(', ')}`, HOW)]
      : []),
  ];
}

/** The tenant's rules for secrets of applications, where they are in force. */
export interface SecretRules {
  readonly forbidden: boolean;
  /** The longest that a secret may live, in days. */
  readonly mostDays?: number | undefined;
}

export function checkSecret({ request }: Blueprint, { forbidden, mostDays }: SecretRules): readonly Finding[] {
  const secret = clientSecretOf(request);
  if (!secret) return [];
  if (forbidden) {
    const remedy = 'Ask for identity.kind managedIdentity, or for an exemption from the policy.';
    return [
      finding(
        'SecretsForbidden',
        '/identity/secret',
        'The tenant’s app management policy allows no client secrets',
        remedy,
      ),
    ];
  }
  if (mostDays === undefined || secret.expiresInDays <= mostDays) return [];
  const reason = `The tenant’s app management policy lets a secret live ${mostDays} days, and the request asks for ${secret.expiresInDays}`;
  return [
    finding('SecretLivesTooLong', '/identity/secret/expiresInDays', reason, `Ask for ${mostDays} days or fewer.`),
  ];
}

/** Whole days of an ISO 8601 duration such as `P90D` or `P1Y6M`, rounded down to be safe. */
export function daysOf(duration: string): number | undefined {
  const match = /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?.*)?$/.exec(duration);
  if (!match) return undefined;
  const [years = 0, months = 0, weeks = 0, days = 0, hours = 0] = match.slice(1).map((text) => Number(text ?? 0));
  return years * 365 + months * 30 + weeks * 7 + days + Math.floor(hours / 24);
}
