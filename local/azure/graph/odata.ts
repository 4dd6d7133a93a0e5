import { type Call } from '../http/call';
import { AzureError } from '../http/errors';

type Item = Readonly<Record<string, unknown>>;
type Test = (item: Item) => boolean;

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value.toLowerCase() : undefined);

/** One comparison of a `$filter`; Graph compares text without regard to case. */
const forms: readonly { readonly form: RegExp; readonly test: (name: string, value: string) => Test }[] = [
  { form: /^(\w+)\s+eq\s+'((?:[^']|'')*)'$/i, test: (name, value) => (item) => text(item[name]) === value },
  {
    form: /^startswith\((\w+),\s*'((?:[^']|'')*)'\)$/i,
    test: (name, value) => (item) => text(item[name])?.startsWith(value) === true,
  },
  {
    form: /^(\w+)\/any\(\w+:\s*\w+\s+eq\s+'((?:[^']|'')*)'\)$/i,
    test: (name, value) => (item) => {
      const values: unknown = item[name];
      return Array.isArray(values) && values.some((one) => text(one) === value);
    },
  },
];

function parseFilter(filter: string): Test {
  const tests = filter.split(/\s+and\s+/i).map((part): Test => {
    for (const { form, test } of forms) {
      const [, name, value] = form.exec(part.trim()) ?? [];
      if (name !== undefined && value !== undefined) return test(name, value.replaceAll("''", "'").toLowerCase());
    }
    throw new AzureError(
      400,
      'Request_UnsupportedQuery',
      `Unsupported or invalid query filter clause specified: '${part}'.`,
    );
  });
  return (item) => tests.every((test) => test(item));
}

const selected = (item: Item, select: string | undefined): Item => {
  if (select === undefined) return item;
  const names = new Set(select.split(',').map((name) => name.trim().toLowerCase()));
  return Object.fromEntries(Object.entries(item).filter(([name]) => names.has(name.toLowerCase())));
};

/** A collection with `$filter`, `$select`, `$top` and pages. */
export function collection(call: Call, origin: string, name: string, items: readonly Item[]): Record<string, unknown> {
  const filter = call.query('$filter');
  const found = filter === undefined ? items : items.filter(parseFilter(filter));
  const size = Math.min(Number(call.query('$top') ?? 100), 999);
  const from = Number(call.query('$skiptoken') ?? 0);
  const page = found.slice(from, from + size).map((item) => selected(item, call.query('$select')));
  const more = from + size < found.length;
  const kept = ['$filter', '$select', '$top'].flatMap((key) => {
    const value = call.query(key);
    return value === undefined ? [] : [`${key}=${encodeURIComponent(value)}`];
  });
  const next = `${origin}${call.path}?${[...kept, `$skiptoken=${from + size}`].join('&')}`;
  return {
    '@odata.context': `${origin}/v1.0/$metadata#${name}`,
    ...(call.query('$count') === 'true' ? { '@odata.count': found.length } : {}),
    ...(more ? { '@odata.nextLink': next } : {}),
    value: page,
  };
}

export const entity = (call: Call, origin: string, name: string, item: Item): Record<string, unknown> => ({
  '@odata.context': `${origin}/v1.0/$metadata#${name}/$entity`,
  ...selected(item, call.query('$select')),
});
