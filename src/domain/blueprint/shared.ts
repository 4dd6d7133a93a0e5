/** What all Sentries of a deployment share: group, network with a way out on 443, image terms. Pure. */
import type { DeploymentRequest } from '../request';
import type { Resource, ResourceOf } from '../resources';
import { armId, groupId, type Plan, staticAddress, tracked } from './plan';

/** Guide, "Create a Resource group", and what the Sentries stand on: a network with a way out on 443, and the terms. */
export function sharedResources({ request, profile }: Plan): readonly Resource[] {
  const { publisher, offer: product, plan } = profile.image;
  const agreement: ResourceOf<'marketplaceAgreement'> = {
    kind: 'marketplaceAgreement',
    key: 'marketplaceAgreement',
    id: `/subscriptions/${request.placement.subscriptionId}/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualmachine/publishers/${publisher}/offers/${product}/plans/${plan}/agreements/current`,
    needs: [],
    wanted: () => ({ publisher, product, plan, accepted: true }),
  };
  const group: ResourceOf<'resourceGroup'> = {
    kind: 'resourceGroup',
    key: 'resourceGroup',
    id: groupId(request),
    needs: [],
    wanted: () => tracked(request),
  };
  return [group, agreement, ...(request.network.kind === 'managed' ? managedNetwork(request, request.network) : [])];
}

/** Subnets are private by default now: without the NAT gateway the Sentry could not report. */
function managedNetwork(
  request: DeploymentRequest,
  { addressPrefix }: { readonly addressPrefix: string },
): readonly Resource[] {
  const network = armId(request, 'Microsoft.Network/virtualNetworks', `${request.name}-vnet`);
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
      id: armId(request, 'Microsoft.Network/publicIPAddresses', `${request.name}-egress-ip`),
      needs: ['resourceGroup'],
      wanted: () => staticAddress(request),
    },
    {
      kind: 'natGateway',
      key: 'natGateway',
      id: armId(request, 'Microsoft.Network/natGateways', `${request.name}-egress`),
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
      id: `${network}/subnets/sentry`,
      needs: ['virtualNetwork', 'natGateway'],
      wanted: (given) => ({
        addressPrefix,
        natGateway: { id: given('natGateway', 'id') },
        defaultOutboundAccess: false,
      }),
    },
  ];
}
