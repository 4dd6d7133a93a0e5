import { expect, test } from '@jest/globals';
import { makeEnsure } from '../../../src/activities/ensure';
import { resourceEffects } from '../../../src/activities/resourceEffects';
import type { Azure, BlobCopy } from '../../../src/azure/ports';
import type { Spec } from '../../../src/domain/resources';

const account = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/vhds';
const source = 'https://vhds.blob.core.windows.net/secrets/sentry.vhd';
const spec: Spec = {
  kind: 'vhdCopy',
  key: 'vhdCopy',
  id: `${account}/blobServices/default/containers/c/blobs/b`,
  deployment: 'prod-sentry',
  wanted: { source, storageAccountId: account, container: 'c', blob: 'b', imageId: '/i' },
};
const failed: BlobCopy = {
  status: 'failed',
  copied: 0,
  total: 9,
  problem: '403 Forbidden "Copy failed when reading the source."',
  blobUri: 'https://vhds/c/b',
  metadata: { sentrydeployment: 'prod-sentry', sentrysource: source },
};

/** Copies that come to these, one after another. */
function azureWith(...copies: readonly BlobCopy[]) {
  let begun = 0;
  const pageBlobs = { get: async () => copies[begun], copy: async () => void (begun += 1) };
  const azure = {
    pageBlobs,
    arm: { image: { get: async () => undefined } },
    secrets: { vaultUri: 'https://ours.vault.azure.net' },
  } as unknown as Azure;
  return { ensure: makeEnsure(azure, resourceEffects(azure)), begun: () => begun };
}

test('a blob in a container that is called secrets is copied, not looked up in the vault', async () => {
  const { ensure, begun } = azureWith(failed, { ...failed, status: 'pending' });
  expect(await ensure([{ spec }])).toMatchObject([{ kind: 'later' }]);
  expect(begun()).toBe(1);
});

test('a copy that failed in an earlier run is begun anew', async () => {
  const { ensure, begun } = azureWith(failed, { ...failed, status: 'pending' });
  expect(await ensure([{ spec }])).toMatchObject([{ kind: 'later', change: 'changed' }]);
  expect(begun()).toBe(1);
});

test('a copy that fails in this run says why, and is not begun again and again for half a day', async () => {
  const { ensure, begun } = azureWith(failed, failed);
  const refused = { kind: 'refused', code: 'VhdCopyFailed', reason: expect.stringContaining('403 Forbidden') };
  expect(await ensure([{ spec, change: 'created' }])).toMatchObject([refused]);
  expect(begun()).toBe(0);
  // … and one that failed at once is not taken for a copy.
  expect(await ensure([{ spec }])).toMatchObject([refused]);
  expect(begun()).toBe(1);
});
