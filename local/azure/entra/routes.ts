import { z } from 'zod';
import { type Azure } from '../azure';
import { type Answer, type Call, ok, param, type Route } from '../http/call';
import { randomUUID } from '../random';
import { applicationToken, identityToken, secretIsValid } from './principals';

/** Microsoft Entra ID: the token endpoint, its discovery documents, and App Service's managed identity endpoint. */
export const entraRoutes = (azure: Azure): readonly Route[] => [
  { method: 'POST', path: '/:tenant/oauth2/v2.0/token', api: 'open', handle: (call) => clientCredentials(azure, call) },
  {
    method: 'GET',
    path: '/:tenant/v2.0/.well-known/openid-configuration',
    api: 'open',
    handle: () => ok(openId(azure)),
  },
  {
    method: 'GET',
    path: '/:tenant/discovery/v2.0/keys',
    api: 'open',
    handle: async () => ok(await azure.tokens.publicKeys()),
  },
  { method: 'GET', path: '/common/discovery/instance', api: 'open', handle: () => ok(instances(azure)) },
  { method: 'GET', path: '/msi/token', api: 'open', handle: (call) => managedIdentity(azure, call) },
];

const openId = (azure: Azure): Record<string, unknown> => {
  const base = `${azure.origin}/${azure.tenant.tenantId}`;
  return {
    issuer: azure.tokens.issuer,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    token_endpoint: `${base}/oauth2/v2.0/token`,
    device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
    jwks_uri: `${base}/discovery/v2.0/keys`,
    response_types_supported: ['code', 'id_token'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
    tenant_region_scope: 'EU',
    cloud_instance_name: new URL(azure.origin).host,
  };
};

const instances = (azure: Azure): Record<string, unknown> => {
  const { host } = new URL(azure.origin);
  return {
    tenant_discovery_endpoint: `${azure.origin}/${azure.tenant.tenantId}/v2.0/.well-known/openid-configuration`,
    'api-version': '1.1',
    metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
  };
};

const form = z.object({
  grant_type: z.string(),
  client_id: z.string().optional(),
  client_secret: z.string().optional(),
  scope: z.string().optional(),
});

const BAD_SECRET = (clientId: string): string =>
  `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${clientId}'.`;

async function clientCredentials(azure: Azure, call: Call): Promise<Answer> {
  const refuse = refusalsAt(azure.now());
  const tenant = param(call, 'tenant').toLowerCase();
  if (![azure.tenant.tenantId.toLowerCase(), azure.tenant.domain.toLowerCase()].includes(tenant)) {
    return refuse(
      400,
      'invalid_request',
      90002,
      `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.`,
    );
  }
  const parsed = form.safeParse(call.body);
  if (!parsed.success)
    return refuse(
      400,
      'invalid_request',
      900144,
      "The request body must contain the following parameter: 'grant_type'.",
    );
  const { grant_type: grant, client_id: clientId, client_secret: secret, scope } = parsed.data;
  if (grant !== 'client_credentials')
    return refuse(400, 'unsupported_grant_type', 70003, `The app requested an unsupported grant type '${grant}'.`);
  return await signIn(azure, refuse, { clientId, secret, scope });
}

interface Asked {
  readonly clientId: string | undefined;
  readonly secret: string | undefined;
  readonly scope: string | undefined;
}

async function signIn(azure: Azure, refuse: Refuse, { clientId, secret, scope }: Asked): Promise<Answer> {
  const application = azure.directory.byAppId('application', clientId ?? '');
  const principal = azure.directory.byAppId('servicePrincipal', clientId ?? '');
  if (clientId === undefined || application === undefined || principal === undefined) {
    return refuse(
      400,
      'unauthorized_client',
      700016,
      `Application with identifier '${clientId ?? ''}' was not found in the directory '${azure.tenant.displayName}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`,
    );
  }
  if (secret === undefined)
    return refuse(
      401,
      'invalid_client',
      7000218,
      "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    );
  if (!secretIsValid(azure, application.id, secret))
    return refuse(401, 'invalid_client', 7000215, BAD_SECRET(clientId));
  const audience = azure.tokens.audienceOf(scope ?? '');
  if (audience === undefined)
    return refuse(
      400,
      'invalid_resource',
      500011,
      `The resource principal named ${scope ?? ''} was not found in the tenant named ${azure.tenant.displayName}.`,
    );
  const { token, expiresInSeconds } = await applicationToken(azure, principal, audience);
  const times = { expires_in: expiresInSeconds, ext_expires_in: expiresInSeconds };
  return ok({ token_type: 'Bearer', ...times, access_token: token }, { 'Cache-Control': 'no-store, no-cache' });
}

type Refuse = (status: number, error: string, code: number, text: string) => Answer;

/** Errors as Entra words them: the AADSTS number, trace ids and time stand inside the description too. */
const refusalsAt =
  (now: number): Refuse =>
  (status: number, error: string, code: number, text: string): Answer => {
    const trace = randomUUID();
    const correlation = randomUUID();
    const timestamp = new Date(now).toISOString().replace('T', ' ').replace(/\.\d+/, '');
    const description = `AADSTS${code}: ${text} Trace ID: ${trace} Correlation ID: ${correlation} Timestamp: ${timestamp}`;
    const ids = { timestamp, trace_id: trace, correlation_id: correlation };
    const body = {
      error,
      error_description: description,
      error_codes: [code],
      ...ids,
      error_uri: `https://login.microsoftonline.com/error?code=${code}`,
    };
    return { status, body };
  };

/** App Service's endpoint, version 2019-08-01: https://learn.microsoft.com/azure/app-service/overview-managed-identity. */
async function managedIdentity(azure: Azure, call: Call): Promise<Answer> {
  const refuse = (message: string): Answer => ({ status: 400, body: { statusCode: 400, message } });
  if (call.header('x-identity-header') !== azure.identityHeader)
    return { status: 401, body: { statusCode: 401, message: 'Unauthorized' } };
  const resource = call.query('resource');
  const audience = azure.tokens.audienceOf(resource ?? '');
  if (resource === undefined || audience === undefined) return refuse(`The resource '${resource ?? ''}' is not known.`);
  const own = azure.tenant.principals[0];
  const clientId = call.query('client_id') ?? own?.clientId;
  const principal = azure.directory.byAppId('servicePrincipal', clientId ?? '');
  if (principal === undefined || clientId?.toLowerCase() !== own?.clientId.toLowerCase()) {
    return refuse(
      'No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.',
    );
  }
  const { token, expiresAtSeconds } = await identityToken(azure, principal, audience);
  return ok({
    access_token: token,
    expires_on: String(expiresAtSeconds),
    resource,
    token_type: 'Bearer',
    client_id: clientId,
  });
}
