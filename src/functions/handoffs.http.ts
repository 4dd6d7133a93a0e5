/** The API's routes on handoffs (design §6): what a person brings or did. */
import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import { app, type DurableClient } from 'durable-functions';
import { makeIsRunAtWork } from '../activities/instances';
import { orOutcome } from '../activities/orOutcome';
import { type Registration, registrationSchema } from '../activities/script';
import { services } from '../composition';
import { secretName } from '../domain/blueprint/blueprint';
import { handoffAnswer } from '../domain/handoff';
import type { Later, Refused } from '../domain/outcome';
import { OWNER_TAG } from '../domain/resources';
import type { SentryState } from '../domain/states';
import { readDeployment, readEntity, readSentries, runsOf } from './durableClient';
import { guarded, notFound, problem, readBody } from './problem';

const PIN_MINUTES = 60;
/** When to send them again where the vault does not say. */
const VAULT_SECONDS = 10;

/** Takes the console's email and PIN. They go to the vault first; the run is told only where they are. */
async function register(request: HttpRequest, client: DurableClient): Promise<HttpResponseInit> {
  const { name = '', n = '' } = request.params;
  const registration = await readBody(request, registrationSchema);
  if ('refusal' in registration) return registration.refusal;
  const sentry = await readEntity<SentryState>(client, 'sentry', `${name}-${n}`);
  if (!sentry) return notFound(`Sentry ${n} of deployment '${name}'`);
  if (sentry.handoff?.kind !== 'registration') {
    return problem({
      status: 409,
      code: 'NotAwaited',
      title: `Sentry ${n} of '${name}' is not waiting for an email and PIN.`,
      remedy: 'Read its stage and handoff with `GET /api/deployments/{name}`.',
    });
  }
  if (!(await isAsking(client, name, sentry))) return runEnded(name);
  const stored = await store(name, sentry.n, registration.body);
  if (stored.kind !== 'stored') return notStored(stored);
  await client.raiseEvent(sentry.instanceId, sentry.handoff.event, { registrationUri: stored.registrationUri });
  return { status: 202, jsonBody: { sentry: sentry.n, accepted: true } };
}

const store = (name: string, n: number, registration: Registration) =>
  orOutcome(async () => ({
    kind: 'stored' as const,
    registrationUri: await services().azure.secrets.set(
      secretName(name, n, 'registration'),
      JSON.stringify(registration),
      {
        tags: { [OWNER_TAG]: name },
        contentType: 'email and PIN of the console',
        // The console's own limit: afterwards it opens nothing any more.
        expiresOn: new Date(Date.now() + PIN_MINUTES * 60_000),
      },
    ),
  }));

/** The vault did not take them: the Sentry waits still. */
function notStored(failure: Later | Refused): HttpResponseInit {
  const seconds = failure.kind === 'later' ? (failure.seconds ?? VAULT_SECONDS) : VAULT_SECONDS;
  const answer = problem({
    status: 503,
    code: 'RegistrationNotStored',
    title: `The email and PIN could not be put into the vault. ${failure.code}: ${failure.reason}`,
    remedy: failure.kind === 'later' ? 'Send them again in a moment: the Sentry waits.' : failure.remedy,
  });
  return { ...answer, headers: { ...answer.headers, 'retry-after': String(Math.ceil(seconds)) } };
}

/** Takes a person's word that a step is done, or will not be. Most handoffs notice by themselves. */
async function answer(request: HttpRequest, client: DurableClient): Promise<HttpResponseInit> {
  const { name = '', id = '' } = request.params;
  const given = await readBody(request, handoffAnswer);
  if ('refusal' in given) return given.refusal;
  const deployment = await readDeployment(client, name);
  if (!deployment) return notFound(`deployment '${name}'`);
  const sentry = (await readSentries(client, deployment)).find(({ handoff }) => handoff?.id === id);
  if (!sentry?.handoff) {
    return problem({
      status: 409,
      code: 'NotAwaited',
      title: `'${name}' is not waiting for the handoff '${id}'.`,
      remedy: 'Read what it waits for with `GET /api/deployments/{name}`.',
    });
  }
  if (!(await isAsking(client, name, sentry))) return runEnded(name);
  if (sentry.handoff.kind === 'registration' && 'done' in given.body) {
    return problem({
      status: 409,
      code: 'RegistrationNeeded',
      title: `The handoff '${id}' waits for the console's email and PIN.`,
      remedy: `Send them to \`POST /api/deployments/${name}/sentries/${sentry.n}/registration\`.`,
    });
  }
  await client.raiseEvent(sentry.instanceId, sentry.handoff.event, given.body);
  return { status: 202, jsonBody: { handoff: id, accepted: true } };
}

/** A Sentry lives on where its deployment's run was ended, and asks still: what it is told would lead nowhere. */
const isAsking = (client: DurableClient, deployment: string, { n, instanceId }: SentryState): Promise<boolean> =>
  makeIsRunAtWork(runsOf(client))({ deployment, n, instanceId });

const runEnded = (name: string): HttpResponseInit =>
  problem({
    status: 409,
    code: 'RunEnded',
    title: `The run of '${name}' that asked for this was ended.`,
    remedy: 'Send the same request again: it goes on where it stood, and asks anew.',
  });

const routes = [
  ['registerSentry', 'deployments/{name}/sentries/{n}/registration', register],
  ['answerHandoff', 'deployments/{name}/handoffs/{id}', answer],
] as const;

for (const [name, route, handler] of routes) {
  app.client.http(`http_${name}`, { methods: ['POST'], route, authLevel: 'function', handler: guarded(handler) });
}
