import { type Call } from '../http/call';
import { AzureError } from '../http/errors';
import { type Filter, type Item, parseFilter } from '../http/odataFilter';

/** What `$expand` may name, and how an item's related objects are found. */
export type Expansions = Readonly<Record<string, (item: Item) => readonly Item[]>>;

const unsupported = (message: string): AzureError => new AzureError(400, 'Request_UnsupportedQuery', message);

const isEventual = (call: Call): boolean => call.header('consistencylevel')?.toLowerCase() === 'eventual';
const wantsCount = (call: Call): boolean => call.query('$count') === 'true';

/** Operators served from the index need both: https://aka.ms/graph-docs/advanced-queries */
function demandAdvanced(call: Call, { advanced }: Filter): void {
  if (advanced === undefined || (isEventual(call) && wantsCount(call))) return;
  throw unsupported(
    `Operator '${advanced}' is not supported because the required parameters might be missing. Try adding $count=true query parameter and ConsistencyLevel:eventual header. Refer to https://aka.ms/graph-docs/advanced-queries for more information`,
  );
}

const selected = (item: Item, select: string | undefined, expanded: readonly string[] = []): Item => {
  if (select === undefined) return item;
  const names = new Set([...select.split(','), ...expanded].map((name) => name.trim().toLowerCase()));
  return Object.fromEntries(
    Object.entries(item).filter(([name]) => names.has(name.toLowerCase()) || name.startsWith('@odata')),
  );
};

function expandedNames(call: Call, expansions: Expansions): string[] {
  const asked = (call.query('$expand') ?? '').split(',').map((name) => name.trim().replace(/\(.*$/, ''));
  const names = asked.filter((name) => name !== '');
  const unknown = names.find((name) => expansions[name] === undefined);
  if (unknown === undefined) return names;
  throw new AzureError(
    400,
    'BadRequest',
    `Parsing OData Select and Expand failed: Could not find a property named '${unknown}' on the resource, or its expansion is not simulated.`,
  );
}

const withExpanded = (item: Item, names: readonly string[], expansions: Expansions): Item => ({
  ...item,
  ...Object.fromEntries(names.map((name) => [name, expansions[name]?.(item) ?? []])),
});

function pageSize(call: Call): number {
  const top = call.query('$top');
  if (top === undefined) return 100;
  const size = Number(top);
  if (Number.isInteger(size) && size >= 1 && size <= 999) return size;
  throw unsupported(`Invalid page size specified: '${top}'. Must be between 1 and 999 inclusive.`);
}

function sorted(items: readonly Item[], order: string | undefined): readonly Item[] {
  if (order === undefined) return items;
  const [name = '', direction = 'asc'] = order.trim().split(/\s+/);
  const sign = direction.toLowerCase() === 'desc' ? -1 : 1;
  const text = (item: Item): string => {
    const value = item[name];
    return typeof value === 'string' ? value.toLowerCase() : '';
  };
  return [...items].sort((a, b) => sign * text(a).localeCompare(text(b)));
}

const offsetOf = (call: Call): number => {
  const token = call.query('$skiptoken');
  if (token === undefined) return 0;
  const offset = /^from:(\d+)$/.exec(Buffer.from(token, 'base64url').toString())?.[1];
  if (offset === undefined)
    throw new AzureError(
      400,
      'Directory_ExpiredPageToken',
      'The specified page token value has expired and can no longer be included in your request.',
    );
  return Number(offset);
};

/** Items that the call's `$filter` lets through. */
export function filtered(call: Call, items: readonly Item[]): readonly Item[] {
  if (call.query('$search') !== undefined)
    throw unsupported(
      'NotSimulated: $search is not simulated. Simulated are $filter, $select, $expand, $orderby, $top and $count.',
    );
  const text = call.query('$filter');
  if (text === undefined) return items;
  const filter = parseFilter(text);
  demandAdvanced(call, filter);
  return items.filter(filter.test);
}

/** A collection with `$filter`, `$orderby`, `$select`, `$expand`, `$count`, `$top` and pages. */
export function collection(
  call: Call,
  origin: string,
  name: string,
  items: readonly Item[],
  expansions: Expansions = {},
): Record<string, unknown> {
  const found = sorted(filtered(call, items), call.query('$orderby'));
  const expanded = expandedNames(call, expansions);
  const size = pageSize(call);
  const from = offsetOf(call);
  const page = found
    .slice(from, from + size)
    .map((item) => selected(withExpanded(item, expanded, expansions), call.query('$select'), expanded));
  const kept = ['$filter', '$select', '$top', '$expand', '$orderby', '$count'].flatMap((key) => {
    const value = call.query(key);
    return value === undefined ? [] : [`${key}=${encodeURIComponent(value)}`];
  });
  const token = Buffer.from(`from:${from + size}`).toString('base64url');
  const next = `${origin}${call.path}?${[...kept, `$skiptoken=${token}`].join('&')}`;
  return {
    '@odata.context': `${origin}/v1.0/$metadata#${name}`,
    // Counted only from the index: without the header Graph leaves it out in silence.
    ...(wantsCount(call) && isEventual(call) ? { '@odata.count': found.length } : {}),
    ...(from + size < found.length ? { '@odata.nextLink': next } : {}),
    value: page,
  };
}

export function entity(
  call: Call,
  origin: string,
  name: string,
  item: Item,
  expansions: Expansions = {},
): Record<string, unknown> {
  const expanded = expandedNames(call, expansions);
  return {
    '@odata.context': `${origin}/v1.0/$metadata#${name}/$entity`,
    ...selected(withExpanded(item, expanded, expansions), call.query('$select'), expanded),
  };
}

/** `…/$count`: a bare number as text, and only from the index. */
export function demandCountable(call: Call): void {
  if (!isEventual(call)) throw new AzureError(400, 'Request_BadRequest', '$count is not currently supported.');
}
