/** What the routes and activities do through the durable client. */
import { setTimeout } from 'node:timers/promises';
import {
  type DurableClient,
  type DurableOrchestrationStatus,
  EntityId,
  OrchestrationRuntimeStatus,
} from 'durable-functions';
import { z } from 'zod';
import type { Instances, Runs } from '../activities/instances';
import { services } from '../composition';
import type { DeploymentRequest } from '../domain/request/request';
import { schedule } from '../domain/request/schedule';
import { beginsAt } from '../domain/schedule';
import type { DeploymentList, DeploymentState, SentryState } from '../domain/states';
import { etagOf } from './etag';
import type { DeploymentInput } from '../orchestrations/inputs';

const AT_WORK = [
  OrchestrationRuntimeStatus.Running,
  OrchestrationRuntimeStatus.Pending,
  OrchestrationRuntimeStatus.ContinuedAsNew,
  OrchestrationRuntimeStatus.Suspended,
];
export const isAtWork = (status: DurableOrchestrationStatus | undefined): boolean =>
  status !== undefined && AT_WORK.includes(status.runtimeStatus);

/** An unknown instance is an answer, not a failure; the client throws for it. */
export async function statusOf(client: DurableClient, id: string): Promise<DurableOrchestrationStatus | undefined> {
  try {
    return await client.getStatus(id);
  } catch (error) {
    if (error instanceof Error && error.message.includes('HTTP 404')) return undefined;
    throw error;
  }
}

const LOOK_MS = 100;
/** An instance that only waits ends at once when it is told to. */
const STOP_MS = 10_000;
/** So close to its beginning a run is not ended any more: it might have begun by then. */
const BEGINNING_MS = 60_000;

const scheduledInput = z.looseObject({ request: z.looseObject({ schedule: schedule.optional() }) });

/** The time from which its request may be carried out has not come: it has written nothing. */
export function isYetToBegin(status: DurableOrchestrationStatus | undefined): boolean {
  const input = scheduledInput.safeParse(status?.input);
  return isAtWork(status) && input.success && beginsAt(input.data.request) - Date.now() > BEGINNING_MS;
}

/** The status as soon as the instance rests, or as it is when the time is over. */
export async function restOf(
  client: DurableClient,
  id: string,
  limitMs: number,
): Promise<DurableOrchestrationStatus | undefined> {
  for (const end = Date.now() + limitMs; ;) {
    const status = await statusOf(client, id);
    if (!isAtWork(status) || Date.now() >= end) return status;
    await setTimeout(LOOK_MS);
  }
}

export async function readEntity<S>(client: DurableClient, name: string, key: string): Promise<S | undefined> {
  const { entityExists, entityState } = await client.readEntityState<S | null>(new EntityId(name, key));
  return entityExists ? (entityState ?? undefined) : undefined;
}
export const readDeployment = (client: DurableClient, name: string) =>
  readEntity<DeploymentState>(client, 'deployment', name);
export const readList = async (client: DurableClient): Promise<DeploymentList> =>
  (await readEntity<DeploymentList>(client, 'deployments', 'all')) ?? {};
export async function readSentries(
  client: DurableClient,
  deployment: DeploymentState,
): Promise<readonly SentryState[]> {
  const { name } = deployment.request;
  const found = await Promise.all(
    deployment.placement.map((_, index) => readEntity<SentryState>(client, 'sentry', `${name}-${index + 1}`)),
  );
  return found.filter((sentry) => sentry !== undefined);
}

export const runsOf = (client: DurableClient): Runs => ({
  isAtWork: async (id) => isAtWork(await statusOf(client, id)),
  newestOf: async (name, n) => (await readEntity<SentryState>(client, 'sentry', `${name}-${n}`))?.instanceId,
});

/** Profile and settings travel resolved: a run keeps what it was started with. */
export function inputOf(request: DeploymentRequest): DeploymentInput {
  const { profiles, config } = services();
  const profile = profiles[request.profile];
  if (!profile) throw new Error(`The profile '${request.profile}' is no longer part of this app.`);
  const { egressAddresses, privateNetwork, cloud } = config;
  return { request, profile, egressAddresses, privateNetwork, cloud };
}

export const storedInput =
  (client: DurableClient) =>
  async (name: string): Promise<DeploymentInput> => {
    const stored = await readDeployment(client, name);
    if (!stored) throw new Error(`There is no deployment '${name}'.`);
    return inputOf(stored.request);
  };

export const instancesOf = (client: DurableClient): Instances => ({
  start: async (orchestrator, instanceId, input, { replaces = false } = {}) => {
    /** What is at work there already; with the same input it is what was asked for. */
    const atWork = async () => {
      const status = await statusOf(client, instanceId);
      if (!isAtWork(status)) return undefined;
      if (etagOf(status?.input) === etagOf(input)) return 'started';
      if (!replaces || !isYetToBegin(status)) return 'running';
      await client.terminate(instanceId, 'Another request took its place before it began.');
      return isAtWork(await restOf(client, instanceId, STOP_MS)) ? 'running' : undefined;
    };
    const before = await atWork();
    if (before) return before;
    try {
      await client.startNew(orchestrator, { instanceId, input });
      return 'started';
    } catch (error) {
      // Two starts at once: the host refuses the second, and one run may be what both wanted.
      const other = await atWork();
      if (!other) throw error;
      return other;
    }
  },
  raiseEvent: async (instanceId, name, data) => {
    if (isAtWork(await statusOf(client, instanceId))) await client.raiseEvent(instanceId, name, data);
  },
  forget: async (instanceId) => {
    await client.purgeInstanceHistory(instanceId);
  },
  resume: async (instanceId) => {
    const { runtimeStatus } = (await statusOf(client, instanceId)) ?? {};
    if (runtimeStatus === OrchestrationRuntimeStatus.Suspended) await client.resume(instanceId, 'Its time is over.');
  },
});
