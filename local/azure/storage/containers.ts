import { type Answer } from '../http/call';
import { type BlobCall, demandContainer } from './blobCall';
import { type Container } from './blobs';
import { blobError, escapeXml, xml } from './errors';
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

export function listContainers({ blobs, azure, name: { account } }: BlobCall): Answer {
  const items = blobs.containers(account).map(({ name, etag, modifiedAt }) => {
    const properties = fields({ 'Last-Modified': new Date(modifiedAt).toUTCString(), Etag: etag });
    return `<Container><Name>${name}</Name><Properties>${properties}</Properties></Container>`;
  });
  const endpoint = escapeXml(`${azure.origin}/${account}/`);
  const body = `<EnumerationResults ServiceEndpoint="${endpoint}"><Containers>${items.join('')}</Containers><NextMarker/></EnumerationResults>`;
  return xml(200, body);
}

/** All blobs that begin with the prefix, in one page. */
export function listBlobs({ blobs, azure, name, call }: BlobCall): Answer {
  demandContainer(blobs, name);
  const items = blobs.list(name.account, name.container, call.query('prefix') ?? '').map((blob) => {
    const properties = fields(shownProperties(azure, blob));
    return `<Blob><Name>${escapeXml(blob.name)}</Name><Properties>${properties}</Properties></Blob>`;
  });
  const endpoint = escapeXml(`${azure.origin}/${name.account}/`);
  return xml(
    200,
    `<EnumerationResults ServiceEndpoint="${endpoint}" ContainerName="${name.container}"><Blobs>${items.join('')}</Blobs><NextMarker/></EnumerationResults>`,
  );
}
