import { type Azure } from '../azure';
import { type Call } from './call';
import { badRequest } from './errors';

/** How many a page of a list holds. Microsoft names no number. */
const PAGE = 1000;

/** One page of a list as Azure Resource Manager gives it, with a `nextLink` where more follow. */
export function paged<T>(azure: Azure, call: Call, all: readonly T[]): { value: readonly T[]; nextLink?: string } {
  const token = call.query('$skiptoken');
  const text = token === undefined ? '0' : Buffer.from(token, 'base64url').toString();
  if (!/^\d+$/.test(text)) throw badRequest('InvalidSkipToken', 'The skip token is not valid.');
  const from = Number(text);
  const value = all.slice(from, from + PAGE);
  if (from + PAGE >= all.length) return { value };
  const next = Buffer.from(String(from + PAGE)).toString('base64url');
  const version = call.query('api-version') ?? '';
  return { value, nextLink: `${azure.origin}${call.path}?api-version=${version}&%24skiptoken=${next}` };
}
