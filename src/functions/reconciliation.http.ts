/** The API's routes on drift (design §6): look for it now, and set it right where that is asked for. */
import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import {
  app,
  type DurableClient,
  type DurableOrchestrationStatus,
  OrchestrationRuntimeStatus,
} from 'durable-functions';
import type { Refusal } from '../domain/outcome';
import { NOT_CARRIED_OUT } from '../domain/plan/drift';
import { endsAt, scheduleOver } from '../domain/schedule';
import type { DeploymentState } from '../domain/states';
import type { ReconcileInput } from '../orchestrations/inputs';
import { inputOf, instancesOf, isAtWork, isYetToBegin, readDeployment, restOf, statusOf } from './durableClient';
import { conflict, guarded, notFound, problem } from './problem';
import { readFlag } from './query';
import { withoutKey } from './url';

/** As long as a plan is waited for. */
const STAY_MS = 10_000;
const POLL_SECONDS = '2';

const instanceId = (name: string): string => `c-${name}`;

/** Starts a look at a deployment that rests. Answers `running` where another one is at work. */
export const startReconcile = (
  client: DurableClient,
  { request, startedAt }: DeploymentState,
  how: Pick<ReconcileInput, 'repair' | 'asked'>,
) => instancesOf(client).start('reconcile', instanceId(request.name), { input: inputOf(request), startedAt, ...how });

/**
 * Answers what differs, or where that will stand. With `repair` it is set right at once, without, as the stored request
 * has it: if at all, in a change window.
 */
async function reconcileNow(request: HttpRequest, client: DurableClient): Promise<HttpResponseInit> {
  const flag = readFlag(request, 'repair');
  if (typeof flag === 'object') return flag.refusal;
  const { name = '' } = request.params;
  const deployment = await readDeployment(client, name);
  if (!deployment) return notFound(`deployment '${name}'`);
  const run = await statusOf(client, `d-${name}`);
  if (isAtWork(run)) return isYetToBegin(run) ? yetToBegin(deployment, request) : conflict(request, name);
  const refusal = flag === true ? whyNoRepair(deployment) : undefined;
  if (refusal) return problem({ status: 409, ...titled(refusal) });

  const how = { repair: flag ?? deployment.request.drift === 'repair', asked: flag === true };
  const rest = () => restOf(client, instanceId(name), STAY_MS);
  // What a look that is at work has read may be older than this request.
  if (isAtWork(await rest())) return lookRunning(request, name);
  if ((await startReconcile(client, deployment, how)) === 'running') return lookRunning(request, name);
  return looked(request, name, await rest());
}

function whyNoRepair({ carriedOut, request }: DeploymentState): Refusal | undefined {
  if (!carriedOut) return NOT_CARRIED_OUT;
  return endsAt(request) <= Date.now() ? scheduleOver(request) : undefined;
}

const yetToBegin = ({ request: { name, schedule } }: DeploymentState, { url }: HttpRequest): HttpResponseInit =>
  problem({
    status: 409,
    code: 'DeploymentRunning',
    title: `Deployment '${name}' waits until ${schedule?.notBefore ?? ''} (schedule.notBefore).`,
    remedy: 'Wait until it has run, or send another request: it takes that one’s place.',
    statusUrl: new URL(`/api/deployments/${name}`, url).href,
  });

const lookRunning = ({ url }: HttpRequest, name: string): HttpResponseInit =>
  problem({
    status: 409,
    code: 'LookRunning',
    title: `Another look for drift in deployment '${name}' is at work.`,
    remedy: 'Wait until GET at statusUrl answers 200, then send this again.',
    statusUrl: new URL(`/api/deployments/${name}/reconciliation`, url).href,
  });

/** What the newest look came to, the one of an hour ago included. */
async function readLook(request: HttpRequest, client: DurableClient): Promise<HttpResponseInit> {
  const { name = '' } = request.params;
  const status = await statusOf(client, instanceId(name));
  return status ? looked(request, name, status) : notFound(`look for drift in deployment '${name}'`);
}

function looked(request: HttpRequest, name: string, status: DurableOrchestrationStatus | undefined): HttpResponseInit {
  const location = withoutKey(new URL(`/api/deployments/${name}/reconciliation`, request.url).href).href;
  if (isAtWork(status))
    return { status: 202, headers: { location, 'retry-after': POLL_SECONDS }, jsonBody: { statusUrl: location } };
  if (status?.runtimeStatus === OrchestrationRuntimeStatus.Completed) return { status: 200, jsonBody: status.output };
  return problem({
    status: 500,
    code: 'LookBrokeDown',
    title: 'Azure could not be looked at.',
    remedy: 'Send this again; if that fails too, see the log.',
  });
}

const titled = ({ code, reason, remedy }: Refusal) => ({ code, title: reason, remedy });

const routes = [
  ['reconcile', 'POST', reconcileNow],
  ['readReconciliation', 'GET', readLook],
] as const;

for (const [name, method, handler] of routes) {
  app.client.http(`http_${name}`, {
    methods: [method],
    route: 'deployments/{name}/reconciliation',
    authLevel: 'function',
    handler: guarded(handler),
  });
}
