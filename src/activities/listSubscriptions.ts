import { AzureError, type Azure } from '../azure/ports';
import type { activities, HandlerOf } from './contracts';

/** All subscriptions that the app may read, for rules by management group or tag. */
export const makeListSubscriptions =
  ({ subscriptions }: Azure): HandlerOf<typeof activities.listSubscriptions> =>
  async () => {
    try {
      return { kind: 'listed', subscriptions: await subscriptions.list() };
    } catch (error) {
      if (error instanceof AzureError) return error.outcome;
      throw error;
    }
  };
