import { type Azure } from '../azure';
import { type Resource } from '../store/resources';

/** Whose key it is, and from when to when: what a signature by it says of it. */
interface Signed {
  readonly objectId: string;
  readonly tenantId: string;
  /** ISO 8601, in whole seconds. */
  readonly start: string;
  readonly expiry: string;
  readonly version: string;
}

/** The key, base64: derived, so that nothing of it is kept. */
export const delegationKey = (azure: Azure, account: Resource, signed: Signed): string => {
  const { objectId, tenantId, start, expiry, version } = signed;
  const parts = [account.id.toLowerCase(), account.createdAt, objectId, tenantId, start, expiry, version];
  return azure
    .derive(`delegation/${parts.join('/')}`)
    .subarray(0, 32)
    .toString('base64');
};
