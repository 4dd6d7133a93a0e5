/** Faked activities that together behave like a small Azure and its people, for orchestrators run in virtual time. */
import type {
  ApplianceJob,
  ApplianceResult,
  EventToRaise,
  HostInspection,
  Inspected,
  ScopesInspection,
  Step,
  WindowOrder,
} from '../../src/activities/contracts';
import type { Outcome } from '../../src/domain/outcome';
import type { DeploymentInput } from '../../src/orchestrations/inputs';
import { deploymentEntity } from '../../src/entities/deployment';
import { deploymentsEntity } from '../../src/entities/deployments';
import { sentryEntity } from '../../src/entities/sentry';
import { accessWindow } from '../../src/orchestrations/accessWindow';
import { deployment } from '../../src/orchestrations/deployment';
import { onboardSubscription } from '../../src/orchestrations/onboardSubscription';
import { sentry } from '../../src/orchestrations/sentry';
import { profile, requestFor } from './requests';
import type { FakeClient } from './runOrchestrator';

export interface Behaviour {
  /** What a resource's `ensure` answers at its nth asking; `done` where it says nothing. */
  readonly ensure?: (step: Step, asked: number) => Outcome | undefined;
  readonly remove?: (step: Step, asked: number) => Outcome | undefined;
  /** What preflight sees of an area (`quota`) or of a scope (`/subscriptions/…`); nothing wrong where it says nothing. */
  readonly inspect?: (what: string, asked: number) => Inspected | undefined;
  /** How the nth session with the appliance ends. */
  readonly appliance?: (job: ApplianceJob, session: number) => ApplianceResult;
  /** False: nobody ever brings the email and PIN. */
  readonly registers?: boolean;
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
};
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
});

export function fakeWorld({ ensure, remove, inspect, appliance, registers = true }: Behaviour = {}) {
  const asked = new Map<string, number>();
  const nth = (what: string): number => {
    asked.set(what, (asked.get(what) ?? 0) + 1);
    return asked.get(what) ?? 0;
  };
  /** Verb and key of each step, in the order asked. */
  const steps: string[] = [];
  const jobs: ApplianceJob[] = [];
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
  const look = (what: string): Inspected => {
    looks.push(what);
    return inspect?.(what, nth(`inspect ${what}`)) ?? { kind: 'inspected', findings: [] };
  };
  const made = new Set<string>();
  /** The nth time that a Sentry asks, its event is the nth. */
  const come = (client: FakeClient, instanceId: string): void => {
    const event = `registration-${nth(`registration ${instanceId}`)}`;
    if (registers) client.raiseEvent(instanceId, event, { registrationUri: 'https://vault/secrets/registration/1' });
  };
  const activities = {
    ensureResources: each('ensure', ensure, 'created'),
    removeResources: each('remove', remove, 'removed'),
    inspectHost: ({ areas }: HostInspection) => areas.map(look),
    inspectScopes: ({ scopes }: ScopesInspection) => scopes.map(({ scope }) => look(scope)),
    listSubscriptions: () => ({ kind: 'listed', subscriptions: [] }),
    configureAppliance: (job: ApplianceJob, client: FakeClient) => {
      jobs.push(job);
      const result = appliance?.(job, jobs.length) ?? { kind: 'configured', hostKey: 'SHA256:x' };
      if (result.kind === 'wrongPin') waiting.forEach((instanceId) => come(client, instanceId));
      return result;
    },
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
    startDeployment: () => 'started',
  };
  const waiting = new Set<string>();
  return {
    steps,
    jobs,
    looks,
    options: {
      activities,
      orchestrators: { runDeployment: deployment, runSentry: sentry, accessWindow, onboardSubscription },
      entities: { deployment: deploymentEntity, deployments: deploymentsEntity, sentry: sentryEntity },
    },
  };
}
