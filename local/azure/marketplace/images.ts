import { type Azure } from '../azure';
import { type Answer, type Call, ok, param, type Route } from '../http/call';
import { AzureError } from '../http/errors';

const REGION = '/subscriptions/:subscriptionId/providers/Microsoft.Compute/locations/:location';
const PUBLISHERS = `${REGION}/publishers`;
const OFFERS = `${PUBLISHERS}/:publisher/artifacttypes/vmimage/offers`;
const SKUS = `${OFFERS}/:offer/skus`;

type Image = Azure['tenant']['images'][number];
type Level = 'publisher' | 'offer' | 'sku';

/** What the marketplace offers, from publishers down to SKUs: every name of the tenant's images. */
export const imageRoutes = (azure: Azure): readonly Route[] => [
  { method: 'GET', path: PUBLISHERS, api: 'arm', handle: (call) => list(azure, call, [], 'publisher') },
  { method: 'GET', path: OFFERS, api: 'arm', handle: (call) => list(azure, call, ['publisher'], 'offer') },
  { method: 'GET', path: SKUS, api: 'arm', handle: (call) => list(azure, call, ['publisher', 'offer'], 'sku') },
  { method: 'GET', path: `${SKUS}/:sku`, api: 'arm', handle: (call) => sku(azure, call) },
];

const within = (azure: Azure, call: Call, levels: readonly Level[]): Image[] =>
  azure.tenant.images.filter((image) =>
    levels.every((level) => image[level].toLowerCase() === param(call, level).toLowerCase()),
  );

function list(azure: Azure, call: Call, above: readonly Level[], level: Level): Answer {
  const found = within(azure, call, above);
  const last = above.at(-1);
  if (found.length === 0 && last !== undefined)
    throw new AzureError(404, 'NotFound', `Artifact: ${last === 'offer' ? 'Offer' : 'Publisher'} was not found.`);
  const names = [...new Set(found.map((image) => image[level]))].sort();
  return ok(names.map((name) => item(call, name, `${call.path}/${name}`)));
}

const item = (call: Call, name: string, path: string): Record<string, unknown> => ({
  location: param(call, 'location'),
  name,
  id: path.replace(/artifacttypes\/vmimage/i, 'ArtifactTypes/VMImage'),
});

function sku(azure: Azure, call: Call): Answer {
  const [found] = within(azure, call, ['publisher', 'offer', 'sku']);
  if (found === undefined) throw new AzureError(404, 'NotFound', 'Artifact: Sku was not found.');
  return ok(item(call, found.sku, call.path));
}
