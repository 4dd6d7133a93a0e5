import { z } from 'zod';
import { type Kind } from '../arm/kind';
import { badRequest } from '../http/errors';
import { randomUUID } from '../random';
import { usersOfType } from './references';

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

/** Route tables with the routes that a PUT of the whole names; a route is no resource of its own here. */
export const routeTables: Kind = {
  type: 'Microsoft.Network/routeTables',
  timing: { put: 'networkSecurityGroup', remove: 'networkDelete' },
  schema: z.looseObject({
    location: z.string(),
    tags: z.record(z.string(), z.string()).optional(),
    properties: properties.prefault({}),
  }),
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
