/** Once an hour: looks for drift in every deployment that rests, and sets right what its request wants set right. */
import type { InvocationContext, Timer } from '@azure/functions';
import { app, type DurableClient } from 'durable-functions';
import { isAtWork, readDeployment, readList, statusOf } from './durableClient';
import { startReconcile } from './reconciliation.http';

/** At the same minute of each hour, so that no change window, which is an hour long at least, is ever missed. */
const HOURLY = '0 23 * * * *';

async function lookForDrift(_timer: Timer, client: DurableClient, context: InvocationContext): Promise<void> {
  for (const name of Object.keys(await readList(client))) {
    const deployment = await readDeployment(client, name);
    if (!deployment?.result || isAtWork(await statusOf(client, `d-${name}`))) continue;
    // What was never brought to its end is a person's to send again.
    const repair = deployment.request.drift === 'repair' && deployment.settled === true;
    try {
      await startReconcile(client, deployment.request, { repair, asked: false });
    } catch (error) {
      context.warn(`reconcile: could not look at '${name}'. ${error instanceof Error ? error.message : ''}`);
    }
  }
}

app.client.timer('reconcileHourly', { schedule: HOURLY, handler: lookForDrift });
