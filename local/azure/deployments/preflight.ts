import { z } from 'zod';
import { neededFor } from '../authorization/actions';
import { type Azure } from '../azure';
import { AzureError } from '../http/errors';
import { subscriptionOf } from '../http/paths';
import { termsAccepted } from '../marketplace/agreements';
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
  demandTerms(azure, deployment);
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

const planned = z.looseObject({ name: z.string(), publisher: z.string(), product: z.string() });

/** Terms that are not accepted stop a deployment before it begins, in other words than a PUT of the VM (azure-facts §4). */
function demandTerms(azure: Azure, { steps, scope, correlationId }: Deployment): void {
  const subscriptionId = subscriptionOf(scope) ?? '';
  for (const { source, state } of steps) {
    const plan = planned.safeParse(source['plan']);
    if (state === 'Skipped' || !plan.success || JSON.stringify(plan.data).includes('"[')) continue;
    const { publisher, product, name } = plan.data;
    if (termsAccepted(azure, subscriptionId, { publisher, offer: product, plan: name })) continue;
    throw new AzureError(
      400,
      'MarketplacePurchaseEligibilityFailed',
      'Marketplace purchase eligibilty check returned errors. See inner errors for details. ',
      {
        members: {
          details: [
            {
              code: 'BadRequest',
              message: `Offer with PublisherId: '${publisher}', OfferId: '${product}' cannot be purchased due to validation errors. For more information see details. Correlation Id: '${correlationId}'. [{"Legal terms have not been accepted for this item on this subscription: '${subscriptionId}'. To accept legal terms using PowerShell, please use Get-AzureRmMarketplaceTerms and Set-AzureRmMarketplaceTerms API or deploy via the Azure portal to accept the terms":"StoreApi"}]`,
            },
          ],
        },
      },
    );
  }
}
