/** Twice an hour: looks at every deployment that rests, sets right what is to be set right, starts what has waited. */
import type { InvocationContext, Timer } from '@azure/functions';
import { app, type DurableClient } from 'durable-functions';
import { mayChange } from '../domain/schedule';
import { inputOf, instancesOf, isAtWork, readDeployment, readList, statusOf } from './durableClient';
import { startReconcile } from './reconciliation.http';

/** A change window is an hour long at least: there are two looks in each. */
const TWICE_AN_HOUR = '0 23,53 * * * *';

async function lookForDrift(_timer: Timer, client: DurableClient, context: InvocationContext): Promise<void> {
  for (const name of Object.keys(await readList(client))) {
    try {
      await lookAt(client, name);
    } catch (error) {
      context.warn(`reconcile: could not look at '${name}'. ${error instanceof Error ? error.message : ''}`);
    }
  }
}

async function lookAt(client: DurableClient, name: string): Promise<void> {
  const deployment = await readDeployment(client, name);
  if (!deployment || isAtWork(await statusOf(client, `d-${name}`))) return;
  const { request, pending } = deployment;
  // Announced outside the change windows.
  if (pending.length > 0 && mayChange(request, Date.now()))
    await instancesOf(client).start('runDeployment', `d-${name}`, inputOf(request));
  else await startReconcile(client, deployment, { repair: request.drift === 'repair', asked: false });
}

app.client.timer('reconcileTimer', { schedule: TWICE_AN_HOUR, handler: lookForDrift });
