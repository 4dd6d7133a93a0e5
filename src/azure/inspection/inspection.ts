/** What preflight reads of Azure, put together. */
import type { Connection } from '../client';
import type { Inspection } from '../ports';
import { armReader } from '../arm/reader';
import { resourceGraph } from '../arm/resourceGraph';
import { appIdentity, secretRules } from './entra';
import { governance } from './governance';
import { hosting } from './hosting';
import { surroundings } from './surroundings';
import { tenantFacts } from './tenant';
import { vhds } from './vhd';

export function inspection(connection: Connection): Inspection {
  const list = armReader(connection);
  const query = resourceGraph(connection);
  return {
    identity: () => appIdentity(connection),
    secretRules: () => secretRules(connection),
    tenant: tenantFacts(query),
    ...governance(list, query),
    ...hosting(connection),
    ...surroundings(query),
    ...vhds(connection),
  };
}
