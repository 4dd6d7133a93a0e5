import { type Azure } from '../azure';
import { type Answer, type Call, ok } from '../http/call';
import { type Entry } from '../store/directory';
import { identityToken } from './principals';

const APP_SERVICE_VERSION = '2019-08-01';
/** Versions of the instance metadata service that have `identity`. */
const OLDEST_IMDS = '2018-02-01';
const NEWEST_IMDS = ['2021-12-13', '2021-02-01', '2020-09-01', '2018-02-01'];

/** App Service's endpoint: https://learn.microsoft.com/azure/app-service/overview-managed-identity. */
export async function appService(azure: Azure, call: Call): Promise<Answer> {
  const refuse = (status: number, message: string): Answer => ({ status, body: { statusCode: status, message } });
  if (call.header('x-identity-header') !== azure.identityHeader) return refuse(401, 'Unauthorized');
  const version = call.query('api-version');
  if (version !== APP_SERVICE_VERSION)
    return refuse(400, `The api-version '${version ?? ''}' is not supported. Supported is '${APP_SERVICE_VERSION}'.`);
  const resource = call.query('resource');
  const audience = azure.tokens.audienceOf(resource ?? '');
  if (resource === undefined || audience === undefined)
    return refuse(400, `The resource '${resource ?? ''}' is not known.`);
  const principal = own(azure, call);
  if (principal === undefined)
    return refuse(
      400,
      'No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.',
    );
  const { token, expiresAtSeconds } = await identityToken(azure, principal, audience);
  const rest = { resource, token_type: 'Bearer', client_id: principal.appId };
  return ok({ access_token: token, expires_on: String(expiresAtSeconds), ...rest });
}

/** The instance metadata service of a VM, `169.254.169.254` in Azure and the simulator's own origin here. */
export async function instanceMetadata(azure: Azure, call: Call): Promise<Answer> {
  const refuse = (error: string, description?: string): Answer => ({
    status: 400,
    body: { error, ...(description === undefined ? {} : { error_description: description }) },
  });
  if (call.header('metadata')?.toLowerCase() !== 'true')
    return refuse('invalid_request', 'Required metadata header not specified');
  const version = call.query('api-version');
  if (version === undefined || version < OLDEST_IMDS) {
    const error =
      version === undefined
        ? 'Bad request. api-version was not specified in the request'
        : `Bad request. api-version is invalid or was not specified in the request.`;
    return { status: 400, body: { error, 'newest-versions': NEWEST_IMDS } };
  }
  const resource = call.query('resource');
  if (resource === undefined) return refuse('invalid_request', 'Required audience parameter not specified');
  const audience = azure.tokens.audienceOf(resource);
  if (audience === undefined)
    return refuse(
      'invalid_resource',
      `AADSTS500011: The resource principal named ${resource} was not found in the tenant named ${azure.tenant.displayName}.`,
    );
  const principal = own(azure, call);
  if (principal === undefined) return refuse('invalid_request', 'Identity not found');
  const { token, expiresAtSeconds, expiresInSeconds } = await identityToken(azure, principal, audience);
  return ok({
    access_token: token,
    client_id: principal.appId,
    expires_in: String(expiresInSeconds),
    expires_on: String(expiresAtSeconds),
    ext_expires_in: String(expiresInSeconds),
    not_before: String(Math.floor(azure.now() / 1000)),
    resource,
    token_type: 'Bearer',
  });
}

/**
 * The identity that the caller's machine has. Here every caller is on one machine: it has the tenant's first
 * principal, and by name (client, object or resource id) any other principal of the tenant file that is an identity.
 */
function own(azure: Azure, call: Call): Entry | undefined {
  const names = ['client_id', 'object_id', 'principal_id', 'mi_res_id', 'msi_res_id'];
  const asked = names.flatMap((name) => call.query(name)?.toLowerCase() ?? [])[0];
  const [first] = azure.tenant.principals;
  const known =
    asked === undefined
      ? first
      : azure.tenant.principals.find(({ clientId, principalId }) =>
          [clientId, principalId].some((id) => id.toLowerCase() === asked),
        );
  return azure.directory.byAppId('servicePrincipal', known?.clientId ?? '');
}
