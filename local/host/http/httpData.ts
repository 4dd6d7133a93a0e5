/** HTTP as the worker's messages have it, for functions that take the request and give the answer whole (contract 11, HTTP). */
import { type HttpCookie, type HttpData } from '../app/coreTypes';
import { type Reply, type Request } from './exchange';

/** The `nullable` maps, because the plain ones lose empty values. */
export function requestData(
  { method, url, headers, body }: Request,
  params: Readonly<Record<string, string>>,
): HttpData {
  return {
    method,
    url: url.href,
    nullableHeaders: nullable(headers),
    nullableQuery: nullable(queryOf(url)),
    nullableParams: nullable(params),
    ...(body.length > 0 && { body: { bytes: body } }),
  };
}

/** .NET joins the values of a repeated name with a comma. */
export const queryOf = ({ searchParams }: URL): Record<string, string> =>
  Object.fromEntries([...new Set(searchParams.keys())].map((name) => [name, searchParams.getAll(name).join(',')]));

const nullable = (values: Readonly<Record<string, string>>): Record<string, { value: string }> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]));

/** The host frames the answer itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'connection']);

export function toReply({ statusCode, headers = {}, cookies = [], body }: HttpData): Reply {
  const kept = Object.entries(headers).filter(([name]) => !OWN_HEADERS.has(name.toLowerCase()));
  const ownCookies = kept.filter(([name]) => name.toLowerCase() === 'set-cookie').map(([, value]) => value);
  const content = body?.bytes ?? body?.string ?? body?.json;
  return {
    status: Number(statusCode ?? 200),
    headers: Object.fromEntries(kept),
    cookies: cookies.length > 0 ? [...ownCookies, ...cookies.map(cookieHeader)] : [],
    ...(content !== undefined && { body: typeof content === 'string' ? content : Buffer.from(content) }),
  };
}

function cookieHeader({ name, value, domain, path, expires, secure, httpOnly, sameSite, maxAge }: HttpCookie): string {
  const seconds = expires?.value?.seconds;
  const policy = sameSite === 'explicitNone' ? 'None' : sameSite === 'none' ? undefined : sameSite;
  const attributes: readonly [string, string | number | undefined][] = [
    ['Domain', domain?.value],
    ['Path', path?.value],
    ['Expires', seconds === undefined ? undefined : new Date(seconds * 1000).toUTCString()],
    ['Max-Age', maxAge?.value],
    ['SameSite', policy],
  ];
  const parts = attributes.flatMap(([attribute, one]) => (one === undefined ? [] : [`${attribute}=${one}`]));
  const flags = [secure?.value ? ['Secure'] : [], httpOnly?.value ? ['HttpOnly'] : []].flat();
  return [`${name}=${encodeURIComponent(value)}`, ...parts, ...flags].join('; ');
}
