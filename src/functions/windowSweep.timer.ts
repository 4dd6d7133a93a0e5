/** Every five minutes, and when the app starts: closes access windows that everything else has forgotten. */
import type { InvocationContext, Timer } from '@azure/functions';
import { app, type DurableClient } from 'durable-functions';
import { sweepWindows } from '../activities/sweepWindows';
import { services } from '../composition';
import type { GroupRef } from '../domain/windowSweep';
import { instancesOf, readDeployment, readList } from './durableClient';

async function sweep(_timer: Timer, client: DurableClient, context: InvocationContext): Promise<void> {
  const { azure } = services();
  const { closing, problems } = await sweepWindows(azure, instancesOf(client), await known(client), Date.now());
  for (const line of closing) context.warn(`windowSweep: closes the access window of ${line}.`);
  for (const line of problems) context.warn(`windowSweep: could not look. ${line}`);
}

/** Where the deployments that are known have their Sentries: looked into even while Resource Graph does not answer. */
async function known(client: DurableClient): Promise<readonly GroupRef[]> {
  const names = Object.keys(await readList(client));
  const found = await Promise.all(names.map((name) => readDeployment(client, name)));
  return found.flatMap((deployment) => {
    if (!deployment) return [];
    const { subscriptionId, resourceGroup } = deployment.request.placement;
    return { subscriptionId, resourceGroup };
  });
}

app.client.timer('windowSweep', { schedule: '0 */5 * * * *', runOnStartup: true, handler: sweep });
