import { type Put } from '../arm/kind';
import { type Azure } from '../azure';
import { AzureError, badRequest } from '../http/errors';
import { type Content } from './disks';
import { vmProperties, type VmProperties } from './shapes';

const VM = 'Microsoft.Compute/virtualMachines';

type Size = Azure['tenant']['vmSizes'][string];

/** The machine's size, or 400 naming those there are. */
function demandSize(azure: Azure, name: string): Size {
  const size = azure.tenant.vmSizes[name];
  if (size !== undefined) return size;
  const known = Object.keys(azure.tenant.vmSizes).join(', ');
  throw badRequest(
    'InvalidParameter',
    `The value ${name} provided for the VM size is not valid. The valid sizes in the current region are: ${known}. Find out more on the valid VM sizes in each region at https://aka.ms/azure-regions.`,
    'vmSize',
  );
}

/** Capacity of the region and zone, and quota: refused at once, with what Azure says (azure-facts §4). */
export function demandCapacity(azure: Azure, put: Put, name: string, zones: readonly string[]): void {
  const size = demandSize(azure, name);
  const location = simple(put.body.location);
  if (size.unavailableIn.includes(location) || zones.some((zone) => size.unavailableZones.includes(zone))) {
    throw new AzureError(
      409,
      'SkuNotAvailable',
      `The requested VM size for resource 'Following SKUs have failed for Capacity Restrictions: ${name}' is currently not available in location '${location}'. Please try another size or deploy to a different location or different zone. See https://aka.ms/azureskunotavailable for details.`,
    );
  }
  demandQuota(azure, put, size, location);
}

/** Of the machine's family, of all families in the region, and of machines. */
function demandQuota(azure: Azure, put: Put, { cores, family }: Size, location: string): void {
  const { quotas } = azure.tenant;
  const others = machinesIn(azure, put.subscriptionId, location).filter(({ id }) => id !== put.id.toLowerCase());
  const sum = (all: typeof others): number => all.reduce((total, one) => total + one.cores, 0);
  const limits = [
    [
      `${family} Cores`,
      quotas.families[family] ?? quotas.default,
      sum(others.filter((one) => one.family === family)),
      cores,
    ],
    ['Total Regional Cores', quotas.regional, sum(others), cores],
    ['Virtual Machines', quotas.virtualMachines, others.length, 1],
  ] as const;
  const broken = limits.find(([, limit, used, more]) => used + more > limit);
  if (broken === undefined) return;
  const [what, limit, used, more] = broken;
  throw new AzureError(
    409,
    'OperationNotAllowed',
    `Operation could not be completed as it results in exceeding approved ${what} quota. Additional details - Deployment Model: Resource Manager, Location: ${location}, Current Limit: ${limit}, Current Usage: ${used}, Additional Required: ${more}, (Minimum) New Limit Required: ${used + more}. Submit a request for Quota increase at https://aka.ms/ProdportalCRP/#blade/Microsoft_Azure_Capacity/UsageAndQuota.ReactView by specifying parameters listed in the ‘Details’ section for deployment to succeed. Please read more about quota limits at https://docs.microsoft.com/en-us/azure/azure-supportability/per-vm-quota-requests`,
  );
}

const simple = (location: string | undefined): string => (location ?? '').toLowerCase().replaceAll(' ', '');

/** A subscription's machines in a region, deallocated ones too: they count against quotas as well. */
export const machinesIn = (
  azure: Azure,
  subscriptionId: string,
  location: string,
): { readonly id: string; readonly cores: number; readonly family: string }[] =>
  azure.resources
    .list(VM, `/subscriptions/${subscriptionId}/`)
    .filter(({ document }) => simple(document.location) === simple(location))
    .map(({ id, document }) => {
      const size = azure.tenant.vmSizes[vmProperties.parse(document.properties).hardwareProfile.vmSize];
      return { id: id.toLowerCase(), cores: size?.cores ?? 0, family: size?.family ?? '' };
    });

/** The size must boot the disk's generation and take as many data disks; no disk may be smaller than what goes onto it. */
export function demandDisksFit(azure: Azure, asked: VmProperties, content: Content): void {
  const { vmSize } = asked.hardwareProfile;
  const size = demandSize(azure, vmSize);
  const generation = content.hyperVGeneration.slice(1);
  if (!size.generations.includes(content.hyperVGeneration))
    throw badRequest(
      'BadRequest',
      `The selected VM size '${vmSize}' cannot boot Hypervisor Generation '${generation}'. If this was a Create operation please check that the Hypervisor Generation of the Image matches the Hypervisor Generation of the selected VM Size. If this was an Update operation please select a Hypervisor Generation '${generation}' VM Size. For more information, see https://aka.ms/azuregen2vm`,
    );
  const { osDisk, dataDisks } = asked.storageProfile;
  if (osDisk.diskSizeGB !== undefined && osDisk.diskSizeGB < content.sizeGb)
    throw badRequest(
      'InvalidParameter',
      `The specified disk size ${osDisk.diskSizeGB} GB is smaller than the size of the corresponding disk in the VM image: ${content.sizeGb} GB. This is not allowed. Please choose equal or greater size or do not specify an explicit size.`,
      'osDisk.diskSizeGB',
    );
  if (dataDisks.length > size.maxDataDisks)
    throw new AzureError(
      409,
      'OperationNotAllowed',
      `The maximum number of data disks allowed to be attached to a VM of this size is ${size.maxDataDisks}.`,
      { members: { target: 'dataDisks' } },
    );
  const twice = dataDisks.find(({ lun }, index) => dataDisks.findIndex((one) => one.lun === lun) !== index);
  if (twice !== undefined)
    throw badRequest('InvalidParameter', `A disk at LUN ${twice.lun} already exists.`, 'dataDisk.lun');
}
