import { type Put } from '../arm/kind';
import { type Azure } from '../azure';
import { AzureError, badRequest } from '../http/errors';
import { termsAccepted } from '../marketplace/agreements';
import { type Failure } from '../store/resources';
import { plan as planShape, vmProperties, type VmProperties } from './shapes';

const VM = 'Microsoft.Compute/virtualMachines';

/** Size, its availability in the region, and the quota of its family: refused at once, with what Azure says (azure-facts §4). */
export function demandSize(azure: Azure, put: Put, properties: VmProperties): void {
  const name = properties.hardwareProfile.vmSize;
  const location = (put.body.location ?? '').toLowerCase();
  const size = azure.tenant.vmSizes[name];
  if (size === undefined) {
    const known = Object.keys(azure.tenant.vmSizes).join(', ');
    throw badRequest(
      'InvalidParameter',
      `The value ${name} provided for the VM size is not valid. The valid sizes in the current region are: ${known}. Find out more on the valid VM sizes in each region at https://aka.ms/azure-regions.`,
      'vmSize',
    );
  }
  if (size.unavailableIn.includes(location)) {
    throw new AzureError(
      409,
      'SkuNotAvailable',
      `The requested VM size for resource 'Following SKUs have failed for Capacity Restrictions: ${name}' is currently not available in location '${location}'. Please try another size or deploy to a different location or different zone. See https://aka.ms/azureskunotavailable for details.`,
    );
  }
  const limit = azure.tenant.quotas.families[size.family] ?? azure.tenant.quotas.default;
  const used = coresUsed(azure, put.subscriptionId, location, size.family, put.id);
  if (used + size.cores <= limit) return;
  throw new AzureError(
    409,
    'OperationNotAllowed',
    `Operation could not be completed as it results in exceeding approved ${size.family} Cores quota. Additional details - Deployment Model: Resource Manager, Location: ${location}, Current Limit: ${limit}, Current Usage: ${used}, Additional Required: ${size.cores}, (Minimum) New Limit Required: ${used + size.cores}. Submit a request for Quota increase at https://aka.ms/ProdportalCRP/#blade/Microsoft_Azure_Capacity/UsageAndQuota.ReactView by specifying parameters listed in the ‘Details’ section for deployment to succeed. Please read more about quota limits at https://docs.microsoft.com/en-us/azure/azure-supportability/per-vm-quota-requests`,
  );
}

/** Cores of a family that a subscription uses in a region, one VM aside. */
export function coresUsed(azure: Azure, subscriptionId: string, location: string, family: string, except = ''): number {
  return azure.resources
    .list(VM, `/subscriptions/${subscriptionId}/`)
    .filter(
      ({ id, document }) => id.toLowerCase() !== except.toLowerCase() && document.location?.toLowerCase() === location,
    )
    .map(({ document }) => azure.tenant.vmSizes[vmProperties.parse(document.properties).hardwareProfile.vmSize])
    .reduce((sum, size) => sum + (size?.family === family ? size.cores : 0), 0);
}

/** The image must exist, and its plan be named and its terms accepted. A missing plan fails later, as an operation. */
export function demandImage(azure: Azure, put: Put, properties: VmProperties): Failure | undefined {
  const image = properties.storageProfile.imageReference;
  if (image === undefined) return undefined;
  if (image.id !== undefined) {
    if (azure.resources.get(image.id) !== undefined) return undefined;
    throw new AzureError(404, 'NotFound', `The resource ${image.id} was not found.`);
  }
  const { publisher = '', offer = '', sku = '', version = 'latest' } = image;
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  const found = azure.tenant.images.find(
    (one) => same(one.publisher, publisher) && same(one.offer, offer) && same(one.sku, sku),
  );
  if (found === undefined || (version !== 'latest' && !found.versions.includes(version))) {
    throw new AzureError(
      404,
      'PlatformImageNotFound',
      `The platform image '${publisher}:${offer}:${sku}:${version}' is not available. Verify that all fields in the storage profile are correct. For more details about storage profile information, please refer to https://aka.ms/storageprofile`,
      { members: { target: 'imageReference' } },
    );
  }
  const plan = put.body['plan'] === undefined ? undefined : planShape.parse(put.body['plan']);
  if (plan !== undefined) demandTerms(azure, put, plan);
  if (found.plan === null) return undefined;
  const fits =
    plan !== undefined &&
    same(plan.name, found.plan.name) &&
    same(plan.product, found.plan.product) &&
    same(plan.publisher, found.plan.publisher);
  if (fits) return undefined;
  return {
    code: 'VMMarketplaceInvalidInput',
    message: `Creating a virtual machine from Marketplace image or a custom image sourced from a Marketplace image requires Plan information in the request. VM: '${put.id}'.`,
  };
}

function demandTerms(
  azure: Azure,
  { subscriptionId }: Put,
  plan: { name: string; publisher: string; product: string },
): void {
  const { publisher, product, name } = plan;
  if (termsAccepted(azure, subscriptionId, { publisher, offer: product, plan: name })) return;
  throw badRequest(
    'ResourcePurchaseValidationFailed',
    `User failed validation to purchase resources. Error message: 'You have not accepted the legal terms on this subscription: '${subscriptionId}' for this plan. Before the subscription can be used, you need to accept the legal terms of the image. To read and accept legal terms, use the Azure CLI commands described at https://go.microsoft.com/fwlink/?linkid=2110637 or the PowerShell commands available at https://go.microsoft.com/fwlink/?linkid=862451. Alternatively, deploying via the Azure portal provides a UI experience for reading and accepting the legal terms. Offer details: publisher='${publisher}' offer = '${product}', sku = '${name}'.'`,
  );
}
