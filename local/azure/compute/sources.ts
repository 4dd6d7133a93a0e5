import { type Put, stateOf } from '../arm/kind';
import { type Azure } from '../azure';
import { AzureError, badRequest } from '../http/errors';
import { nameOf } from '../http/paths';
import { termsAccepted } from '../marketplace/agreements';
import { type Failure, type Resource } from '../store/resources';
import { type Content, contentOf } from './disks';
import { type Gallery, versionFor } from './galleryVersions';
import { type Plan, plan as planShape, type VmProperties } from './shapes';

/** What a machine starts from: an image of the platform, an image of ours, or a disk that has its system already. */
export interface Source {
  readonly content: Content;
  /** Ids of the image or disk. */
  readonly uses: readonly string[];
  /** What a version in a gallery says of its machines; nothing of other sources. */
  readonly gallery?: Gallery;
  /** A missing plan is found only while the operation runs (azure-facts §4). */
  readonly failure?: Failure;
}

export function demandSource(azure: Azure, put: Put, properties: VmProperties): Source {
  const { imageReference: image, osDisk } = properties.storageProfile;
  const plan = put.body['plan'] === undefined ? undefined : planShape.parse(put.body['plan']);
  if (plan !== undefined) demandTerms(azure, put, plan);
  if (osDisk.createOption === 'Attach') return fromDisk(azure, put, properties, plan);
  if (image === undefined)
    throw badRequest('InvalidParameter', "Required parameter 'imageReference' is missing (null).", 'imageReference');
  if (image.id === undefined) return fromPlatform(azure, put, image, plan);
  return /\/galleries\//i.test(image.id)
    ? fromVersion(azure, put, properties, image.id, plan)
    : fromImage(azure, put, image.id, plan);
}

function fromDisk(azure: Azure, put: Put, { storageProfile, osProfile }: VmProperties, plan: Plan | undefined): Source {
  const id = storageProfile.osDisk.managedDisk?.id;
  if (storageProfile.imageReference !== undefined)
    throw badRequest(
      'InvalidParameter',
      'Cannot attach an existing OS disk if the VM is created from a platform or user image.',
      'osDisk',
    );
  if (osProfile !== undefined && put.existing === undefined)
    throw badRequest('InvalidParameter', "Parameter 'osProfile' is not allowed.", 'osProfile');
  if (id === undefined)
    throw badRequest(
      'InvalidParameter',
      "Required parameter 'osDisk.managedDisk.id' is missing (null).",
      'osDisk.managedDisk.id',
    );
  const content = contentOf(demandDisk(azure, put, id));
  if (content.osType === undefined && storageProfile.osDisk.osType === undefined)
    throw badRequest('InvalidParameter', "Required parameter 'osDisk.osType' is missing (null).", 'osDisk.osType');
  return { content, uses: [id], ...planFailure(put, content.purchasePlan, plan) };
}

/** A disk to attach: there, provisioned, and nobody else's. */
export function demandDisk(azure: Azure, put: Put, id: string): Resource {
  azure.rbac.demandLinked(put.call.caller, 'Microsoft.Compute/disks/write', put.id, id);
  const disk = azure.resources.get(id);
  if (disk?.type !== 'Microsoft.Compute/disks')
    throw new AzureError(404, 'ResourceNotFound', `The entity was not found: ${id}.`, {
      members: { target: 'managedDisk.id' },
    });
  const owner = azure.resources.users(id).find(({ source }) => source.toLowerCase() !== put.id.toLowerCase());
  if (owner !== undefined)
    throw new AzureError(
      409,
      'ConflictingUserInput',
      `Disk '${id}' cannot be attached as the disk is already owned by VM '${owner.source}'.`,
    );
  const state = stateOf(azure, disk);
  if (state !== 'Succeeded')
    throw new AzureError(
      409,
      'OperationNotAllowed',
      `Disk '${nameOf(id)}' cannot be attached to VM '${put.name}' because it is in ${state} state.`,
    );
  return disk;
}

function fromImage(azure: Azure, put: Put, id: string, plan: Plan | undefined): Source {
  azure.rbac.demandLinked(put.call.caller, 'Microsoft.Compute/images/read', put.id, id);
  const image = azure.resources.get(id);
  if (image?.type !== 'Microsoft.Compute/images')
    throw new AzureError(404, 'NotFound', `The Image ${id} cannot be found.`, {
      members: { target: 'imageReference' },
    });
  if (stateOf(azure, image) !== 'Succeeded')
    throw new AzureError(
      409,
      'OperationNotAllowed',
      `The resource ${put.name} cannot be created from Image ${nameOf(id)} until Image has been successfully created.`,
    );
  const content = contentOf(image);
  return { content, uses: [id], ...planFailure(put, content.purchasePlan, plan) };
}

/** A machine of a specialized version has its administrator already. */
function fromVersion(azure: Azure, put: Put, { osProfile }: VmProperties, id: string, plan: Plan | undefined): Source {
  const { content, gallery } = versionFor(azure, put, id);
  if (gallery.osState === 'Specialized' && osProfile !== undefined && put.existing === undefined)
    throw badRequest('InvalidParameter', "Parameter 'osProfile' is not allowed.", 'osProfile');
  return { content, gallery, uses: [id], ...planFailure(put, content.purchasePlan, plan) };
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

function fromPlatform(
  azure: Azure,
  put: Put,
  image: NonNullable<VmProperties['storageProfile']['imageReference']>,
  plan: Plan | undefined,
): Source {
  const { publisher = '', offer = '', sku = '', version = 'latest' } = image;
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
  const content: Content = {
    sizeGb: found.sizeGb,
    osType: 'Linux',
    hyperVGeneration: found.generation,
    ...(found.plan === null ? {} : { purchasePlan: found.plan }),
  };
  return { content, uses: [], ...planFailure(put, content.purchasePlan, plan) };
}

function planFailure({ id }: Put, needed: Plan | undefined, given: Plan | undefined): { failure?: Failure } {
  if (needed === undefined) return {};
  const fits =
    given !== undefined &&
    same(given.name, needed.name) &&
    same(given.product, needed.product) &&
    same(given.publisher, needed.publisher);
  if (fits) return {};
  return {
    failure: {
      code: 'VMMarketplaceInvalidInput',
      message: `Creating a virtual machine from Marketplace image or a custom image sourced from a Marketplace image requires Plan information in the request. VM: '${id}'.`,
    },
  };
}

function demandTerms(azure: Azure, { subscriptionId }: Put, { publisher, product, name }: Plan): void {
  if (termsAccepted(azure, subscriptionId, { publisher, offer: product, plan: name })) return;
  throw badRequest(
    'ResourcePurchaseValidationFailed',
    `User failed validation to purchase resources. Error message: 'You have not accepted the legal terms on this subscription: '${subscriptionId}' for this plan. Before the subscription can be used, you need to accept the legal terms of the image. To read and accept legal terms, use the Azure CLI commands described at https://go.microsoft.com/fwlink/?linkid=2110637 or the PowerShell commands available at https://go.microsoft.com/fwlink/?linkid=862451. Alternatively, deploying via the Azure portal provides a UI experience for reading and accepting the legal terms. Offer details: publisher='${publisher}' offer = '${product}', sku = '${name}'.'`,
  );
}
