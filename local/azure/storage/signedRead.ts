import { type Azure } from '../azure';
import { AzureError } from '../http/errors';
import { blobOfUrl, findAccount } from './addresses';
import { demandPermission } from './authorize';
import { Blobs, PAGE } from './blobs';
import { signatureOf } from './sas';

/** The text of a blob of this Azure that a URL's own signature opens, as a machine would download it; else undefined. */
export function readBySignature(azure: Azure, url: string): string | undefined {
  const name = blobOfUrl(azure, url);
  const account = name === undefined ? undefined : findAccount(azure, name.account);
  if (name === undefined || account === undefined) return undefined;
  const { searchParams } = new URL(url);
  try {
    const holder = signatureOf(azure, account, name, (one) => searchParams.get(one) ?? undefined);
    demandPermission(azure, account, holder, 'read', name.container, 'blobs');
  } catch (error) {
    if (error instanceof AzureError) return undefined;
    throw error;
  }
  const blobs = new Blobs(azure);
  const blob = blobs.get(name);
  if (blob === undefined) return undefined;
  // Pages are written whole: what fills the last one is no part of the text.
  const content = blobs.readPages(name, 0, Math.ceil(blob.bytes / PAGE) * PAGE);
  return content.toString('utf8').replace(/\0+$/, '');
}
