/** What all Sentries of a deployment share: group, network with a way out on 443, image terms. Pure. */
import type { Resource, ResourceOf } from '../resources';
import { applianceOf, armId, type Blueprint, groupId, staticAddress, tracked } from './blueprint';
import { imageResources } from './image';
import { sharedName } from './naming';
import { needingProviders, providerRegistrations } from './providers';
import { sentryResources } from './sentry';

/** Guide, "Create a Resource group", and what the Sentries stand on: a network with a way out on 443, and the terms. */
export function sharedResources(blueprint: Blueprint): readonly Resource[] {
  const shared = groupAndNetwork(blueprint);
  const registrations = providerRegistrations(blueprint, [...shared, ...sentryResources(blueprint, 1, [])]);
  return [...registrations, ...needingProviders(blueprint, shared)];
}

function groupAndNetwork(blueprint: Blueprint): readonly Resource[] {
  const { request } = blueprint;
  const group: ResourceOf<'resourceGroup'> = {
    kind: 'resourceGroup',
    key: 'resourceGroup',
    id: groupId(request),
    needs: [],
    wanted: () => tracked(request),
  };
  const appliance = applianceOf(blueprint);
  if (!appliance) return [group];
  const { network } = appliance;
  return [
    group,
    ...imageResources(blueprint, appliance),
    ...(network.kind === 'managed' ? managedNetwork(blueprint, network) : []),
  ];
}

/** Subnets are private by default now: without the NAT gateway the Sentry could not report. */
function managedNetwork(
  blueprint: Blueprint,
  { addressPrefix }: { readonly addressPrefix: string },
): readonly Resource[] {
  const { request } = blueprint;
  const network = armId(request, 'Microsoft.Network/virtualNetworks', sharedName(blueprint, 'virtualNetwork'));
  return [
    {
      kind: 'virtualNetwork',
      key: 'virtualNetwork',
      id: network,
      needs: ['resourceGroup'],
      wanted: () => ({ ...tracked(request), addressSpace: { addressPrefixes: [addressPrefix] } }),
    },
    {
      kind: 'publicIPAddress',
      key: 'egressAddress',
      id: armId(request, 'Microsoft.Network/publicIPAddresses', sharedName(blueprint, 'egressAddress')),
      needs: ['resourceGroup'],
      wanted: () => staticAddress(request),
    },
    {
      kind: 'natGateway',
      key: 'natGateway',
      id: armId(request, 'Microsoft.Network/natGateways', sharedName(blueprint, 'natGateway')),
      needs: ['egressAddress'],
      wanted: (given) => ({
        ...tracked(request),
        sku: { name: 'Standard' },
        publicIpAddresses: [{ id: given('egressAddress', 'id') }],
      }),
    },
    {
      kind: 'subnet',
      key: 'subnet',
      id: `${network}/subnets/${sharedName(blueprint, 'subnet')}`,
      needs: ['virtualNetwork', 'natGateway'],
      wanted: (given) => ({
        addressPrefix,
        natGateway: { id: given('natGateway', 'id') },
        defaultOutboundAccess: false,
      }),
    },
  ];
}
