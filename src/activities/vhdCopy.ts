import { z } from 'zod';
import { AzureError, type Azure, type BlobAddress, type BlobCopy } from '../azure/ports';
import { OWNER_TAG, type SpecOf } from '../domain/resources';
import { isSecretOf } from '../domain/vaultUri';
import type { Refused } from '../domain/outcome';
import type { Effects, Observed } from './effects';

/** Names of a blob's metadata have no hyphens. */
const OWNER = 'sentrydeployment';
const SOURCE = 'sentrysource';
const GIB = 2 ** 30;
const madeImage = z.object({
  tags: z.record(z.string(), z.string()),
  provisioningState: z.literal('Succeeded'),
  storageProfile: z.object({ osDisk: z.object({ blobUri: z.string() }) }),
});
type Wanted = SpecOf<'vhdCopy'>['wanted'];
/** A VHD of 30 GB goes across the world in less; Azure itself gives up after two weeks. */
const PATIENCE_SECONDS = 43_200;
const POLL_SECONDS = 30;

/**
 * Guide, prerequisite 4: the VHD, copied into the given container. Azure copies; this begins it, tells how far it is,
 * and finds it again after a crash. A copy that failed is begun anew.
 */
export const vhdCopy = ({ pageBlobs, secrets, arm }: Azure): Effects<'vhdCopy'> => {
  /** The URL itself, or what the vault holds under the URI given. */
  const resolve = async (uri: string): Promise<string> => {
    if (!isSecretOf(secrets.vaultUri, uri)) return uri;
    const secret = await secrets.get(uri);
    if (secret) return secret.value.trim();
    const reason = `The vault holds no secret at ${uri}`;
    const remedy = 'Put the VHD’s URL into the app’s Key Vault, and its URI into image.uri.';
    throw new AzureError({ kind: 'refused', code: 'VhdSourceNotFound', reason, remedy }, 404);
  };
  /** Where the blob was that our image was made of: whoever tidied it away since is not given 30 GB again. */
  const used = async ({ imageId, container, blob }: Wanted, deployment: string): Promise<string | undefined> => {
    const image = madeImage.safeParse(await arm.image.get(imageId)).data;
    if (image?.tags[OWNER_TAG] !== deployment) return undefined;
    const { blobUri } = image.storageProfile.osDisk;
    return blobUri.endsWith(`/${container}/${blob}`) ? blobUri : undefined;
  };
  return {
    observe: async ({ wanted, deployment }) => {
      const blob = await pageBlobs.get(addressOf(wanted));
      if (!blob) {
        const blobUri = await used(wanted, deployment);
        return blobUri === undefined ? undefined : { value: wanted, ours: true, outputs: { blobUri } };
      }
      return {
        value: { ...wanted, source: blob.metadata[SOURCE] },
        ours: blob.metadata[OWNER] === deployment,
        outputs: { blobUri: blob.blobUri },
        ...standing(blob),
      };
    },
    put: async ({ wanted, deployment }) => {
      const metadata = { [OWNER]: deployment, [SOURCE]: wanted.source };
      await pageBlobs.copy(addressOf(wanted), await resolve(wanted.source), metadata);
      return {};
    },
    remove: async ({ wanted }) => {
      await pageBlobs.delete(addressOf(wanted));
      return {};
    },
  };
};

const copyFailed = (problem: string): Refused => ({
  kind: 'refused',
  code: 'VhdCopyFailed',
  reason: `The copy of the VHD failed: ${problem}`,
  remedy:
    'See that image.uri can be read for as long as the copy takes (a SAS runs out), then send the same request again.',
});

const addressOf = ({ storageAccountId, container, blob }: BlobAddress): BlobAddress => ({
  storageAccountId,
  container,
  blob,
});

function standing({ status, copied, total, problem = 'Azure does not say why' }: BlobCopy): Partial<Observed> {
  if (status === 'success') return {};
  if (status === 'failed') return { provisioning: 'failed', failure: copyFailed(problem) };
  const gib = (bytes: number): string => (bytes / GIB).toFixed(1);
  const text = `${gib(copied)} of ${gib(total)} GiB are copied`;
  return { provisioning: 'busy', progress: { text, seconds: POLL_SECONDS, patienceSeconds: PATIENCE_SECONDS } };
}
