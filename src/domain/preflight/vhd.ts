/** The guide's VHD: where it is copied from, the account and the container that it is copied into. Pure. */
import { applianceOf, type Blueprint } from '../blueprint/blueprint';
import { finding } from './codes';
import type { Finding } from './finding';
import { parseSubscription } from './subscriptions';

export interface StorageAccount {
  readonly location: string;
  readonly allowSharedKeyAccess?: boolean | undefined;
}
/** What the source's URL said of itself. */
export type SourceAnswer =
  | {
      readonly kind: 'answered';
      readonly status: number;
      /** Azure Storage's own name for a refusal. */
      readonly code?: string | undefined;
      readonly blobType?: string | undefined;
      readonly bytes: number;
    }
  | { readonly kind: 'unreachable'; readonly reason: string };
/** The URL to copy from: the request's own, or what the vault holds. */
export type Source = { readonly kind: 'url'; readonly url: string } | { readonly kind: 'absent' | 'noUrl' };

/** What the vault's secret holds, which is `undefined` where there is none. */
export function sourceIn(secret: string | undefined): Source {
  if (secret === undefined) return { kind: 'absent' };
  const url = secret.trim();
  return URL.canParse(url) && new URL(url).protocol === 'https:' ? { kind: 'url', url } : { kind: 'noUrl' };
}

export type ContainerAnswer = 'there' | 'absent' | 'noAccount';

const FOOTER = 512;
const MIB = 2 ** 20;
/** azure-docs, "Prepare a VHD": a fixed disk of whole MiB, at most 4,095 GiB, and a footer behind it. */
const MOST_BYTES = 4_095 * 2 ** 30 + FOOTER;
const PREPARE = 'https://learn.microsoft.com/azure/virtual-machines/linux/create-upload-generic';

/** The request's VHD; undefined where it asks for another image. */
export const vhdOf = (blueprint: Blueprint) => {
  const image = applianceOf(blueprint)?.image;
  return image?.kind === 'vhd' ? image : undefined;
};

/** An image is made of blobs of its own subscription and region alone. `account` is undefined where nothing shows it. */
export function checkAccount(blueprint: Blueprint, account: StorageAccount | undefined): readonly Finding[] {
  const vhd = vhdOf(blueprint);
  if (!vhd) return [];
  const { subscriptionId, location } = blueprint.request.placement;
  const elsewhere = (reason: string): Finding =>
    finding(
      'VhdAccountElsewhere',
      vhd.storageAccountId,
      reason,
      `Give a storage account of ${subscriptionId} in ${location} in image.storageAccountId.`,
    );
  const other = parseSubscription(vhd.storageAccountId);
  if (other !== subscriptionId.toLowerCase())
    return [elsewhere(`It lies in the subscription ${other}, and an image is made in ${subscriptionId}`)];
  const at = account?.location.toLowerCase().replaceAll(' ', '');
  return at === undefined || at === location
    ? []
    : [elsewhere(`It lies in ${at}, and the image is to be in ${location}`)];
}

export function checkContainer(blueprint: Blueprint, answer: ContainerAnswer): readonly Finding[] {
  const vhd = vhdOf(blueprint);
  if (!vhd || answer === 'there') return [];
  const { storageAccountId: id, container } = vhd;
  if (answer === 'noAccount') {
    const list =
      'Correct image.storageAccountId: `az storage account list --query "[].{id:id, location:location}"` shows what there is.';
    return [finding('NoSuchResource', id, 'Azure knows no such storage account', list)];
  }
  const remedy = `Make it: \`az storage container create --auth-mode login --account-name ${id.slice(id.lastIndexOf('/') + 1)} --name ${container}\`.`;
  return [
    finding(
      'VhdContainerNotFound',
      '/image/container',
      `There is no container '${container}' in the storage account`,
      remedy,
    ),
  ];
}

const unusable = (reason: string): Finding =>
  finding(
    'VhdSourceUnusable',
    '/image/uri',
    reason,
    `Correct image.uri: the URL of a page blob, or a secret of the app’s Key Vault with that URL and a SAS that may read it for as long as the copy takes. See ${PREPARE}.`,
  );

export const noSource = (kind: Exclude<Source['kind'], 'url'>, uri: string): Finding =>
  unusable(
    kind === 'absent' ? `The vault holds no secret at ${uri}` : `What the vault holds at ${uri} is no https URL`,
  );

const LET_IN =
  'No permission is missing: the app’s addresses (EGRESS_ADDRESSES) are to be let in, with `az storage account network-rule add --account-name <account> --ip-address <address>` where the source is an account of yours. Or go on: the copy says what it meets.';
/** Node's names for a host that no name server knows, or that none answers for. */
const NO_NAME = ['ENOTFOUND', 'EAI_AGAIN'];
const NAME =
  'No permission is missing, and no firewall was asked: correct the host in image.uri, or in the URL that the vault’s secret holds. Where it is right, have the app’s network resolve it, or go on: the copy says what it meets.';

/** Azure copies, and not the app: what the app cannot reach is no error, and what it may not see may be a firewall. */
export function checkSource(answer: SourceAnswer): readonly Finding[] {
  const unknown = (reason: string, remedy = LET_IN): readonly Finding[] => [
    finding('CouldNotBeChecked', '/image/uri', `The VHD at its source could not be read: ${reason}`, remedy),
  ];
  if (answer.kind === 'unreachable')
    return NO_NAME.includes(answer.reason)
      ? unknown(`its host’s name does not resolve for the app (${answer.reason})`, NAME)
      : unknown(`the app does not reach it (${answer.reason}), Azure Storage may`);
  const { status, code = String(answer.status), blobType, bytes } = answer;
  if (status === 403 && code === 'AuthorizationFailure')
    return unknown('a firewall of its account keeps the app out, Azure Storage may get through');
  if (status === 408 || status === 429 || status >= 500) return unknown(`its server answers ${status}`);
  if (status !== 200) return [unusable(`Its URL answers ${status}${code === String(status) ? '' : ` ${code}`}`)];
  if (blobType?.toLowerCase() !== 'pageblob')
    return [
      unusable(`It is ${blobType === undefined ? 'no blob of Azure Storage' : `a ${blobType}`}, not a page blob`),
    ];
  if (bytes > MOST_BYTES) return [unusable(`It has ${bytes} bytes, and a disk has at most ${MOST_BYTES}`)];
  return (bytes - FOOTER) % MIB === 0 && bytes > FOOTER
    ? []
    : [unusable(`It has ${bytes} bytes: a fixed VHD has whole MiB and a footer of ${FOOTER} bytes`)];
}
