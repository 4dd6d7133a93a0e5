import { type Azure } from '../azure';
import { type Call } from './call';
import { AzureError, badRequest } from './errors';

/** The query parameter by which a list takes another size of its pages, where it has one. */
type SizedBy = '$top' | '$maxpagesize';

interface Page<T> {
  readonly value: readonly T[];
  readonly nextLink?: string;
}

/**
 * One page of a list as Azure Resource Manager gives it, with a `nextLink` where more follow. `$top` is the size of each
 * page, not of the whole list, and stands in the link again with the rest of the query (azure-rest-api-specs#18525).
 */
export function paged<T>(azure: Azure, call: Call, all: readonly T[], sizedBy?: SizedBy): Page<T> {
  const from = offsetOf(call);
  const to = from + sizeOf(azure, call, sizedBy);
  const value = all.slice(from, to);
  return to >= all.length ? { value } : { value, nextLink: linkTo(azure, call, to) };
}

/** The same, with each of the page's items made into what is shown. */
export function pageOf<T, S>(
  azure: Azure,
  call: Call,
  all: readonly T[],
  shown: (one: T) => S,
  sizedBy?: SizedBy,
): Page<S> {
  const { value, ...next } = paged(azure, call, all, sizedBy);
  return { value: value.map(shown), ...next };
}

function offsetOf(call: Call): number {
  const token = call.query('$skiptoken');
  const text = token === undefined ? '0' : Buffer.from(token, 'base64url').toString();
  if (/^\d+$/.test(text)) return Number(text);
  throw badRequest('InvalidSkipToken', 'The skip token is not valid.');
}

function sizeOf(azure: Azure, call: Call, sizedBy: SizedBy | undefined): number {
  const most = azure.tenant.limits.listPage;
  const asked = sizedBy === undefined ? undefined : call.query(sizedBy);
  if (asked === undefined) return most;
  const size = Number(asked);
  if (Number.isInteger(size) && size >= 1 && size <= most) return size;
  throw new AzureError(400, 'InvalidTopInQueryString', `Top value must be positive integer less than or equal to ${most}.`); // prettier-ignore
}

function linkTo({ origin }: Azure, { url, path }: Call, offset: number): string {
  const at = url.indexOf('?');
  const query = [...new URLSearchParams(at < 0 ? '' : url.slice(at + 1))].filter(([name]) => name.toLowerCase() !== '$skiptoken'); // prettier-ignore
  const token = Buffer.from(String(offset)).toString('base64url');
  return `${origin}${path}?${new URLSearchParams([...query, ['$skiptoken', token]]).toString()}`;
}
