import { type Azure } from '../azure';
import { type Verdict } from '../entra/tokens';
import { randomUUID } from '../random';
import { type Answer, type Api } from './call';

type Guarded = Exclude<Api, 'open'>;
type Refusal = Exclude<Verdict, { kind: 'valid' }>;

/** 401 as each service words it, for a token that is missing, bad, expired or for somebody else. */
export const unauthorized = (azure: Azure, api: Guarded, verdict: Refusal): Answer => answers[api](azure, verdict);

const answers: Readonly<Record<Guarded, (azure: Azure, verdict: Refusal) => Answer>> = {
  arm: (azure, verdict) => {
    const [code, message] = armText(azure, verdict);
    const description = `error="invalid_token", error_description="${message}"`;
    const challenge = `Bearer authorization_uri="${azure.origin}/${azure.tenant.tenantId}", ${description}`;
    return { status: 401, body: { error: { code, message } }, headers: { 'WWW-Authenticate': challenge } };
  },
  graph: (azure, verdict) => ({
    status: 401,
    body: {
      error: {
        code: 'InvalidAuthenticationToken',
        message: graphText(verdict),
        innerError: innerError(azure.now()),
      },
    },
  }),
  vault: (azure, verdict) => ({
    status: 401,
    body: { error: { code: 'Unauthorized', message: vaultText(verdict) } },
    headers: {
      'WWW-Authenticate': `Bearer authorization="${azure.origin}/${azure.tenant.tenantId}", resource="https://vault.azure.net"`,
    },
  }),
};

export const innerError = (now: number): Record<string, string> => ({
  date: new Date(now).toISOString().slice(0, 19),
  'request-id': randomUUID(),
  'client-request-id': randomUUID(),
});

function armText(azure: Azure, verdict: Refusal): readonly [code: string, message: string] {
  switch (verdict.kind) {
    case 'missing':
      return ['AuthenticationFailed', "Authentication failed. The 'Authorization' header is missing."];
    case 'expired':
      return [
        'ExpiredAuthenticationToken',
        `The access token expiry UTC time '${new Date(verdict.expiredAt).toUTCString()}' is earlier than current UTC time '${new Date(azure.now()).toUTCString()}'.`,
      ];
    case 'wrongAudience':
      return [
        'InvalidAuthenticationTokenAudience',
        `The access token has been obtained for wrong audience or resource '${verdict.audience}'. It should exactly match with one of the allowed audiences 'https://management.core.windows.net/','https://management.azure.com/'.`,
      ];
    case 'invalid':
      return ['InvalidAuthenticationToken', 'The access token is invalid.'];
  }
}

function graphText(verdict: Refusal): string {
  switch (verdict.kind) {
    case 'missing':
      return 'Access token is empty.';
    case 'expired':
      return 'Lifetime validation failed, the token is expired.';
    case 'wrongAudience':
      return 'Access token validation failure. Invalid audience.';
    case 'invalid':
      return 'InvalidAuthenticationToken: the signature of the token is not valid.';
  }
}

function vaultText(verdict: Refusal): string {
  switch (verdict.kind) {
    case 'missing':
      return 'AKV10000: Request is missing a Bearer or PoP token.';
    case 'expired':
      return '[BearerReadAccessTokenFailed] Error validating token: IDX10223: Lifetime validation failed. The token is expired.';
    case 'wrongAudience':
      return 'AKV10022: Invalid audience. Expected https://vault.azure.net.';
    case 'invalid':
      return '[BearerReadAccessTokenFailed] Error validating token: IDX10500: Signature validation failed.';
  }
}
