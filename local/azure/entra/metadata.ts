import { type Azure } from '../azure';
import { type Answer, type Call, ok, param } from '../http/call';
import { badRequest } from '../http/errors';
import { refusalsAt, tenantNotFound } from './refusals';

/** Names that stand for any tenant. */
const SHARED = ['common', 'organizations'];

export const isShared = (tenant: string): boolean => SHARED.includes(tenant.toLowerCase());

/** A cloud that the Azure CLI was told of may have its authority there: to MSAL it is then AD FS, with no tenant in paths. */
const ADFS = 'adfs';

export const isTenant = (azure: Azure, name: string): boolean =>
  [azure.tenant.tenantId, azure.tenant.domain, ADFS].some((one) => one.toLowerCase() === name.toLowerCase());

/** The discovery document of the tenant; `common` and `organizations` name their issuer by a template, as Entra does. */
export function openId(azure: Azure, call: Call): Answer {
  const tenant = param(call, 'tenant');
  if (tenant.toLowerCase() === ADFS) return ok(adfs(azure.origin));
  const shared = isShared(tenant);
  if (!shared && !isTenant(azure, tenant)) return tenantNotFound(refusalsAt(azure.now()), tenant, 'invalid_tenant');
  const base = `${azure.origin}/${shared ? tenant.toLowerCase() : azure.tenant.tenantId}`;
  return ok({
    token_endpoint: `${base}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
    jwks_uri: `${base}/discovery/v2.0/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    issuer: shared ? `${azure.origin}/{tenantid}/v2.0` : azure.tokens.issuer,
    request_uri_parameter_supported: false,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
    http_logout_supported: true,
    end_session_endpoint: `${base}/oauth2/v2.0/logout`,
    tenant_region_scope: shared ? null : 'EU',
    cloud_instance_name: new URL(azure.origin).host,
    msgraph_host: new URL(azure.origin).host,
  });
}

/** As a federation server describes itself: its issuer is its own name. */
const adfs = (origin: string): Record<string, unknown> => ({
  issuer: `${origin}/${ADFS}`,
  authorization_endpoint: `${origin}/${ADFS}/oauth2/authorize`,
  token_endpoint: `${origin}/${ADFS}/oauth2/token`,
  device_authorization_endpoint: `${origin}/${ADFS}/oauth2/devicecode`,
  jwks_uri: `${origin}/${ADFS}/discovery/keys`,
  token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic', 'private_key_jwt'],
  response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
  response_modes_supported: ['query', 'fragment', 'form_post'],
  grant_types_supported: ['client_credentials'],
  subject_types_supported: ['pairwise'],
  scopes_supported: ['openid', 'profile', 'email'],
  id_token_signing_alg_values_supported: ['RS256'],
});

/** Which hosts are one and the same authority: MSAL asks before it trusts an authority it does not know. */
export const instances = (azure: Azure): Answer => {
  const { host } = new URL(azure.origin);
  return ok({
    tenant_discovery_endpoint: `${azure.origin}/${azure.tenant.tenantId}/v2.0/.well-known/openid-configuration`,
    'api-version': '1.1',
    metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
  });
};

/**
 * ARM's description of its own cloud, by which `az cloud register --endpoint-resource-manager` and Terraform set
 * themselves up. An array of clouds up to 2019-05-01, one object since 2022-09-01.
 */
export function endpoints(azure: Azure, call: Call): Answer {
  const version = call.query('api-version');
  if (version === undefined)
    throw badRequest(
      'MissingApiVersionParameter',
      'The api-version query parameter (?api-version=) is required for all requests.',
    );
  if (!/^\d{4}-\d{2}-\d{2}(-preview)?$/.test(version))
    throw badRequest(
      'InvalidApiVersionParameter',
      `The api-version '${version}' is invalid. The format is 'yyyy-MM-dd'.`,
    );
  const cloud = cloudOf(azure);
  return ok(version < '2020-01-01' ? [cloud] : cloud);
}

function cloudOf({ origin, tenant }: Azure): Record<string, unknown> {
  const { port } = new URL(origin);
  return {
    name: 'SimulatedAzure',
    portal: origin,
    authentication: {
      loginEndpoint: `${origin}/`,
      // The second is the one that the CLI takes for its tokens.
      audiences: ['https://management.core.windows.net/', 'https://management.azure.com/'],
      tenant: tenant.tenantId,
      identityProvider: 'AAD',
    },
    media: origin,
    graphAudience: `${origin}/`,
    graph: `${origin}/`,
    microsoftGraphResourceId: `${origin}/`,
    resourceManager: `${origin}/`,
    gallery: `${origin}/`,
    batch: `${origin}/`,
    vmImageAliasDoc: `${origin}/_simulator/vmImageAliases`,
    suffixes: {
      keyVaultDns: `vault.localhost:${port}`,
      storage: `storage.localhost:${port}`,
      azureDataLakeStoreFileSystem: 'azuredatalakestore.localhost',
      azureDataLakeAnalyticsCatalogAndJob: 'azuredatalakeanalytics.localhost',
      acrLoginServer: 'azurecr.localhost',
      sqlServerHostname: 'database.localhost',
    },
  };
}
