import { createHmac, timingSafeEqual } from 'node:crypto';
import { type Azure } from '../azure';
import { type Resource } from '../store/resources';
import { keysOf } from './accounts';
import { type BlobName } from './blobs';
import { blobError, notSimulated } from './errors';

/** A parameter of the URL, by name. */
type Query = (name: string) => string | undefined;

/** From this version on the encryption scope is signed too; older ones than `FIRST` are not simulated. */
const WITH_SCOPE = '2020-12-06';
const FIRST = '2018-11-09';

/**
 * Checks a shared access signature, of the account or of a container or blob, and gives its permissions: letters of
 * `racwdl` and more. Throws 403 in the blob service's words.
 */
export function sasPermissions(azure: Azure, account: Resource, name: BlobName, query: Query): string {
  if (query('skoid') !== undefined) throw notSimulated('User delegation signatures are not simulated.');
  if (query('si') !== undefined) throw notSimulated('Stored access policies are not simulated.');
  const version = query('sv') ?? '';
  if (version < FIRST) throw notSimulated(`Signatures of version '${version}' are not simulated, before ${FIRST}.`);
  if (account.document.properties['allowSharedKeyAccess'] === false)
    throw blobError('KeyBasedAuthenticationNotPermitted');
  const text = query('ss') === undefined ? serviceText(name, query, version) : accountText(name, query, version);
  const given = Buffer.from(query('sig') ?? '', 'base64');
  const matches = Object.values(keysOf(azure, account)).some((key) => {
    const expected = createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest();
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
  if (!matches) throw failed(`Signature did not match. String to sign used was ${text}`);
  demandTime(azure, query);
  demandKind(name, query);
  return query('sp') ?? '';
}

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

/** "Create an account SAS": each line is ended, the last one too. */
const accountText = ({ account }: BlobName, query: Query, version: string): string =>
  [
    account,
    ...['sp', 'ss', 'srt', 'st', 'se', 'sip', 'spr', 'sv'].map((one) => query(one) ?? ''),
    ...(version >= WITH_SCOPE ? [query('ses') ?? ''] : []),
    '',
  ].join('\n');

function demandTime({ now }: Azure, query: Query): void {
  const [start, end] = [Date.parse(query('st') ?? ''), Date.parse(query('se') ?? '')];
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
