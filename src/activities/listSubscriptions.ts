import type { Azure } from '../azure/ports';
import type { activities, HandlerOf } from './contracts';
import { orOutcome } from './orOutcome';

/** All subscriptions that the app may read, for rules by management group or tag. */
export const makeListSubscriptions =
  ({ subscriptions }: Azure): HandlerOf<typeof activities.listSubscriptions> =>
  () =>
    orOutcome(async () => ({ kind: 'listed', subscriptions: await subscriptions.list() }));
