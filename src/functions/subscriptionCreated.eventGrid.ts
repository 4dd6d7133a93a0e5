/** Event Grid: a new subscription announces itself and joins the deployment whose rule covers it. */
import type { InvocationContext } from '@azure/functions';
import { app, type DurableClient, OrchestrationRuntimeStatus } from 'durable-functions';
import { z } from 'zod';
import { services } from '../composition';
import { announcedSubscription } from '../domain/announcement';
import { covers, type KnownSubscription } from '../domain/subscriptions';
import type { OnboardInput } from '../orchestrations/inputs';
import { readList, statusOf } from './durableClient';

/** The instance id comes from the subscription's: delivered twice, it runs once. */
const instanceId = (subscriptionId: string): string => `onboard-${subscriptionId}`;

/** An onboarding that ended so may be announced again. */
const BROKEN_OFF = [OrchestrationRuntimeStatus.Failed, OrchestrationRuntimeStatus.Terminated];

/** Its deployment did not exist when it was announced. */
const unknownThen = z.object({ onboarded: z.literal(false) });

/** What is malformed or covered by no rule is acknowledged and logged: Event Grid would only send it again. */
async function subscriptionCreated(event: unknown, client: DurableClient, context: InvocationContext): Promise<void> {
  const id = announcedSubscription(event);
  if (id === undefined) {
    context.warn('subscriptionCreated: ignored, because the event names no subscription.');
    return;
  }
  const before = await statusOf(client, instanceId(id));
  if (before && !BROKEN_OFF.includes(before.runtimeStatus) && !unknownThen.safeParse(before.output).success) {
    context.log(`subscriptionCreated: ${id} was announced before; nothing is started.`);
    return;
  }
  const deployment = await coveringDeployment(client, id);
  if (deployment === undefined) {
    context.log(`subscriptionCreated: no deployment's rule covers ${id}; nothing is started.`);
    return;
  }
  const input: OnboardInput = { subscriptionId: id, deployment };
  await client.startNew('onboardSubscription', { instanceId: instanceId(id), input });
  context.log(`subscriptionCreated: ${id} joins deployment '${deployment}'.`);
}

/**
 * The first deployment, by name, that wants it. Resource Graph may not know so new a subscription yet: then rules by
 * group or tag cannot be decided, and the failure makes Event Grid deliver the event again later.
 */
async function coveringDeployment(client: DurableClient, id: string): Promise<string | undefined> {
  const open = Object.entries(await readList(client)).filter(([, rules]) => rules.onboardNew);
  if (open.length === 0) return undefined;
  const known = (await services().azure.subscriptions.list()).find((subscription) => subscription.id === id);
  const subscription: KnownSubscription = known ?? { id, name: '', tags: {}, state: 'Enabled', managementGroups: [] };
  const found = open.sort(([a], [b]) => a.localeCompare(b)).find(([, rules]) => covers(rules, subscription));
  const undecided = !known && open.some(([, rules]) => rules.include.some(({ kind }) => kind !== 'ids'));
  if (!found && undecided) throw new Error(`Resource Graph does not show subscription ${id} yet.`);
  return found?.[0];
}

app.client.eventGrid('subscriptionCreated', { handler: subscriptionCreated });
