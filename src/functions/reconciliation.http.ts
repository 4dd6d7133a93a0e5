/** The API's routes on drift (design §6): look for it now, and set it right where that is asked for. */
import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import {
  app,
  type DurableClient,
  type DurableOrchestrationStatus,
  OrchestrationRuntimeStatus,
} from 'durable-functions';
import type { DeploymentRequest } from '../domain/request/request';
import { endsAt, scheduleOver } from '../domain/schedule';
import type { ReconcileInput } from '../orchestrations/inputs';
import { inputOf, instancesOf, isAtWork, readDeployment, restOf, statusOf } from './durableClient';
import { conflict, guarded, notFound, problem } from './problem';
import { readFlag } from './query';
import { withoutKey } from './url';

/** As long as a plan is waited for. */
const STAY_MS = 10_000;
const POLL_SECONDS = '2';

const instanceId = (name: string): string => `c-${name}`;

/** Starts a look, where none is at work. */
export const startReconcile = (
  client: DurableClient,
  request: DeploymentRequest,
  how: Pick<ReconcileInput, 'repair' | 'asked'>,
) => instancesOf(client).start('reconcile', instanceId(request.name), { input: inputOf(request), ...how });

/** Answers what differs, or where that will stand. Without `repair`, what the stored request says about drift holds. */
async function reconcileNow(request: HttpRequest, client: DurableClient): Promise<HttpResponseInit> {
  const flag = readFlag(request, 'repair');
  if (typeof flag === 'object') return flag.refusal;
  const { name = '' } = request.params;
  const deployment = await readDeployment(client, name);
  if (!deployment) return notFound(`deployment '${name}'`);
  if (isAtWork(await statusOf(client, `d-${name}`))) return conflict(request, name);
  const repair = flag ?? deployment.request.drift === 'repair';
  if (repair && endsAt(deployment.request) <= Date.now())
    return problem({ status: 409, ...titled(scheduleOver(deployment.request)) });

  await startReconcile(client, deployment.request, { repair, asked: true });
  return looked(request, name, await restOf(client, instanceId(name), STAY_MS));
}

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

const titled = ({ code, reason, remedy }: ReturnType<typeof scheduleOver>) => ({ code, title: reason, remedy });

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
