import { type Azure } from '../azure';
import { type Call, ok, param, type Route } from '../http/call';
import { demandProviderRegion } from '../resources/regions';

/** Azure's own defaults for a subscription and region, by the name that a usage has. */
const limits = [
  ['VirtualNetworks', 'Virtual Networks', 'virtualNetworks', 1000],
  ['NetworkSecurityGroups', 'Network Security Groups', 'networkSecurityGroups', 5000],
  ['NetworkInterfaces', 'Network Interfaces', 'networkInterfaces', 65_536],
  ['PublicIPAddresses', 'Public IP Addresses', 'publicIPAddresses', 1000],
  ['NatGateways', 'NAT Gateways', 'natGateways', 500],
] as const;

/** Counted from what there is; the limits are told, not enforced. */
export const networkUsageRoutes = (azure: Azure): readonly Route[] => [
  {
    method: 'GET',
    path: '/subscriptions/:subscriptionId/providers/Microsoft.Network/locations/:location/usages',
    api: 'arm',
    handle: (call) => ok({ value: usages(azure, call) }),
  },
];

const simple = (location: string | undefined): string => (location ?? '').toLowerCase().replaceAll(' ', '');

function usages(azure: Azure, call: Call): unknown[] {
  demandProviderRegion(call, 'locations/usages');
  return limits.map(([value, localizedValue, type, limit]) => ({
    currentValue: azure.resources
      .list(`Microsoft.Network/${type}`, `/subscriptions/${param(call, 'subscriptionId')}/`)
      .filter(({ document }) => simple(document.location) === simple(param(call, 'location'))).length,
    id: `${call.path}/${value}`,
    limit,
    name: { localizedValue, value },
    unit: 'Count',
  }));
}
