import { randomUUID } from '../random';
import { doneAt } from '../azure';
import { type Answer } from '../http/call';
import { blobOfUrl, findAccount } from './addresses';
import { demandPermission, type Holder } from './authorize';
import { signatureOf } from './sas';
import { type BlobCall, demandBlob, demandConditions, demandContainer } from './blobCall';
import { type Blob, copyStatus, PAGE, VHD_COOKIE } from './blobs';
import { blobError, notSimulated } from './errors';
import { demandNotCopying, headersOf } from './pageBlobs';

interface Source {
  readonly bytes: number;
  readonly blob: Blob | undefined;
  readonly isVhd: boolean;
}

/** `Copy Blob`: 202 and a copy id; how far it is, is read off the clock by `Get Blob Properties`. */
export function copyBlob(one: BlobCall): Answer {
  const { call, blobs, name, azure } = one;
  demandContainer(blobs, name);
  if (call.header('x-ms-requires-sync')?.toLowerCase() === 'true')
    throw notSimulated('Copy Blob From URL makes block blobs only, and is not simulated.');
  const existing = blobs.get(name);
  demandConditions(call, existing);
  demandNotCopying(azure, existing);
  const source = call.header('x-ms-copy-source') ?? '';
  const { bytes, blob, isVhd } = demandSource(one, source);
  blobs.clear(name);
  // Within an account a copy is done at once.
  const isLocal = blob?.account === name.account;
  const copy = {
    id: randomUUID(),
    source: source.split('?', 1)[0] ?? '',
    startedAt: azure.now(),
    endsAt: isLocal ? azure.now() : doneAt(azure, 'blobCopy'),
    bytes,
    aborted: false,
  };
  const headers = { ...blob?.headers, ...headersOf(call) };
  const made = blobs.put({ ...name, createdAt: existing?.createdAt ?? azure.now(), bytes, headers, copy });
  if (blob !== undefined) blobs.copyPages(blob, made);
  else if (isVhd) blobs.writePages(made, bytes - PAGE, Buffer.concat([VHD_COOKIE], PAGE));
  return {
    status: 202,
    headers: {
      ETag: made.etag,
      'Last-Modified': new Date(made.modifiedAt).toUTCString(),
      'x-ms-copy-id': copy.id,
      'x-ms-copy-status': copyStatus(copy, azure.now()),
    },
  };
}

/** A blob of the same account, one that the URL's signature opens, or a download that the tenant knows. */
function demandSource({ azure, blobs, holder, name }: BlobCall, url: string): Source {
  const from = blobOfUrl(azure, url);
  if (from === undefined) {
    const download = azure.tenant.downloads.find((one) => one.url === url.split('?', 1)[0]);
    if (download === undefined) throw blobError('CannotVerifyCopySource');
    return { bytes: download.bytes, isVhd: download.isVhd, blob: undefined };
  }
  const account = findAccount(azure, from.account);
  const { searchParams } = new URL(url);
  const isSigned = searchParams.has('sig');
  // Another account's blob is not even said to be there unless the URL is signed for it; nor is any to a signature's holder.
  const isOwn = from.account === name.account && holder.kind !== 'signature';
  if (account === undefined || (!isSigned && !isOwn)) throw blobError('CannotVerifyCopySource');
  const query = (one: string): string | undefined => searchParams.get(one) ?? undefined;
  const reader: Holder = isSigned ? signatureOf(azure, account, from, query) : holder;
  demandPermission(azure, account, reader, 'read', from.container, 'blobs');
  const blob = blobs.container(from.account, from.container) === undefined ? undefined : blobs.get(from);
  if (blob === undefined) throw blobError('CannotVerifyCopySource');
  demandNotCopying(azure, blob);
  return { bytes: blob.bytes, blob, isVhd: false };
}

/** `Abort Copy Blob`: leaves a blob of no length. */
export function abortCopy(one: BlobCall): Answer {
  const { call, blobs, azure } = one;
  const blob = demandBlob(one);
  const { copy } = blob;
  if (call.header('x-ms-copy-action') !== 'abort')
    throw blobError('MissingRequiredHeader', { HeaderName: 'x-ms-copy-action' });
  if (copy === null || copyStatus(copy, azure.now()) !== 'pending') throw blobError('NoPendingCopyOperation');
  if (copy.id !== call.query('copyid')) throw blobError('CopyIdMismatch');
  blobs.clear(blob);
  blobs.put({ ...blob, bytes: 0, copy: { ...copy, endsAt: azure.now(), aborted: true } });
  return { status: 204 };
}
