import { z } from 'zod';
import { neededFor } from '../authorization/actions';
import { type Azure } from '../azure';
import { AzureError } from '../http/errors';
import { subscriptionOf } from '../http/paths';
import { termsAccepted } from '../marketplace/agreements';
import { type Diagnostic, expanded, type Part } from './expand';
import { type Deployment } from './store';

/**
 * What Azure finds before it deploys anything, in the templates inside the template too: what is not valid, rights that
 * are missing, terms that are not accepted, and policies that would deny.
 */
export function demandPreflight(azure: Azure, deployment: Deployment): readonly Diagnostic[] {
  return azure.db.transaction(() => azure.db.undone(() => checked(azure, deployment)));
}

function checked(azure: Azure, deployment: Deployment): readonly Diagnostic[] {
  const { parts, diagnostics } = expanded(azure, deployment);
  const refused = parts.flatMap((part) => {
    const error = refusalOf(azure, part);
    return error === undefined ? [] : [{ part, error }];
  });
  const unauthorized = refused.filter(({ error }) => error.code === 'AuthorizationFailed');
  if (unauthorized.length > 0) {
    const texts = unauthorized.map(({ part }) => authorizationText(part)).join(':');
    const start = unauthorized.length > 1 ? 'Deployment failed with multiple errors' : 'The template deployment failed with error'; // prettier-ignore
    throw new AzureError(403, 'InvalidTemplateDeployment', `${start}: '${texts}'.`);
  }
  for (const part of parts) demandTerms(azure, part, deployment.correlationId);
  const denied = refused.filter(({ error }) => error.code === 'RequestDisallowedByPolicy');
  if (denied.length === 0) return diagnostics;
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

function refusalOf(azure: Azure, { deployment, step, body }: Part): AzureError | undefined {
  const { caller } = deployment;
  if (body === undefined) return undefined;
  try {
    azure.inner.check({ method: 'PUT', path: step.id, apiVersion: step.apiVersion, body, caller });
    return undefined;
  } catch (error) {
    if (!(error instanceof AzureError)) throw error;
    if (error.code === 'NotSimulated') throw error;
    return error;
  }
}

function authorizationText({ deployment: { caller }, step: { id, name, type } }: Part): string {
  const { action, scope } = neededFor('PUT', id);
  return `Authorization failed for template resource '${name}' of type '${type}'. The client '${caller.clientId}' with object id '${caller.principalId}' does not have permission to perform action '${action}' at scope '${scope}'.`;
}

const plan = z.looseObject({ name: z.string(), publisher: z.string(), product: z.string() });

/** Terms that are not accepted stop a deployment before it begins, in other words than a PUT of the VM (azure-facts §4). */
function demandTerms(azure: Azure, { step, body }: Part, correlationId: string): void {
  const subscriptionId = subscriptionOf(step.id) ?? '';
  const parsed = plan.safeParse(body?.['plan']);
  if (!parsed.success) return;
  const { publisher, product, name } = parsed.data;
  if (termsAccepted(azure, subscriptionId, { publisher, offer: product, plan: name })) return;
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
