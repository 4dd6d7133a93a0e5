/** Page blobs of Azure Storage: copied inside Azure, looked at and removed. */
import { StorageManagementClient } from '@azure/arm-storage';
import { toCompatResponse, type WebResourceLike } from '@azure/core-http-compat';
import { createHttpHeaders, type HttpClient, type PipelineRequest } from '@azure/core-rest-pipeline';
import {
  AnonymousCredential,
  BlobSASPermissions,
  BlobServiceClient,
  generateBlobSASQueryParameters,
  PageBlobClient,
  type StoragePipelineOptions,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { parseArmId } from '../arm/armId';
import { armOptions, type Connection } from '../client';
import { orUndefined, sortFailure } from '../errors';
import type { BlobAddress, BlobCopy, PageBlobs } from '../ports';

/** Long enough for one call; the copy itself needs no right of ours once it is begun. */
const SAS_MINUTES = 15;
const CLOCK_SKEW_MS = 5 * 60_000;

export function pageBlobs(connection: Connection): PageBlobs {
  const clientAt = (at: BlobAddress): Promise<PageBlobClient> => clientOf(connection, at);
  return {
    // Without its account or container it is not there either.
    get: (at) => orUndefined(clientAt(at).then(async (client) => toCopy(client, await client.getProperties()))),
    copy: async (at, source, metadata) => {
      await (await clientAt(at)).beginCopyFromURL(source, { metadata: { ...metadata } });
    },
    delete: async (at) => {
      await (await clientAt(at)).deleteIfExists();
    },
  };
}

/**
 * With the account's key, read for this call and kept nowhere; where the account refuses keys, or we may not read
 * them, with a SAS that our own identity may sign (azure-docs, "Create a user delegation SAS": Storage Blob Data
 * Contributor).
 */
async function clientOf(
  connection: Connection,
  { storageAccountId, container, blob }: BlobAddress,
): Promise<PageBlobClient> {
  const { credential, transport } = connection;
  const { subscriptionId, resourceGroup, names } = parseArmId(storageAccountId);
  const [name] = names;
  const arm = new StorageManagementClient(credential, subscriptionId, armOptions(connection));
  const { primaryEndpoints, allowSharedKeyAccess } = await arm.storageAccounts.getProperties(resourceGroup, name);
  const endpoint = (primaryEndpoints?.blob ?? '').replace(/\/$/, '');
  const url = `${endpoint}/${container}/${encodeURIComponent(blob)}`;
  const options: StoragePipelineOptions = {
    retryOptions: { maxTries: 1 },
    ...(transport.httpClient ? { httpClient: forStorage(transport.httpClient) } : {}),
  };
  const withKey = async (): Promise<PageBlobClient> => {
    const { keys } = await arm.storageAccounts.listKeys(resourceGroup, name);
    return new PageBlobClient(url, new StorageSharedKeyCredential(name, keys?.[0]?.value ?? ''), options);
  };
  const withSas = async (): Promise<PageBlobClient> => {
    const now = Date.now();
    const [startsOn, expiresOn] = [new Date(now - CLOCK_SKEW_MS), new Date(now + SAS_MINUTES * 60_000)];
    const service = new BlobServiceClient(endpoint, credential, options);
    const key = await service.getUserDelegationKey(startsOn, expiresOn);
    const permissions = BlobSASPermissions.parse('racwd');
    const sas = generateBlobSASQueryParameters(
      { containerName: container, blobName: blob, permissions, startsOn, expiresOn },
      key,
      name,
    );
    return new PageBlobClient(`${url}?${sas.toString()}`, new AnonymousCredential(), options);
  };
  if (allowSharedKeyAccess === false) return withSas();
  try {
    return await withKey();
  } catch (error) {
    if (sortFailure(error).outcome.code !== 'AuthorizationFailed') throw error;
    // Where neither may be done, the missing right to the keys is what is told, and may yet arrive.
    return withSas().catch(() => Promise.reject(sortFailure(error)));
  }
}

type Properties = Awaited<ReturnType<PageBlobClient['getProperties']>>;

function toCopy({ url }: PageBlobClient, found: Properties): BlobCopy {
  const { copyStatus, copyProgress = '', copyStatusDescription, contentLength = 0, metadata } = found;
  const [copied = contentLength, total = contentLength] = copyProgress.split('/').filter(Boolean).map(Number);
  return {
    status:
      copyStatus === 'pending' ? 'pending' : copyStatus === 'failed' || copyStatus === 'aborted' ? 'failed' : 'success',
    copied,
    total,
    problem: copyStatusDescription,
    // Never with the SAS that this very call may have used.
    blobUri: url.split('?')[0] ?? url,
    metadata: metadata ?? {},
  };
}

/** The storage client still speaks the older interface of Azure's HTTP clients. */
const forStorage = (client: HttpClient): NonNullable<StoragePipelineOptions['httpClient']> => ({
  sendRequest: async (request: WebResourceLike) => {
    const headers = createHttpHeaders(request.headers.toJson({ preserveCase: true }));
    const sent = { ...request, headers } as unknown as PipelineRequest;
    return toCompatResponse(await client.sendRequest(sent), { createProxy: true });
  },
});
