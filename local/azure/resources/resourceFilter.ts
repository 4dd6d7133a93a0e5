import { type Call } from '../http/call';
import { AzureError, badRequest } from '../http/errors';
import { parseFilter } from '../http/odataFilter';

type Item = Readonly<Record<string, unknown>>;

/** Names that a `$filter` of resources may use, besides those of the resource itself. */
const searched = (item: Item): Item => {
  const { id, type } = item;
  return { ...item, resourceType: type, resourceGroup: typeof id === 'string' ? id.split('/')[4] : undefined };
};

/** Lists of resources by `$filter`, as `az keyvault list` and `az resource list` ask for them. */
export function chosenResources(call: Call, items: readonly Item[]): readonly Item[] {
  const text = call.query('$filter');
  return text === undefined ? items : items.filter(testOf(text));
}

const NAMES = ['resourceType', 'name', 'location', 'resourceGroup'] as const;
const TAGS = /^tagName eq '((?:[^']|'')*)'(?: and tagValue eq '((?:[^']|'')*)')?$/i;

function testOf(text: string): (item: Item) => boolean {
  const [, name, value] = TAGS.exec(text) ?? [];
  if (name !== undefined) return (item) => hasTag(item['tags'], name, value);
  const refused = badRequest(
    'InvalidFilterInQueryString',
    `Invalid $filter '${text}' specified in the query string. Simulated are ${NAMES.join(', ')}, and tagName with tagValue.`,
  );
  const names = [...text.matchAll(/(\w+)\s+(?:eq|ne)\s/g)].map(([, one = '']) => one.toLowerCase());
  if (!names.every((one) => NAMES.some((known) => known.toLowerCase() === one))) throw refused;
  try {
    const { test } = parseFilter(text);
    return (item) => test(searched(item));
  } catch (error) {
    throw error instanceof AzureError ? refused : error;
  }
}

const hasTag = (tags: unknown, name: string, value: string | undefined): boolean =>
  typeof tags === 'object' &&
  tags !== null &&
  Object.entries(tags).some(
    ([key, is]) => key.toLowerCase() === name.toLowerCase() && (value === undefined || is === value),
  );
