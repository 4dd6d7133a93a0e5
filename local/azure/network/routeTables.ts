import { z } from 'zod';
import { tracked, type Kind } from '../arm/kind';
import { type Azure } from '../azure';
import { badRequest } from '../http/errors';
import { randomUUID } from '../random';
import { reference, usersOfType } from './references';

const SUBNETS = 'Microsoft.Network/virtualNetworks/subnets';

const route = z.looseObject({
  name: z.string().min(1),
  properties: z.looseObject({
    addressPrefix: z.string(),
    nextHopType: z.enum(['VirtualNetworkGateway', 'VnetLocal', 'Internet', 'VirtualAppliance', 'None']),
    nextHopIpAddress: z.string().optional(),
  }),
});
const properties = z.looseObject({ routes: z.array(route).default([]) });

/** Where a subnet's route table sends what leaves; undefined where it has no route for it. */
export function defaultHopOf(azure: Azure, table: unknown): string | undefined {
  const found = azure.resources.get(reference.safeParse(table).data?.id ?? '');
  const { routes } = properties.parse(found?.document.properties ?? {});
  return routes.find(({ properties: of }) => of.addressPrefix === '0.0.0.0/0')?.properties.nextHopType;
}

/** Route tables with the routes that a PUT of the whole names; a route is no resource of its own here. */
export const routeTables: Kind = {
  type: 'Microsoft.Network/routeTables',
  timing: { put: 'networkSecurityGroup', remove: 'networkDelete' },
  schema: tracked(properties.prefault({})),
  readOnly: ['subnets'],
  prepare(_, { id, body, existing }) {
    const { routes, ...rest } = properties.parse(body.properties);
    const resourceGuid = existing?.document.properties['resourceGuid'] ?? randomUUID();
    const shownRoutes = routes.map(({ name, properties: of }) => ({
      name,
      id: `${id}/routes/${name}`,
      type: 'Microsoft.Network/routeTables/routes',
      properties: { provisioningState: 'Succeeded', hasBgpOverride: false, ...of },
    }));
    const all = { disableBgpRoutePropagation: false, ...rest, routes: shownRoutes, resourceGuid };
    return { document: { ...body, properties: all } };
  },
  computed(azure, { id }) {
    const subnets = usersOfType(azure, id, SUBNETS).map(({ source }) => ({ id: source }));
    return subnets.length > 0 ? { subnets } : {};
  },
  demandUnused(azure, { id }) {
    const users = azure.resources.users(id).map(({ source }) => source);
    if (users.length === 0) return;
    throw badRequest(
      'InUseRouteTableCannotBeDeleted',
      `Route table ${id} is in use and cannot be deleted. Subnet(s) that use it: ${users.join(', ')}.`,
    );
  },
};
