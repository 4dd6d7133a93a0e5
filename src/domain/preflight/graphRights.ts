/** What the app may do in Microsoft Graph, which its own token tells, and what the tenant lets a secret be. Pure. */
import type { Blueprint } from '../blueprint/blueprint';
import { clientSecretOf } from '../blueprint/blueprint';
import { graphGrant } from '../commands';
import { finding } from './codes';
import type { Finding } from './finding';

/** Who the app is to Entra: read out of its token, without a call. */
export interface AppIdentity {
  readonly objectId: string;
  readonly graphEndpoint: string;
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

/** What this app is given in Graph (docs/deploy.md, step 3), each with its id among Graph's app roles. */
const APP_ROLES = {
  'Application.ReadWrite.OwnedBy': '18a4783c-866b-4cc7-a460-3d5e5662c884',
  'AppRoleAssignment.ReadWrite.All': '06b708a9-e830-4db3-a914-8e69da51d44f',
  'Application.Read.All': '9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30',
  'Policy.Read.All': '246dd0d5-5bd0-4def-940b-0421030a5b68',
} as const;
type GraphPermission = keyof typeof APP_ROLES;
export const isOfGraph = (right: string): right is GraphPermission => right in APP_ROLES;

/** Who gives the app permissions of Graph, with the commands. */
export function giveGraph(
  app: Pick<AppIdentity, 'objectId' | 'graphEndpoint'>,
  missing: readonly GraphPermission[],
): string {
  const commands = missing.map((one) => `\`${graphGrant(app.graphEndpoint, app.objectId, APP_ROLES[one])}\``);
  return `A Privileged Role Administrator runs ${commands.join(' and ')} (docs/deploy.md, step 3). A managed identity’s token holds the permissions of when it was made, for up to a day: restart the app afterwards.`;
}

export function checkGraph({ request, profile }: Blueprint, app: AppIdentity): readonly Finding[] {
  if (app.isPerson) return [];
  const holds = (any: readonly string[]): boolean => any.some((one) => app.graphRoles.includes(one));
  const not = (code: 'MissingGraphPermission' | 'ConsentNeeded', missing: readonly GraphPermission[]): Finding =>
    finding(
      code,
      `${app.graphEndpoint} (${app.objectId})`,
      `The app has no permission ${missing.join(', ')}`,
      giveGraph(app, missing),
    );
  const makes = request.identity.kind === 'appRegistration' && !holds(APPLICATIONS);
  const consent: readonly GraphPermission[] = [
    ...(holds(CONSENT) ? [] : (['AppRoleAssignment.ReadWrite.All'] as const)),
    ...(holds(READ_PRINCIPALS) ? [] : (['Application.Read.All'] as const)),
  ];
  return [
    ...(makes ? [not('MissingGraphPermission', ['Application.ReadWrite.OwnedBy'])] : []),
    ...(profile.graphPermissions.length > 0 && consent.length > 0 ? [not('ConsentNeeded', consent)] : []),
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
