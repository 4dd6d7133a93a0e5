/** The API's routes on plans (design §6): what a request would do, and its start once that is approved. */
import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import {
  app,
  type DurableClient,
  type DurableOrchestrationStatus,
  OrchestrationRuntimeStatus,
} from 'durable-functions';
import { deedsOf, partings } from '../domain/plan/approval';
import type { Plan } from '../domain/plan/plan';
import type { Approved } from '../orchestrations/approved';
import type { ApprovedInput, DeploymentInput } from '../orchestrations/inputs';
import { planView } from '../status/planView';
import { instancesOf, isAtWork, isYetToBegin, readDeployment, restOf, statusOf } from './durableClient';
import { etagOf } from './etag';
import { isPlanOf, planIdOf } from './planId';
import { conflict, guarded, notFound, problem } from './problem';
import { withoutKey } from './url';

/**
 * How long a call stays for an answer. Azure's front door cuts a call off after 230 s, so none may rest on that:
 * what takes longer goes on by itself, and is polled.
 */
const STAY_MS = 10_000;
const POLL_SECONDS = '2';
/** Of two plans that part in thousands of places the first say enough. */
const MOST_PARTINGS = 50;

const planInstance = (name: string, id: string): string => `p-${name}-${id}`;
const approvalInstance = (name: string, planId: string): string => `a-${name}-${planId}`;

/** Plans, and answers the plan where that takes a moment, or where it can be fetched. */
export async function startPlan(
  request: HttpRequest,
  client: DurableClient,
  input: DeploymentInput,
): Promise<HttpResponseInit> {
  const { name } = input.request;
  const id = etagOf(input);
  const instanceId = planInstance(name, id);
  await instancesOf(client).start('runPlan', instanceId, input);
  const status = await restOf(client, instanceId, STAY_MS);
  return isAtWork(status) ? atWork(request, `/api/deployments/${name}/plans/${id}`) : planned(status);
}

async function readPlan(request: HttpRequest, client: DurableClient): Promise<HttpResponseInit> {
  const { name = '', id = '' } = request.params;
  const status = await statusOf(client, planInstance(name, id));
  if (!status) return notFound(`plan '${id}' of deployment '${name}'`);
  return isAtWork(status) ? atWork(request, request.url) : planned(status);
}

const atWork = (request: HttpRequest, path: string): HttpResponseInit => {
  const location = withoutKey(new URL(path, request.url).href).href;
  return { status: 202, headers: { location, 'retry-after': POLL_SECONDS }, jsonBody: { statusUrl: location } };
};

function planned(status: DurableOrchestrationStatus | undefined): HttpResponseInit {
  const plan = planOf(status);
  if (!status || !plan) return brokeDown('The plan could not be made.');
  const input = status.input as DeploymentInput;
  const madeAt = new Date(status.lastUpdatedTime).toISOString();
  return { status: 200, jsonBody: planView(input, plan, planIdOf(input, plan), madeAt) };
}

/** What our own orchestration answered. */
const planOf = (status: DurableOrchestrationStatus | undefined): Plan | undefined =>
  isCompleted(status) ? (status?.output as Plan) : undefined;
const isCompleted = (status: DurableOrchestrationStatus | undefined): boolean =>
  status?.runtimeStatus === OrchestrationRuntimeStatus.Completed;

const brokeDown = (title: string): HttpResponseInit =>
  problem({
    status: 500,
    code: 'PlanBrokeDown',
    title,
    remedy: 'Send the same request again; if that fails too, see the log.',
  });

/** Starts a deployment whose plan was approved, if that is its plan still. Nothing is started before that is known. */
export async function startApproved(
  request: HttpRequest,
  client: DurableClient,
  input: DeploymentInput,
  planId: string,
): Promise<HttpResponseInit> {
  const { name } = input.request;
  if (!isPlanOf(planId, input)) return anotherRequest(name);
  const id = approvalInstance(name, planId);
  const before = await statusOf(client, id);
  // Whoever lost the answer and asks again asks for the check that is at work, and for the run that it started.
  if (!isAtWork(before)) {
    const carriedOut = wasCarriedOut(before) && (await isStored(client, input));
    const run = await statusOf(client, `d-${name}`);
    if (isAtWork(run) && !isYetToBegin(run))
      return carriedOut || etagOf(run?.input) === etagOf(input)
        ? started(request, client, name)
        : conflict(request, name);
    const approval: ApprovedInput = { planId, input, carriedOut };
    await instancesOf(client).start('runApproved', id, approval);
  }
  const status = await restOf(client, id, STAY_MS);
  return isAtWork(status)
    ? atWork(request, `/api/deployments/${name}/approvals/${planId}`)
    : approved(request, client, status, () => started(request, client, name));
}

/** The plan was carried out: by this check, or before it. */
function wasCarriedOut(status: DurableOrchestrationStatus | undefined): boolean {
  if (!status) return false;
  const { carriedOut } = status.input as ApprovedInput;
  return carriedOut || (isCompleted(status) && (status.output as Approved).answer === 'started');
}

/** No other request has taken its place since. */
const isStored = async (client: DurableClient, { request }: DeploymentInput): Promise<boolean> =>
  etagOf((await readDeployment(client, request.name))?.request) === etagOf(request);

const started = (request: HttpRequest, client: DurableClient, name: string): HttpResponseInit =>
  client.createCheckStatusResponse(request, `d-${name}`);

/** Where a start that took its time is waited for: it ends as the deployment's own URL, or as a conflict. */
async function readApproval(request: HttpRequest, client: DurableClient): Promise<HttpResponseInit> {
  const { name = '', planId = '' } = request.params;
  const status = await statusOf(client, approvalInstance(name, planId));
  if (!status) return notFound(`approval of plan '${planId}' of deployment '${name}'`);
  if (isAtWork(status)) return atWork(request, request.url);
  const location = new URL(`/api/deployments/${name}`, request.url).href;
  return approved(request, client, status, () => ({ status: 303, headers: { location } }));
}

async function approved(
  request: HttpRequest,
  client: DurableClient,
  status: DurableOrchestrationStatus | undefined,
  whenStarted: () => HttpResponseInit,
): Promise<HttpResponseInit> {
  if (!status || !isCompleted(status)) return brokeDown('The approved plan could not be held against the world.');
  const { answer, plan } = status.output as Approved;
  const { planId, input } = status.input as ApprovedInput;
  const { name } = input.request;
  // The same answer as before: whether that run ended well, its status says.
  if (wasCarriedOut(status)) return whenStarted();
  return answer === 'running' ? conflict(request, name) : outdated(client, planId, input, plan);
}

async function outdated(
  client: DurableClient,
  approvedId: string,
  input: DeploymentInput,
  now: Plan,
): Promise<HttpResponseInit> {
  const { name } = input.request;
  const kept = planOf(await statusOf(client, planInstance(name, etagOf(input))));
  // Only the newest plan of a request is kept: of an older one nothing is known but its id.
  const before = kept && planIdOf(input, kept) === approvedId ? deedsOf(kept) : undefined;
  const differences = partings(before ?? {}, deedsOf(now));
  return problem({
    status: 409,
    code: 'PlanOutdated',
    title: `The plan that was approved is no longer the plan of '${name}': ${before ? counted(differences.length, 'thing differs', 'things differ') : newer(differences.length)}.`,
    remedy: 'Plan again with ?dryRun=true, read it, and send the request with the new planId. Nothing was started.',
    planId: planIdOf(input, now),
    differences: differences.slice(0, MOST_PARTINGS),
  });
}

/** What the approved plan would have done is not known any more. */
const newer = (deeds: number): string =>
  deeds === 0
    ? 'there is nothing left to do, all is as the request wants it'
    : `a newer one took its place, which would do ${counted(deeds, 'thing', 'things')}`;
const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

const anotherRequest = (name: string): HttpResponseInit =>
  problem({
    status: 409,
    code: 'PlanOutdated',
    title: `The plan that was approved was of another request for '${name}', or of another version of this app's settings.`,
    remedy: 'Plan this request with ?dryRun=true, read it, and send it with the new planId. Nothing was started.',
  });

const routes = [
  ['readPlan', 'deployments/{name}/plans/{id}', readPlan],
  ['readApproval', 'deployments/{name}/approvals/{planId}', readApproval],
] as const;

for (const [name, route, handler] of routes) {
  app.client.http(`http_${name}`, { methods: ['GET'], route, authLevel: 'function', handler: guarded(handler) });
}
