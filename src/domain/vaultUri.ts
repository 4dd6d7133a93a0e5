/** What a URL says of a vault. Pure. */

/** Is it a secret of this vault? The host decides: a blob's container may be called `secrets` too. */
export function isSecretOf(vaultUri: string, uri: string): boolean {
  const { origin, pathname } = new URL(uri);
  return origin === new URL(vaultUri).origin && /^\/secrets\/[^/]+(\/[^/]*)?$/.test(pathname);
}

/** Is it of a vault in one of Azure's clouds (`{name}.vault.azure.net`, `{name}.vault.usgovcloudapi.net`), or of this one? */
export function isOfVault(vaultUri: string, uri: string): boolean {
  const { origin, hostname } = new URL(uri);
  return origin === new URL(vaultUri).origin || /^[^.]+\.vault\./.test(hostname);
}
