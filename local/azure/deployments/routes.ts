import { randomUUID } from '../random';
import { doneAt, type Azure } from '../azure';
import { type Answer, type Call, ok, param, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { paged, pageOf } from '../http/paging';
import { nameOf, subscriptionOf } from '../http/paths';
import { deploymentNotFound, demandScope, idOf } from './request';
import { exported, shownDeployment, shownOperations } from './shown';
import { type Deployment, isOver } from './store';
import { validated } from './validate';
import { whatIf } from './whatIf';

const ALL = '/_resources/deployments';
const ONE = `${ALL}/:name`;

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
    route('GET', ALL, (call) => ok(pageOf(azure, call, azure.deployments.at(demandScope(azure, call)), shown, '$top'))),
    route('DELETE', ONE, (call) => remove(azure, call)),
    route('POST', `${ONE}/validate`, (call) => ok(valid(azure, call))),
    route('POST', `${ONE}/whatIf`, (call) => whatIf(azure, call)),
    route('POST', `${ONE}/cancel`, (call) => cancel(azure, call)),
    route('POST', `${ONE}/exportTemplate`, (call) => ok(exported(find(azure, call)))),
    route('GET', `${ONE}/operations`, (call) =>
      ok(paged(azure, call, shownOperations(find(azure, call), azure.now()), '$top')),
    ),
    route('GET', `${ONE}/operations/:operation`, (call) => ok(operation(azure, call))),
    route('GET', `${ONE}/operationStatuses/:operation`, (call) => status(azure, call)),
  ];
};

function valid(azure: Azure, call: Call): Record<string, unknown> {
  const { deployment, diagnostics } = validated(azure, call);
  const { properties, ...rest } = shownDeployment(deployment, azure.now());
  return { ...rest, properties: { ...properties, ...(diagnostics.length === 0 ? {} : { diagnostics }) } };
}

function find(azure: Azure, call: Call): Deployment {
  demandScope(azure, call);
  const found = azure.deployments.get(idOf(call));
  if (found !== undefined) return found;
  throw deploymentNotFound(param(call, 'name'));
}

function put(azure: Azure, call: Call): Answer {
  const existing = azure.deployments.get(idOf(call));
  if (existing !== undefined && !isOver(existing))
    throw new AzureError(
      409,
      'DeploymentActive',
      `The deployment with resource id '${existing.id}' cannot be saved, because this would overwrite an existing deployment which is still active. Please see https://aka.ms/arm-deploy for usage details.`,
    );
  const deployment: Deployment = { ...validated(azure, call).deployment, state: 'Accepted' };
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
