import { AzureError } from '../azure/ports';
import { notChecked, type Read } from '../domain/preflight/areas';
import type { AppIdentity } from '../domain/preflight/graphRights';
import type { Inspected, InspectedNow } from './contracts';

/** Our own rights may have been granted a moment ago: looked at again as long as a refused write is tried again. */
export const HEALS_SECONDS = 90;

export type Found = Omit<InspectedNow, 'kind'>;

/** Whatever Azure answers is a value. What it refuses to show is a finding; what may heal is asked for again. */
export async function inspected(
  read: Read,
  identity: () => Promise<AppIdentity>,
  look: () => Promise<Found>,
): Promise<Inspected> {
  const unread = async (reason: string): Promise<Inspected> => {
    // Who the app is comes without a call, and yet may be what failed.
    const app = await identity().catch(() => undefined);
    return { kind: 'inspected', findings: [notChecked(read, reason, app)] };
  };
  try {
    return { kind: 'inspected', ...(await look()) };
  } catch (error) {
    if (!(error instanceof AzureError)) return unread(error instanceof Error ? error.message : 'unknown');
    // A right to read that is missing is seldom on its way: the finding says so now.
    const { kind, code, reason } = error.outcome;
    return kind === 'later' && error.status !== 403 ? error.outcome : unread(`${code}: ${reason}`);
  }
}

export const isForbidden = (error: unknown): error is AzureError => error instanceof AzureError && error.status === 403;
