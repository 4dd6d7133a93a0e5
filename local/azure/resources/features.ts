import { doneAt, type Azure } from '../azure';
import { type Answer, type Call, ok, param, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { paged } from '../http/paging';

/** Features of providers on which anything depends here. */
const FEATURES = ['Microsoft.Compute/EncryptionAtHost'] as const;
type Feature = (typeof FEATURES)[number];

const ALL = '/subscriptions/:subscriptionId/providers/Microsoft.Features';
const OF_PROVIDER = `${ALL}/providers/:namespace/features`;
const ONE = `${OF_PROVIDER}/:feature`;

/** Microsoft.Features: which features of a provider a subscription has asked for. */
export const featureRoutes = (azure: Azure): readonly Route[] => [
  { method: 'GET', path: `${ALL}/features`, api: 'arm', handle: (call) => ok(list(azure, call, FEATURES)) },
  { method: 'GET', path: OF_PROVIDER, api: 'arm', handle: (call) => ok(list(azure, call, ofProvider(call))) },
  { method: 'GET', path: ONE, api: 'arm', handle: (call) => ok(shown(azure, call, named(call))) },
  { method: 'POST', path: `${ONE}/register`, api: 'arm', handle: (call) => set(azure, call, 'register') },
  { method: 'POST', path: `${ONE}/unregister`, api: 'arm', handle: (call) => set(azure, call, 'unregister') },
];

/** Whether the subscription has registered a feature, and Azure has taken it in. */
export const hasFeature = (azure: Azure, subscriptionId: string, feature: Feature): boolean =>
  azure.registrations.state(subscriptionId, feature) === 'Registered';

const ofProvider = (call: Call): readonly Feature[] => {
  const namespace = `${param(call, 'namespace')}/`.toLowerCase();
  return FEATURES.filter((one) => one.toLowerCase().startsWith(namespace));
};

function named(call: Call): Feature {
  const name = param(call, 'feature');
  const found = ofProvider(call).find((one) => one.toLowerCase().endsWith(`/${name.toLowerCase()}`));
  if (found !== undefined) return found;
  const message = `Simulated are the features ${FEATURES.join(', ')}.`;
  throw new AzureError(404, 'FeatureNotFound', `The feature '${name}' could not be found.`, {
    members: { details: [{ code: 'NotSimulated', message }] },
  });
}

const list = (azure: Azure, call: Call, features: readonly Feature[]): unknown =>
  paged(
    azure,
    call,
    features.map((one) => shown(azure, call, one)),
  );

function shown(azure: Azure, call: Call, feature: Feature): Record<string, unknown> {
  const subscriptionId = param(call, 'subscriptionId');
  const [namespace = '', name = ''] = feature.split('/');
  return {
    properties: { state: azure.registrations.state(subscriptionId, feature) },
    id: `/subscriptions/${subscriptionId}/providers/Microsoft.Features/providers/${namespace}/features/${name}`,
    type: 'Microsoft.Features/providers/features',
    name: feature,
  };
}

function set(azure: Azure, call: Call, to: 'register' | 'unregister'): Answer {
  const feature = named(call);
  const subscriptionId = param(call, 'subscriptionId');
  if (to === 'unregister' || !hasFeature(azure, subscriptionId, feature))
    azure.registrations[to](subscriptionId, feature, doneAt(azure, 'featureRegistration'));
  return ok(shown(azure, call, feature));
}
