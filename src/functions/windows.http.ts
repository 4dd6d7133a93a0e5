/** The API's routes on access windows (design §6): extend, open again at rest, close now. */
import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import { app, type DurableClient } from 'durable-functions';
import { z } from 'zod';
import type { WindowOrder } from '../activities/contracts';
import { makeIsRunAtWork } from '../activities/instances';
import { applianceOf } from '../domain/blueprint/blueprint';
import { windowScope } from '../domain/blueprint/window';
import type { DeploymentState, SentryState } from '../domain/states';
import { windowWanted } from '../domain/window';
import { inputOf, instancesOf, isAtWork, readDeployment, readSentries, runsOf, statusOf } from './durableClient';
import { guarded, invalid, notFound, problem, readBody } from './problem';

const MINUTE_MS = 60_000;
/** What a window says of itself (`src/orchestrations/accessWindow.ts`). */
const windowStatus = z.object({ stage: z.enum(['opening', 'open', 'closing']) });
/** The Sentry's orchestration that opened it; one opened at rest has none. */
const windowInput = z.object({ notify: z.string().optional() });
interface Window {
  readonly stage: z.infer<typeof windowStatus>['stage'];
  readonly notify?: string | undefined;
}

/** A Sentry's window; undefined where none is at work. */
async function windowAtWork(client: DurableClient, id: string): Promise<Window | undefined> {
  const status = await statusOf(client, id);
  if (!isAtWork(status)) return undefined;
  // Before its first turn it has said nothing yet.
  const stage = windowStatus.safeParse(status?.customStatus).data?.stage ?? 'opening';
  return { stage, notify: windowInput.safeParse(status?.input).data?.notify };
}

/** Open for so many minutes from now: an open window is moved, later or earlier; at rest one is opened again. */
async function open(request: HttpRequest, client: DurableClient): Promise<HttpResponseInit> {
  const { name = '' } = request.params;
  const wanted = await readBody(request, windowWanted);
  if ('refusal' in wanted) return wanted.refusal;
  const { sentry: n, minutes } = wanted.body;
  const deployment = await readDeployment(client, name);
  if (!deployment) return notFound(`deployment '${name}'`);
  const sentries = await readSentries(client, deployment);
  const sentry = sentries.find((one) => one.n === n);
  if (!sentry) {
    const detail = sentries.length === 0 ? 'names a Sentry; there is none yet' : `is not 1 to ${sentries.length}`;
    return invalid([{ pointer: '/sentry', detail }]);
  }
  const expiresAt = new Date(Date.now() + minutes * MINUTE_MS).toISOString();
  const id = `w-${name}-${n}`;
  const accepted = (how: 'moved' | 'opened') => ({ status: 202, jsonBody: { sentry: n, window: how, expiresAt } });
  const window = await windowAtWork(client, id);
  if (window?.stage === 'closing') return closing(name, n);
  const { notify: instanceId } = window ?? {};
  // The window has not noticed yet. It will within minutes, and closes whatever it was told before.
  if (instanceId !== undefined && !(await makeIsRunAtWork(runsOf(client))({ deployment: name, n, instanceId })))
    return runEnded(name, n);
  if (!window) {
    const order = await orderOf(client, deployment, sentry, expiresAt);
    if ('refusal' in order) return order.refusal;
    if ((await instancesOf(client).start('accessWindow', id, order)) === 'started') return accepted('opened');
  }
  await client.raiseEvent(id, 'extend', { expiresAt });
  return accepted('moved');
}

/** What a Sentry at rest is opened with, or why it is not. */
async function orderOf(
  client: DurableClient,
  { request }: DeploymentState,
  { n, stage, resources }: SentryState,
  expiresAt: string,
): Promise<WindowOrder | { readonly refusal: HttpResponseInit }> {
  const atRest = stage === 'completed' || stage === 'stopped';
  if (!atRest && isAtWork(await statusOf(client, `d-${request.name}`))) return { refusal: atWork(request.name, n) };
  const input = inputOf(request);
  const appliance = applianceOf(input);
  const networkSecurityGroupId = resources['networkSecurityGroup']?.outputs?.['id'];
  const { id: networkInterfaceId, privateIPAddress: privateAddress } = resources['networkInterface']?.outputs ?? {};
  if (!appliance || networkSecurityGroupId === undefined || networkInterfaceId === undefined)
    return { refusal: noAppliance(request.name, n) };
  const ids = { networkSecurityGroupId, networkInterfaceId, privateAddress, expiresAt };
  return { scope: windowScope(input, n, appliance, input.egressAddresses, ids) };
}

/** Closes it now. The receipt is in the Sentry's state when Azure shows that nothing is left. */
async function close(request: HttpRequest, client: DurableClient): Promise<HttpResponseInit> {
  const { name = '', sentry: number = '' } = request.params;
  const deployment = await readDeployment(client, name);
  const sentry = deployment && (await readSentries(client, deployment)).find(({ n }) => String(n) === number);
  if (!sentry) return notFound(`Sentry ${number} of deployment '${name}'`);
  const id = `w-${name}-${sentry.n}`;
  const window = await windowAtWork(client, id);
  if (!window) return noWindow(name, sentry.n);
  if (window.stage !== 'closing') await client.raiseEvent(id, 'close', null);
  return { status: 202, jsonBody: { sentry: sentry.n, window: 'closing' } };
}

/** A 409 about one Sentry. */
const conflict =
  (about: { readonly code: string; readonly title: (sentry: string) => string; readonly remedy: string }) =>
  (name: string, n: number): HttpResponseInit =>
    problem({ status: 409, ...about, title: about.title(`Sentry ${n} of '${name}'`) });

const closing = conflict({
  code: 'WindowClosing',
  title: (sentry) => `The access window of ${sentry} is being closed.`,
  remedy:
    'Its newest receipt in `GET /api/deployments/{name}` says what still keeps it, if anything does. Send this again when that is `provenClosed`.',
});
const runEnded = conflict({
  code: 'RunEnded',
  title: (sentry) => `The run that opened the access window of ${sentry} was ended, and so the window closes.`,
  remedy: 'Send the same request again: it goes on where it stood. Or open the window again when its receipt is there.',
});
const atWork = conflict({
  code: 'SentryAtWork',
  title: (sentry) => `${sentry} is being set up and opens its window itself.`,
  remedy: 'Answer the handoff that it waits for, or wait until it rests. See `GET /api/deployments/{name}`.',
});
const noAppliance = conflict({
  code: 'NoAppliance',
  title: (sentry) => `${sentry} has no appliance that a window could lead to.`,
  remedy: 'See its resources in `GET /api/deployments/{name}`; send the request again to have it made.',
});
const noWindow = conflict({
  code: 'NoWindow',
  title: (sentry) => `${sentry} has no open access window.`,
  remedy: 'Its receipts in `GET /api/deployments/{name}` tell when each was closed.',
});

const routes = [
  ['openWindow', 'POST', 'deployments/{name}/windows', open],
  ['closeWindow', 'DELETE', 'deployments/{name}/windows/{sentry}', close],
] as const;

for (const [name, method, route, handler] of routes) {
  app.client.http(`http_${name}`, { methods: [method], route, authLevel: 'function', handler: guarded(handler) });
}
