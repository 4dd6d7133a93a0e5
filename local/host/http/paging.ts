/** Filters and pages of lists (contract 7.3). */
import { type Instance, type InstanceFilter, RUNTIME_STATUSES, type RuntimeStatus } from '../engine/store';
import { type ApiCall } from './apiCall';

const TOKEN = 'x-ms-continuation-token';
const DEFAULT_PAGE = 100;

export const wants = (query: URLSearchParams, name: string): boolean => query.get(name)?.toLowerCase() === 'true';

/** What cannot be read is ignored, as on Azure. */
function date(text: string | null): number | undefined {
  const parsed = Date.parse(text ?? '');
  return Number.isNaN(parsed) ? undefined : parsed;
}

/** Names of states are matched to the letter; unknown ones are ignored, so `failed` filters nothing. */
export function readFilter(query: URLSearchParams): InstanceFilter {
  const named = query.getAll('runtimeStatus').flatMap((list) => list.split(',').map((name) => name.trim()));
  const statuses = RUNTIME_STATUSES.filter((status): status is RuntimeStatus => named.includes(status));
  return {
    prefix: query.get('instanceIdPrefix') ?? undefined,
    createdFrom: date(query.get('createdTimeFrom')),
    createdTo: date(query.get('createdTimeTo')),
    statuses: statuses.length > 0 ? statuses : undefined,
  };
}

/** One page, ordered by id, and the token of the next one if there is one. */
export function listPage(
  { client, request, query }: ApiCall,
  filter: InstanceFilter,
): { page: Instance[]; next: string | undefined } {
  const top = Number.parseInt(query.get('top') ?? '', 10);
  const size = Number.isNaN(top) ? DEFAULT_PAGE : Math.max(top, 0);
  const token = request.headers[TOKEN]?.trim();
  const after = token ? Buffer.from(token, 'base64').toString('utf8') : undefined;
  const found = client.list({ ...filter, after, limit: size + 1 });
  const page = found.slice(0, size);
  const last = page.at(-1);
  return { page, next: found.length > size && last ? Buffer.from(last.id).toString('base64') : undefined };
}

export function continuationHeader({ isRpc }: ApiCall, next: string | undefined): Record<string, string> {
  return next === undefined && !isRpc ? {} : { [TOKEN]: next ?? '' };
}
