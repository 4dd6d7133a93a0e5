import { createHash, type KeyObject, createPublicKey } from 'node:crypto';
import { decodeProtectedHeader, errors, exportJWK, type JWK, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { type Caller } from '../http/call';

/** A resource that tokens are asked for, and the other names it goes by. */
export type Audience = 'arm' | 'graph' | 'vault' | 'storage';

const names: Readonly<Record<Audience, readonly string[]>> = {
  arm: ['https://management.azure.com', 'https://management.core.windows.net', '797f4846-ba00-4fd7-ba43-dac1f8f63013'],
  graph: [
    'https://graph.microsoft.com',
    '00000003-0000-0000-c000-000000000000',
    // The portal's own back end for the directory, which the Azure CLI asks for admin consent.
    '74658136-14ec-4630-ad9b-26e160ff0fc6',
  ],
  vault: ['https://vault.azure.net', 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093'],
  storage: ['https://storage.azure.com', 'e406a681-f3d4-42a8-90b6-c2b029497af1'],
};

const claims = z.object({
  aud: z.string(),
  tid: z.string(),
  oid: z.string(),
  appid: z.string(),
  exp: z.number(),
  roles: z.array(z.string()).default([]),
});
type Claims = z.infer<typeof claims>;

/** What a token must be made for that somebody is to sign in with; other clouds have other names. */
export const EXCHANGE_AUDIENCE = 'api://AzureADTokenExchange';

export interface Issue {
  readonly principalId: string;
  readonly clientId: string;
  readonly audience: string;
  readonly roles: readonly string[];
  /** Epoch milliseconds. */
  readonly issuedAt: number;
  readonly lifetimeSeconds: number;
}

export type Verdict =
  | { readonly kind: 'valid'; readonly caller: Caller }
  | { readonly kind: 'missing' | 'invalid' }
  | { readonly kind: 'expired'; readonly expiredAt: number }
  | { readonly kind: 'wrongAudience'; readonly audience: string };

const KEEP = 2_000;

/** Issues and checks the tokens of this tenant: RS256 JWTs, the same text for the same input. */
export class Tokens {
  private readonly keyId: string;
  private readonly publicKey: KeyObject;
  /** Signatures already checked, by hash of the token: a client sends one token hundreds of times. */
  private readonly checked = new Map<string, Claims>();

  constructor(
    private readonly privateKey: KeyObject,
    private readonly tenantId: string,
    private readonly origin: string,
    private readonly now: () => number,
  ) {
    this.publicKey = createPublicKey(privateKey);
    const spki = this.publicKey.export({ type: 'spki', format: 'der' });
    this.keyId = createHash('sha256').update(spki).digest('base64url').slice(0, 27);
  }

  get issuer(): string {
    return `${this.origin}/${this.tenantId}/v2.0`;
  }

  /** `https://x/.default`, `https://x//.default`, `https://x/` and `https://x` are one audience; undefined if unknown. */
  audienceOf(resourceOrScope: string): string | undefined {
    const audience = resourceOrScope.replace(/\/+\.default$/i, '').replace(/\/+$/, '');
    const known = [EXCHANGE_AUDIENCE, ...names.arm, ...names.graph, ...names.vault, ...names.storage, this.origin];
    return known.find((name) => name.toLowerCase() === audience.toLowerCase());
  }

  /** The simulator's own origin stands for each of them. */
  isFor(audience: string, api: Audience): boolean {
    return audience === this.origin || names[api].includes(audience);
  }

  async issue({ principalId, clientId, audience, roles, issuedAt, lifetimeSeconds }: Issue): Promise<string> {
    const at = Math.floor(issuedAt / 1000);
    const own = { appid: clientId, azp: clientId, oid: principalId, tid: this.tenantId, ver: '1.0', idtyp: 'app' };
    return await new SignJWT({ ...own, ...(roles.length > 0 ? { roles: [...roles] } : {}) })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: this.keyId })
      .setIssuer(this.issuer)
      .setSubject(principalId)
      .setAudience(audience)
      .setIssuedAt(at)
      .setNotBefore(at)
      .setExpirationTime(at + lifetimeSeconds)
      .sign(this.privateKey);
  }

  /** Signature, issuer, audience and expiry of an Authorization header. */
  async check(authorization: string | undefined, api: Audience): Promise<Verdict> {
    const token = /^Bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) return { kind: 'missing' };
    const found = await this.signed(token);
    if (found === undefined) return { kind: 'invalid' };
    if (found.exp * 1000 <= this.now()) return { kind: 'expired', expiredAt: found.exp * 1000 };
    if (!this.isFor(found.aud, api)) return { kind: 'wrongAudience', audience: found.aud };
    return { kind: 'valid', caller: { principalId: found.oid, clientId: found.appid, roles: found.roles } };
  }

  async publicKeys(): Promise<{ readonly keys: readonly JWK[] }> {
    return { keys: [{ ...(await exportJWK(this.publicKey)), use: 'sig', alg: 'RS256', kid: this.keyId }] };
  }

  private async signed(token: string): Promise<Claims | undefined> {
    const hash = createHash('sha256').update(token).digest('base64url');
    const known = this.checked.get(hash);
    if (known !== undefined) return known;
    try {
      if (decodeProtectedHeader(token).kid !== this.keyId) return undefined;
      // Expiry is judged apart, at each call, since the signature is judged once.
      const options = {
        issuer: this.issuer,
        algorithms: ['RS256'],
        currentDate: new Date(0),
        clockTolerance: Number.MAX_SAFE_INTEGER,
      };
      const result = claims.parse((await jwtVerify(token, this.publicKey, options)).payload);
      if (this.checked.size >= KEEP) this.checked.clear();
      this.checked.set(hash, result);
      return result;
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof z.ZodError || error instanceof TypeError)
        return undefined;
      throw error;
    }
  }
}
