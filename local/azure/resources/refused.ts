import { notSimulated } from '../http/notSimulated';
import { type Answer, type Route } from '../http/call';

const GROUP = '/subscriptions/:subscriptionId/resourceGroups/:resourceGroup';

/** Operations of Microsoft.Resources and Microsoft.Subscription that a client may well try, and what to do instead. */
const rows: readonly (readonly [method: Route['method'], path: string, what: string, instead: string])[] = [
  ['POST', `${GROUP}/exportTemplate`, 'The export of a resource group', 'GET of its resources, and exportTemplate of a deployment.'],
  ['POST', `${GROUP}/moveResources`, 'The move of resources', 'PUT at the new place and DELETE at the old one.'],
  ['POST', `${GROUP}/validateMoveResources`, 'The move of resources', 'PUT at the new place and DELETE at the old one.'],
  ['PUT', '/providers/Microsoft.Subscription/aliases/:alias', 'The creation of a subscription', 'POST /_simulator/subscriptions, which also announces it.'],
  ['GET', '/providers/Microsoft.Subscription/aliases/:alias', 'A subscription alias', 'POST /_simulator/subscriptions.'],
  ['POST', '/subscriptions/:subscriptionId/providers/Microsoft.Subscription/cancel', 'The cancellation of a subscription', 'reads and moves of subscriptions.'],
]; // prettier-ignore

/** Each refused in words, in Azure's envelope. */
export const refusedRoutes = (): readonly Route[] =>
  rows.map(([method, path, what, instead]) => ({
    method,
    path,
    api: 'arm',
    authorize: false,
    simulated: false,
    handle: (): Answer => {
      throw notSimulated(what, instead);
    },
  }));
