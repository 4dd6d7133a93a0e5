import { AzureError, badRequest } from '../http/errors';
import { type Call, ok, param, type Route } from '../http/call';
import { type Azure } from '../azure';
import { demandSubscription } from './subscriptions';

/** As Azure displays them: a resource takes the name with or without spaces, in any case. */
export const regions = ['West Europe', 'North Europe', 'East US', 'East US 2', 'Central US', 'South Central US', 'West US', 'West US 2', 'West US 3', 'UK South', 'UK West', 'France Central', 'Germany West Central', 'Italy North', 'Norway East', 'Poland Central', 'Spain Central', 'Sweden Central', 'Switzerland North', 'Canada Central', 'Brazil South', 'Australia East', 'Southeast Asia', 'East Asia', 'Japan East', 'Korea Central', 'Central India', 'South Africa North', 'UAE North']; // prettier-ignore

export const simpleRegion = (location: string): string => location.toLowerCase().replaceAll(' ', '');

const names = regions.map(simpleRegion);
/** As Azure displays the region of that name; what is none stays as it is. */
export const displayedRegion = (location: string): string => regions[names.indexOf(simpleRegion(location))] ?? location;

const isRegion = (location: string): boolean => names.includes(simpleRegion(location));

/** Azure refuses a resource in a region that its type has not, before its provider sees it. */
export function demandRegion(type: string, location: string | undefined): void {
  if (location === undefined || isRegion(location)) return;
  throw badRequest(
    'LocationNotAvailableForResourceType',
    `The provided location '${location}' is not available for resource type '${type}'. List of available regions for the resource type is '${names.join(',')}'.`,
  );
}

export function demandGroupRegion(location: string): void {
  if (isRegion(location)) return;
  throw new AzureError(
    400,
    'LocationNotAvailableForResourceGroup',
    `The provided location '${location}' is not available for resource group. List of available regions is '${names.join(',')}'.`,
  );
}

/** What is asked of a region by its name, where the provider is in none of that name. */
export function demandProviderRegion(call: Call, type: string): void {
  const location = param(call, 'location');
  if (isRegion(location)) return;
  throw new AzureError(
    400,
    'NoRegisteredProviderFound',
    `No registered resource provider found for location '${location}' and API version '${call.query('api-version') ?? ''}' for type '${type}'. The supported api-versions are '${call.query('api-version') ?? ''}'. The supported locations are '${names.join(', ')}'.`,
  );
}

/** The regions of a subscription. */
export const regionRoutes = (azure: Azure): readonly Route[] => [
  {
    method: 'GET',
    path: '/subscriptions/:subscriptionId/locations',
    api: 'arm',
    handle: (call) => {
      const { id } = demandSubscription(azure, param(call, 'subscriptionId'));
      return ok({ value: regions.map((displayName) => shown(id, displayName)) });
    },
  },
];

const shown = (subscriptionId: string, displayName: string): Record<string, unknown> => ({
  id: `/subscriptions/${subscriptionId}/locations/${simpleRegion(displayName)}`,
  name: simpleRegion(displayName),
  type: 'Region',
  displayName,
  regionalDisplayName: displayName,
  metadata: { regionType: 'Physical', regionCategory: 'Recommended' },
});
