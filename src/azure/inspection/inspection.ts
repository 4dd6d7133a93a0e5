/** What preflight reads of Azure, put together. */
import { z } from 'zod';
import type { Connection } from '../client';
import type { Inspection } from '../ports';
import { armReader } from '../arm/reader';
import { orUndefined } from '../errors';
import { resourceGraph } from '../arm/resourceGraph';
import { appIdentity } from '../graph/appIdentity';
import { secretRules } from './entra';
import { governance } from './governance';
import { hosting } from './hosting';
import { images } from './images';
import { surroundings } from './surroundings';
import { tenantFacts } from './tenant';
import { vhds } from './vhd';

const federation = z.looseObject({
  name: z.string(),
  properties: z.object({ issuer: z.string(), subject: z.string().nullish() }),
});
const region = z.looseObject({ name: z.string() });

export function inspection(connection: Connection): Inspection {
  const list = armReader(connection);
  const query = resourceGraph(connection);
  return {
    identity: () => appIdentity(connection),
    secretRules: () => secretRules(connection),
    tenant: tenantFacts(query),
    ...governance(list, query),
    ...hosting(connection, list),
    ...images(connection),
    regions: async (subscriptionId) => {
      const found = await list(`/subscriptions/${subscriptionId}/locations`, 'api-version=2022-12-01', region);
      return found.map(({ name }) => name);
    },
    federations: async (id) => {
      const found = await orUndefined(list(`${id}/federatedIdentityCredentials`, 'api-version=2023-01-31', federation));
      return (found ?? []).map(({ name, properties }) => ({ name, ...properties }));
    },
    ...surroundings(query),
    ...vhds(connection),
  };
}
