/** What the entities hold and the API tells of: the deployment, its Sentries, their subscriptions. Pure. */
import { grantKey, rolesOf, scopesFor } from './blueprint/grants';
import type { Blueprint } from './blueprint/blueprint';
import { isConsent } from './consent';
import type { Placement } from './fleet';
import type { Handoff } from './handoff';
import type { Unplaced } from './newcomers';
import { outputsOf, type Progress, type State } from './graph';
import { isMarkLost } from './mark';
import type { Change, Outputs, Refusal } from './outcome';
import type { Drift } from './plan/drift';
import type { Finding } from './preflight/finding';
import type { DeploymentRequest } from './request/request';
import type { Resource } from './resources';
import type { OpenWindow, WindowReceipt } from './window';

export interface ResourceState {
  readonly kind: string;
  readonly id: string;
  readonly state: State['state'];
  readonly change?: Change;
  readonly ours?: boolean;
  readonly outputs?: Outputs;
  readonly reason?: string;
  readonly remedy?: string;
}
export type SubscriptionState =
  | { readonly state: 'pending'; readonly reason?: string }
  /**
   * `collected`: the set-up script was run with it, so never without an appliance. `proven`: the Sentry's own principal
   * was seen to read it; `why` it was not.
   */
  | { readonly state: 'granted'; readonly collected: boolean; readonly proven: boolean; readonly why?: string }
  | ({ readonly state: 'setAside' } & Refusal);

type Stage =
  | 'resources'
  | 'consent'
  | 'presence'
  | 'window'
  | 'registration'
  | 'configuration'
  | 'proof'
  | 'closing'
  | 'completed'
  | 'stopped';

/**
 * Entity `sentry@{deployment}-{n}`. Its one writer is that Sentry's orchestrator; an access window tells of itself and
 * adds its receipt, because it may outlive the run that opened it, or be opened without one.
 */
export interface SentryState {
  readonly n: number;
  readonly instanceId: string;
  readonly stage: Stage;
  readonly resources: Readonly<Record<string, ResourceState>>;
  readonly subscriptions: Readonly<Record<string, SubscriptionState>>;
  /** The appliance's address, while its window is open. */
  readonly address?: string | null;
  readonly window?: OpenWindow | null;
  readonly receipts: readonly WindowReceipt[];
  /** A step that only a person may do. */
  readonly handoff?: Handoff | null;
  /** Where it was granted roles: what is wanted no longer is taken back. */
  readonly scopes?: readonly string[];
  /** Who was granted them: another than the request's now, where its identity was changed. */
  readonly principalId?: string | null;
  /** Which client secret its appliance was told, as Entra numbers them. */
  readonly keyId?: string | null;
  /** The controller's roles were granted, and are to be taken back when it is disabled. */
  readonly controller?: boolean;
  /** The last set-up of this VM that ended well: with how many subscriptions, and what was proven. */
  readonly configured?: { readonly subscriptions: number; readonly proof?: Proof } | null;
  /** SHA-256 fingerprint of the appliance's host key, pinned on first contact. Another VM has another one. */
  readonly hostKey?: string | null;
  /** When our key was replaced last, or why it could not be: the one before then stays. */
  readonly keyReplacement?: { readonly at: string; readonly problem?: string };
  readonly stopped?: (Refusal & { readonly transcript?: string }) | null;
}

/** What an appliance proved over its own session, before its window closed. */
export interface Proof {
  /** ISO 8601. */
  readonly at: string;
  /** What it reached on 443. */
  readonly outbound: readonly string[];
  /** Those of its subscriptions that its managed identity read; absent where it was not asked. */
  readonly readable?: readonly string[];
  /** Why not all of them. */
  readonly why?: string;
}

/** Entity `deployment@{name}`. */
export interface DeploymentState {
  readonly request: DeploymentRequest;
  /** Subscriptions that announced themselves and were placed. */
  readonly onboarded: readonly string[];
  /** Announced and not yet taken up by a run. */
  readonly pending: readonly string[];
  readonly placement: Placement;
  /** Came by themselves, and the fleet has no room for them: set aside until it has. */
  readonly unplaced?: Unplaced | null;
  readonly resources: Readonly<Record<string, ResourceState>>;
  /** A run brought every Sentry to its end; kept when preflight ends a later one before it began. */
  readonly settled?: boolean;
  /** This request was: every Sentry came to its end and none stopped, whatever is to be mended of its problems. */
  readonly carriedOut?: boolean;
  /** What the newest preflight found. */
  readonly findings?: readonly Finding[];
  /** What the newest look showed to be otherwise than wanted; null since a run began. */
  readonly drift?: Drift | null;
  /** What the newest run set out to set right, where that was a repair. */
  readonly repaired?: Drift | null;
  readonly startedAt: string;
  readonly finishedAt?: string | null;
  readonly result?: DeploymentResult | null;
}

/** Entity `deployments@all`: names and the rules that new subscriptions are held against. */
export type DeploymentList = Readonly<Record<string, DeploymentRequest['subscriptions']>>;

export interface Counts {
  readonly total: number;
  readonly granted: number;
  /** Of the granted ones, those that the Sentry's own principal was seen to read. */
  readonly proven: number;
  readonly setAside: number;
}
export interface SentryResult {
  readonly n: number;
  readonly subscriptions: Counts;
  readonly stopped?: Refusal;
  /** What is not as it should be, with the Sentry at work. */
  readonly problems?: readonly Refusal[];
}
export interface DeploymentResult {
  /** `waitingForConsent`: all is made that does not need an administrator's consent. */
  readonly state: 'completed' | 'completedWithExceptions' | 'waitingForConsent' | 'failed';
  readonly sentries: number;
  /** How many of them something stopped. */
  readonly stopped: number;
  readonly subscriptions: Counts;
  readonly problems: readonly Refusal[];
}

/**
 * What came out of a resource, and that we made it, stays known, though a later run did not get so far as to look at it
 * or was refused it.
 */
export const withOutputs = (
  before: Readonly<Record<string, ResourceState>>,
  now: Readonly<Record<string, ResourceState>> = {},
): Readonly<Record<string, ResourceState>> =>
  Object.fromEntries(
    Object.entries(now).map(([key, state]) => {
      const known = before[key];
      const outputs = state.outputs ?? known?.outputs;
      const ours = state.ours ?? (known?.id === state.id ? known.ours : undefined);
      return [key, { ...state, ...(outputs ? { outputs } : {}), ...(ours === undefined ? {} : { ours }) }];
    }),
  );

/** Ids of what we made. */
export const madeIn = (resources: Readonly<Record<string, ResourceState>> = {}): readonly string[] =>
  Object.values(resources).flatMap(({ id, ours }) => (ours ? [id] : []));

/** The states to keep of a graph's resources. Grants are left out: they are kept by subscription. */
export function resourceStates(resources: readonly Resource[], progress: Progress): Record<string, ResourceState> {
  return Object.fromEntries(
    resources
      .filter(({ kind }) => kind !== 'roleAssignment')
      .map(({ kind, key, id }) => [key, { kind, id, ...shown(progress[key] ?? { state: 'waiting' }) }]),
  );
}

function shown(state: State): Omit<ResourceState, 'kind' | 'id'> {
  switch (state.state) {
    case 'done':
      return { state: 'done', change: state.change, ours: state.ours, outputs: state.outputs };
    case 'refused':
      return { state: 'refused', reason: `${state.code}: ${state.reason}`, remedy: state.remedy };
    case 'blocked':
      return { state: 'blocked', reason: `'${state.by}' could not be made` };
    case 'later':
      return { state: 'later', reason: state.reason };
    case 'running':
    case 'waiting':
      return { state: state.state };
  }
}

/** One outcome for each subscription: granted when every role is, set aside when one is refused. */
export function subscriptionStates(
  blueprint: Blueprint,
  subscriptions: readonly string[],
  progress: Progress,
  collected: (id: string) => boolean,
): Record<string, SubscriptionState> {
  const principalId = Object.values(outputsOf(progress)).find((outputs) => outputs['principalId'])?.['principalId'];
  const roles = rolesOf(blueprint);
  return Object.fromEntries(
    subscriptions.map((id) => {
      const mine = scopesFor(blueprint, id).flatMap((scope) =>
        roles.map(({ name }) => ({ scope, role: name, state: progress[grantKey(scope, name)] })),
      );
      return [id, subscriptionState(mine, principalId ?? '<principal id>', collected(id))];
    }),
  );
}

interface GrantState {
  readonly scope: string;
  readonly role: string;
  readonly state: State | undefined;
}

function subscriptionState(grants: readonly GrantState[], principalId: string, collected: boolean): SubscriptionState {
  for (const { scope, role, state } of grants) {
    if (state?.state !== 'refused') continue;
    const { code, reason } = state;
    return { state: 'setAside', code, reason, remedy: mend(code, scope, principalId, role) };
  }
  const states = grants.map(({ state }) => state);
  const blocked = states.find((state) => state?.state === 'blocked');
  if (blocked?.state === 'blocked') {
    const remedy = 'See what that resource says, mend it, then send the same request again.';
    return { state: 'setAside', code: 'Blocked', reason: `'${blocked.by}' could not be made`, remedy };
  }
  if (states.every((state) => state?.state === 'done')) return { state: 'granted', collected, proven: false };
  const waiting = states.find((state) => state?.state === 'later');
  return waiting?.state === 'later' ? { state: 'pending', reason: waiting.reason } : { state: 'pending' };
}

/** The command that mends it. An owner's own grant does: ours then finds it and keeps it. */
function mend(code: string, scope: string, principalId: string, role: string): string {
  const id = scope.slice(scope.lastIndexOf('/') + 1);
  return code === 'SubscriptionNotFound' || code === 'InvalidSubscriptionId'
    ? `Check the id with \`az account list --all --query "[?id=='${id}']"\`. Take it out of the request, or send the request again once it exists.`
    : `An owner of it runs \`az role assignment create --assignee-object-id ${principalId} --assignee-principal-type ServicePrincipal --role "${role}" --scope ${scope}\`. Then send the same request again.`;
}

export function count(states: Readonly<Record<string, SubscriptionState>>): Counts {
  const all = Object.values(states);
  const of = (state: SubscriptionState['state']): number => all.filter((one) => one.state === state).length;
  const proven = all.filter((one) => one.state === 'granted' && one.proven).length;
  return { total: all.length, granted: of('granted'), proven, setAside: of('setAside') };
}

/**
 * The whole from its parts: one Sentry that stopped is an exception, all of them stopped is a failure. `unplaced`
 * subscriptions are on no Sentry.
 */
export function conclude(
  sentries: readonly SentryResult[],
  problems: readonly Refusal[],
  unplaced = 0,
): DeploymentResult {
  const sum = (what: keyof Counts): number =>
    sentries.reduce((total, { subscriptions }) => total + subscriptions[what], 0);
  const subscriptions = {
    total: sum('total') + unplaced,
    granted: sum('granted'),
    proven: sum('proven'),
    setAside: sum('setAside') + unplaced,
  };
  const stopped = sentries.flatMap((sentry) => (sentry.stopped ? [sentry.stopped] : []));
  const all = [...problems, ...stopped, ...sentries.flatMap((sentry) => sentry.problems ?? [])];
  const waiting = all.length > 0 && all.every(isConsent);
  // Where a mark was lost, all that does not need that one thing went on.
  const failed =
    problems.some((one) => !isMarkLost(one)) || (sentries.length > 0 && stopped.length === sentries.length);
  const clean = all.length === 0 && subscriptions.granted === subscriptions.total;
  return {
    state: waiting ? 'waitingForConsent' : failed ? 'failed' : clean ? 'completed' : 'completedWithExceptions',
    sentries: sentries.length,
    stopped: stopped.length,
    subscriptions,
    problems: all,
  };
}

/** Grants that nobody asks for any more and that could not be taken back: told of as one, by the first of them. */
export function grantsKept(surplus: readonly Resource[], progress: Progress): readonly Refusal[] {
  const refused = surplus.flatMap(({ key, id }) => {
    const state = progress[key];
    return state?.state === 'refused' ? [{ id, ...state }] : [];
  });
  const [first] = refused;
  if (!first) return [];
  const reason = `Role assignments that the request does not want any more are still there, ${refused.length} in all. The first, '${first.id}': ${first.code}: ${first.reason}`;
  return [{ code: 'GrantsKept', reason, remedy: first.remedy }];
}

/** What of a graph was refused, in words that name the resource. Grants are told of by subscription. */
export const refusals = (resources: readonly Resource[], progress: Progress): readonly Refusal[] =>
  resources.flatMap(({ kind, key, id }) => {
    const state = progress[key];
    return state?.state === 'refused' && kind !== 'roleAssignment'
      ? [{ code: state.code, reason: `${key} ('${id}'): ${state.reason}`, remedy: state.remedy }]
      : [];
  });
