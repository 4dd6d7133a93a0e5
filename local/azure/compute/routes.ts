import { doneAt, type Azure } from '../azure';
import { find } from '../arm/resourceRoutes';
import { type Answer, type Call, ok, param, type Route } from '../http/call';
import { AzureError } from '../http/errors';
import { coresUsed } from './placement';
import { instanceView } from './instanceView';
import { virtualMachines } from './virtualMachines';

const VM =
  '/subscriptions/:subscriptionId/resourceGroups/:resourceGroup/providers/Microsoft.Compute/virtualMachines/:name';
const REGION = '/subscriptions/:subscriptionId/providers/Microsoft.Compute/locations/:location';
const IMAGES = `${REGION}/publishers/:publisher/artifacttypes/vmimage/offers/:offer/skus/:sku/versions`;

/** Power actions, instance view, images, sizes and usage: what is not a resource of its own. */
export const computeRoutes = (azure: Azure): readonly Route[] => [
  {
    method: 'GET',
    path: `${VM}/instanceView`,
    api: 'arm',
    handle: (call) => ok(instanceView(azure, find(azure, virtualMachines, call))),
  },
  ...(['start', 'restart', 'powerOff', 'deallocate'] as const).map((action): Route => ({
    method: 'POST',
    path: `${VM}/${action}`,
    api: 'arm',
    handle: (call) => powerAction(azure, call, action),
  })),
  { method: 'GET', path: IMAGES, api: 'arm', handle: (call) => ok(versions(azure, call)) },
  { method: 'GET', path: `${IMAGES}/:version`, api: 'arm', handle: (call) => ok(image(azure, call)) },
  {
    method: 'GET',
    path: '/subscriptions/:subscriptionId/providers/Microsoft.Compute/skus',
    api: 'arm',
    handle: () => ok({ value: sizes(azure) }),
  },
  { method: 'GET', path: `${REGION}/usages`, api: 'arm', handle: (call) => ok({ value: usages(azure, call) }) },
];

type Action = 'start' | 'restart' | 'powerOff' | 'deallocate';
const powerAfter = { start: 'running', restart: 'running', powerOff: 'stopped', deallocate: 'deallocated' } as const;

function powerAction(azure: Azure, call: Call, action: Action): Answer {
  const vm = find(azure, virtualMachines, call);
  const endsAt = doneAt(azure, 'virtualMachineAction');
  const was = vm.hidden['power'];
  const startedAt = action === 'restart' || (action === 'start' && was !== 'running') ? endsAt : vm.hidden['startedAt'];
  azure.resources.setHidden(vm.id, { ...vm.hidden, power: powerAfter[action], startedAt });
  const headers = azure.operations.accepted({
    subscriptionId: param(call, 'subscriptionId'),
    namespace: 'Microsoft.Compute',
    location: vm.document.location ?? azure.tenant.location,
    apiVersion: call.query('api-version') ?? '',
    endsAt,
    failure: null,
  });
  return { status: 202, headers };
}

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
      hyperVGeneration: 'V2',
      architecture: 'x64',
      osDiskImage: { operatingSystem: 'Linux', sizeInGb: 31 },
      dataDiskImages: [],
      ...(one.plan === null ? {} : { plan: one.plan }),
    },
  };
}

const sizes = (azure: Azure): unknown[] =>
  Object.entries(azure.tenant.vmSizes).map(([name, { cores, memoryGb, family, unavailableIn }]) => ({
    resourceType: 'virtualMachines',
    name,
    tier: 'Standard',
    size: name.replace('Standard_', ''),
    family,
    locations: [azure.tenant.location],
    capabilities: [
      { name: 'vCPUs', value: String(cores) },
      { name: 'MemoryGB', value: String(memoryGb) },
    ],
    restrictions: unavailableIn.map((location) => ({
      type: 'Location',
      values: [location],
      restrictionInfo: { locations: [location] },
      reasonCode: 'NotAvailableForSubscription',
    })),
  }));

function usages(azure: Azure, call: Call): unknown[] {
  const families = new Set(Object.values(azure.tenant.vmSizes).map(({ family }) => family));
  return [...families].map((family) => ({
    unit: 'Count',
    currentValue: coresUsed(azure, param(call, 'subscriptionId'), param(call, 'location').toLowerCase(), family),
    limit: azure.tenant.quotas.families[family] ?? azure.tenant.quotas.default,
    name: { value: family, localizedValue: `${family} vCPUs` },
  }));
}
