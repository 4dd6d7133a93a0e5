import { type Put } from '../arm/kind';
import { type Azure } from '../azure';
import { nameOf } from '../http/paths';
import { blobOfUrl, findAccount } from '../storage/addresses';
import { Blobs, copyStatus } from '../storage/blobs';
import { type Failure } from '../store/resources';

type Vhd = { readonly sizeGb: number; readonly failure?: never } | { readonly failure: Failure };

const failed = (code: string, message: string): Vhd => ({ failure: { code, message } });

/** The VHD that a disk or an image is made from. What is wrong with it comes out while the operation runs, not before. */
export function readVhd(
  azure: Azure,
  { name, body, subscriptionId }: Put,
  uri: string,
  storageAccountId?: string,
): Vhd {
  const address = blobOfUrl(azure, uri);
  const account = address === undefined ? undefined : findAccount(azure, address.account);
  const blobs = new Blobs(azure);
  const blob = address === undefined ? undefined : blobs.get(address);
  if (account === undefined || blob === undefined)
    return failed('DiskBlobNotFound', `Unable to find VHD blob with URI ${uri} for disk '${name}'.`);
  const isOwn = account.id.toLowerCase().startsWith(`/subscriptions/${subscriptionId.toLowerCase()}/`);
  const isNamed = storageAccountId?.toLowerCase() === account.id.toLowerCase();
  if ((!isOwn && !isNamed) || simple(account.document.location) !== simple(body.location))
    return failed(
      'InternalOperationError',
      `Could not resolve storage account ${nameOf(account.id)}. Please ensure it was created through the Storage Resource Provider in the same location as the compute resource.`,
    );
  // The blob is leased while it is read, and one that is being copied to cannot be.
  if (blob.copy !== null && copyStatus(blob.copy, azure.now()) === 'pending')
    return failed(
      'AcquireDiskLeaseFailed',
      `Failed to acquire lease while creating disk '${name}' using blob with URI ${uri}. Blob is already in use.`,
    );
  if (!blobs.isVhd(blob))
    return failed(
      'InvalidVhd',
      `The specified cookie value in VHD footer indicates that disk '${name}' with blob ${uri} is not a supported VHD. Disk is expected to have cookie value 'conectix'.`,
    );
  const bytes = blob.bytes - 512;
  if (bytes % 2 ** 20 !== 0)
    return failed(
      'InvalidVhd',
      `The VHD '${uri}' has an unsupported virtual size of ${bytes} bytes. The size must be a whole number (in MBs).`,
    );
  return { sizeGb: Math.max(1, Math.ceil(bytes / 2 ** 30)) };
}

const simple = (location: string | undefined): string => (location ?? '').toLowerCase().replaceAll(' ', '');
