/** What the ledger answers for, and what it lets pass, each with the reason. */

/** Folders of local/azure. Another is one more name here. */
export const folders: readonly string[] = ['authorization', 'compute', 'deployments', 'entra', 'governance', 'graph', 'identity', 'keyVault', 'management', 'marketplace', 'metrics', 'network', 'resourceGraph', 'resources', 'storage']; // prettier-ignore

const noClient =
  'its client (@azure/arm-resources-subscriptions, @azure/arm-resourcesdeployments) is none of the packages';
const noFeatures = 'its client (@azure/arm-features) is none of the packages';
const older = 'clients of today ask its successor; the Azure CLI and MSAL for AD FS ask it';
const never = 'Microsoft’s client never asks it';

/** Operations, by the end of their names, that plain requests stand in for. */
export const withoutSdk: readonly (readonly [operation: string, why: string])[] = [
  ['GET /subscriptions', noClient],
  ['GET /subscriptions/:subscriptionId', noClient],
  ['GET /subscriptions/:subscriptionId/locations', noClient],
  ['GET /tenants', noClient],
  ['/providers/Microsoft.Subscription/aliases/:alias', noClient],
  ['/providers/Microsoft.Subscription/cancel', noClient],
  ...['features', 'providers/:namespace/features', 'providers/:namespace/features/:feature'].map(
    (path) => [`GET /subscriptions/:subscriptionId/providers/Microsoft.Features/${path}`, noFeatures] as const,
  ),
  ['/features/:feature/register', noFeatures],
  ['/features/:feature/unregister', noFeatures],
  ['GET /_resources/deployments', noClient],
  ['POST /_resources/deployments/:name/validate', noClient],
  ['POST /_resources/deployments/:name/whatIf', noClient],
  ['POST /_resources/deployments/:name/cancel', noClient],
  ['POST /_resources/deployments/:name/exportTemplate', noClient],
  ['GET /_resources/deployments/:name/operations', noClient],
  ['GET /_resources/deployments/:name/operations/:operation', noClient],
  ['GET /_resources/deployments/:name/operationStatuses/:operation', noClient],
  ['/locations/:location/operations/:id', 'a client polls what it was given, which is always there'],
  [
    '/locations/:location/operationResults/:id',
    'a client polls what it was given, and takes Azure-AsyncOperation before it',
  ],
  ['/_authorization/policyExemptions', '@azure/arm-policy 7 has no client for exemptions'],
  ['/_authorization/policyExemptions/:name', 'the same'],
  ['/_authorization/roleAssignmentsUsageMetrics', 'no client of Microsoft’s for JavaScript asks it; the portal does'],
  ['/offers/:offer/skus/:sku', 'no client of Microsoft’s for JavaScript asks it; the Azure CLI does'],
  ['/Microsoft.KeyVault/deletedManagedHSMs', 'managed HSMs are not simulated; the Azure CLI asks it with the vaults'],
  ['/RegisteredApplications/:appId/Consent', 'the portal and the Azure CLI ask it, not Microsoft Graph’s client'],
  ['POST /:tenant/oauth2/token', older],
  ['GET /:tenant/.well-known/openid-configuration', older],
  ['GET /:tenant/discovery/keys', older],
  ['GET /:tenant/discovery/v2.0/keys', 'only who checks a token asks it, and no client does'],
  ['GET /common/discovery/instance', 'an SDK asks it of Microsoft’s own authority, whatever its authorityHost'],
  ['POST /:tenant/oauth2/v2.0/devicecode', 'no user can sign in here'],
  ['POST /:tenant/oauth2/devicecode', 'no user can sign in here'],
  ['GET /:tenant/oauth2/v2.0/authorize', 'no user can sign in here'],
  ['GET /metadata/endpoints', 'the Azure CLI and Terraform ask it'],
  ['blob: HEAD container container', never],
  ['blob: GET blob metadata', never],
];

/** Refusals, by a part of their code and words, that no request can meet. */
export const unseen: readonly (readonly [words: string, why: string])[] = [
  ["ResourceTypeNotSupported The resource type 'managementgroup'", 'it has categories'],
  ["ResourceTypeNotSupported The resource type 'subscription'", 'it has categories'],
  ['InternalServerError', 'nothing is known that makes the simulator fail'],
];

/** Answers, by method, path and status, whose headers a test made so by a fault. */
export const struck: readonly RegExp[] = [
  /^GET \/subscriptions\/[^/]+\/providers\/Microsoft\.Network\/locations\/westeurope\/operations\/none\?.* 200$/,
  /^GET \/subscriptions\/[^/]+\/resourceGroups\/rg\?.* 429$/,
  /^GET \/subscriptions\/[^/]+\/providers\/Microsoft\.Compute\/locations\/westeurope\/usages\?.* 200$/,
  // A stale read is answered before anything is counted.
  /^GET \/subscriptions\/[^/]+\/resourceGroups\/rg\/providers\/Microsoft\.Network\/networkSecurityGroups\/nsg-\d+\?.* 200$/,
];
