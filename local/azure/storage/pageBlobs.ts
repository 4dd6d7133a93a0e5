import { type Azure } from '../azure';
import { type Answer, type Call } from '../http/call';
import { type BlobCall, demandBlob, demandConditions, demandContainer } from './blobCall';
import { type Blob, copyStatus, PAGE } from './blobs';
import { blobError, notSimulated } from './errors';

const MOST_BYTES = 8 * 2 ** 40;
const MOST_AT_ONCE = 4 * 2 ** 20;

const invalidHeader = (name: string, value: string): Error =>
  blobError('InvalidHeaderValue', { HeaderName: name, HeaderValue: value });

/** `Put Blob` of a page blob: all zeros, in whole pages. */
export function putBlob(one: BlobCall): Answer {
  const { call, blobs, name, azure } = one;
  demandContainer(blobs, name);
  const type = call.header('x-ms-blob-type');
  if (type === undefined) throw blobError('MissingRequiredHeader', { HeaderName: 'x-ms-blob-type' });
  if (type !== 'PageBlob') throw notSimulated(`Blobs of type ${type} are not simulated.`);
  const length = call.header('x-ms-blob-content-length');
  if (length === undefined) throw blobError('MissingRequiredHeader', { HeaderName: 'x-ms-blob-content-length' });
  const bytes = Number(length);
  if (!Number.isInteger(bytes) || bytes < 0 || bytes % PAGE !== 0 || bytes > MOST_BYTES)
    throw invalidHeader('x-ms-blob-content-length', length);
  const existing = blobs.get(name);
  demandConditions(call, existing);
  demandNotCopying(azure, existing);
  blobs.clear(name);
  const headers = headersOf(call);
  return created(blobs.put({ ...name, createdAt: azure.now(), bytes, headers, copy: null }));
}

/** Content type and metadata, kept under the names that an answer gives them. */
export function headersOf(call: Call): Record<string, string> {
  const metadata = call.headerNames().filter((name) => name.toLowerCase().startsWith('x-ms-meta-'));
  return {
    'Content-Type': call.header('x-ms-blob-content-type') ?? 'application/octet-stream',
    ...Object.fromEntries(metadata.map((name) => [name, call.header(name) ?? ''])),
  };
}

const versionOf = ({ etag, modifiedAt }: Blob): Record<string, string> => ({
  ETag: etag,
  'Last-Modified': new Date(modifiedAt).toUTCString(),
});

const created = (blob: Blob): Answer => ({
  status: 201,
  headers: { ...versionOf(blob), 'x-ms-request-server-encrypted': 'true' },
});

/** `Put Page`: update or clear, in whole pages, at most 4 MiB. */
export function putPages(one: BlobCall): Answer {
  const { call, blobs, azure } = one;
  const blob = demandBlob(one);
  demandNotCopying(azure, blob);
  const [start, end] = demandRange(call, blob);
  const bytes = end - start + 1;
  const isClear = call.header('x-ms-page-write')?.toLowerCase() === 'clear';
  const content = isClear ? Buffer.alloc(bytes) : call.body instanceof Uint8Array ? call.body : Buffer.alloc(0);
  if (bytes > MOST_AT_ONCE || content.length !== bytes) throw invalidHeader('Content-Length', String(content.length));
  blobs.writePages(blob, start, content);
  const { etag: _, modifiedAt: __, ...kept } = blob;
  return { status: 201, headers: { ...versionOf(blobs.put(kept)), 'x-ms-blob-sequence-number': '0' } };
}

function demandRange(call: Call, { bytes }: Blob): readonly [start: number, end: number] {
  const text = call.header('x-ms-range') ?? call.header('range');
  if (text === undefined) throw blobError('MissingRequiredHeader', { HeaderName: 'x-ms-range' });
  const [, first = '', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(text) ?? [];
  const [start, end] = [Number(first), Number(last)];
  if (first === '' || start % PAGE !== 0 || (end + 1) % PAGE !== 0) throw invalidHeader('x-ms-range', text);
  if (end < start || end >= bytes) throw blobError('InvalidPageRange');
  return [start, end];
}

/** `Get Blob`: at most 4 MiB at a time here, whole pages. */
export function getBlob(one: BlobCall): Answer {
  const blob = demandBlob(one);
  const isWhole = (one.call.header('x-ms-range') ?? one.call.header('range')) === undefined;
  if (isWhole && blob.bytes === 0)
    return { status: 200, body: Buffer.alloc(0), headers: shownHeaders(one.azure, blob) };
  const [start, end] = isWhole ? [0, blob.bytes - 1] : demandRange(one.call, blob);
  if (end - start >= MOST_AT_ONCE) throw notSimulated('Reading more than 4 MiB at once is not simulated.');
  return {
    status: isWhole ? 200 : 206,
    body: one.blobs.readPages(blob, start, end - start + 1),
    headers: {
      ...shownHeaders(one.azure, blob),
      'Content-Length': String(end - start + 1),
      ...(isWhole ? {} : { 'Content-Range': `bytes ${start}-${end}/${blob.bytes}` }),
    },
  };
}

/** `Get Blob Metadata`: nothing else of the blob. */
export function getMetadata(one: BlobCall): Answer {
  const blob = demandBlob(one);
  const metadata = Object.entries(blob.headers).filter(([name]) => name.toLowerCase().startsWith('x-ms-meta-'));
  return { status: 200, headers: { ...versionOf(blob), ...Object.fromEntries(metadata) } };
}

export function setMetadata(one: BlobCall): Answer {
  const blob = demandBlob(one);
  demandNotCopying(one.azure, blob);
  const { 'Content-Type': type = 'application/octet-stream' } = blob.headers;
  const headers = { ...headersOf(one.call), 'Content-Type': type };
  return { status: 200, headers: versionOf(one.blobs.put({ ...blob, headers })) };
}

export function removeBlob(one: BlobCall): Answer {
  const blob = demandBlob(one);
  demandNotCopying(one.azure, blob);
  one.blobs.remove(blob);
  return { status: 202, headers: { 'x-ms-delete-type-permanent': 'true' } };
}

/** A blob that is being copied to takes no other write. */
export function demandNotCopying(azure: Azure, blob: Blob | undefined): void {
  if (blob === undefined || blob.copy === null || copyStatus(blob.copy, azure.now()) !== 'pending') return;
  throw blobError('PendingCopyOperation');
}

/** `Get Blob Properties`. */
export const shownHeaders = (azure: Azure, blob: Blob): Record<string, string> => ({
  ...versionOf(blob),
  ...blob.headers,
  'Content-Length': String(blob.bytes),
  'Accept-Ranges': 'bytes',
  'x-ms-blob-type': 'PageBlob',
  'x-ms-blob-sequence-number': '0',
  'x-ms-creation-time': new Date(blob.createdAt).toUTCString(),
  'x-ms-lease-status': 'unlocked',
  'x-ms-lease-state': 'available',
  'x-ms-server-encrypted': 'true',
  ...copyHeaders(azure, blob),
});

function copyHeaders(azure: Azure, { copy }: Blob): Record<string, string> {
  if (copy === null) return {};
  const now = azure.now();
  const status = copyStatus(copy, now);
  const share = Math.min(1, (Math.min(now, copy.endsAt) - copy.startedAt) / Math.max(1, copy.endsAt - copy.startedAt));
  const done = status === 'success' ? copy.bytes : Math.floor((copy.bytes * share) / PAGE) * PAGE;
  return {
    'x-ms-copy-id': copy.id,
    'x-ms-copy-source': copy.source,
    'x-ms-copy-status': status,
    'x-ms-copy-progress': `${done}/${copy.bytes}`,
    ...(status === 'pending' ? {} : { 'x-ms-copy-completion-time': new Date(copy.endsAt).toUTCString() }),
  };
}

/** The same as a list of blobs has it. */
export const shownProperties = (azure: Azure, blob: Blob): Record<string, string | number> => {
  const copy = copyHeaders(azure, blob);
  return {
    'Creation-Time': new Date(blob.createdAt).toUTCString(),
    'Last-Modified': new Date(blob.modifiedAt).toUTCString(),
    Etag: blob.etag,
    'Content-Length': blob.bytes,
    'Content-Type': blob.headers['Content-Type'] ?? '',
    'x-ms-blob-sequence-number': 0,
    BlobType: 'PageBlob',
    LeaseStatus: 'unlocked',
    LeaseState: 'available',
    ServerEncrypted: 'true',
    ...(copy['x-ms-copy-status'] === undefined
      ? {}
      : { CopyStatus: copy['x-ms-copy-status'], CopyProgress: copy['x-ms-copy-progress'] ?? '' }),
  };
};
