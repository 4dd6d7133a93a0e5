/** Admin consent as a handoff: what is waited for, who must do what, and what becomes of a refusal. Pure. */
import { graphGrants } from './commands';
import type { Given, Progress, State } from './graph';
import { type Handoff, type HandoffAnswer, handoffId } from './handoff';
import type { Later, Refusal } from './outcome';
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

/** The permissions that wait for someone's consent. */
export const awaited = (profile: Profile, progress: Progress): readonly string[] =>
  profile.graphPermissions.map(({ value }) => value).filter((value) => waits(progress[`graphPermission/${value}`]));

/** What a person's answer makes of those that wait: asked again at once, or refused. */
export function answered(progress: Progress, answer: HandoffAnswer, now: number): Progress {
  const becomes = (state: State): State =>
    state.state !== 'later'
      ? state
      : 'done' in answer
        ? { ...state, dueAt: now }
        : { state: 'refused', code: DECLINED, reason: `Consent was declined: ${answer.declined}`, remedy: AGAIN };
  return Object.fromEntries(
    Object.entries(progress).map(([key, state]) => [key, waits(state) ? becomes(state) : state]),
  );
}

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
