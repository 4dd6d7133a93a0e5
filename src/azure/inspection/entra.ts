/** What the tenant lets secrets be. */
import { z } from 'zod';
import { daysOf, type SecretRules } from '../../domain/preflight/graphRights';
import type { Connection } from '../client';
import { graphClient } from '../graph/directory';

const restriction = z.looseObject({
  restrictionType: z.string(),
  state: z.string().default('enabled'),
  maxLifetime: z.string().nullish(),
  restrictForAppsCreatedAfterDateTime: z.string().nullish(),
});
const policy = z.looseObject({
  isEnabled: z.boolean().default(false),
  applicationRestrictions: z.looseObject({ passwordCredentials: z.array(restriction).default([]) }).nullish(),
});

/** An app that is made now is newer than any date from which on a restriction counts. */
export async function secretRules(connection: Connection): Promise<SecretRules> {
  const read: unknown = await graphClient(connection).api('/policies/defaultAppManagementPolicy').get();
  const { isEnabled, applicationRestrictions } = policy.parse(read);
  const now = Date.now();
  const counting = (isEnabled ? (applicationRestrictions?.passwordCredentials ?? []) : []).filter(
    ({ state, restrictForAppsCreatedAfterDateTime: from }) => state === 'enabled' && (!from || Date.parse(from) <= now),
  );
  const days = counting.flatMap(({ restrictionType, maxLifetime }) =>
    restrictionType === 'passwordLifetime' && maxLifetime ? [daysOf(maxLifetime) ?? Infinity] : [],
  );
  return {
    forbidden: counting.some(({ restrictionType }) => restrictionType === 'passwordAddition'),
    ...(days.length > 0 && Number.isFinite(Math.min(...days)) ? { mostDays: Math.min(...days) } : {}),
  };
}
