/** The API's routes on deployments (design §6). Reading and deciding is elsewhere; here is only who calls what. */
import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import {
  app,
  type DurableClient,
  type DurableOrchestrationStatus,
  OrchestrationRuntimeStatus,
} from 'durable-functions';
import { services } from '../composition';
import { toFaults } from '../domain/faults';
import { hasIdentity, identityFaults } from '../domain/request/identityChange';
import { placementFaults } from '../domain/request/placementChange';
import { parseRequest } from '../domain/request/parseRequest';
import type { DeploymentRequest } from '../domain/request/request';
import type { Profile } from '../domain/profile';
import { deploymentView, listView, type Run, startingView, subscriptionPage, subscriptionQuery } from '../status/views';
import { inputOf, instancesOf, isAtWork, readDeployment, readList, readSentries, statusOf } from './durableClient';
import { etagOf } from './etag';
import { startApproved, startPlan } from './plans.http';
import { conflict, guarded, invalid, notFound, problem, readJson } from './problem';
import { readFlag, unknownParameters } from './query';
import { withoutKey } from './url';

const POLL_SECONDS = '5';
const instanceId = (name: string): string => `d-${name}`;

/** Starts a deployment, or carries out the difference to the stored one. The same request again is the same run. */
async function start(request: HttpRequest, client: DurableClient): Promise<HttpResponseInit> {
  const dryRun = readFlag(request, 'dryRun');
  if (typeof dryRun === 'object') return dryRun.refusal;
  const json = await readJson(request);
  if ('refusal' in json) return json.refusal;
  const { config, profiles } = services();
  const parsed = parseRequest(json.body, { ...config, profiles, now: Date.now() });
  if (parsed.kind === 'faults') return invalid(parsed.faults);

  const kept = await whatIsKept(client, parsed.request, parsed.profile);
  if (kept) return kept;

  const input = inputOf(parsed.request);
  const { planId } = parsed;
  if (dryRun && planId !== undefined) {
    return invalid([{ pointer: '/planId', detail: 'is for carrying a plan out; leave it or dryRun out' }]);
  }
  if (dryRun) return startPlan(request, client, input);
  if (planId !== undefined) return startApproved(request, client, input, planId);
  const id = instanceId(parsed.request.name);
  const started = await instancesOf(client).start('runDeployment', id, input, { replaces: true });
  if (started === 'running') return conflict(request, parsed.request.name);
  return client.createCheckStatusResponse(request, id);
}

/** A request that would leave behind what was granted or made is refused, before anything is planned or done. */
async function whatIsKept(
  client: DurableClient,
  after: DeploymentRequest,
  profile: Profile,
): Promise<HttpResponseInit | undefined> {
  const deployment = await readDeployment(client, after.name);
  if (!deployment) return undefined;
  const sentries = await readSentries(client, deployment);
  const identity = identityFaults(deployment.request, after);
  if (identity.length > 0 && sentries.some(hasIdentity)) {
    return problem({
      status: 409,
      code: 'IdentityKept',
      title: `The Sentries of '${after.name}' have other identities than this request asks for.`,
      remedy: 'Send what errors names as it was, or send this request under another name. Nothing was done.',
      errors: identity,
    });
  }
  const placement = placementFaults(deployment, sentries, after, profile);
  if (placement.length === 0) return undefined;
  return problem({
    status: 409,
    code: 'PlacementKept',
    title: `What '${after.name}' has made is elsewhere, is called otherwise, or is another machine or image, than this request asks for.`,
    remedy:
      'Send what errors names as it was. For a second fleet beside the first, send this request under another name. Nothing was done.',
    errors: placement,
  });
}

async function list(_request: HttpRequest, client: DurableClient): Promise<HttpResponseInit> {
  const names = Object.keys(await readList(client)).sort();
  const found = await Promise.all(
    names.map(async (name) => ({
      name,
      deployment: await readDeployment(client, name),
      atWork: isAtWork(await statusOf(client, instanceId(name))),
    })),
  );
  return { jsonBody: listView(found) };
}

/** 202 with Retry-After while it runs, 200 at rest: any poller of the asynchronous HTTP pattern works. */
async function read(request: HttpRequest, client: DurableClient): Promise<HttpResponseInit> {
  const name = request.params['name'] ?? '';
  const [deployment, status] = await Promise.all([readDeployment(client, name), statusOf(client, instanceId(name))]);
  if (!deployment && !status) return notFound(`deployment '${name}'`);
  const run = runOf(status);
  const waiting = run.atWork ? { 'retry-after': POLL_SECONDS, location: withoutKey(request.url).href } : {};
  const etag = etagOf(deployment?.request);
  return {
    status: run.atWork ? 202 : 200,
    headers: { ...waiting, ...(deployment ? { etag: `"${etag}"` } : {}) },
    jsonBody: deployment
      ? deploymentView(deployment, await readSentries(client, deployment), run, etag, Date.now())
      : startingView(name, run),
  };
}

function runOf(status: DurableOrchestrationStatus | undefined): Run {
  const atWork = isAtWork(status);
  const runtimeStatus = status?.runtimeStatus ?? 'Completed';
  const failed = !atWork && runtimeStatus !== OrchestrationRuntimeStatus.Completed;
  return { runtimeStatus, atWork, failure: failed ? describe(status?.output, runtimeStatus) : undefined };
}

const describe = (output: unknown, otherwise: string): string => (typeof output === 'string' ? output : otherwise);

async function subscriptions(request: HttpRequest, client: DurableClient): Promise<HttpResponseInit> {
  const name = request.params['name'] ?? '';
  const query = subscriptionQuery.safeParse(Object.fromEntries(request.query));
  const faults = [
    ...unknownParameters(request, Object.keys(subscriptionQuery.shape)),
    ...(query.error?.issues.flatMap((issue) => toFaults(issue)) ?? []),
  ];
  if (!query.success || faults.length > 0) return invalid(faults);
  const deployment = await readDeployment(client, name);
  if (!deployment) return notFound(`deployment '${name}'`);
  const { value, after } = subscriptionPage(await readSentries(client, deployment), deployment.unplaced, query.data);
  const next = withoutKey(request.url);
  if (after !== undefined) next.searchParams.set('after', after);
  return { jsonBody: { value, ...(after === undefined ? {} : { nextLink: next.href }) } };
}

const routes = [
  ['startDeployment', 'POST', 'deployments', start],
  ['listDeployments', 'GET', 'deployments', list],
  ['readDeployment', 'GET', 'deployments/{name}', read],
  ['listSubscriptions', 'GET', 'deployments/{name}/subscriptions', subscriptions],
] as const;

for (const [name, method, route, handler] of routes) {
  app.client.http(`http_${name}`, { methods: [method], route, authLevel: 'function', handler: guarded(handler) });
}
