import { type Azure } from '../azure';
import { type Call, ok, param, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { demandProviderRegion, regions, simpleRegion } from '../resources/regions';
import { machinesIn } from './placement';

const REGION = '/subscriptions/:subscriptionId/providers/Microsoft.Compute/locations/:location';
const IMAGES = `${REGION}/publishers/:publisher/artifacttypes/vmimage/offers/:offer/skus/:sku/versions`;

/** What a region offers: platform images, sizes and how much of them is in use. */
export const catalogueRoutes = (azure: Azure): readonly Route[] => [
  { method: 'GET', path: IMAGES, api: 'arm', handle: (call) => ok(versions(azure, call)) },
  { method: 'GET', path: `${IMAGES}/:version`, api: 'arm', handle: (call) => ok(image(azure, call)) },
  {
    method: 'GET',
    path: '/subscriptions/:subscriptionId/providers/Microsoft.Compute/skus',
    api: 'arm',
    handle: (call) => ok({ value: skus(azure, call) }),
  },
  { method: 'GET', path: `${REGION}/vmSizes`, api: 'arm', handle: (call) => ok({ value: sizes(azure, call) }) },
  { method: 'GET', path: `${REGION}/usages`, api: 'arm', handle: (call) => ok({ value: usages(azure, call) }) },
];

function found(azure: Azure, call: Call): Azure['tenant']['images'][number] | undefined {
  const same = (a: string, name: string): boolean => a.toLowerCase() === param(call, name).toLowerCase();
  return azure.tenant.images.find(
    ({ publisher, offer, sku }) => same(publisher, 'publisher') && same(offer, 'offer') && same(sku, 'sku'),
  );
}

const versions = (azure: Azure, call: Call): unknown[] =>
  (found(azure, call)?.versions ?? []).map((name) => ({
    location: param(call, 'location'),
    name,
    id: `${call.path}/${name}`,
  }));

function image(azure: Azure, call: Call): Record<string, unknown> {
  const one = found(azure, call);
  const version = param(call, 'version');
  if (one === undefined || !one.versions.includes(version)) {
    throw new AzureError(404, 'NotFound', `Artifact: VMImage was not found.`);
  }
  return {
    location: param(call, 'location'),
    name: version,
    id: call.path,
    properties: {
      hyperVGeneration: one.generation,
      architecture: 'x64',
      osDiskImage: { operatingSystem: 'Linux', sizeInGb: one.sizeGb },
      dataDiskImages: [],
      ...(one.plan === null ? {} : { plan: one.plan }),
    },
  };
}

/** The region of `$filter=location eq '…'`, the one filter that this API takes. */
function filtered(azure: Azure, call: Call): string {
  const filter = call.query('$filter');
  if (filter === undefined) return azure.tenant.location;
  const location = /^\s*location eq '([^']+)'\s*$/i.exec(filter)?.[1];
  if (location !== undefined) return simpleRegion(location);
  throw new AzureError(
    400,
    'InvalidFilterInQueryString',
    `Invalid $filter '${filter}' specified in the query string. The filter must be of the form: location eq '<location>'.`,
  );
}

function skus(azure: Azure, call: Call): unknown[] {
  const location = filtered(azure, call);
  if (!regions.some((one) => simpleRegion(one) === location)) return [];
  return Object.entries(azure.tenant.vmSizes).map(([name, size]) => ({
    resourceType: 'virtualMachines',
    name,
    tier: 'Standard',
    size: name.replace('Standard_', ''),
    family: size.family,
    locations: [location],
    locationInfo: [{ location, zones: ['1', '2', '3'], zoneDetails: [] }],
    capabilities: Object.entries({
      vCPUs: size.cores,
      MemoryGB: size.memoryGb,
      MaxDataDiskCount: size.maxDataDisks,
      HyperVGenerations: size.generations.join(','),
      CpuArchitectureType: 'x64',
      ...(size.trustedLaunch ? {} : { TrustedLaunchDisabled: 'True' }),
      EncryptionAtHostSupported: size.encryptionAtHost ? 'True' : 'False',
      PremiumIO: /s(_v\d+)?$/.test(name) ? 'True' : 'False',
    }).map(([capability, value]) => ({ name: capability, value: String(value) })),
    restrictions: restrictions(size, location),
  }));
}

function restrictions(size: Azure['tenant']['vmSizes'][string], location: string): unknown[] {
  const reasonCode = 'NotAvailableForSubscription';
  const zones = size.unavailableZones;
  const values = [location];
  if (size.unavailableIn.includes(location))
    return [{ type: 'Location', values, restrictionInfo: { locations: values }, reasonCode }];
  return zones.length === 0
    ? []
    : [{ type: 'Zone', values, restrictionInfo: { locations: values, zones }, reasonCode }];
}

function sizes(azure: Azure, call: Call): unknown[] {
  demandProviderRegion(call, 'locations/vmSizes');
  return Object.entries(azure.tenant.vmSizes)
    .filter(([, { unavailableIn }]) => !unavailableIn.includes(simpleRegion(param(call, 'location'))))
    .map(([name, { cores, memoryGb, maxDataDisks }]) => ({
      name,
      numberOfCores: cores,
      osDiskSizeInMB: 1_047_552,
      resourceDiskSizeInMB: cores * 8192,
      memoryInMB: memoryGb * 1024,
      maxDataDiskCount: maxDataDisks,
    }));
}

/** Counted from the machines there are. */
function usages(azure: Azure, call: Call): unknown[] {
  demandProviderRegion(call, 'locations/usages');
  const { quotas, vmSizes } = azure.tenant;
  const machines = machinesIn(azure, param(call, 'subscriptionId'), param(call, 'location'));
  const cores = (family?: string): number =>
    machines.filter((one) => family === undefined || one.family === family).reduce((sum, one) => sum + one.cores, 0);
  const usage = (value: string, localizedValue: string, currentValue: number, limit: number): unknown => ({
    unit: 'Count',
    currentValue,
    limit,
    name: { value, localizedValue },
  });
  const families = [...new Set(Object.values(vmSizes).map(({ family }) => family))];
  return [
    usage('cores', 'Total Regional vCPUs', cores(), quotas.regional),
    usage('virtualMachines', 'Virtual Machines', machines.length, quotas.virtualMachines),
    ...families.map((family) =>
      usage(family, `${family} vCPUs`, cores(family), quotas.families[family] ?? quotas.default),
    ),
  ];
}
