/** Finds what access windows made, by the marks that it bears. */
import { NetworkManagementClient, type NetworkSecurityGroup, type PublicIPAddress } from '@azure/arm-network';
import { z } from 'zod';
import { OWNER_TAG } from '../../domain/resources';
import { readAddressMark, readRuleMark } from '../../domain/windowMark';
import type { GroupRef } from '../../domain/windowSweep';
import { armOptions, type Connection } from '../client';
import { orUndefined } from '../errors';
import type { Azure } from '../ports';
import { resourceGraph } from './resourceGraph';

/** Where the groups are is old news when a window is over, so Resource Graph's lag does no harm to this question. */
const QUERY = `resources | where isnotempty(tags['${OWNER_TAG}']) | distinct subscriptionId, resourceGroup`;
const row = z.looseObject({ subscriptionId: z.string(), resourceGroup: z.string() });

export function windows(connection: Connection): Azure['windows'] {
  const options = armOptions(connection);
  const query = resourceGraph(connection);
  const network = ({ subscriptionId }: GroupRef) =>
    new NetworkManagementClient(connection.credential, subscriptionId, options);
  return {
    groups: () => query(QUERY, row),
    marks: async (group) => {
      const { networkSecurityGroups, publicIPAddresses } = network(group);
      const [groups, addresses] = await Promise.all([
        all<NetworkSecurityGroup>(networkSecurityGroups.list(group.resourceGroup)),
        all<PublicIPAddress>(publicIPAddresses.list(group.resourceGroup)),
      ]);
      return {
        rules: groups.flatMap(({ securityRules = [] }) => securityRules).flatMap((rule) => readRuleMark(rule) ?? []),
        addresses: addresses.flatMap(({ id = '', tags }) => readAddressMark(id, tags) ?? []),
      };
    },
  };
}

/** All pages; nothing of a group that is gone. */
async function all<T>(pages: AsyncIterable<T>): Promise<readonly T[]> {
  const collect = async (): Promise<readonly T[]> => {
    const found: T[] = [];
    for await (const one of pages) found.push(one);
    return found;
  };
  return (await orUndefined(collect())) ?? [];
}
