/** Registers the orchestrations, entities and activities under the names that the contracts give them. */
import { app, type InvocationContext } from '@azure/functions';
import * as df from 'durable-functions';
import { makeCheckCollecting } from '../activities/checkCollecting';
import { makeConfigureAppliance } from '../activities/configureAppliance';
import { activities, type HandlerOf } from '../activities/contracts';
import { makeEnsure, makeRemove } from '../activities/ensure';
import {
  makeForget,
  makeIsRunAtWork,
  makeOpenWindow,
  makeRaiseEvent,
  makeReadInput,
  makeStartApproved,
  makeStartDeployment,
} from '../activities/instances';
import { makeInspectHost } from '../activities/inspectHost';
import { makeInspectScopes } from '../activities/inspectScopes';
import { makeListSubscriptions } from '../activities/listSubscriptions';
import { makeObserve } from '../activities/observe';
import { makeProveAppliance } from '../activities/proveAppliance';
import { makeProveApplication } from '../activities/proveApplication';
import { resourceEffects } from '../activities/resourceEffects';
import { makeReplaceSshKey } from '../activities/replaceSshKey';
import { makeProveUnattended } from '../activities/proveUnattended';
import { makeRemoveRunCommand } from '../activities/runCommandStep';
import { makeCheckAgent, makeRunUnattended } from '../activities/runUnattended';
import { services } from '../composition';
import { deploymentEntity } from '../entities/deployment';
import { deploymentsEntity } from '../entities/deployments';
import { sentryEntity } from '../entities/sentry';
import { accessWindow } from '../orchestrations/accessWindow';
import { approved } from '../orchestrations/approved';
import { check, deployment } from '../orchestrations/deployment';
import { onboardSubscription } from '../orchestrations/onboardSubscription';
import { plan, planSentry } from '../orchestrations/plan';
import { reconcile } from '../orchestrations/reconcile';
import { sentry } from '../orchestrations/sentry';
import { instancesOf, runsOf, storedInput } from './durableClient';
import { planIdOf } from './planId';

/** A setting or profile that is wrong stops the app at its start, not at the first request. */
app.hook.appStart(() => void services());

type Contracts = typeof activities;

/** A contract without a handler, or one with the wrong types, does not compile. */
const handlers: { readonly [K in keyof Contracts]: (context: InvocationContext) => HandlerOf<Contracts[K]> } = {
  ensureResources: () => makeEnsure(services().azure, resourceEffects(services().azure)),
  observeResources: () => makeObserve(resourceEffects(services().azure)),
  removeResources: () => makeRemove(services().azure, resourceEffects(services().azure)),
  listSubscriptions: () => makeListSubscriptions(services().azure),
  inspectHost: () => makeInspectHost(services().azure, services().config.tenantId),
  inspectScopes: () => makeInspectScopes(services().azure),
  configureAppliance: () => makeConfigureAppliance(services().azure, services().appliance),
  replaceSshKey: () => makeReplaceSshKey(services().azure, services().appliance),
  checkAgent: () => makeCheckAgent(services().azure),
  runUnattended: () => makeRunUnattended(services().azure, services().unattendedScript),
  proveUnattended: () => makeProveUnattended(services().azure),
  removeRunCommand: () => makeRemoveRunCommand(services().azure),
  checkCollecting: () => makeCheckCollecting(services().azure),
  proveAppliance: () => makeProveAppliance(services().azure, services().appliance),
  proveApplication: () => makeProveApplication(services().azure),
  openWindow: (context) => makeOpenWindow(instancesOf(df.getClient(context))),
  isRunAtWork: (context) => makeIsRunAtWork(runsOf(df.getClient(context))),
  raiseEvent: (context) => makeRaiseEvent(instancesOf(df.getClient(context))),
  readInput: (context) => makeReadInput(storedInput(df.getClient(context))),
  forget: (context) => makeForget(instancesOf(df.getClient(context))),
  startApproved: (context) => makeStartApproved(instancesOf(df.getClient(context)), planIdOf),
  startDeployment: (context) =>
    makeStartDeployment(instancesOf(df.getClient(context)), storedInput(df.getClient(context))),
};

for (const [key, { name }] of Object.entries(activities)) {
  const handlerOf = handlers[key as keyof Contracts] as (
    context: InvocationContext,
  ) => (input: unknown) => Promise<unknown>;
  df.app.activity(name, {
    extraInputs: [df.input.durableClient()],
    handler: (input: unknown, context: InvocationContext) => handlerOf(context)(input),
  });
}

// A name belongs to one function, of whatever type: the entities have the plain ones.
df.app.orchestration('runDeployment', deployment);
df.app.orchestration('runCheck', check);
df.app.orchestration('runSentry', sentry);
df.app.orchestration('accessWindow', accessWindow);
df.app.orchestration('onboardSubscription', onboardSubscription);
df.app.orchestration('runPlan', plan);
df.app.orchestration('runPlanSentry', planSentry);
df.app.orchestration('runApproved', approved);
df.app.orchestration('reconcile', reconcile);

df.app.entity('deployment', deploymentEntity);
df.app.entity('sentry', sentryEntity);
df.app.entity('deployments', deploymentsEntity);
