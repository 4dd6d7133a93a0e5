import { neededFor } from '../authorization/actions';
import { type Azure } from '../azure';
import { AzureError } from '../http/errors';
import { bodyOf, contextOf } from './plan';
import { ExpressionError, isObject } from './expressions';
import { type Deployment, type Step } from './store';

/** What Azure finds before it deploys anything: rights that are missing, and policies that would deny. */
export function demandPreflight(azure: Azure, deployment: Deployment): void {
  const refused = deployment.steps
    .filter(({ state }) => state !== 'Skipped')
    .flatMap((step) => {
      const error = refusalOf(azure, deployment, step);
      return error === undefined ? [] : [{ step, error }];
    });
  const unauthorized = refused.filter(({ error }) => error.code === 'AuthorizationFailed');
  if (unauthorized.length > 0) {
    const texts = unauthorized.map(({ step }) => authorizationText(deployment, step)).join(':');
    const start = unauthorized.length > 1 ? 'Deployment failed with multiple errors' : 'The template deployment failed with error'; // prettier-ignore
    throw new AzureError(403, 'InvalidTemplateDeployment', `${start}: '${texts}'.`);
  }
  const denied = refused.filter(({ error }) => error.code === 'RequestDisallowedByPolicy');
  if (denied.length === 0) return;
  throw new AzureError(
    400,
    'InvalidTemplateDeployment',
    'The template deployment failed because of policy violation. Please see details for more information.',
    {
      members: {
        details: denied.map(({ error }) => ({ code: error.code, message: error.message, ...error.extra.members })),
      },
    },
  );
}

function refusalOf(azure: Azure, deployment: Deployment, step: Step): AzureError | undefined {
  const { scope, name, location, template, parameters, caller } = deployment;
  const variables = isObject(template['variables']) ? template['variables'] : {};
  const context = contextOf(azure, { scope, deployment: { name, location } }, variables, parameters, undefined);
  try {
    const body = bodyOf(azure, context, step);
    azure.inner.check({ method: 'PUT', path: step.id, apiVersion: step.apiVersion, body, caller });
    return undefined;
  } catch (error) {
    // What only the deployment itself can work out is found when it gets there.
    if (error instanceof ExpressionError) return undefined;
    if (!(error instanceof AzureError)) throw error;
    if (error.code === 'NotSimulated') throw error;
    return error;
  }
}

function authorizationText({ caller }: Deployment, { id, name, type }: Step): string {
  const { action, scope } = neededFor('PUT', id);
  return `Authorization failed for template resource '${name}' of type '${type}'. The client '${caller.clientId}' with object id '${caller.principalId}' does not have permission to perform action '${action}' at scope '${scope}'.`;
}
