import { z } from 'zod';
import { type Kind, usable } from '../arm/kind';
import { doneAt, type Azure } from '../azure';
import { badRequest } from '../http/errors';
import { randomUUID } from '../random';
import { type Resource } from '../store/resources';
import { nextNumber } from '../store/settings';
import { reference, usersOfType } from './references';
import { dotted } from './virtualNetworks';

const sku = z.looseObject({ name: z.string() }).default({ name: 'Basic' });
const tags = z.record(z.string(), z.string()).optional();

const FIRST_ADDRESS = 20 * 2 ** 24 + 50 * 2 ** 16 + 4;

/** An address out of 20.50.0.0/16 and on, handed out once each. */
const nextAddress = (azure: Azure): string => dotted(FIRST_ADDRESS + nextNumber(azure.db, 'publicAddresses'));

const allocated = z.object({ address: z.string(), since: z.number() });

/** The address of a public IP once its first operation has ended. */
export function addressOf(azure: Azure, publicIp: Resource): string | undefined {
  const { address, since } = allocated.parse(publicIp.hidden);
  return azure.now() >= since ? address : undefined;
}

export const publicIpAddresses: Kind = {
  type: 'Microsoft.Network/publicIPAddresses',
  timing: { put: 'publicIpAddress', remove: 'networkDelete' },
  schema: z.looseObject({
    location: z.string(),
    tags,
    sku,
    properties: z.looseObject({ publicIPAllocationMethod: z.string().default('Dynamic') }).prefault({}),
  }),
  readOnly: ['ipAddress', 'ipConfiguration', 'natGateway'],
  prepare(azure, { id, body, existing }) {
    const { name } = sku.parse(body['sku']);
    // Basic public addresses were retired on 30 September 2025.
    if (name === 'Basic')
      throw badRequest(
        'IPv4BasicSkuPublicIpCountLimitReached',
        'Cannot create more than 0 IPv4 Basic SKU public IP addresses for this subscription in this region.',
      );
    if (body.properties['publicIPAllocationMethod'] !== 'Static') {
      throw badRequest(
        'StandardAndStandardV2SkuPublicIPAddressesMustBeStatic',
        `Standard sku publicIp ${id} must have AllocationMethod set to Static.`,
      );
    }
    const resourceGuid = existing?.document.properties['resourceGuid'] ?? randomUUID();
    return {
      document: {
        ...body,
        sku: { tier: 'Regional', ...sku.parse(body['sku']) },
        properties: {
          publicIPAddressVersion: 'IPv4',
          idleTimeoutInMinutes: 4,
          ipTags: [],
          ...body.properties,
          resourceGuid,
        },
      },
      hidden: existing?.hidden ?? { address: nextAddress(azure), since: doneAt(azure, 'publicIpAddress') },
    };
  },
  computed(azure, resource) {
    const { id } = resource;
    const user = azure.resources.users(id)[0];
    const isGateway = user !== undefined && /\/natGateways\/[^/]+$/i.test(user.source);
    const association = user === undefined ? {} : { [isGateway ? 'natGateway' : 'ipConfiguration']: { id: user.via } };
    const ipAddress = addressOf(azure, resource);
    return { ...(ipAddress === undefined ? {} : { ipAddress }), ...association };
  },
  demandUnused(azure, { id }) {
    const user = azure.resources.users(id)[0];
    if (user === undefined) return;
    throw badRequest(
      'PublicIPAddressCannotBeDeleted',
      `Public IP address ${id} can not be deleted since it is still allocated to resource ${user.via}. In order to delete the public IP, disassociate/detach the Public IP address from the resource.  To learn how to do this, see aka.ms/deletepublicip.`,
    );
  },
};

const natProperties = z.looseObject({ publicIpAddresses: z.array(reference).default([]) });

export const natGateways: Kind = {
  type: 'Microsoft.Network/natGateways',
  timing: { put: 'natGateway', remove: 'networkDelete' },
  schema: z.looseObject({
    location: z.string(),
    tags,
    sku: z.looseObject({ name: z.enum(['Standard', 'StandardV2']) }),
    properties: natProperties.prefault({}),
  }),
  readOnly: ['subnets'],
  prepare(azure, put) {
    const { publicIpAddresses: addresses } = natProperties.parse(put.body.properties);
    for (const { id } of addresses) {
      usable(azure, put, id, 'Microsoft.Network/publicIPAddresses/join/action');
      demandFree(azure, id, put.id);
    }
    const resourceGuid = put.existing?.document.properties['resourceGuid'] ?? randomUUID();
    return {
      document: { ...put.body, properties: { idleTimeoutInMinutes: 4, ...put.body.properties, resourceGuid } },
      links: addresses.map(({ id }) => ({ target: id, via: put.id })),
    };
  },
  computed(azure, { id }) {
    const subnets = usersOfType(azure, id, 'Microsoft.Network/virtualNetworks/subnets').map(({ source }) => ({
      id: source,
    }));
    return subnets.length > 0 ? { subnets } : {};
  },
  demandUnused(azure, { id }) {
    const users = azure.resources.users(id).map(({ source }) => source);
    if (users.length === 0) return;
    throw badRequest(
      'InUseNatGatewayCannotBeDeleted',
      `NAT Gateway ${id} cannot be deleted because it is in use by the following resources: ${users.join(', ')}.`,
    );
  },
};

/** A public address serves one user at a time. */
export function demandFree(azure: Azure, addressId: string, forId: string): void {
  const other = azure.resources.users(addressId).find(({ source }) => source.toLowerCase() !== forId.toLowerCase());
  if (other === undefined) return;
  throw badRequest(
    'PublicIPAddressInUse',
    `Resource ${forId} is referencing public IP address ${addressId} that is already allocated to resource ${other.via}.`,
  );
}
