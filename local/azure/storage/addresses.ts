import { type Azure } from '../azure';
import { nameOf } from '../http/paths';
import { type Resource } from '../store/resources';

export const ACCOUNTS = 'Microsoft.Storage/storageAccounts';

/** First segments of other services' paths, which no account may be named after: its path would hide theirs. */
export const reservedNames = new Set(
  'subscriptions providers secrets deletedsecrets keys deletedkeys certificates metadata tenants common organizations msi adfs beta'.split(
    ' ',
  ),
);

/** An account's name is its own in all of Azure. */
export const findAccount = (azure: Azure, name: string): Resource | undefined =>
  azure.resources.list(ACCOUNTS).find(({ id }) => nameOf(id) === name);

/** Where an account's blobs are: a path of this origin, because the loopback address has no hosts of its own. */
export const blobEndpoint = ({ origin }: Azure, account: string): string => `${origin}/${account}/`;

const HOST = /^([a-z0-9]{3,24})\.blob\.(?:localhost|core\.windows\.net)(?::\d+)?$/i;

/**
 * The route of a request for a blob: its host names the account, as in Azure, or its first segment does.
 * Any other path is given back as it is.
 */
export function blobPath(azure: Azure, host: string | undefined, path: string): string {
  const byHost = HOST.exec(host ?? '')?.[1];
  if (byHost !== undefined) return `/_blob/${byHost.toLowerCase()}${path === '/' ? '' : path}`;
  const first = /^\/([a-z0-9]{3,24})(?=\/|$)/.exec(path)?.[1];
  if (first === undefined || reservedNames.has(first) || findAccount(azure, first) === undefined) return path;
  return `/_blob${path}`;
}

/** Account, container and blob of a URL of this Azure; undefined for any other. */
export function blobOfUrl(
  azure: Azure,
  url: string,
): { readonly account: string; readonly container: string; readonly name: string } | undefined {
  if (!URL.canParse(url)) return undefined;
  const { host, origin, pathname } = new URL(url);
  const routed = blobPath(azure, HOST.test(host) || origin === azure.origin ? host : 'elsewhere', pathname);
  const isOurs = HOST.test(host) || origin === azure.origin;
  const match = isOurs ? /^\/_blob\/([^/]+)\/([^/]+)\/(.+)$/.exec(decodeURIComponent(routed)) : null;
  const [, account, container, name] = match ?? [];
  if (account === undefined || container === undefined || name === undefined) return undefined;
  return { account, container, name };
}
