import { randomUUID } from '../random';
import { z } from 'zod';
import { doneAt, type Azure } from '../azure';
import { notSimulated } from '../http/notSimulated';
import { type Answer, type Call, ok, param, parseBody, type Route } from '../http/call';
import { AzureError, badRequest } from '../http/errors';
import { nameOf, resourceGroupOf, subscriptionOf } from '../http/paths';
import { demandGroup } from '../resources/groups';
import { planned } from './plan';
import { demandPreflight } from './preflight';
import { exported, shownDeployment, shownOperations } from './shown';
import { type Deployment, isOver } from './store';
import { SIMULATED } from './template';

const TYPE = 'Microsoft.Resources/deployments';
const ALL = '/_resources/deployments';
const ONE = `${ALL}/:name`;

const body = z.looseObject({
  location: z.string().optional(),
  tags: z.record(z.string(), z.string()).optional(),
  properties: z.looseObject({
    // The Azure CLI writes it in lower case.
    mode: z.string().regex(/^(incremental|complete)$/i),
    template: z.record(z.string(), z.unknown()).optional(),
    templateLink: z.unknown().optional(),
    parameters: z.union([z.record(z.string(), z.looseObject({ value: z.unknown().optional(), reference: z.unknown().optional() })), z.null()]).optional(), // prettier-ignore
    parametersLink: z.unknown().optional(),
    whatIfSettings: z.looseObject({ resultFormat: z.string().optional() }).optional(),
  }),
});

/** Template deployments at resource groups and subscriptions. */
export const deploymentRoutes = (azure: Azure): readonly Route[] => {
  const route = (method: Route['method'], path: string, handle: (call: Call) => Answer): Route => ({
    method,
    path,
    api: 'arm',
    handle,
  });
  const shown = (one: Deployment) => shownDeployment(one, azure.now());
  return [
    route('PUT', ONE, (call) => put(azure, call)),
    route('GET', ONE, (call) => ok(shown(find(azure, call)))),
    route('HEAD', ONE, (call) => ({ status: azure.deployments.get(idOf(call)) === undefined ? 404 : 204 })),
    route('GET', ALL, (call) => ok({ value: azure.deployments.at(demandScope(azure, call)).map(shown) })),
    route('DELETE', ONE, (call) => remove(azure, call)),
    route('POST', `${ONE}/validate`, (call) => ok({ ...shown(validated(azure, call)), id: idOf(call) })),
    route('POST', `${ONE}/whatIf`, (call) => whatIf(azure, call)),
    route('POST', `${ONE}/cancel`, (call) => cancel(azure, call)),
    route('POST', `${ONE}/exportTemplate`, (call) => ok(exported(find(azure, call)))),
    route('GET', `${ONE}/operations`, (call) => ok({ value: shownOperations(find(azure, call), azure.now()) })),
    route('GET', `${ONE}/operations/:operation`, (call) => ok(operation(azure, call))),
    route('GET', `${ONE}/operationStatuses/:operation`, (call) => status(azure, call)),
  ];
};

const idOf = (call: Call): string => `${call.scope}/providers/${TYPE}/${param(call, 'name')}`;

function demandScope(azure: Azure, { scope }: Call): string {
  const [subscription, group] = [subscriptionOf(scope), resourceGroupOf(scope)];
  if (subscription === undefined) throw notSimulated('A deployment at a management group or at the tenant', SIMULATED);
  if (group !== undefined) demandGroup(azure, subscription, group);
  return scope;
}

function find(azure: Azure, call: Call): Deployment {
  demandScope(azure, call);
  const found = azure.deployments.get(idOf(call));
  if (found !== undefined) return found;
  throw new AzureError(404, 'DeploymentNotFound', `Deployment '${param(call, 'name')}' could not be found.`);
}

/** A deployment as it would begin, if nothing speaks against it. */
function validated(azure: Azure, call: Call): Deployment {
  const scope = demandScope(azure, call);
  const name = param(call, 'name');
  const { properties, location, tags } = parseBody(body, call);
  if (!/^[\w\-.()]{1,64}$/.test(name))
    throw badRequest('InvalidDeploymentName', `The deployment name '${name}' is not valid: it has letters, digits, '-', '_', '(', ')' and '.', at most 64 of them.`); // prettier-ignore
  demandSimulated(properties);
  if (resourceGroupOf(scope) === undefined && location === undefined)
    throw badRequest('LocationRequired', 'The location property is required for a deployment at subscription scope.');
  const given = Object.fromEntries(Object.entries(properties.parameters ?? {}).map(([key, { value }]) => [key, value]));
  const base = { scope, deployment: { name, location: location ?? null } };
  const { parameters, steps } = planned(azure, base, properties.template, given);
  const deployment: Deployment = {
    id: idOf(call),
    name,
    scope,
    location: location ?? null,
    apiVersion: call.query('api-version') ?? '',
    correlationId: randomUUID(),
    caller: { ...call.caller, roles: [...call.caller.roles] },
    template: properties.template ?? {},
    parameters,
    ...(tags === undefined ? {} : { tags }),
    steps,
    state: 'Succeeded',
    createdAt: azure.now(),
    endedAt: azure.now(),
    outputs: {},
    error: null,
  };
  demandPreflight(azure, deployment);
  return deployment;
}

function demandSimulated(properties: z.infer<typeof body>['properties']): void {
  if (/^complete$/i.test(properties.mode)) throw notSimulated('The mode Complete', SIMULATED);
  if (properties.templateLink !== undefined || properties.parametersLink !== undefined)
    throw notSimulated('A template or parameters by link', SIMULATED);
  if (Object.values(properties.parameters ?? {}).some(({ reference }) => reference !== undefined))
    throw notSimulated('A parameter out of a key vault', SIMULATED);
}

function put(azure: Azure, call: Call): Answer {
  const existing = azure.deployments.get(idOf(call));
  if (existing !== undefined && !isOver(existing))
    throw new AzureError(
      409,
      'DeploymentActive',
      `The deployment with resource id '${existing.id}' cannot be saved, because this would overwrite an existing deployment which is still active. Please see https://aka.ms/arm-deploy for usage details.`,
    );
  const deployment: Deployment = { ...validated(azure, call), state: 'Accepted' };
  const start = doneAt(azure, 'deploymentStart');
  azure.deployments.put(deployment, start, azure.deployments.depthOf(deployment.id));
  const operationId = randomUUID();
  const url = `${azure.origin}${deployment.id}/operationStatuses/${operationId}?api-version=${deployment.apiVersion}`;
  return {
    status: existing === undefined ? 201 : 200,
    body: shownDeployment(deployment, azure.now()),
    headers: { 'Azure-AsyncOperation': url },
  };
}

function status(azure: Azure, call: Call): Answer {
  const { state, error } = find(azure, call);
  return ok({ status: state, ...(error === null ? {} : { error }) });
}

function operation(azure: Azure, call: Call): Record<string, unknown> {
  const all = shownOperations(find(azure, call), azure.now());
  const found = all.find(({ operationId }) => operationId === param(call, 'operation'));
  if (found !== undefined) return found;
  throw new AzureError(
    404,
    'DeploymentOperationNotFound',
    `The deployment operation '${param(call, 'operation')}' could not be found.`,
  );
}

function cancel(azure: Azure, call: Call): Answer {
  const found = find(azure, call);
  if (isOver(found))
    throw new AzureError(
      409,
      'DeploymentCannotBeCancelled',
      `The deployment '${nameOf(found.id)}' cannot be cancelled because its provisioning state is '${found.state}'.`,
    );
  azure.deployments.put({ ...found, state: 'Canceled', endedAt: azure.now() }, null, 0);
  return { status: 204 };
}

/** The record of the deployment; what it deployed stays. */
function remove(azure: Azure, call: Call): Answer {
  const found = azure.deployments.get(idOf(call));
  if (found === undefined) return { status: 204 };
  if (!isOver(found))
    throw new AzureError(
      409,
      'DeploymentActive',
      `The deployment '${found.name}' is still active and cannot be deleted.`,
    );
  azure.deployments.remove(found.id);
  const { Location = '' } = azure.operations.accepted({
    subscriptionId: subscriptionOf(call.scope) ?? '',
    namespace: 'Microsoft.Resources',
    location: 'global',
    apiVersion: found.apiVersion,
    endsAt: azure.now(),
    failure: null,
  });
  return { status: 202, headers: { Location } };
}

/** Which resources would be made and which deployed over; what would differ in them is not worked out. */
function whatIf(azure: Azure, call: Call): Answer {
  const { properties } = parseBody(body, call);
  if (properties.whatIfSettings?.resultFormat !== 'ResourceIdOnly')
    throw notSimulated('A what-if with full resource payloads', "what-if with resultFormat 'ResourceIdOnly'.");
  const { steps, correlationId } = validated(azure, call);
  const changes = steps
    .filter(({ state }) => state !== 'Skipped')
    .map(({ id }) => ({
      resourceId: id,
      changeType:
        azure.resources.get(id) === undefined && azure.extensions.byId(id) === undefined ? 'Create' : 'Deploy',
    }));
  return ok({ status: 'Succeeded', properties: { correlationId, changes } });
}
