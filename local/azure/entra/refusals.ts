import { z } from 'zod';
import { type Answer } from '../http/call';
import { randomUUID } from '../random';

/** @param error the OAuth error, @param code the AADSTS number */
export type Refuse = (status: number, error: string, code: number, text: string) => Answer;

/** Errors as Entra words them: the AADSTS number, trace ids and time stand inside the description too. */
export const refusalsAt =
  (now: number): Refuse =>
  (status, error, code, text) => {
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

const span = z.looseObject({ nbf: z.number().catch(0), exp: z.number().catch(0) });
/** With seven decimals, as .NET writes a time. */
const precise = (ms: number): string => new Date(ms).toISOString().replace('Z', '0000Z');

/** AADSTS700024. @param claims of the assertion that is past, or is to come */
export function outOfTime(now: number, claims: unknown): string {
  const { nbf, exp } = span.parse(claims);
  return `Client assertion is not within its valid time range. Current time: ${precise(now)}, assertion valid from ${precise(nbf * 1000)}, expiry time of assertion ${precise(exp * 1000)}. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .`;
}

export const tenantNotFound = (refuse: Refuse, tenant: string, error: string): Answer =>
  refuse(
    400,
    error,
    90002,
    `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`,
  );

/** What Entra has and this Azure has not: said in words, in Entra's envelope, never half done. */
export const notSimulated = (what: string): Answer => ({
  status: 400,
  body: {
    error: 'invalid_request',
    error_description: `NotSimulated: ${what} is not simulated. Simulated are client credentials with a secret, a certificate or a federated credential, and managed identities.`,
    error_codes: [],
  },
});
