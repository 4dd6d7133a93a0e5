/** Activities that start and tell other instances, through the durable client. */
import type { Plan } from '../domain/plan/plan';
import type { activities, HandlerOf, Started } from './contracts';

/** What is needed of the durable client. */
export interface Instances {
  /**
   * Answers `running` where an instance of that id is at work with another input: it stays. With the same, it is ours.
   * With `replaces`, one that still waits for its beginning is ended, and this one started.
   */
  start(
    orchestrator: string,
    instanceId: string,
    input: unknown,
    options?: { readonly replaces?: boolean },
  ): Promise<Started>;
  /** An instance that has ended hears nothing, and that is no error. */
  raiseEvent(instanceId: string, name: string, data: unknown): Promise<void>;
  /** Forgets an instance that has ended. */
  forget(instanceId: string): Promise<void>;
  /** Lets an instance go on that a person suspended. */
  resume(instanceId: string): Promise<void>;
}

/** What is known of runs. */
export interface Runs {
  /** False too where there is no such instance (any more). */
  isAtWork(instanceId: string): Promise<boolean>;
  /** The orchestration of a Sentry's newest run. */
  newestOf(deployment: string, n: number): Promise<string | undefined>;
}

/**
 * Ending a deployment does not end the Sentries below it: such a one goes on, and nobody waits for what comes of it. So
 * it does where the deployment was started again meanwhile.
 */
export const makeIsRunAtWork =
  (runs: Runs): HandlerOf<typeof activities.isRunAtWork> =>
  async ({ deployment, n, instanceId }) =>
    (await runs.isAtWork(`d-${deployment}`)) &&
    (await runs.isAtWork(instanceId)) &&
    (await runs.newestOf(deployment, n)) === instanceId;

export const makeOpenWindow =
  (instances: Instances): HandlerOf<typeof activities.openWindow> =>
  ({ instanceId, order }) =>
    instances.start('accessWindow', instanceId, order);

export const makeRaiseEvent =
  (instances: Instances): HandlerOf<typeof activities.raiseEvent> =>
  async ({ instanceId, name, data }) => {
    await instances.raiseEvent(instanceId, name, data);
    return null;
  };

export const makeForget =
  (instances: Instances): HandlerOf<typeof activities.forget> =>
  async (ids) => {
    for (const id of ids) await instances.forget(id);
    return null;
  };

export const makeReadInput =
  (inputOf: (name: string) => Promise<object>): HandlerOf<typeof activities.readInput> =>
  ({ name }) =>
    inputOf(name);

/** `planIdOf` is what the API calls a plan for an input. */
export const makeStartApproved =
  (
    instances: Instances,
    planIdOf: (input: unknown, plan: Plan) => string,
  ): HandlerOf<typeof activities.startApproved> =>
  async ({ name, planId, input, plan }) =>
    planIdOf(input, plan) === planId
      ? instances.start('runDeployment', `d-${name}`, input, { replaces: true })
      : 'outdated';

/** Starts the deployment again with the input that `inputOf` reads from its stored request. */
export const makeStartDeployment =
  (instances: Instances, inputOf: (name: string) => Promise<object>): HandlerOf<typeof activities.startDeployment> =>
  async ({ name, ...repair }) =>
    instances.start('runDeployment', `d-${name}`, { ...(await inputOf(name)), ...repair });
