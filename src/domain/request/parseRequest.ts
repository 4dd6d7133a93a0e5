/** Reads a request and names every fault at once. Pure. */
import { z } from 'zod';
import { type Fault, toFaults } from '../faults';
import type { Profile } from '../profile';
import { type AppFacts, faultyCombinations } from './combinations';
import { type DeploymentRequest, requestSchema } from './request';

export type Parsed =
  | {
      readonly kind: 'request';
      readonly request: DeploymentRequest;
      readonly profile: Profile;
      readonly planId?: string;
    }
  | { readonly kind: 'faults'; readonly faults: readonly Fault[] };

export interface App extends AppFacts {
  readonly tenantId: string;
  readonly profiles: Readonly<Record<string, Profile>>;
}

/**
 * Reads a request. What depends on where the app runs (its tenant, its network, the profiles that it has) is checked
 * here too, so that a fault never surfaces half-way through a deployment.
 */
export function parseRequest(body: unknown, app: App): Parsed {
  const { tenantId, profiles } = app;
  const parsed = requestSchema.safeParse(body);
  const faults = parsed.success ? [] : parsed.error.issues.flatMap((issue) => toFaults(issue, body));
  const given = z.looseObject({ tenantId: z.string(), profile: z.string() }).partial().safeParse(body).data ?? {};
  if (given.tenantId && z.guid().safeParse(given.tenantId).success && given.tenantId.toLowerCase() !== tenantId) {
    faults.push({ pointer: '/tenantId', detail: `is not this app's tenant, ${tenantId}` });
  }
  const id = given.profile ?? 'cloudknox-sentry';
  const profile = Object.hasOwn(profiles, id) ? profiles[id] : undefined;
  if (!profile) {
    faults.push({
      pointer: '/profile',
      detail: `is not a profile of this app; it has ${Object.keys(profiles).join(', ')}`,
    });
  }
  if (!parsed.success || !profile) return { kind: 'faults', faults };
  const { planId, ...request } = parsed.data;
  faults.push(...faultyCombinations({ request, profile }, app));
  if (faults.length > 0) return { kind: 'faults', faults };
  return { kind: 'request', request, profile, ...(planId === undefined ? {} : { planId }) };
}
