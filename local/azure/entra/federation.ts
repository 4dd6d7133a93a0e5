import { createLocalJWKSet, decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose';
import { z } from 'zod';
import { type Azure } from '../azure';
import { type Answer } from '../http/call';
import { applicationCredentials } from '../graph/federatedCredentials';
import { identityCredentials } from '../identity/federatedCredentials';
import { type Entry } from '../store/directory';
import { outOfTime, type Refuse } from './refusals';

/** A trust in an outside identity provider, of an application or of a managed identity. */
interface Trust {
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
}

const presented = z.looseObject({
  iss: z.string(),
  sub: z.string(),
  aud: z.union([z.string(), z.tuple([z.string()]).transform(([one]) => one)]),
});
type Presented = z.infer<typeof presented>;

/** The claims of a token that somebody else signed, unchecked; undefined where it is none. */
export function claimsOf(assertion: string): JWTPayload | undefined {
  try {
    return decodeJwt(assertion);
  } catch {
    return undefined;
  }
}

/**
 * A client assertion signed by an outside issuer that a federated identity credential names; undefined when it is good.
 * @param holder the application, or the service principal of a managed identity
 */
export async function checkFederated(
  azure: Azure,
  refuse: Refuse,
  holder: Entry,
  assertion: string,
): Promise<Answer | undefined> {
  const bad = (code: number, text: string): Answer => refuse(401, 'invalid_client', code, text);
  const claims = presented.safeParse(claimsOf(assertion));
  if (!claims.success) return bad(50027, 'JWT token is invalid or malformed.');
  const trusts = trustsOf(azure, holder);
  if (trusts.length === 0)
    return bad(
      70025,
      `The client '${holder.appId}'(${String(holder.document['displayName'])}) has no configured federated identity credentials.`,
    );
  const mismatch = unmatched(trusts, claims.data);
  if (mismatch !== undefined) return bad(...mismatch);
  return await checkSignature(azure, bad, assertion, claims.data);
}

const trustsOf = (azure: Azure, holder: Entry): Trust[] =>
  holder.kind === 'application' ? applicationCredentials(azure, holder.id) : identityCredentials(azure, holder);

const CHECK =
  'Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation';
const none = (what: string, value: string): string =>
  `No matching federated identity record found for presented assertion ${what} '${value}'.`;

/** The first of issuer, subject and audience that no credential fits, as Entra tells them apart. */
function unmatched(
  trusts: readonly Trust[],
  { iss, sub, aud }: Presented,
): readonly [code: number, text: string] | undefined {
  const ofIssuer = trusts.filter(({ issuer }) => issuer === iss);
  if (ofIssuer.length === 0) return [700211, `${none('issuer', iss)} ${CHECK}`];
  const ofSubject = ofIssuer.filter(({ subject }) => subject === sub);
  if (ofSubject.length > 0)
    return ofSubject.some(({ audiences }) => audiences.includes(aud))
      ? undefined
      : [700212, `${none('audience', aud)} ${CHECK}`];
  if (!ofIssuer.some(({ subject }) => subject.toLowerCase() === sub.toLowerCase()))
    return [700213, `${none('subject', sub)} ${CHECK}`];
  return [
    7002138,
    `${none('subject', sub)} The subject matches with case-insensitive comparison, but not with case-sensitive comparison. Check your federated identity credential Subject, Audience and Issuer against the presented assertion. See documentation at: https://learn.microsoft.com/entra/workload-id/workload-identity-federation. See breaking change notification and remediation at: https://learn.microsoft.com/en-us/entra/identity-platform/reference-breaking-changes#august-2024.`,
  ];
}

type Bad = (code: number, text: string) => Answer;

async function checkSignature(
  azure: Azure,
  bad: Bad,
  assertion: string,
  claims: Presented,
): Promise<Answer | undefined> {
  const isOwn = claims.iss === azure.tokens.issuer;
  if (isOwn && !isManagedIdentity(azure, claims.sub))
    return bad(700226, 'Only MSI tokens may be used as Federated Identity Credentials for AAD issuer.');
  if (!isOwn && !azure.issuers.isReachable(claims.iss)) return bad(501661, 'Request to External OIDC endpoint failed.');
  const { keys } = await (isOwn ? azure.tokens : azure.issuers).publicKeys();
  try {
    await jwtVerify(assertion, createLocalJWKSet({ keys: [...keys] }), {
      issuer: claims.iss,
      algorithms: ['RS256'],
      currentDate: new Date(azure.now()),
      clockTolerance: 300,
    });
    return undefined;
  } catch (error) {
    if (error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed)
      return bad(700024, outOfTime(azure.now(), error.payload));
    if (error instanceof errors.JWKSNoMatchingKey)
      return bad(
        7000272,
        `The certificate with identifier ${keyOf(assertion)} used to sign the federated credential could not be found in the metadata of identity provider ${claims.iss}. Please validate that your Identity Provider's metadata exposes the key used to sign the incoming token.`,
      );
    if (error instanceof errors.JOSEError) return bad(700027, 'Client assertion failed signature validation.');
    throw error;
  }
}

/** A managed identity's own token is the one kind that Entra takes from itself. */
const isManagedIdentity = (azure: Azure, id: string): boolean =>
  azure.directory.get('servicePrincipal', id)?.document['servicePrincipalType'] === 'ManagedIdentity';

const keyOf = (assertion: string): string => {
  const header: unknown = JSON.parse(Buffer.from(assertion.split('.', 1)[0] ?? '', 'base64url').toString());
  return z.looseObject({ kid: z.string().catch('') }).parse(header).kid;
};
