import { X509Certificate } from 'node:crypto';
import { decodeProtectedHeader, errors, jwtVerify } from 'jose';
import { z } from 'zod';
import { type Azure } from '../azure';
import { type Answer } from '../http/call';
import { type Entry } from '../store/directory';
import { checkFederated, claimsOf } from './federation';
import { outOfTime, type Refuse } from './refusals';

const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const keys = z.array(z.looseObject({ key: z.string().nullish(), type: z.string().optional() })).catch([]);

interface Certificate {
  readonly certificate: X509Certificate;
  readonly sha1: string;
  readonly sha256: string;
}

/** The certificates of an application: `keyCredentials` with the DER in base64, as Graph takes them. */
function certificatesOf({ document }: Entry): Certificate[] {
  return keys.parse(document['keyCredentials']).flatMap(({ key }) => {
    if (key === undefined || key === null) return [];
    try {
      const certificate = new X509Certificate(Buffer.from(key, 'base64'));
      const print = (text: string): string => Buffer.from(text.replaceAll(':', ''), 'hex').toString('base64url');
      return [{ certificate, sha1: print(certificate.fingerprint), sha256: print(certificate.fingerprint256) }];
    } catch {
      return [];
    }
  });
}

/**
 * A JWT that the client signed with a certificate of the application, or that somebody signed whom the application or
 * managed identity trusts; undefined when it is good. Who signed says the issuer: the client itself, or somebody else.
 */
export async function checkAssertion(
  azure: Azure,
  refuse: Refuse,
  holder: Entry,
  assertion: string,
  type: string | undefined,
): Promise<Answer | undefined> {
  if (type !== TYPE) return refuse(401, 'invalid_client', 50021, `The 'client_assertion_type' must be '${TYPE}'.`);
  const issuer = claimsOf(assertion)?.iss?.toLowerCase();
  const isOwn = issuer === undefined || issuer === holder.appId.toLowerCase();
  return isOwn
    ? await checkCertificate(azure, refuse, holder, assertion)
    : await checkFederated(azure, refuse, holder, assertion);
}

async function checkCertificate(
  azure: Azure,
  refuse: Refuse,
  application: Entry,
  assertion: string,
): Promise<Answer | undefined> {
  const bad = (code: number, text: string): Answer => refuse(401, 'invalid_client', code, text);
  const header = headerOf(assertion);
  if (header === undefined) return bad(50027, 'JWT token is invalid or malformed.');
  const print = header['x5t#S256'] ?? header.x5t ?? '';
  const known = certificatesOf(application).find(({ sha1, sha256 }) => print === sha1 || print === sha256);
  if (known === undefined)
    return bad(
      700027,
      `The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Thumbprint of key used by client: '${print}', Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id '${application.appId}'.]`,
    );
  const base = `${azure.origin}/${azure.tenant.tenantId}`;
  try {
    await jwtVerify(assertion, known.certificate.publicKey, {
      audience: [`${base}/oauth2/v2.0/token`, `${base}/oauth2/token`, `${base}/v2.0`, base, `${base}/`],
      issuer: application.appId,
      subject: application.appId,
      currentDate: new Date(azure.now()),
      clockTolerance: 300,
    });
    return undefined;
  } catch (error) {
    if (
      error instanceof errors.JWTExpired ||
      (error instanceof errors.JWTClaimValidationFailed && error.claim === 'nbf')
    )
      return bad(700024, outOfTime(azure.now(), error.payload));
    if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud')
      return bad(700023, 'Client assertion audience claim does not match Realm issuer.');
    if (error instanceof errors.JOSEError)
      return bad(
        700027,
        'The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key used is expired or the signature is not valid.]',
      );
    throw error;
  }
}

const assertionHeader = z.looseObject({ x5t: z.string().optional(), 'x5t#S256': z.string().optional() });

function headerOf(assertion: string): z.infer<typeof assertionHeader> | undefined {
  try {
    return assertionHeader.parse(decodeProtectedHeader(assertion));
  } catch {
    return undefined;
  }
}
