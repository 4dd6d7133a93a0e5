import { type Azure } from '../azure';
import { type Call } from '../http/call';
import { type Resource } from '../store/resources';
import { type Holder } from './authorize';
import { type Blob, type BlobName, type Blobs } from './blobs';
import { blobError } from './errors';

/** One request to the blob service, its caller known. */
export interface BlobCall {
  readonly azure: Azure;
  readonly account: Resource;
  readonly holder: Holder;
  readonly blobs: Blobs;
  readonly call: Call;
  readonly name: BlobName;
}

/** The blob, its container being there and its ETag what the caller expects. */
export function demandBlob({ blobs, name, call }: BlobCall): Blob {
  demandContainer(blobs, name);
  const blob = blobs.get(name);
  if (blob === undefined) throw blobError('BlobNotFound');
  demandConditions(call, blob);
  return blob;
}

export function demandConditions(call: Call, blob: Blob | undefined): void {
  const [match, none] = [call.header('if-match'), call.header('if-none-match')];
  if (match !== undefined && (blob === undefined || (match !== '*' && match !== blob.etag)))
    throw blobError('ConditionNotMet');
  if (none === undefined || blob === undefined) return;
  if (none === '*') throw blobError('BlobAlreadyExists');
  if (none === blob.etag) throw blobError('ConditionNotMet');
}

export function demandContainer(blobs: Blobs, { account, container }: BlobName): void {
  const found = blobs.container(account, container);
  if (found === undefined) throw blobError('ContainerNotFound');
  if (found.goneAt !== null) throw blobError('ContainerBeingDeleted');
}
