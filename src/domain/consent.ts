/** Admin consent as a handoff: what is waited for, who must do what, and what becomes of a refusal. Pure. */
import { graphGrants } from './commands';
import type { Given, Progress, State } from './graph';
import { type Handoff, type HandoffAnswer, handoffId } from './handoff';
import type { Later, Refusal } from './outcome';
import type { PlanPart } from './plan/plan';
import type { Finding } from './preflight/finding';
import type { Profile } from './profile';
import type { DeploymentRequest } from './request/request';

/** Where people and programs of this cloud go. */
export interface CloudAddresses {
  readonly authorityHost: string;
  readonly graphEndpoint: string;
}

const NEEDED = 'ConsentNeeded';
const DECLINED = 'ConsentDeclined';
/** A run that stopped for one of these rests as "waiting for consent". */
export const isConsent = ({ code }: Refusal): boolean => code === NEEDED || code === DECLINED;

const AGAIN = 'When an administrator has consented, send the same request again: the run goes on where it stood.';
/** A day: longer than any office's night. The run can be resumed whenever consent comes. */
const PATIENCE_SECONDS = 86_400;

/** The outcome of a grant of a Graph permission that we may not give: someone else may, and then it is found given. */
export const consentNeeded = (permission: string): Later => ({
  kind: 'later',
  code: NEEDED,
  reason: `Microsoft Graph's ${permission} needs an administrator's consent, which this app may not give`,
  remedy: AGAIN,
  patienceSeconds: PATIENCE_SECONDS,
});

const waits = (state: State | undefined): boolean => state?.state === 'later' && state.code === NEEDED;

const keyOf = (permission: string): string => `graphPermission/${permission}`;
const isOpen = (state: State | undefined): boolean => !state || ['waiting', 'later', 'running'].includes(state.state);

/**
 * The permissions that wait for someone's consent: where one may not be given, all that are not there yet. Another may be
 * put off for a moment by something else, and whoever is called once is to give all of them. `asked`: someone was called.
 */
export function awaited(profile: Profile, progress: Progress, asked: boolean): readonly string[] {
  const open = profile.graphPermissions.map(({ value }) => value).filter((value) => isOpen(progress[keyOf(value)]));
  return asked || open.some((value) => waits(progress[keyOf(value)])) ? open : [];
}

/** What a person's answer makes of those that wait: asked again at once, or refused. */
export function answered(
  progress: Progress,
  permissions: readonly string[],
  answer: HandoffAnswer,
  now: number,
): Progress {
  const becomes = (state: State | undefined): State | undefined => {
    if ('declined' in answer)
      return { state: 'refused', code: DECLINED, reason: `Consent was declined: ${answer.declined}`, remedy: AGAIN };
    // What Graph puts off for itself is not hurried.
    return state?.state === 'later' && waits(state) ? { ...state, dueAt: now } : state;
  };
  const changed = permissions.map(keyOf).flatMap((key) => {
    const state = becomes(progress[key]);
    return state ? [[key, state] as const] : [];
  });
  return { ...progress, ...Object.fromEntries(changed) };
}

/** A run would call somebody for these: preflight found that the app may not give what is not there. */
export const isConsentAhead = (findings: readonly Finding[], { resources }: PlanPart): boolean =>
  findings.some(({ code }) => code === NEEDED) &&
  resources.some(({ kind, change }) => kind === 'graphPermission' && ['create', 'change'].includes(change));

/**
 * Who must do what: for an application the consent page (guide, option 2, step 8); for a managed identity, which has
 * no such page, the commands for az and PowerShell (guide, option 1, step 11).
 */
export function consentHandoff(
  { request, profile, n, cloud }: ConsentScope,
  permissions: readonly string[],
  given: Given,
  event: string,
): Handoff {
  const roles = profile.graphPermissions.filter(({ value }) => permissions.includes(value));
  const byPage = request.identity.kind === 'appRegistration';
  const what = `A Privileged Role Administrator or Global Administrator grants ${permissions.join(' and ')} of Microsoft Graph to Sentry ${n}.`;
  const how = byPage
    ? consentPage(request, cloud, given['servicePrincipal']?.['clientId'] ?? '')
    : 'Its managed identity has no consent page: run the lines in commands, either those of the Azure CLI, in bash as in Azure’s Cloud Shell, or those of PowerShell with its module Microsoft.Graph.';
  const { graphEndpoint } = cloud;
  const principalId = given['userAssignedIdentity']?.['principalId'] ?? '';
  const appRoleIds = roles.map(({ id }) => id);
  return {
    id: handoffId('consent', n),
    kind: 'consent',
    text: `${what} ${how} The run notices by itself.`,
    ...(byPage
      ? {}
      : { commands: graphGrants({ graphEndpoint, tenantId: request.tenantId, principalId, appRoleIds }) }),
    event,
  };
}
interface ConsentScope {
  readonly request: DeploymentRequest;
  readonly profile: Profile;
  readonly n: number;
  readonly cloud: CloudAddresses;
}

const consentPage = ({ tenantId }: DeploymentRequest, { authorityHost }: CloudAddresses, clientId: string): string =>
  `Open ${authorityHost}/${tenantId}/adminconsent?client_id=${clientId} and accept.`;
