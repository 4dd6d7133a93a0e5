import { createHmac, timingSafeEqual } from 'node:crypto';
import { type Azure } from '../azure';
import { type Resource } from '../store/resources';
import { keysOf } from './accounts';
import { type BlobName } from './blobs';
import { delegationKey } from './delegationKey';
import { blobError, notSimulated } from './errors';

/** A parameter of the URL, by name. */
type Query = (name: string) => string | undefined;

/** From this version on the encryption scope is signed too; older ones than `FIRST` are not simulated. */
const WITH_SCOPE = '2020-12-06';
const FIRST = '2018-11-09';

/** What a signature opens: letters of `racwdl` and more, and no more than its principal may, if it is by a principal's key. */
export interface Signature {
  readonly kind: 'signature';
  readonly permissions: string;
  readonly principalId?: string;
}

/**
 * Checks a shared access signature: of the account or of a container or blob, by an account key or a user's delegation
 * key. Throws 403 in the blob service's words.
 */
export function signatureOf(azure: Azure, account: Resource, name: BlobName, query: Query): Signature {
  if (query('si') !== undefined) throw notSimulated('Stored access policies are not simulated.');
  const version = query('sv') ?? '';
  if (version < FIRST) throw notSimulated(`Signatures of version '${version}' are not simulated, before ${FIRST}.`);
  const principalId = query('skoid');
  const isDelegated = principalId !== undefined;
  if (isDelegated && version < WITH_SCOPE)
    throw notSimulated(`Signatures by a user's key of version '${version}' are not simulated, before ${WITH_SCOPE}.`);
  if (!isDelegated && account.document.properties['allowSharedKeyAccess'] === false)
    throw blobError('KeyBasedAuthenticationNotPermitted');
  const textOf = isDelegated ? delegatedText : query('ss') === undefined ? serviceText : accountText;
  const text = textOf(name, query, version);
  const keys = isDelegated ? [delegationKey(azure, account, signedKey(query))] : Object.values(keysOf(azure, account));
  const given = Buffer.from(query('sig') ?? '', 'base64');
  const matches = keys.some((key) => {
    const expected = createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest();
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
  if (!matches) throw failed(`Signature did not match. String to sign used was ${text}`);
  demandTime(azure, query);
  demandKind(name, query);
  return { kind: 'signature', permissions: query('sp') ?? '', ...(isDelegated ? { principalId } : {}) };
}

const signedKey = (query: Query): Parameters<typeof delegationKey>[2] => ({
  objectId: query('skoid') ?? '',
  tenantId: query('sktid') ?? '',
  start: query('skt') ?? '',
  expiry: query('ske') ?? '',
  version: query('skv') ?? '',
});

const failed = (detail: string): Error => blobError('AuthenticationFailed', { AuthenticationErrorDetail: detail });

/** "Create a service SAS" of the storage REST reference. */
function serviceText({ account, container, name }: BlobName, query: Query, version: string): string {
  const isBlob = query('sr') === 'b';
  const of = (one: string): string => query(one) ?? '';
  return [
    ...['sp', 'st', 'se'].map(of),
    `/blob/${account}/${container}${isBlob ? `/${name}` : ''}`,
    ...['si', 'sip', 'spr', 'sv', 'sr', 'snapshot'].map(of),
    ...(version >= WITH_SCOPE ? [of('ses')] : []),
    ...['rscc', 'rscd', 'rsce', 'rscl', 'rsct'].map(of),
  ].join('\n');
}

/** From these versions on, whom else the key is delegated to, and which headers and parameters of a request, are signed. */
const WITH_DELEGATE = '2025-07-05';
const WITH_REQUEST = '2026-04-06';

/** "Create a user delegation SAS". */
function delegatedText({ account, container, name }: BlobName, query: Query, version: string): string {
  const isBlob = query('sr') === 'b';
  const of = (one: string): string => query(one) ?? '';
  return [
    ...['sp', 'st', 'se'].map(of),
    `/blob/${account}/${container}${isBlob ? `/${name}` : ''}`,
    ...['skoid', 'sktid', 'skt', 'ske', 'sks', 'skv', 'saoid', 'suoid', 'scid'].map(of),
    ...(version >= WITH_DELEGATE ? ['skdutid', 'sduoid'].map(of) : []),
    ...['sip', 'spr', 'sv', 'sr', 'snapshot', 'ses'].map(of),
    ...(version >= WITH_REQUEST ? ['srh', 'srq'].map(of) : []),
    ...['rscc', 'rscd', 'rsce', 'rscl', 'rsct'].map(of),
  ].join('\n');
}

/** "Create an account SAS": each line is ended, the last one too. */
const accountText = ({ account }: BlobName, query: Query, version: string): string =>
  [
    account,
    ...['sp', 'ss', 'srt', 'st', 'se', 'sip', 'spr', 'sv'].map((one) => query(one) ?? ''),
    ...(version >= WITH_SCOPE ? [query('ses') ?? ''] : []),
    '',
  ].join('\n');

function demandTime({ now }: Azure, query: Query): void {
  // A user's key is over when it says.
  const ends = ['se', 'ske'].flatMap((name) => query(name) ?? []);
  const [start, end] = [Date.parse(query('st') ?? ''), Math.min(...ends.map((one) => Date.parse(one)))];
  const at = now();
  if (!(at < start) && at < end) return;
  throw failed(
    `Signature not valid in the specified time frame: Start [${query('st') ?? ''}] - Expiry [${query('se') ?? ''}] - Current [${new Date(at).toUTCString()}]`,
  );
}

/** An account's signature names the services and levels that it opens, a blob's opens that blob alone. */
function demandKind({ container, name }: BlobName, query: Query): void {
  const level = container === '' ? 's' : name === '' ? 'c' : 'o';
  const opens =
    query('ss') === undefined
      ? level === 'o' || (level === 'c' && query('sr') === 'c')
      : query('ss')?.includes('b') === true && query('srt')?.includes(level) === true;
  if (!opens) throw blobError('AuthorizationResourceTypeMismatch');
}
