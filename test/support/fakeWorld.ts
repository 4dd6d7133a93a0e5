/** Faked activities that together behave like a small Azure and its people, for orchestrators run in virtual time. */
import type {
  ApplianceJob,
  ApplianceResult,
  ApplicationJob,
  ApplicationResult,
  Entry,
  EventToRaise,
  KeyReplaced,
  ProofCommandJob,
  ProofCommandResult,
  ProofJob,
  ProofResult,
  Step,
  UnattendedJob,
  UnattendedResult,
  WindowOrder,
  Approval,
  HostInspection,
  Inspected,
  ScopesInspection,
} from '../../src/activities/contracts';
import { makeStartApproved } from '../../src/activities/instances';
import type { Outcome } from '../../src/domain/outcome';
import type { SentryState } from '../../src/domain/states';
import type { DeploymentInput } from '../../src/orchestrations/inputs';
import { deploymentEntity } from '../../src/entities/deployment';
import { deploymentsEntity } from '../../src/entities/deployments';
import { entity } from '../../src/entities/entity';
import { sentryOperations } from '../../src/entities/sentry';
import { accessWindow } from '../../src/orchestrations/accessWindow';
import { planIdOf } from '../../src/functions/planId';
import { approved } from '../../src/orchestrations/approved';
import { check, deployment } from '../../src/orchestrations/deployment';
import { onboardSubscription } from '../../src/orchestrations/onboardSubscription';
import { plan, planSentry } from '../../src/orchestrations/plan';
import { reconcile } from '../../src/orchestrations/reconcile';
import { sentry } from '../../src/orchestrations/sentry';
import { profile, requestFor } from './requests';
import type { FakeClient } from './runOrchestrator';

export interface Behaviour {
  /** What a resource's `ensure` answers at its nth asking; `done` where it says nothing. */
  readonly ensure?: (step: Step, asked: number) => Outcome | undefined;
  /** What a look at a resource answers; that it is as it was left where it says nothing. */
  readonly observe?: (step: Step, asked: number) => Outcome | undefined;
  readonly remove?: (step: Step, asked: number) => Outcome | undefined;
  /** What preflight sees of an area (`quota`) or of a scope (`/subscriptions/…`); nothing wrong where it says nothing. */
  readonly inspect?: (what: string, asked: number) => Inspected | undefined;
  /** How the nth session with the appliance ends. */
  readonly appliance?: (job: ApplianceJob, session: number) => ApplianceResult;
  /** What the appliance answers at its nth asking; that it reaches and reads all where it says nothing. */
  readonly proof?: (job: ProofJob, asked: number) => ProofResult | undefined;
  /** What its application's listing answers at its nth asking; all of it where it says nothing. */
  readonly listing?: (job: ApplicationJob, asked: number) => ApplicationResult | undefined;
  /** False: nobody ever brings the email and PIN. */
  readonly registers?: boolean;
  /** What is known of the Sentry from an earlier run. */
  readonly before?: SentryState;
  readonly replaceKey?: (entry: Entry) => KeyReplaced;
  /** What Azure says of the VM's agent, at the nth asking. */
  readonly agent?: (asked: number) => Outcome;
  /** What the nth look at the run command gives. */
  readonly unattended?: (job: UnattendedJob, look: number) => UnattendedResult;
  /** What the nth look at the proof's run command gives; that it reaches and reads all where it says nothing. */
  readonly proofCommand?: (job: ProofCommandJob, look: number) => ProofCommandResult | undefined;
  /** What is seen of the appliance's traffic, at the nth look. */
  readonly collecting?: (look: number) => Outcome;
  /** What the person says who runs the script; undefined: that it is done. */
  readonly byHand?: { readonly declined: string };
  /** Whether the run that opened a window is still there, at its nth look; it is where this says nothing. */
  readonly runAtWork?: (look: number) => boolean;
  /** What is said to "are you at the console?"; undefined: that they are, null: nothing. */
  readonly presence?: { readonly declined: string } | null;
}

const outputs = {
  id: '/id',
  principalId: 'principal',
  clientId: 'client',
  objectId: 'object',
  appId: 'app',
  secretUri: 'https://vault/secrets/x/1',
  publicKey: 'ssh-ed25519 AAAA',
  ipAddress: '20.50.0.4',
  privateIPAddress: '10.90.0.4',
};
const registration = { registrationUri: 'https://vault/secrets/registration/1' };
const done = (change: 'created' | 'removed' | 'kept' = 'created'): Outcome => ({
  kind: 'done',
  change,
  ours: true,
  outputs,
});
export const inputFor = (count: number, changes: object = {}): DeploymentInput => ({
  request: requestFor(count, changes),
  profile,
  egressAddresses: ['198.51.100.1/32'],
  privateNetwork: false,
  cloud: {
    armEndpoint: 'https://management.azure.com',
    armAudience: 'https://management.azure.com',
    authorityHost: 'https://login.microsoftonline.com',
    graphEndpoint: 'https://graph.microsoft.com',
  },
});

const allProven = ({ questions, subscriptions }: ProofJob): ProofResult => ({
  kind: 'answered',
  reached: questions.origins,
  unreached: [],
  hostKey: 'SHA256:x',
  ...(questions.identity ? { readable: subscriptions } : {}),
});

export function fakeWorld(behaviour: Behaviour = {}) {
  const { ensure, observe, remove, inspect, appliance, proof, listing, registers = true, presence } = behaviour;
  const asked = new Map<string, number>();
  const nth = (what: string): number => {
    asked.set(what, (asked.get(what) ?? 0) + 1);
    return asked.get(what) ?? 0;
  };
  /** Verb and key of each step, in the order asked. */
  const steps: string[] = [];
  const jobs: ApplianceJob[] = [];
  const proofs: ProofJob[] = [];
  /** Areas and scopes that preflight looked at, in order. */
  const looks: string[] = [];
  const each =
    (verb: string, of: Behaviour['ensure'], change: 'created' | 'removed') =>
    (list: readonly Step[]): Outcome[] =>
      list.map((step) => {
        const what = `${verb} ${step.spec.id}`;
        const asked = nth(what);
        steps.push(`${verb} ${step.spec.key}`);
        const outcome = of?.(step, asked) ?? done(made.has(what) ? 'kept' : change);
        if (outcome.kind === 'done') made.add(what);
        return outcome;
      });
  const inspected = (what: string): Inspected => {
    looks.push(what);
    return inspect?.(what, nth(`inspect ${what}`)) ?? { kind: 'inspected', findings: [] };
  };
  const made = new Set<string>();
  const look = (step: Step): Outcome => {
    const what = `ensure ${step.spec.id}`;
    steps.push(`observe ${step.spec.key}`);
    const absent: Outcome = { kind: 'done', change: 'created', ours: true, outputs: {} };
    return observe?.(step, nth(`observe ${step.spec.id}`)) ?? (made.has(what) ? done('kept') : absent);
  };
  /** The nth time that a Sentry asks, its event is the nth. */
  const come = (client: FakeClient, instanceId: string): void => {
    const event = `registration-${nth(`registration ${instanceId}`)}`;
    if (registers) client.raiseEvent(instanceId, event, registration);
  };
  const entries: Entry[] = [];
  const unattended: UnattendedJob[] = [];
  const proofCommands: ProofCommandJob[] = [];
  /** Said in advance: the event waits until the Sentry does. */
  const attend = (client: FakeClient): void => {
    for (const instanceId of begun) {
      if (presence !== null) client.raiseEvent(instanceId, 'presence', presence ?? { done: true });
      client.raiseEvent(instanceId, 'configuration', behaviour.byHand ?? { done: true });
      registering.add(instanceId);
      begun.delete(instanceId);
    }
  };
  const activities = {
    replaceSshKey: (entry: Entry) => {
      entries.push(entry);
      return behaviour.replaceKey?.(entry) ?? { kind: 'replaced' };
    },
    checkAgent: (_: unknown, client: FakeClient) => {
      const answer = behaviour.agent?.(nth('agent')) ?? done('kept');
      // Without a window nothing else tells that email and PIN will be asked for.
      if (answer.kind === 'done') registering.forEach((id) => come(client, id));
      return answer;
    },
    runUnattended: (job: UnattendedJob, client: FakeClient) => {
      unattended.push(job);
      const answer = behaviour.unattended?.(job, unattended.length) ?? {
        kind: 'ended',
        result: { kind: 'configured' },
      };
      if (answer.kind === 'ended' && answer.result.kind === 'wrongPin') registering.forEach((id) => come(client, id));
      return answer;
    },
    proveUnattended: (job: ProofCommandJob): ProofCommandResult => {
      proofCommands.push(job);
      const answered = { reached: job.questions.origins, unreached: [], readable: job.subscriptions };
      return behaviour.proofCommand?.(job, proofCommands.length) ?? { kind: 'ended', answered };
    },
    removeRunCommand: ({ id }: { id: string }) => {
      steps.push(`remove ${id.split('/').at(-1)}`);
      return done('removed');
    },
    checkCollecting: () => behaviour.collecting?.(nth('collecting')) ?? done('kept'),
    ensureResources: (list: readonly Step[], client: FakeClient) => {
      attend(client);
      return each('ensure', ensure, 'created')(list);
    },
    observeResources: (list: readonly Step[]): Outcome[] => list.map(look),
    removeResources: each('remove', remove, 'removed'),
    inspectHost: ({ areas }: HostInspection) => areas.map(inspected),
    inspectScopes: ({ scopes }: ScopesInspection) => scopes.map(({ scope }) => inspected(scope)),
    listSubscriptions: () => ({ kind: 'listed', subscriptions: [] }),
    configureAppliance: (job: ApplianceJob, client: FakeClient) => {
      jobs.push(job);
      const result = appliance?.(job, jobs.length) ?? { kind: 'configured', hostKey: 'SHA256:x' };
      if (result.kind === 'wrongPin') waiting.forEach((instanceId) => come(client, instanceId));
      return result;
    },
    proveAppliance: (job: ProofJob) => {
      proofs.push(job);
      return proof?.(job, proofs.length) ?? allProven(job);
    },
    proveApplication: (job: ApplicationJob): ApplicationResult =>
      listing?.(job, nth('listing')) ?? { kind: 'listed', readable: job.subscriptions },
    openWindow: ({ instanceId, order }: { instanceId: string; order: WindowOrder }, client: FakeClient) => {
      client.startNew('accessWindow', { instanceId, input: order });
      return 'started';
    },
    raiseEvent: ({ instanceId, name, data }: EventToRaise, client: FakeClient) => {
      client.raiseEvent(instanceId, name, data);
      if (name === 'windowOpened') {
        waiting.add(instanceId);
        come(client, instanceId);
      }
      return null;
    },
    isRunAtWork: () => behaviour.runAtWork?.(nth('run')) ?? true,
    startDeployment: () => 'started',
    forget: (ids: readonly string[]) => {
      forgotten.push(...ids);
      return null;
    },
    startApproved: (approval: Approval, client: FakeClient) =>
      makeStartApproved(
        {
          start: async (name, instanceId, input) => {
            client.startNew(name, { instanceId, input });
            return 'started';
          },
          raiseEvent: async () => undefined,
          resume: async () => undefined,
          forget: async () => undefined,
        },
        planIdOf,
      )(approval),
  };
  const waiting = new Set<string>();
  const forgotten: string[] = [];
  /** Sentries whose runs have begun. */
  const registering = new Set<string>();
  /** Sentries whose runs have begun, and who were not told yet that someone is at the console. */
  const begun = new Set<string>();
  const sentryTable = entity<SentryState | null>(behaviour.before ?? null, sentryOperations);
  const sentryEntity: typeof sentryTable = (context) => {
    if (context.df.operationName === 'begin')
      begun.add(context.df.getInput<{ instanceId: string }>()?.instanceId ?? '');
    return sentryTable(context);
  };
  return {
    steps,
    jobs,
    entries,
    unattended,
    proofCommands,
    proofs,
    attend,
    looks,
    forgotten,
    options: {
      activities,
      orchestrators: {
        runDeployment: deployment,
        runCheck: check,
        runSentry: sentry,
        accessWindow,
        onboardSubscription,
        runPlan: plan,
        runPlanSentry: planSentry,
        runApproved: approved,
        reconcile,
      },
      entities: { deployment: deploymentEntity, deployments: deploymentsEntity, sentry: sentryEntity },
    },
  };
}
