import { type Answer, type Call } from '../http/call';
import { type BlobCall, demandContainer } from './blobCall';
import { type Container } from './blobs';
import { blobError, escapeXml, notSimulated, xml } from './errors';
import { shownProperties } from './pageBlobs';

export function demandContainerName(name: string): void {
  if (name === '$root' || /^(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(name)) return;
  throw blobError('InvalidResourceName');
}

const headersOf = ({ etag, modifiedAt }: Container): Record<string, string> => ({
  ETag: etag,
  'Last-Modified': new Date(modifiedAt).toUTCString(),
});

export function putContainer({ blobs, name: { account, container } }: BlobCall): Answer {
  const existing = blobs.container(account, container);
  if (existing !== undefined)
    throw blobError(existing.goneAt === null ? 'ContainerAlreadyExists' : 'ContainerBeingDeleted');
  return { status: 201, headers: headersOf(blobs.putContainer(account, container)) };
}

export function showContainer({ blobs, name }: BlobCall): Answer {
  demandContainer(blobs, name);
  const found = blobs.container(name.account, name.container);
  if (found === undefined) throw blobError('ContainerNotFound');
  return {
    status: 200,
    headers: { ...headersOf(found), 'x-ms-lease-status': 'unlocked', 'x-ms-lease-state': 'available' },
  };
}

export function removeContainer({ blobs, name }: BlobCall): Answer {
  demandContainer(blobs, name);
  blobs.removeContainer(name.account, name.container);
  return { status: 202 };
}

const fields = (members: Readonly<Record<string, string | number>>): string =>
  Object.entries(members)
    .map(([name, value]) => `<${name}>${escapeXml(String(value))}</${name}>`)
    .join('');

export function listContainers({ blobs, azure, call, name }: BlobCall): Answer {
  const page = pageOf(call, blobs.containers(name.account), ({ name: one }) => one);
  const items = page.items.map(({ name: one, etag, modifiedAt }) => {
    const properties = fields({ 'Last-Modified': new Date(modifiedAt).toUTCString(), Etag: etag });
    return `<Container><Name>${one}</Name><Properties>${properties}</Properties></Container>`;
  });
  const attributes = `ServiceEndpoint="${escapeXml(`${azure.origin}/${name.account}/`)}"`;
  return enumeration(attributes, page, `<Containers>${items.join('')}</Containers>`);
}

export function listBlobs({ blobs, azure, name, call }: BlobCall): Answer {
  demandContainer(blobs, name);
  if (call.query('delimiter') !== undefined) throw notSimulated('A list of blobs by delimiter is not simulated.');
  const page = pageOf(call, blobs.list(name.account, name.container), (blob) => blob.name);
  const items = page.items.map((blob) => {
    const properties = fields(shownProperties(azure, blob));
    return `<Blob><Name>${escapeXml(blob.name)}</Name><Properties>${properties}</Properties></Blob>`;
  });
  const attributes = `ServiceEndpoint="${escapeXml(`${azure.origin}/${name.account}/`)}" ContainerName="${name.container}"`;
  return enumeration(attributes, page, `<Blobs>${items.join('')}</Blobs>`);
}

interface Page<T> {
  readonly items: readonly T[];
  /** What was asked for, as the answer repeats it. */
  readonly asked: Readonly<Record<string, string>>;
  readonly nextMarker: string;
}

/** The most that a page holds, whatever is asked. */
const MOST = 5000;

/** `prefix`, `marker` and `maxresults`, in the order of names. A marker is opaque: Azure's hold more. */
function pageOf<T>(call: Call, all: readonly T[], nameOf: (one: T) => string): Page<T> {
  const [prefix = '', marker = '', maxresults] = ['prefix', 'marker', 'maxresults'].map((name) => call.query(name));
  if (maxresults !== undefined && !(Number.isInteger(Number(maxresults)) && Number(maxresults) > 0))
    throw blobError('OutOfRangeQueryParameterValue', {
      QueryParameterName: 'maxresults',
      QueryParameterValue: maxresults,
      MinimumAllowed: '1',
      MaximumAllowed: String(MOST),
    });
  const from = nameIn(marker);
  const found = all.filter((one) => nameOf(one).startsWith(prefix) && nameOf(one) >= from);
  const size = Math.min(Number(maxresults ?? MOST), MOST);
  const next = found[size];
  const asked = { ...(prefix === '' ? {} : { Prefix: prefix }), ...(marker === '' ? {} : { Marker: marker }) };
  return {
    items: found.slice(0, size),
    asked: { ...asked, ...(maxresults === undefined ? {} : { MaxResults: maxresults }) },
    nextMarker: next === undefined ? '' : markerOf(nameOf(next)),
  };
}

function markerOf(name: string): string {
  const text = Buffer.from(name).toString('base64url');
  return `2!${text.length}!${text}`;
}

function nameIn(marker: string): string {
  if (marker === '') return '';
  const [, length, text = ''] = /^2!(\d+)!([\w-]+)$/.exec(marker) ?? [];
  if (Number(length) === text.length) return Buffer.from(text, 'base64url').toString();
  throw blobError('InvalidQueryParameterValue', { QueryParameterName: 'marker', QueryParameterValue: marker });
}

function enumeration(attributes: string, { asked, nextMarker }: Page<unknown>, items: string): Answer {
  const next = nextMarker === '' ? '<NextMarker/>' : `<NextMarker>${nextMarker}</NextMarker>`;
  return xml(200, `<EnumerationResults ${attributes}>${fields(asked)}${items}${next}</EnumerationResults>`);
}
