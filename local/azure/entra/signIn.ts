import { z } from 'zod';
import { type Azure } from '../azure';
import { type Answer, type Call, ok, param } from '../http/call';
import { type Entry } from '../store/directory';
import { checkAssertion } from './assertion';
import { isShared, isTenant } from './metadata';
import { applicationToken, secretState } from './principals';
import { notSimulated, type Refuse, refusalsAt, tenantNotFound } from './refusals';

const form = z.object({
  grant_type: z.string().optional(),
  client_id: z.string().optional(),
  client_secret: z.string().optional(),
  client_assertion: z.string().optional(),
  client_assertion_type: z.string().optional(),
  /** v2.0: `{resource}/.default`. */
  scope: z.string().optional(),
  /** v1.0. */
  resource: z.string().optional(),
  username: z.string().optional(),
});
type Asked = z.infer<typeof form>;

/** The token endpoint. A principal is signed in by a secret or a certificate; users are not simulated. */
export async function token(azure: Azure, call: Call): Promise<Answer> {
  const refuse = refusalsAt(azure.now());
  const tenant = param(call, 'tenant');
  if (isShared(tenant))
    return refuse(
      400,
      'invalid_request',
      50059,
      'No tenant-identifying information found in either the request or implied by any provided credentials.',
    );
  if (!isTenant(azure, tenant)) return tenantNotFound(refuse, tenant, 'invalid_request');
  const asked = withBasic(call, form.parse(call.body ?? {}));
  if (asked.grant_type === undefined) return missing(refuse, 'grant_type');
  if (asked.grant_type === 'client_credentials') return await clientCredentials(azure, refuse, asked);
  if (asked.grant_type === 'password') return userSignIn(azure, refuse, asked.username ?? '');
  if (KNOWN_GRANTS.includes(asked.grant_type)) return notSimulated(`The grant '${asked.grant_type}' of a user`);
  return refuse(
    400,
    'unsupported_grant_type',
    70003,
    `The app requested an unsupported grant type '${asked.grant_type}'.`,
  );
}

const KNOWN_GRANTS = [
  'authorization_code',
  'refresh_token',
  'device_code',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
];

const missing = (refuse: Refuse, name: string): Answer =>
  refuse(400, 'invalid_request', 900144, `The request body must contain the following parameter: '${name}'.`);

/** `Authorization: Basic`, which Entra takes for the client's id and secret too. */
function withBasic(call: Call, asked: Asked): Asked {
  const basic = /^Basic\s+(\S+)$/i.exec(call.header('authorization') ?? '')?.[1];
  if (basic === undefined) return asked;
  const [id = '', secret = ''] = Buffer.from(basic, 'base64').toString('utf8').split(':').map(decodeURIComponent);
  return { ...asked, client_id: id, client_secret: secret };
}

function userSignIn(azure: Azure, refuse: Refuse, username: string): Answer {
  const known = azure.directoryObjects
    .list('user')
    .some(({ document }) => String(document['userPrincipalName']).toLowerCase() === username.toLowerCase());
  if (known) return notSimulated('The sign-in of a user');
  const { displayName } = azure.tenant;
  return refuse(
    400,
    'invalid_grant',
    50034,
    `The user account ${username} does not exist in the ${displayName} directory. To sign into this application, the account must be added to the directory.`,
  );
}

async function clientCredentials(azure: Azure, refuse: Refuse, asked: Asked): Promise<Answer> {
  const { client_id: clientId, scope, resource } = asked;
  if (clientId === undefined) return missing(refuse, 'client_id');
  const wanted = scope ?? resource;
  if (wanted === undefined) return missing(refuse, 'scope');
  if (scope !== undefined && !/\/\.default$/i.test(scope))
    return refuse(
      400,
      'invalid_scope',
      1002012,
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
    );
  const principal = azure.directory.byAppId('servicePrincipal', clientId);
  const holder = azure.directory.byAppId('application', clientId) ?? identityOf(principal, asked);
  if (holder === undefined || principal === undefined) return unknownApplication(azure, refuse, clientId);
  const refusal = await credentialRefusal(azure, refuse, holder, asked);
  if (refusal !== undefined) return refusal;
  if (principal.document['accountEnabled'] === false)
    return refuse(
      401,
      'invalid_client',
      7000112,
      `Application '${clientId}'(${String(principal.document['displayName'])}) is disabled.`,
    );
  const audience = azure.tokens.audienceOf(wanted);
  if (audience === undefined) return unknownResource(azure, refuse, wanted);
  const issued = await applicationToken(azure, principal, audience);
  const times = { expires_in: issued.expiresInSeconds, ext_expires_in: issued.expiresInSeconds };
  return ok({ token_type: 'Bearer', ...times, access_token: issued.token }, { 'Cache-Control': 'no-store, no-cache' });
}

/** A managed identity has no application and no secrets: it signs in by somebody whom it trusts. */
const identityOf = (principal: Entry | undefined, { client_assertion: assertion }: Asked): Entry | undefined =>
  assertion !== undefined && principal?.document['servicePrincipalType'] === 'ManagedIdentity' ? principal : undefined;

const unknownApplication = ({ tenant }: Azure, refuse: Refuse, clientId: string): Answer =>
  refuse(
    400,
    'unauthorized_client',
    700016,
    `Application with identifier '${clientId}' was not found in the directory '${tenant.displayName}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`,
  );

const unknownResource = ({ tenant }: Azure, refuse: Refuse, wanted: string): Answer =>
  refuse(
    400,
    'invalid_resource',
    500011,
    `The resource principal named ${wanted.replace(/\/+\.default$/i, '')} was not found in the tenant named ${tenant.displayName}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.`,
  );

/** Undefined when the secret or the assertion is good. */
async function credentialRefusal(
  azure: Azure,
  refuse: Refuse,
  application: Entry,
  asked: Asked,
): Promise<Answer | undefined> {
  const { appId: clientId } = application;
  if (asked.client_assertion !== undefined)
    return await checkAssertion(azure, refuse, application, asked.client_assertion, asked.client_assertion_type);
  if (asked.client_secret === undefined)
    return refuse(
      401,
      'invalid_client',
      7000218,
      "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    );
  const state = secretState(azure, application.id, asked.client_secret);
  if (state === 'valid') return undefined;
  if (state === 'expired')
    return refuse(
      401,
      'invalid_client',
      7000222,
      `The provided client secret keys for app '${clientId}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.`,
    );
  return refuse(
    401,
    'invalid_client',
    7000215,
    `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${clientId}'.`,
  );
}
