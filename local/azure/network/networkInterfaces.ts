import { z } from 'zod';
import { invalidReference, tracked, type Kind, type Put, usable } from '../arm/kind';
import { type Azure } from '../azure';
import { badRequest } from '../http/errors';
import { randomUUID } from '../random';
import { type Link, type Resource } from '../store/resources';
import { nextNumber } from '../store/settings';
import { demandFree } from './publicAddresses';
import { reference } from './references';
import { allocateAddress } from './virtualNetworks';

const ipConfiguration = z.looseObject({
  name: z.string().min(1),
  properties: z.looseObject({
    subnet: reference,
    publicIPAddress: reference.optional(),
    privateIPAddress: z.string().optional(),
    privateIPAllocationMethod: z.string().default('Dynamic'),
    primary: z.boolean().optional(),
  }),
});
export const nicProperties = z.looseObject({
  ipConfigurations: z.array(ipConfiguration).min(1),
  networkSecurityGroup: reference.optional(),
});
type IpConfiguration = z.infer<typeof ipConfiguration>;

export const networkInterfaces: Kind = {
  type: 'Microsoft.Network/networkInterfaces',
  timing: { put: 'networkInterface', remove: 'networkDelete' },
  schema: tracked(nicProperties),
  readOnly: ['virtualMachine'],
  prepare(azure, put) {
    const { ipConfigurations: asked, networkSecurityGroup: group, ...rest } = nicProperties.parse(put.body.properties);
    if (group !== undefined) usable(azure, put, group.id, 'Microsoft.Network/networkSecurityGroups/join/action');
    const configurations = asked.map((one, index) => configured(azure, put, one, index));
    const was = put.existing?.document.properties;
    const { location, tags } = put.body;
    return {
      document: {
        location,
        ...(tags === undefined ? {} : { tags }),
        properties: {
          dnsSettings: { dnsServers: [], appliedDnsServers: [] },
          enableAcceleratedNetworking: false,
          enableIPForwarding: false,
          ...rest,
          ...(group === undefined ? {} : { networkSecurityGroup: group }),
          nicType: 'Standard',
          ipConfigurations: configurations.map(({ shown }) => shown),
          resourceGuid: was?.['resourceGuid'] ?? randomUUID(),
          macAddress: was?.['macAddress'] ?? macAddress(nextNumber(azure.db, 'macAddresses')),
        },
      },
      links: [
        ...(group === undefined ? [] : [{ target: group.id, via: put.id }]),
        ...configurations.flatMap(({ links }) => links),
      ],
    };
  },
  computed(azure, { id }) {
    const virtualMachine = azure.resources.users(id)[0];
    return virtualMachine === undefined ? {} : { virtualMachine: { id: virtualMachine.source }, primary: true };
  },
  demandUnused(azure, { id }) {
    const user = azure.resources.users(id)[0];
    if (user === undefined) return;
    throw badRequest(
      'NicInUse',
      `Network Interface ${id} is used by existing resource ${user.source}. In order to delete the network interface, it must be dissociated from the resource. To learn more, see aka.ms/deletenic.`,
    );
  },
};

function configured(
  azure: Azure,
  put: Put,
  asked: IpConfiguration,
  index: number,
): { shown: Record<string, unknown>; links: Link[] } {
  const { subnet, publicIPAddress, primary } = asked.properties;
  const id = `${put.id}/ipConfigurations/${asked.name}`;
  const found = usable(azure, put, subnet.id, 'Microsoft.Network/virtualNetworks/subnets/join/action');
  // A network of another subscription is refused as one that is not there (azure-cli 13258).
  if (!isIn(put.subscriptionId, subnet.id)) throw invalidReference(subnet.id, put.id);
  if (publicIPAddress !== undefined) {
    usable(azure, put, publicIPAddress.id, 'Microsoft.Network/publicIPAddresses/join/action');
    demandFree(azure, publicIPAddress.id, put.id);
  }
  const properties = {
    ...asked.properties,
    privateIPAddress: privateAddress(azure, put, asked, found),
    privateIPAddressVersion: 'IPv4',
    primary: primary ?? index === 0,
    provisioningState: 'Succeeded',
  };
  const targets = [subnet.id, ...(publicIPAddress === undefined ? [] : [publicIPAddress.id])];
  return {
    shown: { name: asked.name, id, type: `${networkInterfaces.type}/ipConfigurations`, properties },
    links: targets.map((target) => ({ target, via: id })),
  };
}

const isIn = (subscriptionId: string, id: string): boolean =>
  id.toLowerCase().startsWith(`/subscriptions/${subscriptionId.toLowerCase()}/`);

/** The address that this configuration has, is given statically, or the subnet's next free one. */
function privateAddress(azure: Azure, put: Put, asked: IpConfiguration, subnet: Resource): string {
  const others = azure.resources.users(subnet.id).filter(({ source }) => source.toLowerCase() !== put.id.toLowerCase());
  const taken = new Map(others.flatMap(({ source, via }) => addressesOf(azure.resources.get(source), via)));
  const { privateIPAllocationMethod: method, privateIPAddress: wanted } = asked.properties;
  if (method === 'Static' && wanted !== undefined) {
    const holder = taken.get(wanted);
    if (holder === undefined) return wanted;
    throw badRequest(
      'PrivateIPAddressIsAllocated',
      `IP configuration ${put.id}/ipConfigurations/${asked.name} is using the private IP address ${wanted} which is already allocated to resource ${holder}.`,
    );
  }
  const before = put.existing === undefined ? undefined : nicProperties.parse(put.existing.document.properties);
  const same = before?.ipConfigurations.find(
    ({ name, properties }) => name === asked.name && properties.subnet.id.toLowerCase() === subnet.id.toLowerCase(),
  );
  return same?.properties.privateIPAddress ?? allocateAddress(subnet, taken);
}

/** The address that a configuration of a network interface has, and the configuration. */
const addressesOf = (nic: Resource | undefined, via: string): [string, string][] =>
  nic?.type !== networkInterfaces.type
    ? []
    : nicProperties
        .parse(nic.document.properties)
        .ipConfigurations.filter(({ name }) => via.toLowerCase() === `${nic.id}/ipConfigurations/${name}`.toLowerCase())
        .flatMap(({ properties }): [string, string][] =>
          properties.privateIPAddress === undefined ? [] : [[properties.privateIPAddress, via]],
        );

const macAddress = (number: number): string =>
  `00-0D-3A-${[16, 8, 0].map((shift) => ((number >> shift) & 255).toString(16).toUpperCase().padStart(2, '0')).join('-')}`;
