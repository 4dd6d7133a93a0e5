import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { exportJWK, type JWK, SignJWT } from 'jose';

interface Assertion {
  readonly subject: string;
  readonly audience: string;
  readonly lifetimeSeconds: number;
}

/**
 * Identity providers outside of this Azure that its simulated internet knows: GitHub Actions, a cluster, a vendor.
 * Each is `{origin}/_simulator/issuers/{name}`; one key signs for all of them, and is none of Entra's.
 */
export class OutsideIssuers {
  private known: { readonly key: KeyObject; readonly id: string; readonly jwk: JWK } | undefined;

  /** @param key made when it is first asked for: most runs never do */
  constructor(
    private readonly key: () => KeyObject,
    private readonly origin: string,
    private readonly now: () => number,
  ) {}

  issuerOf(name: string): string {
    return `${this.origin}/_simulator/issuers/${name}`;
  }

  /** Whether a request for its discovery document would be answered. */
  isReachable(issuer: string): boolean {
    return issuer.startsWith(this.issuerOf('')) && /^[\w.-]+$/.test(issuer.slice(this.issuerOf('').length));
  }

  async publicKeys(): Promise<{ keys: JWK[] }> {
    return { keys: [(await this.signing()).jwk] };
  }

  /** An RS256 token as the issuer would hand it to its workload. */
  async assertion(name: string, { subject, audience, lifetimeSeconds }: Assertion): Promise<string> {
    const { key, id } = await this.signing();
    const at = Math.floor(this.now() / 1000);
    return await new SignJWT({})
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: id })
      .setIssuer(this.issuerOf(name))
      .setSubject(subject)
      .setAudience(audience)
      .setIssuedAt(at)
      .setNotBefore(at)
      .setExpirationTime(at + lifetimeSeconds)
      .sign(key);
  }

  private async signing(): Promise<NonNullable<typeof this.known>> {
    if (this.known !== undefined) return this.known;
    const key = this.key();
    const open = createPublicKey(key);
    const spki = open.export({ type: 'spki', format: 'der' });
    const id = createHash('sha1').update(spki).digest('hex').toUpperCase();
    this.known = { key, id, jwk: { ...(await exportJWK(open)), use: 'sig', alg: 'RS256', kid: id } };
    return this.known;
  }
}
