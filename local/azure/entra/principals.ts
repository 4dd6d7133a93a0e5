import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { type Azure } from '../azure';
import { graphRoleName, MICROSOFT_GRAPH_APP_ID } from '../graph/permissions';
import { type Entry } from '../store/directory';

/** An application's token lives an hour, a managed identity's a day. */
const APPLICATION_SECONDS = 3599;
const IDENTITY_SECONDS = 24 * 3600;

export interface IssuedToken {
  readonly token: string;
  readonly expiresAtSeconds: number;
  readonly expiresInSeconds: number;
}

export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** Whether `secret` is one of the application's, and still good. */
export function secretState(azure: Azure, applicationId: string, secret: string): 'valid' | 'expired' | 'unknown' {
  const hash = Buffer.from(hashSecret(secret));
  const found = azure.directory.passwords(applicationId).find((one) => timingSafeEqual(Buffer.from(one.hash), hash));
  if (found === undefined) return 'unknown';
  return found.endsAt > azure.now() ? 'valid' : 'expired';
}

/** The Microsoft Graph app roles that a principal holds now. */
function graphRoles(azure: Azure, principalId: string): string[] {
  const graph = azure.directory.atSource('servicePrincipal', MICROSOFT_GRAPH_APP_ID);
  return azure.directory
    .appRoles('principalId', principalId)
    .filter(({ resourceId }) => resourceId === graph?.id)
    .flatMap(({ appRoleId }) => graphRoleName(appRoleId) ?? []);
}

const rolesFor = (azure: Azure, principalId: string, audience: string): string[] =>
  azure.tokens.isFor(audience, 'graph') ? graphRoles(azure, principalId) : [];

/** A token by client credentials: what is granted now counts now. */
export async function applicationToken(azure: Azure, { id, appId }: Entry, audience: string): Promise<IssuedToken> {
  const issuedAt = azure.now();
  const roles = rolesFor(azure, id, audience);
  return await issue(azure, { id, appId, audience, issuedAt, roles, lifetimeSeconds: APPLICATION_SECONDS });
}

const cached = z.object({
  issuedAt: z.number(),
  roles: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(z.array(z.string())),
});

/**
 * A managed identity's token. The platform keeps one for about a day, so that a role granted after the first token
 * is not in it (azure-facts §3). Kept are when and with which roles, never the token: signing again gives the same text.
 */
export async function identityToken(azure: Azure, { id, appId }: Entry, audience: string): Promise<IssuedToken> {
  const now = azure.now();
  const keepMs = azure.tenant.timings.managedIdentityTokenCache * 1000;
  const sql = 'SELECT issuedAt, roles FROM identityTokens WHERE principalId = ? AND audience = ?';
  const known = azure.db.row(cached, sql, id, audience);
  // Five minutes before its end a token is renewed.
  const fresh = known !== undefined && now - known.issuedAt < Math.min(keepMs, (IDENTITY_SECONDS - 300) * 1000);
  const kept = fresh ? known : { issuedAt: now, roles: rolesFor(azure, id, audience) };
  if (!fresh) {
    const write = 'INSERT OR REPLACE INTO identityTokens VALUES (?, ?, ?, ?)';
    azure.db.run(write, id, audience, kept.issuedAt, JSON.stringify(kept.roles));
  }
  return await issue(azure, { id, appId, audience, ...kept, lifetimeSeconds: IDENTITY_SECONDS });
}

async function issue(
  azure: Azure,
  of: { id: string; appId: string; audience: string; issuedAt: number; roles: string[]; lifetimeSeconds: number },
): Promise<IssuedToken> {
  const { id: principalId, appId: clientId, audience, issuedAt, roles, lifetimeSeconds } = of;
  const token = await azure.tokens.issue({ principalId, clientId, audience, roles, issuedAt, lifetimeSeconds });
  const expiresAtSeconds = Math.floor(issuedAt / 1000) + lifetimeSeconds;
  return { token, expiresAtSeconds, expiresInSeconds: expiresAtSeconds - Math.floor(azure.now() / 1000) };
}
