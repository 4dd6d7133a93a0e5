import type { Azure } from '../azure/ports';
import type { Effects } from './effects';

/**
 * The image's legal terms, accepted for the host subscription: without it the VM's PUT is refused. To accept is to
 * put the terms back as they were read, signature and all (azure-rest-api-specs, MarketplaceOrdering 2021-01-01).
 */
export const marketplaceAgreement = ({ arm }: Azure): Effects<'marketplaceAgreement'> => ({
  observe: async ({ id }) => {
    const value = await arm.marketplaceAgreement.get(id);
    // Terms have no owner, and accepting them is the request's wish: they may always be put.
    return value && { value, ours: true, outputs: { id } };
  },
  put: ({ id, wanted }, observed) => arm.marketplaceAgreement.put(id, { ...observed?.value, ...wanted }),
  /** Cancelling would hit every other VM of this image in the subscription. */
  remove: async () => ({ ours: false }),
});
