/** What orchestrations may ask for: each activity's name and types, and nothing of how it is done. */
import { RetryOptions } from 'durable-functions';
import type { Blueprint } from '../domain/blueprint/blueprint';
import type { WindowScope } from '../domain/blueprint/window';
import type { Change, Later, Outcome, Refusal } from '../domain/outcome';
import type { Area } from '../domain/preflight/areas';
import type { Finding } from '../domain/preflight/finding';
import type { Role, WatchedScope } from '../domain/preflight/subscriptions';
import type { Plan } from '../domain/plan/plan';
import type { AnswerKey, Script } from '../domain/profile';
import type { Answered, Found, Questions } from '../domain/proofScript';
import type { Spec } from '../domain/resources';
import type { KnownSubscription } from '../domain/subscriptions';
import type { WindowReceipt } from '../domain/window';

export interface Activity<I, O> {
  readonly name: string;
  /** Never set: it only carries the types. */
  readonly types?: (input: I) => Promise<O>;
}
export type HandlerOf<A> = A extends Activity<infer I, infer O> ? (input: I) => Promise<O> : never;

/** For crashes alone: whatever Azure answers is a value. Five attempts wait 5, 10, 20 and 40 s between them. */
export const crashRetry = Object.assign(new RetryOptions(5_000, 5), { backoffCoefficient: 2 });

export type Verb = 'ensure' | 'remove' | 'observe';

/** One resource to see to. `operation` is what an earlier answer left running, `change` what it was for. */
export interface Step {
  readonly spec: Spec;
  readonly operation?: string | undefined;
  readonly change?: Change | undefined;
  /** Our own state says that this deployment made it. */
  readonly made?: true;
}

/** Where each answer to the set-up script lies. Secrets only as vault URIs. */
export interface ScriptJob {
  readonly script: Script;
  readonly registrationUri: string;
  readonly clientSecretUri?: string | undefined;
  readonly answers: Readonly<Partial<Record<AnswerKey, string>>>;
}
/** How the script ended; the transcript has every secret blotted out. */
export type ScriptResult =
  | { readonly kind: 'configured' }
  | { readonly kind: 'wrongPin' }
  | ({ readonly kind: 'stopped'; readonly transcript: string } & Refusal);

/** How the appliance is entered. */
export interface Entry {
  readonly address: string;
  readonly port: number;
  readonly username: string;
  /** SHA-256 fingerprint seen at first contact. */
  readonly hostKey?: string | undefined;
  /** Name of the vault's secret that holds our key. */
  readonly sshKeyName: string;
}
export interface ApplianceJob extends ScriptJob, Entry {
  /** What its identity has to read before the script picks among it; absent where that is not waited for. */
  readonly first?: Pick<ProofJob, 'questions' | 'subscriptions'> | undefined;
}
export type ApplianceResult =
  /** `hostKey` is absent where nobody was met. */
  | (ScriptResult & { readonly hostKey?: string | undefined })
  /** The script was not run: its identity does not read these of `first` yet. */
  | { readonly kind: 'unread'; readonly missing: readonly string[] }
  | { readonly kind: 'unreachable'; readonly reason: string };
export type KeyReplaced = { readonly kind: 'replaced' } | { readonly kind: 'kept'; readonly reason: string };

/** A script as a run command. */
export interface CommandJob {
  /** ARM id of the run command, a child of the VM. */
  readonly id: string;
  readonly location: string;
  /** The deployment's name, and which of its attempts this is: another one's run command is no answer to it. */
  readonly deployment: string;
  readonly attempt: string;
  /** What an earlier answer left running. */
  readonly operation?: string | undefined;
}
export type NotEnded = Extract<Outcome, { kind: 'running' | 'later' | 'refused' }>;

/** The set-up script as a run command. */
export interface UnattendedJob extends ScriptJob, CommandJob {
  /** The appliance was set up before. */
  readonly again: boolean;
}
export type UnattendedResult =
  | NotEnded
  | { readonly kind: 'ended'; readonly result: ScriptResult }
  /** The script asked as of one that was set up before, or did not: its answers went to the wrong questions. */
  | { readonly kind: 'otherwise'; readonly again: boolean };

/** `since`: ISO 8601, when a person said that the appliance is set up. */
export interface CollectingQuestion {
  readonly vmId: string;
  readonly since: string;
}
/** Where an appliance is asked what it reaches and reads, and what it is asked. */
export interface ProofJob extends Entry {
  readonly questions: Questions;
  /** Those that its identity should read. */
  readonly subscriptions: readonly string[];
  /** Where it has a public address while it is asked: the subnet that must give it a way out afterwards. */
  readonly subnetId?: string | undefined;
}
/** One run of the proof's script as a run command. `page`: the next page of the listing alone. */
export interface ProofCommandJob extends CommandJob, Pick<ProofJob, 'questions' | 'subscriptions'> {
  readonly page?: string | undefined;
}
export type ProofCommandResult = NotEnded | { readonly kind: 'ended'; readonly answered: Answered };
/** `hostKey`: of whoever was met, where it was asked over a session. */
export type ProofResult = (Found | { readonly kind: 'unanswered'; readonly reason: string }) & {
  readonly hostKey?: string | undefined;
};

/** An application that is to list what it may read. The secret only as a vault URI. */
export interface ApplicationJob {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecretUri: string;
  readonly subscriptions: readonly string[];
}
/** Which of the subscriptions it reads, or why that is not known; worth another question `later`, or not. */
export type ApplicationResult =
  | { readonly kind: 'listed'; readonly readable: readonly string[] }
  | Pick<Extract<Outcome, { kind: 'later' | 'refused' }>, 'kind' | 'code' | 'reason'>;

/** What the window tells the Sentry that asked for it. */
export interface WindowOrder {
  readonly scope: WindowScope;
  /** The instance that is told `windowOpened`, `windowMoved` and `windowClosed`; none where it is opened at rest. */
  readonly notify?: string;
  /** Only to be closed: set by the window itself while it goes on trying, and by the sweep. */
  readonly closing?: Pick<WindowReceipt, 'openedAt' | 'why' | 'problems'>;
}

/** What preflight is to look at of the host and the tenant. */
export interface HostInspection {
  readonly blueprint: Blueprint;
  readonly areas: readonly Area[];
  readonly sentries: number;
  /** An earlier run brought every Sentry to its end: where none is to be made, nothing but grants is left to do. */
  readonly settled: boolean;
  /** Subscriptions that are granted in by themselves, and management groups that are in their place. */
  readonly watched: readonly string[];
  readonly groups: readonly string[];
  /** The app's own addresses, from which the window is entered too. */
  readonly egress: readonly string[];
}
export interface ScopesInspection {
  readonly scopes: readonly WatchedScope[];
  readonly roles: readonly Role[];
}
/** What one look gave: all that was found, or later. */
export type Inspected = InspectedNow | Later;
export interface InspectedNow {
  readonly kind: 'inspected';
  readonly findings: readonly Finding[];
  /** Worth another look for this long: what is missing may have been granted a moment ago. */
  readonly healsWithin?: number | undefined;
  /** Of the tenant alone: the watched scopes where conditions limit what the app may grant. */
  readonly limited?: readonly WatchedScope[] | undefined;
  /** Of the names alone: ids of those that are taken and bear no deployment's mark. */
  readonly unmarked?: readonly string[] | undefined;
}

export type Started = 'started' | 'running';

/** One run of a Sentry. `instanceId` is its orchestration's. */
export interface SentryRun {
  readonly deployment: string;
  readonly n: number;
  readonly instanceId: string;
}

export const activities = {
  ensureResources: activity<readonly Step[], readonly Outcome[]>('ensureResources'),
  removeResources: activity<readonly Step[], readonly Outcome[]>('removeResources'),
  /** Reads, and tells what `ensureResources` would do. */
  observeResources: activity<readonly Step[], readonly Outcome[]>('observeResources'),
  listSubscriptions: activity<null, ListedSubscriptions>('listSubscriptions'),
  /** One answer for each area, in their order. */
  inspectHost: activity<HostInspection, readonly Inspected[]>('inspectHost'),
  /** One answer for each scope, in their order. */
  inspectScopes: activity<ScopesInspection, readonly Inspected[]>('inspectScopes'),
  configureAppliance: activity<ApplianceJob, ApplianceResult>('configureAppliance'),
  /** Makes a new key, lets it in, proves that, and only then shuts out the one before. */
  replaceSshKey: activity<Entry, KeyReplaced>('replaceSshKey'),
  /** Done where the VM's agent is ready for a run command. */
  checkAgent: activity<{ readonly vmId: string }, Outcome>('checkAgent'),
  runUnattended: activity<UnattendedJob, UnattendedResult>('runUnattended'),
  /** One run of the proof's script as a run command. */
  proveUnattended: activity<ProofCommandJob, ProofCommandResult>('proveUnattended'),
  removeRunCommand: activity<{ readonly id: string }, Outcome>('removeRunCommand'),
  /** Done once Azure's metrics show that the appliance sends more than it did. */
  checkCollecting: activity<CollectingQuestion, Outcome>('checkCollecting'),
  proveAppliance: activity<ProofJob, ProofResult>('proveAppliance'),
  proveApplication: activity<ApplicationJob, ApplicationResult>('proveApplication'),
  /** Starts an access window as an instance of its own: what becomes of the deployment cannot keep it open. */
  openWindow: activity<{ readonly instanceId: string; readonly order: WindowOrder }, Started>('openWindow'),
  /** Whether the run that opened a window is still at work, whole. */
  isRunAtWork: activity<SentryRun, boolean>('isRunAtWork'),
  raiseEvent: activity<EventToRaise, null>('raiseEvent'),
  startDeployment: activity<{ readonly name: string; readonly repair?: true }, Started>('startDeployment'),
  /** What the deployment is started with now: its stored request, and what the app is set to. */
  readInput: activity<{ readonly name: string }, object>('readInput'),
  /** Forgets instances that have ended, by id. */
  forget: activity<readonly string[], null>('forget'),
  /** Starts the deployment if the plan that was approved is the plan still. */
  startApproved: activity<Approval, ApprovalAnswer>('startApproved'),
};

/** A plan made just now, held against the one that was approved. `input` is what the deployment is started with. */
export interface Approval {
  readonly name: string;
  readonly planId: string;
  readonly input: unknown;
  readonly plan: Plan;
}
export type ApprovalAnswer = Started | 'outdated';

export interface EventToRaise {
  readonly instanceId: string;
  readonly name: string;
  readonly data: unknown;
}
export type ListedSubscriptions =
  | { readonly kind: 'listed'; readonly subscriptions: readonly KnownSubscription[] }
  | Extract<Outcome, { kind: 'later' | 'refused' }>;

function activity<I, O>(name: string): Activity<I, O> {
  return { name };
}
