import { createHmac, timingSafeEqual } from 'node:crypto';
import { type Azure } from '../azure';
import { type Call } from '../http/call';
import { type Resource } from '../store/resources';
import { keysOf } from './accounts';
import { type BlobName } from './blobs';
import { blobError } from './errors';
import { type Signature, signatureOf } from './sas';

/** Whose request it is: the holder of an account key, who may do anything, of a signature, or a principal. */
export type Holder =
  { readonly kind: 'key' } | Signature | { readonly kind: 'principal'; readonly principalId: string };

/** Checks the Authorization header of a request to an account: a shared key's signature or an Entra token. */
export async function identify(azure: Azure, account: Resource, call: Call, name: BlobName): Promise<Holder> {
  const authorization = call.header('authorization');
  if (authorization === undefined) {
    if (call.query('sig') !== undefined) return signatureOf(azure, account, name, call.query);
    throw blobError('NoAuthenticationInformation', {}, challenge(azure));
  }
  if (/^SharedKey /i.test(authorization)) return sharedKey(azure, account, call, authorization);
  const verdict = await azure.tokens.check(authorization, 'storage');
  if (verdict.kind !== 'valid') {
    const detail = {
      missing: 'The authentication scheme is not supported.',
      invalid: 'Signature validation failed.',
      expired: 'Lifetime validation failed. The token is expired.',
      wrongAudience: 'Audience validation failed. Audience did not match.',
    }[verdict.kind];
    throw blobError('InvalidAuthenticationInfo', { AuthenticationErrorDetail: detail }, challenge(azure));
  }
  return { kind: 'principal', principalId: verdict.caller.principalId };
}

const challenge = ({ origin, tenant }: Azure): Record<string, string> => ({
  'WWW-Authenticate': `Bearer authorization_uri=${origin}/${tenant.tenantId}/oauth2/authorize resource_id=https://storage.azure.com`,
});

function sharedKey(azure: Azure, account: Resource, call: Call, authorization: string): Holder {
  if (account.document.properties['allowSharedKeyAccess'] === false)
    throw blobError('KeyBasedAuthenticationNotPermitted');
  const [, name, signature = ''] = /^SharedKey ([^:]+):(.+)$/i.exec(authorization) ?? [];
  const accountName = account.id.slice(account.id.lastIndexOf('/') + 1);
  const text = stringToSign(accountName, call);
  const given = Buffer.from(signature, 'base64');
  const matches = Object.values(keysOf(azure, account)).some((key) => {
    const expected = createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest();
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
  if (!matches || name !== accountName) {
    const detail = `The MAC signature found in the HTTP request '${signature}' is not the same as any computed signature. Server used following string to sign: '${text}'.`;
    throw blobError('AuthenticationFailed', { AuthenticationErrorDetail: detail });
  }
  demandFresh(azure, call);
  return { kind: 'key' };
}

/** A signed request is taken for 15 minutes. */
function demandFresh(azure: Azure, call: Call): void {
  const sent = Date.parse(call.header('x-ms-date') ?? call.header('date') ?? '');
  if (Math.abs(azure.now() - sent) <= 15 * 60_000) return;
  throw blobError('AuthenticationFailed', {
    AuthenticationErrorDetail: `The date header in the request is incorrect: it is not within 15 minutes of '${new Date(azure.now()).toUTCString()}'.`,
  });
}

const signedHeaders = [
  'content-encoding',
  'content-language',
  'content-length',
  'content-md5',
  'content-type',
  'date',
  'if-modified-since',
  'if-match',
  'if-none-match',
  'if-unmodified-since',
  'range',
];

/** What Shared Key signs, as "Authorize with Shared Key" of the storage REST reference describes it (2015-02-21 and later). */
function stringToSign(account: string, call: Call): string {
  const standard = signedHeaders.map((name) => {
    const value = call.header(name) ?? '';
    if (name === 'content-length' && value === '0') return '';
    return name === 'date' && call.header('x-ms-date') !== undefined ? '' : value;
  });
  const names = call
    .headerNames()
    .map((name) => name.toLowerCase())
    .filter((name) => name.startsWith('x-ms-'))
    .sort();
  const headers = names.map((name) => `${name}:${(call.header(name) ?? '').trim()}`);
  const [path = '', query = ''] = call.url.split('?', 2);
  const parameters = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(query)) {
    const key = name.toLowerCase();
    parameters.set(key, [...(parameters.get(key) ?? []), value].sort());
  }
  const sorted = [...parameters]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, values]) => `${name}:${values.join(',')}`);
  return [call.method, ...standard, ...headers, [`/${account}${path}`, ...sorted].join('\n')].join('\n');
}

const SERVICES = 'Microsoft.Storage/storageAccounts/blobServices';
const CONTAINERS = `${SERVICES}/containers`;

export type Action = 'read' | 'list' | 'write' | 'delete' | 'delegate';

/** What a signature must say, and what a role must allow: to list blobs is to read them. */
const needed: Readonly<Record<Action, { readonly letters: RegExp; readonly verb: string }>> = {
  read: { letters: /r/, verb: 'read' },
  list: { letters: /l/, verb: 'read' },
  write: { letters: /[cw]/, verb: 'write' },
  delete: { letters: /d/, verb: 'delete' },
  delegate: { letters: /$^/, verb: '' },
};

/** 403 AuthorizationPermissionMismatch unless the holder may; a container's own actions are control actions, as in Azure. */
export function demandPermission(
  azure: Azure,
  account: Resource,
  holder: Holder,
  action: Action,
  container: string | undefined,
  of: 'container' | 'blobs',
): void {
  if (holder.kind === 'key') return;
  const { letters, verb } = needed[action];
  const scope = `${account.id}/blobServices/default${container === undefined ? '' : `/containers/${container}`}`;
  const allows = (principalId: string): boolean =>
    action === 'delegate'
      ? azure.rbac.permits(principalId, `${SERVICES}/generateUserDelegationKey/action`, account.id)
      : of === 'blobs'
        ? holds(azure, principalId, `${CONTAINERS}/blobs/${verb}`, scope, 'data')
        : holds(azure, principalId, `${CONTAINERS}/${verb}`, scope);
  const permitted =
    holder.kind === 'signature'
      ? letters.test(holder.permissions) && (holder.principalId === undefined || allows(holder.principalId))
      : allows(holder.principalId);
  if (!permitted) throw blobError('AuthorizationPermissionMismatch');
}

function holds(azure: Azure, principalId: string, action: string, scope: string, plane?: 'data'): boolean {
  azure.rbac.demanded.note(principalId, action, scope);
  return azure.rbac.permits(principalId, action, scope, plane);
}
